"""What a backup refuses before a byte is written, and what is kept of a home's files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.backup import making, manifest
from deploy.backup.kept import copy_kept
from deploy.backup.manifest import FILE, Manifest, fingerprints
from deploy.local import secret_files
from deploy.local.place import Place, WrongPlace
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
