"""A file that is there whole or not at all, also after a loss of power."""

import os
from pathlib import Path


def write(path: Path, text: str, mode: int = 0o666) -> None:
    """In place of the one before; whoever writes at the same time has a half of his own."""
    half = path.with_name(f"{path.name}.{os.getpid()}.new")
    half.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        half.rename(path)
    finally:
        half.unlink(missing_ok=True)
    _flush_folder(path.parent)


def _flush_folder(path: Path) -> None:
    """The name is on the disk too."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
