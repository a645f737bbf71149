"""Secrets of a test, readable by nobody else, as those of an installation."""

from pathlib import Path


def write(path: Path, text: str) -> None:
    """Keep a secret."""
    path.touch(0o600)
    path.write_text(text)
