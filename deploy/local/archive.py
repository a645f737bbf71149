"""The archive: what was written since the last backup, where BIANBAN_ARCHIVE_DIR names a folder (on another disk). Two parts keep it.

`archive-wal` streams PostgreSQL's log; `archive-files` copies what is kept in files and says up to which instant both are complete.
"""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from deploy.local import postgres, probes, whole_file
from deploy.local.part import Part
from deploy.local.place import Place, WrongPlace

SLOT = "archive"
PATIENCE = 20
"""Seconds a database that does not answer is waited for."""


def life(place: Place) -> str:
    """The name of this cluster's life: a restored one begins another, whose archive stands in another folder."""
    file = place.home / "pg" / "life"
    if not file.exists() or not file.stat().st_size:
        file.parent.mkdir(parents=True, exist_ok=True)
        whole_file.write(file, f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{os.urandom(2).hex()}\n")
    return file.read_text(encoding="utf-8").strip()


def archive_of(place: Place, told: Mapping[str, str] = os.environ) -> Path | None:
    """Where this life is archived; None where nobody asked for it."""
    folder = told.get("BIANBAN_ARCHIVE_DIR")
    return Path(folder).resolve() / life(place) if folder else None


def parts(place: Place) -> Iterator[Part]:
    """The two parts, where an archive is asked for; the stack does not wait for them."""
    archive = archive_of(place)
    if archive:
        receive = (*postgres.client(place, "pg_receivewal"), "-D", str(archive / "wal"), "-S", SLOT)
        variables = postgres.client_variables(place)
        reached, after = probes.connected(place.port("postgres")), ("postgres",)
        yield Part(
            "archive-wal",
            (*receive, "--synchronous"),
            variables,
            after,
            reached,
            prepare=lambda: _prepare(place, archive, receive, variables),
            aside=True,
        )
        yield Part("archive-files", (sys.executable, "-m", "deploy.backup.archive"), place.variables(), after, reached, aside=True)


def ensure_there(place: Place, archive: Path) -> None:
    """Raises WrongPlace where what it is to stand in is not there, or where it was begun and is gone: then its disk is away, and another would be filled."""
    if not archive.parent.parent.is_dir():
        raise WrongPlace(f"没有文件夹 {archive.parent.parent}。请核对 BIANBAN_ARCHIVE_DIR；它在另一块磁盘上的，请先挂载。")
    if begun_at(place) == archive and not (archive / "wal").is_dir():
        raise WrongPlace(
            f"没有找到归档 {archive}：它所在的磁盘可能没有挂载。请挂载后运行 bianban restart archive-wal 和 bianban restart archive-files；"
            f"归档确已不在的，先新建目录 {archive / 'wal'}，其后重新做一份备份。"
        )


def given_up(place: Place, running: Path | None) -> str:
    """What who starts a stack is told where an archive was begun, or is asked for, and the stack that runs keeps none; else nothing."""
    begun = begun_at(place)
    asked = archive_of(place)
    if running or not (begun or asked):
        return ""
    again = "请运行 bianban down，再以变量 BIANBAN_ARCHIVE_DIR 运行 bianban up"
    if not begun:
        return f"没有归档：系统启动时没有设置 BIANBAN_ARCHIVE_DIR。{again}。"
    return (
        f"归档已停止：以前归档到 {begun}，本次启动没有设置 BIANBAN_ARCHIVE_DIR，此后办理的业务恢复不回来。"
        f"{again}（归档目录的上级 {begun.parent}）；确已不用归档的，请立即另做一份备份，并运行 bianban archive give-up。"
    )


def begun_at(place: Place) -> Path | None:
    """Where the archive of this life was begun; None where there is none, or it was given up."""
    mark = _mark(place)
    return Path(mark.read_text(encoding="utf-8").strip()) if mark.exists() else None


def forget(place: Place) -> None:
    """An archive was begun, and is kept no more."""
    _mark(place).unlink(missing_ok=True)


def _mark(place: Place) -> Path:
    """Holds where the archive of this life was begun."""
    return place.home / "pg" / "archive"


def _prepare(place: Place, archive: Path, receive: tuple[str, ...], variables: dict[str, str]) -> None:
    """The folder, and the slot that keeps the log on the server while nobody fetches it."""
    ensure_there(place, archive)
    (archive / "wal").mkdir(parents=True, exist_ok=True)
    archive.chmod(0o700)
    whole_file.write(_mark(place), f"{archive}\n")
    made = subprocess.run(
        [*receive, "--create-slot", "--if-not-exists"],
        env=variables | {"PGCONNECT_TIMEOUT": str(PATIENCE)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )
    if made.returncode != 0:
        raise RuntimeError(made.stderr.strip())
