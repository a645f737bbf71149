"""Who works on which lane: session advisory locks, shared out evenly among the processes of one name space.

A lane has one owner at a time, so what goes through it keeps its order. The locks live with the connection: a killed owner's lanes are free at once.
"""

from collections.abc import Collection

import asyncpg

from shared.db import Connection

_PRESENT = 1_000_000
_VANISHED = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "3"}
"""The server lets go of the locks of a machine that is gone without a word after 25 s; by itself it would wait for two hours."""


async def lock_connection(url: str, name: str, patience: float = 30.0, **settings: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection to hold lanes by. A server that is gone without a word is noticed, too: no statement takes longer than `patience`, in seconds."""
    return await asyncpg.connect(url, command_timeout=patience, server_settings={"application_name": name} | _VANISHED | settings)


class Lanes:
    """The lanes of one name space that this process owns. `conn` is held for nothing else."""

    def __init__(self, conn: Connection, namespace: str, lanes: Collection[int]) -> None:
        self._conn, self._namespace, self._all = conn, namespace, sorted(lanes)
        self.owned: set[int] = set()

    async def enter(self) -> None:
        """Be counted among those who share the lanes."""
        await self._conn.execute("SELECT pg_advisory_lock_shared(hashtext($1), $2)", self._namespace, _PRESENT)

    def alive(self) -> bool:
        """Whether the connection that holds the locks is still there."""
        return not self._conn.is_closed()

    async def settle(self) -> None:
        """Give back what is beyond a fair share, take what is free up to it. Call it between batches only."""
        share = -(-len(self._all) // await self._sharers())
        for lane in sorted(self.owned)[share:]:
            await self._conn.execute("SELECT pg_advisory_unlock(hashtext($1), $2)", self._namespace, lane)
            self.owned.discard(lane)
        for lane in self._all:
            if len(self.owned) < share and lane not in self.owned and await self._take(lane):
                self.owned.add(lane)

    async def _take(self, lane: int) -> bool:
        return bool(await self._conn.fetchval("SELECT pg_try_advisory_lock(hashtext($1), $2)", self._namespace, lane))

    async def _sharers(self) -> int:
        present: int = await self._conn.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2 AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND classid = hashtext($1)::oid AND objid = $2::int::oid",
            self._namespace,
            _PRESENT,
        )
        return max(1, present)


async def nobody_shares(conn: Connection, namespace: str) -> bool:
    """Whether no process takes part in this name space; none can enter it before this transaction ends."""
    return bool(await conn.fetchval("SELECT pg_try_advisory_xact_lock(hashtext($1), $2)", namespace, _PRESENT))
