"""Secrets are files: one each, for their owner (or his group) alone."""

import stat
from pathlib import Path


class ReadableByAll(Exception):  # noqa: N818  named as the fact it states
    """A secret that everybody on the machine may read; the text names the file. A process does not start with it."""


def read(path: Path) -> str:
    """The text of a secret file. Raises ReadableByAll, and OSError for one that is missing."""
    if path.suffix != ".pub" and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ReadableByAll(f"密钥文件 {path.name} 对本机所有用户可读。请执行 chmod 600 后重新启动。")
    return path.read_text(encoding="utf-8").strip()
