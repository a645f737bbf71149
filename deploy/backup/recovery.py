"""PostgreSQL's own recovery: the base backup, and the archived log up to an instant. It runs on the stack's port, for us alone."""

import asyncio
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import asyncpg

from deploy.local import postgres, process
from deploy.local.place import Place, WrongPlace

ENDED_EARLY = "recovery ended before configured recovery target was reached"
GLANCE = 0.5


class EndedEarly(Exception):  # noqa: N818  named as the fact it states
    """The log ends before anything later than the wanted instant was written."""


def lay_out(base: Path, data: Path, wal: Path | None) -> None:
    """A fresh copy of the base, ready to be recovered; from the log beside it alone where there is no archive."""
    shutil.rmtree(data, ignore_errors=True)
    data.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(base, data, symlinks=True)
    data.chmod(0o700)
    if wal is not None:
        (data / "recovery.signal").touch()


@asynccontextmanager
async def recovered(place: Place, data: Path, wal: Path | None, until: datetime | None) -> AsyncIterator[datetime | None]:
    """A server that has recovered and takes writes, for the length of a block; the instant of its last transaction. EndedEarly, WrongPlace."""
    log = place.home / "log" / "restore.log"
    log.unlink(missing_ok=True)
    process.refuse_taken_ports((place.port("postgres"),))
    with log.open("wb") as output:
        server = subprocess.Popen(  # noqa: ASYNC220  it is there in a moment
            postgres.server(place, data, **_settings(wal, until)), env=place.variables(), stdout=output, stderr=output
        )
    try:
        yield await _last_transaction(place, server, log)
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGINT)
        await asyncio.to_thread(server.wait)


def _settings(wal: Path | None, until: datetime | None) -> dict[str, str]:
    """A segment that was still being received is archived as `.partial`."""
    if wal is None:
        return {}
    name = str(wal).replace("%", "%%")
    fetch = f'cp "{name}/%f" "%p" 2>/dev/null || cp "{name}/%f.partial" "%p" 2>/dev/null'
    target = {"recovery_target_time": until.isoformat(sep=" "), "recovery_target_action": "promote"} if until else {}
    return {"restore_command": fetch, **target}


async def _last_transaction(place: Place, server: subprocess.Popen[bytes], log: Path) -> datetime | None:
    while server.poll() is None:
        try:
            superuser = await asyncpg.connect(place.database_url("postgres", "postgres"), timeout=5)
        except asyncpg.InvalidPasswordError:
            raise WrongPlace("密钥不符：备份中的数据库不认 secrets/postgres.db 中的密码。") from None
        except (OSError, TimeoutError, asyncpg.PostgresError):
            await asyncio.sleep(GLANCE)
            continue
        try:
            if not await superuser.fetchval("SELECT pg_is_in_recovery()"):
                last: datetime | None = await superuser.fetchval("SELECT pg_last_xact_replay_timestamp()")
                return last
        finally:
            await superuser.close()
        await asyncio.sleep(GLANCE)
    if ENDED_EARLY in log.read_text(encoding="utf-8", errors="replace"):
        raise EndedEarly
    raise WrongPlace(f"数据库未能恢复，见 {log}：{process.last_line(log)}")
