"""What a stack keeps in files beside its database: sealed documents and what was attached to them, loaded notices, the seal platform's own state."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FOLDERS = ("out", "calendar", "seal", "log/security")
MARKS = ("environment", "clock", "city")


def copy_kept(home: Path, target: Path) -> int:
    """Copy what is new or changed since the last time; how many files. Nothing is ever deleted in the copy."""
    return sum(_copy(file, target / file.relative_to(home)) for file in _files(home))


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def kept_size(home: Path) -> int:
    """Bytes of what is kept."""
    return sum(file.stat().st_size for file in _files(home) if file.exists())


def _files(home: Path) -> Iterator[Path]:
    yield from (home / name for name in MARKS if (home / name).exists())
    for folder in FOLDERS:
        yield from (file for file in sorted((home / folder).rglob("*")) if file.is_file() and not file.name.endswith(("-wal", "-shm")))


def _copy(file: Path, target: Path) -> bool:
    """One file, whole or not at all; one that goes meanwhile is none."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half = target.with_name(f".{target.name}.half")
    try:
        before = file.stat()
        if file.suffix == ".db":
            _copy_sqlite(file, half)
        elif target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns):
            return False
        else:
            shutil.copy2(file, half)
    except FileNotFoundError:
        return False
    with half.open("rb+") as written:
        os.fsync(written.fileno())
    half.rename(target)
    return True


def _copy_sqlite(file: Path, target: Path) -> None:
    """As of one instant, while its owner writes on."""
    target.unlink(missing_ok=True)
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
