"""What a backup says of itself, and what is refused before anything is restored from it."""

import hashlib
import json
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ConfigDict

from deploy.backup.kept import size_of
from deploy.local.place import SERVICES, Place, WrongPlace
from shared.clock import CHINA

FORMAT = 1
FILE = "backup.json"
RINGS = ("field.keys", "account.keys")
PASSWORDS = tuple(f"{role}.db" for role in ("postgres", "bianban", *SERVICES))


class Manifest(BaseModel):
    """Written last: a folder without it holds no backup. `keys`: which secrets are needed to read it, as hashes; the secrets are not in it.

    `migrations`: file and hash of all that were applied. `life`: the folder of the archive that goes on from here.
    """

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    postgres: str
    environment: str
    began_at: AwareDatetime
    ended_at: AwareDatetime
    life: str
    archive: str | None
    bytes: int
    keys: dict[str, list[str]]
    migrations: dict[str, str]


def read(folder: Path) -> Manifest:
    """Raises WrongPlace for a folder that holds no backup, one whose manifest is damaged, or one of another format."""
    try:
        text = (folder / FILE).read_text(encoding="utf-8")
    except OSError:
        raise WrongPlace(f"{folder} 中没有完整的备份（缺 {FILE}）。请改用另一份备份，或重新拷贝。") from None
    try:
        found = json.loads(text)["format"]
        if found == FORMAT:
            return Manifest.model_validate_json(text)
    except (ValueError, LookupError, TypeError):
        raise WrongPlace(f"{folder} 中的 {FILE} 已损坏，备份可能没有拷贝完整。请重新拷贝，或改用另一份备份。") from None
    raise WrongPlace(f"备份格式为第 {found} 版，本程序只认第 {FORMAT} 版。请用做备份时的版本恢复。")


def ensure_whole(manifest: Manifest, folder: Path) -> None:
    """Raises WrongPlace where something is missing since the manifest was written: a copy that was cut short has its database whole, perhaps, and no files."""
    there = size_of(folder) - (folder / FILE).stat().st_size
    if there < manifest.bytes:
        raise WrongPlace(
            f"{folder} 中的备份不完整：做成时有 {manifest.bytes:,} 字节，现在少 {manifest.bytes - there:,} 字节"
            f"{'' if (folder / 'kept').exists() else '（没有文件夹 kept）'}。请重新拷贝，或改用另一份备份。"
        )


def fingerprints(secrets: Path) -> dict[str, list[str]]:
    """A hash of each secret without which the backup is worth nothing; of a ring, of each of its keys."""
    found: dict[str, list[str]] = {}
    for name in RINGS + PASSWORDS:
        if (secrets / name).exists():
            text = (secrets / name).read_text(encoding="utf-8").strip()
            parts = [json.dumps(key, sort_keys=True) for key in json.loads(text)] if name in RINGS else [text]
            found[name] = [hashlib.sha256(part.encode()).hexdigest()[:16] for part in parts]
    return found


def ensure_keys(manifest: Manifest, secrets: Path) -> None:
    """Raises WrongPlace when a secret is missing or is another one; a ring may have keys that are newer."""
    here = fingerprints(secrets)
    missing = [name for name in manifest.keys if name not in here]
    if missing:
        raise WrongPlace(f"缺少密钥文件 {'、'.join(missing)}。请用 --secrets 指明另存的 secrets 目录。")
    wrong = [name for name, wanted in manifest.keys.items() if not set(wanted) <= set(here[name])]
    if wrong:
        raise WrongPlace(f"密钥不符：{'、'.join(wrong)} 不是做备份时所用的。请用 --secrets 指明当时另存的 secrets 目录。")


def ensure_fits(manifest: Manifest, place: Place, postgres: str, known: dict[str, str]) -> None:
    """Raises WrongPlace for another environment, another PostgreSQL, or migrations that this program does not have."""
    if manifest.environment != place.environment:
        raise WrongPlace(f"备份来自 {manifest.environment} 环境，不能恢复为 {place.environment}（BIANBAN_ENVIRONMENT）。")
    if manifest.postgres != postgres:
        raise WrongPlace(f"备份用的是 PostgreSQL {manifest.postgres}，本机为 {postgres}，物理备份不能跨大版本恢复。")
    newer = [name for name, digest in manifest.migrations.items() if known.get(name) != digest]
    if newer:
        raise WrongPlace(f"备份含有本程序没有的数据库迁移（{newer[0]}）。请用做备份时或更新的版本恢复。")


def ensure_after(manifest: Manifest, until: datetime | None) -> None:
    """Raises WrongPlace for an instant that this backup does not reach back to."""
    if until and until < manifest.ended_at:
        raise WrongPlace(f"该备份完成于 {told(manifest.ended_at)}，不能恢复到更早的 {told(until)}。请选更早的备份。")


def told(at: datetime) -> str:
    """An instant as people read it."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
