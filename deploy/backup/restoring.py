"""Restoring a backup into a home that holds nothing: tables to the wanted instant, topics and cases made anew from them, files beside."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deploy.backup import afterwards, manifest, recovery, segments
from deploy.backup.afterwards import MadeAnew
from deploy.backup.archive import complete_until, position_of
from deploy.backup.kept import copy_kept, size_of
from deploy.backup.making import ROOM, ensure_room, verify
from deploy.backup.manifest import Manifest, told
from deploy.local import postgres, stack
from deploy.local.place import Place, WrongPlace
from deploy.migrate import known_migrations

Tell = Callable[[str], None]
_HELD = ("pg/data", "kafka/data", "temporal/temporal.db")


@dataclass(frozen=True)
class Wanted:
    """What is to be restored: from where, to when (None: as far as there is anything), with which secrets."""

    folder: Path
    until: datetime | None = None
    archive: Path | None = None
    secrets: Path | None = None


@dataclass(frozen=True)
class Restored:
    """The instant of the last transaction that is there, and what was made anew."""

    stands_at: datetime
    anew: MadeAnew


def restore(place: Place, wanted: Wanted, tell: Tell) -> Restored:
    """Raises WrongPlace, and may then be repeated: the data folder is there when all is done, or not at all."""
    backup = manifest.read(wanted.folder)
    _refuse(place, wanted, backup)
    tell("正在核对备份……")
    verify(wanted.folder)
    archive = _archive(wanted, backup)
    if backup.archive and archive is None:
        tell(
            f"没有找到该备份之后的归档 {backup.archive}，只恢复到备份完成的 {told(backup.ended_at)}。"
            "归档在别处的，请另指 BIANBAN_HOME，以 --archive 指明归档目录重做。"
        )
    _take_secrets(place, wanted)
    place.make_folders()
    for kept in (wanted.folder / "kept", *([archive / "kept"] if archive else [])):
        copy_kept(kept, place.home)
    half, data = place.home / "pg" / "restoring", place.home / "pg" / "data"
    restored = asyncio.run(_recover(place, wanted, backup, archive, half, tell))
    half.rename(data)
    return restored


def _refuse(place: Place, wanted: Wanted, backup: Manifest) -> None:
    """Everything that can be known before a byte is written."""
    if stack.supervisor(place):
        raise WrongPlace(f"{place.home} 的系统正在运行。恢复须在停止的新目录中进行：先 bianban down，再以 BIANBAN_HOME 另指目录。")
    held = [name for name in _HELD if (place.home / name).exists() and (name.endswith(".db") or any((place.home / name).iterdir()))]
    if held:
        raise WrongPlace(f"{place.home} 中已有数据（{held[0]}），不会被覆盖。请以 BIANBAN_HOME 另指一个新目录。")
    manifest.ensure_fits(backup, place, postgres.VERSION, known_migrations())
    manifest.ensure_keys(backup, wanted.secrets or place.secrets)
    manifest.ensure_after(backup, wanted.until)
    manifest.ensure_whole(backup, wanted.folder)
    ensure_room(place.home, int(backup.bytes * ROOM))
    stack.refuse_taken(place)


def _archive(wanted: Wanted, backup: Manifest) -> Path | None:
    """The archive that goes on from the backup. Raises WrongPlace when it is missing, or does not reach the wanted instant."""
    recorded = Path(backup.archive) if backup.archive else None
    found = wanted.archive / backup.life if wanted.archive else recorded
    if found is None or not (found / "wal").is_dir():
        if wanted.until or wanted.archive:
            raise WrongPlace(f"没有找到该备份之后的归档（{found or '备份时未设 BIANBAN_ARCHIVE_DIR'}）。请用 --archive 指明归档目录。")
        return None
    complete = complete_until(found)
    if wanted.until and (complete is None or complete < wanted.until):
        raise WrongPlace(f"归档只完整到 {told(complete) if complete else '开始之前'}，不能恢复到 {told(wanted.until)}。")
    next_one = segments.behind(segments.names(wanted.folder / "base" / "pg_wal"))
    if wanted.until and next_one in _missing(wanted, found):
        raise _hole(next_one, wanted.until)
    return found


def _missing(wanted: Wanted, archive: Path) -> list[str]:
    """What the archive lacks of the log behind the backup."""
    reached = position_of(archive)  # first: an archive may go on growing
    base, archived = (segments.names(folder) for folder in (wanted.folder / "base" / "pg_wal", archive / "wal"))
    return segments.missing(base, archived, reached)


def _hole(name: str, until: datetime) -> WrongPlace:
    return WrongPlace(
        f"归档缺少日志文件 {name}，从该备份到不了 {told(until)}。请选在此时刻之前、缺少的日志之后完成的备份；没有这样的备份，则选缺口之前的时刻，或不写 --until。"
    )


def _take_secrets(place: Place, wanted: Wanted) -> None:
    """A copy of its own, readable by its owner only; what is there stays."""
    target = place.secrets
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    for file in sorted(wanted.secrets.iterdir()) if wanted.secrets else ():
        if file.is_file() and not (target / file.name).exists():
            shutil.copy2(file, target / file.name)


async def _recover(place: Place, wanted: Wanted, backup: Manifest, archive: Path | None, data: Path, tell: Tell) -> Restored:
    """Where nothing was written after the wanted instant, all there is, is what was wanted. WrongPlace when the log has a hole before it."""
    wal, lost = (archive / "wal", _missing(wanted, archive)) if archive else (None, [])
    if lost and wanted.until is None:
        tell(f"归档缺少日志文件 {lost[0]}，恢复可能止于它之前。请核对下面所示的最后一笔业务时刻。")
    for until in (wanted.until, None):
        tell(f"正在复制数据库（{size_of(wanted.folder / 'base') / 2**20:,.0f} MB）……")
        await asyncio.to_thread(recovery.lay_out, wanted.folder / "base", data, wal)
        tell(f"正在重放日志，直到 {told(until) if until else '末尾'}……")
        try:
            async with recovery.recovered(place, data, wal, until) as last:
                tell("正在由数据库重建事件主题和在办事项……")
                stands_at = last or backup.ended_at
                return Restored(stands_at, await afterwards.make_anew(place, stands_at))
        except recovery.EndedEarly:
            if lost and until:
                raise _hole(lost[0], until) from None
    raise WrongPlace("数据库未能恢复。")
