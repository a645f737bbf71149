"""Secrets are files: one each, for their owner (or his group) alone."""

import stat
from pathlib import Path

from shared.errors import CannotStart


class ReadableByAll(CannotStart):
    """A secret that everybody on the machine may read; the text names the file. A process does not start with it."""


class SecretMissing(CannotStart, FileNotFoundError):  # noqa: N818  named as the fact it states
    """A secret that is not where it is looked for; the text names the file."""


def read(path: Path) -> str:
    """The text of a secret file. Raises ReadableByAll, SecretMissing, and OSError for one that cannot be read."""
    if not path.exists():
        raise SecretMissing(f"没有密钥文件 {path}。请核对 BIANBAN_SECRETS_DIR；丢失的请从备份取回，不要另造。")
    if path.suffix != ".pub" and path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH):
        raise ReadableByAll(f"密钥文件 {path.name} 对本机所有用户可读。请执行 chmod 600 后重新启动。")
    return path.read_text(encoding="utf-8").strip()
