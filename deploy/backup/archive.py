"""The part `archive-files`: copies what is kept in files, and writes down up to which instant files and log are complete."""

import asyncio
import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from deploy.backup.kept import copy_kept
from deploy.local import whole_file
from deploy.local.archive import SLOT, archive_of, begun_at, ensure_there, forget
from deploy.local.place import Place, WrongPlace
from shared import telemetry
from shared.db import Connection
from shared.metrics import ARCHIVE_AGE

EVERY = 15.0
PATIENCE = 10.0
COMPLETE = "complete"
_AWAY = (ConnectionError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)


def complete_until(archive: Path) -> datetime | None:
    """Up to when the archive holds all that was committed."""
    words = _complete(archive)
    return datetime.fromisoformat(words[0]) if words else None


def position_of(archive: Path) -> str | None:
    """The position of the log at that instant; an older program did not write it down."""
    return next(iter(_complete(archive)[1:]), None)


def _complete(archive: Path) -> list[str]:
    file = archive / COMPLETE
    return file.read_text(encoding="utf-8").split() if file.exists() else []


async def keep(place: Place, archive: Path) -> None:
    """A round every few seconds, for ever, also where the database was away for longer than a part is tried again."""
    _ensure_there(place, archive)
    archive.mkdir(parents=True, exist_ok=True, mode=0o700)
    while True:
        try:
            await _rounds(place, archive)
        except _AWAY as away:
            sys.stderr.write(f"the database is away, the archive waits: {type(away).__name__}\n")
        await asyncio.sleep(EVERY)


async def _rounds(place: Place, archive: Path) -> None:
    """Until the connection is lost."""
    superuser = await asyncpg.connect(place.database_url("postgres", "postgres"), server_settings={"application_name": "archive-files"})
    try:
        while True:
            _ensure_there(place, archive)
            await _round(superuser, place, archive)
            await asyncio.sleep(EVERY)
    finally:
        superuser.terminate()


async def _round(superuser: Connection, place: Place, archive: Path) -> None:
    """While the log is behind, the archive reaches as far as it did."""
    (seen,) = await superuser.fetch("SELECT clock_timestamp() AS at, pg_current_wal_flush_lsn()::text AS position")
    await asyncio.to_thread(copy_kept, place.home, archive / "kept")
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(_until_received(superuser, seen["position"]), PATIENCE)
        whole_file.write(archive / COMPLETE, f"{seen['at'].isoformat()} {seen['position']}\n")


async def _until_received(superuser: Connection, position: str) -> None:
    received = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name = 'pg_receivewal' AND flush_lsn >= $1::text::pg_lsn)"
    while not await superuser.fetchval(received, position):  # noqa: ASYNC110  the server tells nobody
        await asyncio.sleep(0.1)


async def give_up(place: Place) -> Path | None:
    """No archive any more: the server keeps its log for nobody, and a start says no more that one is missing. Where it was, as far as that is known.

    Raises WrongPlace where there is none.
    """
    begun = begun_at(place)
    superuser = await asyncpg.connect(place.database_url("postgres", "postgres"), timeout=PATIENCE)
    try:
        dropped = await superuser.fetch("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1", SLOT)
    finally:
        await superuser.close()
    if begun is None and not dropped:
        raise WrongPlace("本系统没有归档可以放弃。")
    forget(place)
    return begun


def _ensure_there(place: Place, archive: Path) -> None:
    try:
        ensure_there(place, archive)
    except WrongPlace as wrong:
        sys.exit(str(wrong))


def main() -> None:
    """Run where an archive is asked for. What fails at once has told its age all the same: of an archive that never told one no alert would know."""
    place = Place.from_environment()
    archive = archive_of(place)
    if archive:
        telemetry.set_up("archive-files", os.environ.get("BIANBAN_OTLP") or None)
        began = datetime.now(UTC)
        ARCHIVE_AGE.ask("archive", lambda: [({}, (datetime.now(UTC) - (complete_until(archive) or began)).total_seconds())])
        try:
            asyncio.run(keep(place, archive))
        finally:
            telemetry.tell_now()


if __name__ == "__main__":
    main()
