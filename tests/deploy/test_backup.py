"""What a backup refuses before a byte is written, and what is kept of a home's files."""

import asyncio
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import ClassVar

import asyncpg
import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.backup import archive as keeping
from deploy.backup import command, making, manifest, recovery, restoring, segments
from deploy.backup.archive import COMPLETE, _ensure_there, complete_until, position_of
from deploy.backup.kept import copy_kept, size_of
from deploy.backup.manifest import FILE, Manifest, fingerprints
from deploy.backup.restoring import Wanted
from deploy.local import archive, secret_files
from deploy.local import stack as stacks
from deploy.local.archive import life
from deploy.local.place import PROJECT, Place, WrongPlace
from deploy.local.state import PartState, State
from shared.crypto import KeyRing, Suite, new_key

NOON = datetime(2026, 11, 30, 4, tzinfo=UTC)
MADE = Manifest(
    postgres="17",
    environment="test",
    began_at=NOON,
    ended_at=NOON,
    life="l",
    archive=None,
    bytes=1,
    keys={},
    migrations={"roster/1.sql": "a"},
)


def test_a_folder_without_its_manifest_or_of_another_format_is_no_backup(tmp_path: Path) -> None:
    with pytest.raises(WrongPlace, match=FILE):
        manifest.read(tmp_path)
    (tmp_path / FILE).write_text(MADE.model_copy(update={"format": 9}).model_dump_json())
    with pytest.raises(WrongPlace, match="第 9 版"):
        manifest.read(tmp_path)
    (tmp_path / FILE).write_text(MADE.model_dump_json())
    assert manifest.read(tmp_path) == MADE


@pytest.mark.parametrize("left", ["", '{"format": 1, "postgres": "1', "[]", '{"format": 1}'])
def test_a_manifest_that_was_cut_short_is_told_in_words(tmp_path: Path, left: str) -> None:
    (tmp_path / FILE).write_text(left)
    with pytest.raises(WrongPlace, match=rf"{FILE} 已损坏，.*请重新拷贝"):
        manifest.read(tmp_path)


def test_a_copy_of_a_backup_that_lacks_files_is_refused_before_a_byte_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its database is whole, and what is kept in files would be missing without a word."""
    for name in ("base/PG_VERSION", "kept/out/documents/1.pdf"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("17 bytes of a file")
    made = MADE.model_copy(update={"bytes": size_of(tmp_path), "keys": {}})
    (tmp_path / FILE).write_text(made.model_dump_json())
    place = Place(tmp_path / "home", 0, "test")
    monkeypatch.setattr(restoring, "known_migrations", lambda: made.migrations)
    monkeypatch.setattr(stacks, "refuse_taken", stopped)

    with pytest.raises(Stopped):  # at the ports, which are looked at before anything is copied
        restoring.restore(place, Wanted(tmp_path), print)
    shutil.rmtree(tmp_path / "kept")
    with pytest.raises(WrongPlace, match=r"备份不完整：做成时有 36 字节，现在少 18 字节（没有文件夹 kept）"):
        restoring.restore(place, Wanted(tmp_path), print)
    assert not place.home.exists()


def test_missing_and_other_keys_are_refused_and_a_ring_that_has_grown_is_not(tmp_path: Path) -> None:
    ours, others = tmp_path / "ours", tmp_path / "others"
    for folder in (ours, others):
        folder.mkdir()
        secret_files.make(folder)
    made = MADE.model_copy(update={"keys": fingerprints(ours)})
    rows = json.loads((ours / "field.keys").read_text())
    grown = json.loads(KeyRing((new_key(2, Suite.SM4),)).text())
    (ours / "field.keys").write_text(json.dumps(rows + grown))

    manifest.ensure_keys(made, ours)
    with pytest.raises(WrongPlace, match=r"密钥不符：field\.keys、account\.keys"):
        manifest.ensure_keys(made, others)
    with pytest.raises(WrongPlace, match=r"缺少密钥文件"):
        manifest.ensure_keys(made, tmp_path)
    assert rows[0]["key"] not in made.model_dump_json()


@pytest.mark.parametrize(
    ("environment", "postgres", "known", "said"),
    [
        ("demo", "17", {"roster/1.sql": "a"}, "test 环境"),
        ("test", "18", {"roster/1.sql": "a"}, "PostgreSQL 17"),
        ("test", "17", {}, r"roster/1\.sql"),
        ("test", "17", {"roster/1.sql": "b"}, r"roster/1\.sql"),
    ],
)
def test_what_this_program_cannot_carry_on_is_refused(
    tmp_path: Path, environment: str, postgres: str, known: dict[str, str], said: str
) -> None:
    with pytest.raises(WrongPlace, match=said):
        manifest.ensure_fits(MADE, Place(tmp_path, 0, environment), postgres, known)  # type: ignore[arg-type]  # a parameter


def test_a_backup_reaches_no_further_back_than_its_end() -> None:
    manifest.ensure_after(MADE, NOON)
    with pytest.raises(WrongPlace, match="更早的备份"):
        manifest.ensure_after(MADE, NOON - timedelta(seconds=1))


def test_a_folder_in_use_and_a_disk_that_is_too_small_are_refused(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(WrongPlace, match="不是空目录"):
        making.ensure_empty(tmp_path)
    with pytest.raises(WrongPlace, match="剩余"):
        making.ensure_room(tmp_path / "not" / "yet", 2**60)


def test_a_backup_makes_no_folder_that_a_disk_should_bring(tmp_path: Path) -> None:
    """Where the disk is not mounted, it would be written onto the system's own."""
    with pytest.raises(WrongPlace, match=f"没有文件夹 {tmp_path}/mnt.*请先挂载"):
        making.make(Place(tmp_path, 0, "test"), tmp_path / "mnt" / "tonight", print)

    making.ensure_empty(tmp_path / "tonight")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["tonight", "."])
def test_a_backup_of_production_goes_to_another_disk_unless_it_is_told_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    """An empty mount point lies on the disk of what it stands in."""
    home, backup = tmp_path / "home", tmp_path / "backup"
    home.mkdir()
    backup.mkdir()
    asked: list[Path] = []
    monkeypatch.setattr(making, "ensure_room", lambda folder, _: asked.append(folder))
    monkeypatch.setattr(making, "_ask", lambda *_: given())
    monkeypatch.setattr(making, "_base_backup", stopped)
    with pytest.raises(WrongPlace, match=r"可能没有挂载.*--same-disk"):
        making.make(Place(home, 0, "production"), backup / target, print)
    assert asked == []

    for environment, same in (("production", True), ("demo", False)):
        with pytest.raises(Stopped):
            making.make(Place(home, 0, environment), backup / target, print, same_disk=same)  # type: ignore[arg-type]  # a parameter


def test_another_disk_is_told_by_its_number(tmp_path: Path) -> None:
    with pytest.raises(WrongPlace):
        making.ensure_other_disk(Path("/dev/shm"), tmp_path)  # noqa: S108  a disk of its own on every Linux

    making.ensure_other_disk(tmp_path, Path("/dev/shm"))  # noqa: S108
    making.ensure_other_disk(tmp_path, Path("/dev/shm/not-yet"))  # noqa: S108


class Stopped(Exception):  # noqa: N818  named as the fact it states
    """As far as a test goes."""


def stopped(*_: object) -> None:
    raise Stopped


async def given() -> making.Asked:
    return making.Asked("17", 1, {})


def test_whether_a_system_is_archived_its_supervisor_says_and_not_who_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, 0, "test")
    place.make_folders()
    monkeypatch.setenv("BIANBAN_ARCHIVE_DIR", "/elsewhere")
    assert making.archive_in_use(place) == Path("/elsewhere") / life(place)

    for told, expected in (({"BIANBAN_ARCHIVE_DIR": "/archive"}, Path("/archive") / life(place)), ({}, None)):
        running = subprocess.Popen(["/bin/sleep", "60"], env=told)
        try:
            monkeypatch.setattr(stacks, "supervisor", lambda _, pid=running.pid: pid)
            assert making.archive_in_use(place) == expected
        finally:
            running.kill()
            running.wait()


@pytest.mark.parametrize(
    ("begun", "asked", "kept", "said"),
    [
        (
            True,
            False,
            False,
            r"归档已停止：以前归档到 /disk/archive/l，.*BIANBAN_ARCHIVE_DIR.*归档目录的上级 /disk/archive）.*备份，并运行 bianban archive give-up",
        ),
        (False, True, False, "没有归档：系统启动时没有设置 BIANBAN_ARCHIVE_DIR。请运行 bianban down"),
        (True, True, True, ""),
        (False, False, False, ""),
    ],
)
@pytest.mark.parametrize("command", ["up", "status"])
def test_a_start_that_forgets_the_archive_says_that_none_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, begun: bool, asked: bool, kept: bool, said: str
) -> None:
    async def ready(*_: object) -> None:
        pass

    place = Place(tmp_path, 0, "test")
    place.make_folders()
    secret_files.make(place.secrets)
    (tmp_path / "city").write_text("none\n")
    if begun:
        (place.home / "pg" / "archive").write_text("/disk/archive/l\n")
    for name, stands_in in {"refuse_taken": print, "launch": lambda *_, **__: None, "until_ready": ready}.items():
        monkeypatch.setattr(stacks, name, stands_in)
    monkeypatch.setattr(stacks, "published", lambda _: [PartState("migrate", state=State.DONE)])
    monkeypatch.setattr(cli, "_ensure_migrated", lambda _: None)
    monkeypatch.setattr(making, "archive_in_use", lambda _: Path("/disk/archive/l") if kept else None)
    env = {"BIANBAN_HOME": str(tmp_path), "BIANBAN_ENVIRONMENT": "test", "BIANBAN_ARCHIVE_DIR": "/disk/archive" if asked else None}

    told = CliRunner().invoke(cli.app, [command], env=env, catch_exceptions=False)

    assert told.exit_code == 0, told.output
    assert re.search(said, told.output) if said else "归档" not in told.output


@pytest.mark.parametrize("marked", [True, False])
def test_who_gives_an_archive_up_leaves_nothing_of_it_behind(stack: Place, monkeypatch: pytest.MonkeyPatch, marked: bool) -> None:
    """The server would keep 8 GB of its log for nobody; a mark that was deleted by hand left it so."""
    monkeypatch.setattr(Place, "from_environment", lambda: stack)
    monkeypatch.setattr(command, "archive_in_use", lambda _: None)
    in_database(stack, "SELECT pg_create_physical_replication_slot('archive')")
    if marked:
        (stack.home / "pg" / "archive").write_text("/disk/archive/l\n")

    told = CliRunner().invoke(cli.app, ["archive", "give-up", "--yes"], catch_exceptions=False)

    assert told.output == f"已放弃归档{' /disk/archive/l' if marked else ''}，其中的文件没有删除。请立即做一份新的备份。\n"
    assert in_database(stack, "SELECT FROM pg_replication_slots WHERE slot_name = 'archive'") == []
    assert not (stack.home / "pg" / "archive").exists()
    with pytest.raises(WrongPlace, match="没有归档可以放弃"):
        CliRunner().invoke(cli.app, ["archive", "give-up", "--yes"], catch_exceptions=False, standalone_mode=False)


def test_an_archive_in_use_is_not_given_up(stack: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "from_environment", lambda: stack)
    monkeypatch.setattr(command, "archive_in_use", lambda _: Path("/disk/archive/l"))

    with pytest.raises(WrongPlace, match=r"正在归档到 /disk/archive/l。请先运行 bianban down"):
        CliRunner().invoke(cli.app, ["archive", "give-up", "--yes"], catch_exceptions=False, standalone_mode=False)


def in_database(place: Place, statement: str) -> list[asyncpg.Record]:
    async def asked() -> list[asyncpg.Record]:
        superuser = await asyncpg.connect(place.database_url("postgres", "postgres"))
        try:
            return await superuser.fetch(statement)
        finally:
            await superuser.close()

    return asyncio.run(asked())


def test_an_archive_whose_disk_is_away_is_not_begun_on_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path / "home", 0, "test")
    place.make_folders()
    secret_files.make(place.secrets)
    monkeypatch.setenv("BIANBAN_ARCHIVE_DIR", str(tmp_path / "mnt" / "archive"))
    with pytest.raises(WrongPlace, match=f"没有文件夹 {tmp_path}/mnt.*请先挂载"):
        prepare_archive(place)

    (tmp_path / "mnt").mkdir()
    begun = archive.archive_of(place)
    assert begun
    with pytest.raises(RuntimeError):  # no server to make the slot in
        prepare_archive(place)
    with pytest.raises(RuntimeError):
        prepare_archive(place)
    shutil.rmtree(begun)
    with pytest.raises(WrongPlace, match=r"可能没有挂载.*bianban restart archive-wal.*先新建目录"):
        prepare_archive(place)
    with pytest.raises(SystemExit, match="可能没有挂载"):
        _ensure_there(place, begun)
    assert not begun.exists()

    (begun / "wal").mkdir(parents=True)
    with pytest.raises(RuntimeError):
        prepare_archive(place)


async def reached(*_: object, **__: object) -> SimpleNamespace:
    return SimpleNamespace(terminate=lambda: None)


@pytest.mark.parametrize(
    "away", [ConnectionRefusedError(), asyncpg.DiskFullError("no room"), asyncpg.InterfaceError("connection is closed")]
)
def test_an_archive_goes_on_by_itself_after_the_longest_outage_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, away: Exception
) -> None:
    """A part that ends each time is given up after ten times, and nobody archives any more."""
    place = Place(tmp_path / "home", 0, "test")
    place.make_folders()
    secret_files.make(place.secrets)
    outages = iter([away] * 30)

    async def one_round(*_: object) -> None:
        if outage := next(outages, None):
            raise outage
        raise EOFError  # it is archived again

    monkeypatch.setattr(keeping, "EVERY", 0)
    monkeypatch.setattr(asyncpg, "connect", reached)
    monkeypatch.setattr(keeping, "_round", one_round)

    with pytest.raises(EOFError):
        asyncio.run(asyncio.wait_for(keeping.keep(place, tmp_path / "archive" / "life"), 30))


def test_an_archive_whose_disk_goes_while_it_is_kept_is_not_gone_on_with_on_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, kept = Place(tmp_path / "home", 0, "test"), tmp_path / "archive" / "life"
    place.make_folders()
    secret_files.make(place.secrets)
    (kept / "wal").mkdir(parents=True)
    (place.home / "pg" / "archive").write_text(f"{kept}\n")

    async def unmounted(*_: object) -> None:
        shutil.rmtree(kept)

    monkeypatch.setattr(keeping, "EVERY", 0)
    monkeypatch.setattr(keeping, "asyncpg", SimpleNamespace(connect=reached))
    monkeypatch.setattr(keeping, "_round", unmounted)

    with pytest.raises(SystemExit, match="可能没有挂载"):
        asyncio.run(asyncio.wait_for(keeping.keep(place, kept), 30))


class Collector(BaseHTTPRequestHandler):
    """Hears figures."""

    heard: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.heard.append(gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body)
        self.send_response(200)
        self.end_headers()


def test_an_archive_that_fails_from_its_first_start_was_there_for_its_alert(tmp_path: Path) -> None:
    """ArchiveStands rings for a figure that comes no more; one that never came is none that was asked for."""
    place = Place(tmp_path / "home", 0, "test")
    place.make_folders()
    Collector.heard.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        env = {
            **os.environ,
            "BIANBAN_HOME": str(place.home),
            "BIANBAN_ENVIRONMENT": "test",
            "BIANBAN_ARCHIVE_DIR": str(tmp_path / "mnt" / "archive"),
            "BIANBAN_OTLP": f"http://127.0.0.1:{server.server_port}",
        }
        ended = subprocess.run([sys.executable, "-m", "deploy.backup.archive"], env=env, cwd=PROJECT, capture_output=True, check=False)
        server.shutdown()

    assert (ended.returncode, "请先挂载" in ended.stderr.decode()) == (1, True)
    assert any(b"bianban.archive.age" in figures for figures in Collector.heard)


def prepare_archive(place: Place) -> None:
    wal = next(archive.parts(place))
    assert wal.prepare
    wal.prepare()


def test_an_archive_that_is_away_is_told_to_who_restores_without_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it holds would be missing, and nobody would have said so."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / FILE).write_text(MADE.model_copy(update={"archive": "/mnt/archive/l"}).model_dump_json())
    for name in ("_refuse", "verify", "copy_kept"):
        monkeypatch.setattr(restoring, name, lambda *_: None)
    monkeypatch.setattr(restoring, "_take_secrets", stopped)
    told: list[str] = []

    with pytest.raises(Stopped):
        restoring.restore(Place(tmp_path / "home", 0, "test"), Wanted(tmp_path / "b"), told.append)

    assert [line for line in told if "没有找到该备份之后的归档 /mnt/archive/l，只恢复到备份完成的 2026-11-30 12:00:00" in line]


def test_files_are_copied_once_again_when_changed_and_never_deleted_in_the_copy(tmp_path: Path) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy"
    for name in ("out/documents/a.pdf", "out/documents/b.pdf", "log/approval.log", "secrets/field.keys"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(name)

    assert (copy_kept(home, copy), copy_kept(home, copy)) == (2, 0)
    (home / "out/documents/a.pdf").write_text("another")
    (home / "out/documents/b.pdf").unlink()
    assert copy_kept(home, copy) == 1
    assert sorted(str(file.relative_to(copy)) for file in copy.rglob("*") if file.is_file()) == [
        "out/documents/a.pdf",
        "out/documents/b.pdf",
    ]


T1 = "00000001" + "0" * 8
"""Timeline and the first eight digits of the first files of a log."""


@pytest.mark.parametrize(
    ("base", "archived", "reached", "lacking"),
    [
        (["01"], ["01", "02", "04"], None, ["03"]),
        (["01"], ["01", "02", "03.partial"], None, []),
        (["01"], ["05", "06.partial"], None, ["01", "02", "03", "04"]),
        (["03"], ["03", "04"], None, []),
        (["03"], [], None, ["03"]),
        (["03"], ["02"], None, ["03"]),
        (["01"], ["01", "02.gz", "03"], None, ["02"]),
        (["01"], ["01", "02"], "0/3000000", []),
        (["01"], ["01", "02"], "0/3000001", ["03"]),
        (["01", "02"], ["02"], "0/2000028", []),
    ],
)
def test_a_hole_in_the_archived_log_is_found(base: list[str], archived: list[str], reached: str | None, lacking: list[str]) -> None:
    held = [f"{T1}000000{name}" for name in archived]

    found = segments.missing(["archive_status", *(f"{T1}000000{name}" for name in base)], ["00000002.history", *held], reached)

    assert found == [f"{T1}000000{name}" for name in lacking]


def test_the_log_goes_on_over_the_last_two_digits_and_over_a_change_of_the_timeline() -> None:
    base, archived = [f"{T1}000000FE"], [f"{T1}000000FE", f"{T1}000000FF", "000000010000000100000000"]

    assert segments.missing(base, archived, "1/1000000") == []
    assert segments.missing(base, [*archived, "000000020000000100000001.partial"]) == []
    assert segments.missing(base, [archived[0], archived[2]]) == [f"{T1}000000FF"]
    assert segments.missing(base, [*archived[:2], "000000010000000100000001"]) == ["000000010000000100000000"]
    assert segments.behind([f"{T1}000000FF"]) == "000000010000000100000000"


def test_what_an_archive_says_of_itself_is_read_with_its_position_and_without(tmp_path: Path) -> None:
    assert (complete_until(tmp_path), position_of(tmp_path)) == (None, None)
    (tmp_path / COMPLETE).write_text(f"{NOON.isoformat()}\n")
    assert (complete_until(tmp_path), position_of(tmp_path)) == (NOON, None)
    (tmp_path / COMPLETE).write_text(f"{NOON.isoformat()} 0/5000028\n")
    assert (complete_until(tmp_path), position_of(tmp_path)) == (NOON, "0/5000028")


def holding(tmp_path: Path, *archived: str) -> tuple[Wanted, Manifest]:
    """A backup that ends with the file 01, and the files of the archive behind it."""
    archive = tmp_path / "archive"
    for folder in (tmp_path / "base" / "pg_wal", archive / "wal"):
        folder.mkdir(parents=True)
    (tmp_path / "base" / "pg_wal" / f"{T1}00000001").touch()
    for name in archived:
        (archive / "wal" / f"{T1}000000{name}").touch()
    (archive / COMPLETE).write_text((NOON + timedelta(hours=2)).isoformat())
    return Wanted(tmp_path, NOON + timedelta(hours=1)), MADE.model_copy(update={"archive": str(archive)})


def test_a_minute_behind_a_trimmed_log_is_refused_before_a_byte_is_written(tmp_path: Path) -> None:
    wanted, made = holding(tmp_path, "05", "06.partial")

    with pytest.raises(WrongPlace, match=f"{T1}00000002.*请选"):
        restoring._archive(wanted, made)

    assert restoring._archive(Wanted(tmp_path), made) == tmp_path / "archive"


@pytest.mark.parametrize(("archived", "rounds"), [(["01", "02", "04"], 1), (["01", "02", "03"], 2)])
def test_a_log_that_ends_before_the_minute_is_taken_for_all_there_is_only_without_a_hole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, archived: list[str], rounds: int
) -> None:
    wanted, made = holding(tmp_path, *archived)
    asked: list[datetime | None] = []

    @asynccontextmanager
    async def recovered(_place: Place, _data: Path, _wal: Path | None, until: datetime | None) -> AsyncIterator[None]:
        asked.append(until)
        raise recovery.EndedEarly
        yield

    monkeypatch.setattr(recovery, "recovered", recovered)
    archive = restoring._archive(wanted, made)
    with pytest.raises(WrongPlace, match=f"{T1}00000003" if rounds == 1 else "未能恢复"):
        asyncio.run(restoring._recover(Place(tmp_path, 0, "test"), wanted, made, archive, tmp_path / "data", print))

    assert asked == [wanted.until, None][:rounds]


def test_an_archive_that_is_not_named_is_not_said_to_be_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The archive would grow for ever, and each night it would be said that it was cleared."""
    monkeypatch.setenv("BIANBAN_HOME", str(tmp_path))
    monkeypatch.setattr(command, "make", lambda *_, **__: MADE)

    with pytest.raises(WrongPlace, match="没有清理归档：本系统没有归档"):
        command.backup(tmp_path / "backup", trimmed=True)

    told = capsys.readouterr().out
    assert ("备份完成" in told, "归档已清理" in told) == (True, False)
