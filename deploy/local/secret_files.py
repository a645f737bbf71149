"""The secrets of an embedded stack: made once on its first start, one file each, readable by their owner only."""

import secrets
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.local import whole_file
from deploy.local.place import SERVICES, WrongPlace
from shared.crypto import KeyRing, Suite, new_key

PASSWORDS = tuple(f"{role}.db" for role in ("postgres", "bianban", *SERVICES))
KEYS = ("payload.key", "seal.hmac")
RINGS = ("field.keys", "account.keys")


OPENING = (*RINGS, "postgres.db")
"""What opens a database that is there: its own superuser has his password from when it was made."""
HISTORIES = "payload.key"
"""What opens the histories of Temporal."""


def ensure_kept(folder: Path, names: Sequence[str]) -> None:
    """For a home with data: what opens it is looked for where it is missing, never made anew. WrongPlace names the files."""
    lost = "、".join(name for name in names if not (folder / name).exists())
    if lost:
        raise WrongPlace(
            f"{folder} 中缺少密钥文件 {lost}，而系统中已有数据。新生成的密钥打不开原有的数据库、证件号码、文件和在办事项，因此没有生成。"
            "请将另存的密钥文件放回原处（备份中没有密钥），再重新运行。"
        )


def make(folder: Path) -> None:
    """Write every secret that is missing; those present stay as they are."""
    for name in PASSWORDS + KEYS:
        if not (folder / name).exists():
            write(folder / name, secrets.token_hex(32))
    for name in RINGS:
        if not (folder / name).exists():
            write(folder / name, KeyRing((new_key(1, Suite.AES),)).text())
    if not (folder / "token.key").exists():
        public, private = new_token_pair()
        write(folder / "token.pub", public)
        write(folder / "token.key", private)


def new_token_pair() -> tuple[str, str]:
    """A public and a private key for tokens, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return public.decode(), private.decode()


def write_for_libpq(path: Path, role: str, password: str) -> None:
    """What PGPASSFILE names: the password of a role, for programs that are not ours."""
    escaped = password.replace("\\", "\\\\").replace(":", "\\:")
    write(path, f"*:*:*:{role}:{escaped}\n")


def write(path: Path, text: str) -> None:
    """One secret, whole or not at all, in place of the one before."""
    whole_file.write(path, text, 0o600)
