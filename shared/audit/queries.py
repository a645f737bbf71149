"""Reading the seals: the newest, and everything that is not as it was sealed."""

from bisect import bisect_right
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import asyncpg

from shared.audit.models import FIRST, Audited, Broken, Seal, head_of, merkle_root
from shared.db import Connection

Leaves = Mapping[str, Mapping[str, bytes]]
_AT_ONCE = 500
_LAST = "SELECT number, until, records, root, head FROM audit_seals ORDER BY number DESC LIMIT 1"
_NEXT = "SELECT number, until, records, root, head FROM audit_seals WHERE number > $1 ORDER BY number LIMIT $2"


async def last(conn: Connection) -> Seal:
    """The newest seal; FIRST where there is none."""
    row = await conn.fetchrow(_LAST)
    return _as_seal(row) if row else FIRST


async def verify(conn: Connection, audited: Sequence[Audited], expected: Sequence[str] = ()) -> AsyncIterator[Broken]:
    """Everything that is not as it was sealed, seal by seal. `expected`: heads printed elsewhere (hex), which must stand in the
    chain. Within a transaction.
    """
    await conn.execute("SET LOCAL TimeZone = 'UTC'")
    before, wanted = FIRST, set(expected)
    while seals := [_as_seal(row) for row in await conn.fetch(_NEXT, before.number, _AT_ONCE)]:
        stored = await _stored(conn, seals)
        live = await _live(conn, audited, before.until, seals)
        for each in seals:
            for broken in _compared(before, each, stored.get(each.number, {}), live.get(each.number, {}), audited):
                yield broken
            wanted.discard(each.head.hex())
            before = each
    for head in sorted(wanted):
        yield Broken(before.number, "head", key=head)


def _as_seal(row: asyncpg.Record) -> Seal:
    return Seal(row["number"], row["until"], row["records"], row["root"], row["head"])


async def _stored(conn: Connection, seals: Sequence[Seal]) -> dict[int, dict[str, dict[str, bytes]]]:
    rows = await conn.fetch(
        "SELECT seal, source, keys, leaves FROM audit_leaves WHERE seal BETWEEN $1 AND $2", seals[0].number, seals[-1].number
    )
    stored: dict[int, dict[str, dict[str, bytes]]] = {}
    for row in rows:
        stored.setdefault(row["seal"], {})[row["source"]] = dict(zip(row["keys"], row["leaves"], strict=False))
    return stored


async def _live(
    conn: Connection, audited: Sequence[Audited], since: datetime | None, seals: Sequence[Seal]
) -> dict[int, dict[str, dict[str, bytes]]]:
    """The records as they are now, under the seal that covers the moment they were written."""
    live: dict[int, dict[str, dict[str, bytes]]] = {}
    ends = [each.until for each in seals if each.until is not None]
    for each in audited:
        rows = await conn.fetch(each.leaves(), since, ends[-1])
        for row in rows:
            place = seals[bisect_right(ends, row["written"])].number
            live.setdefault(place, {}).setdefault(each.table, {})[row["key"]] = row["leaf"]
    return live


def _compared(before: Seal, sealed: Seal, stored: Leaves, live: Leaves, audited: Sequence[Audited]) -> list[Broken]:
    """Records that give the sealed root are as they were, whatever became of the hashes that name the one that is not."""
    tables = [each.table for each in audited]
    found = [broken for table in tables for broken in _differing(sealed, table, stored.get(table, {}), live.get(table, {}))]
    as_sealed = next((each for each in (live, stored) if _root(each, tables) == sealed.root), None)
    if found and as_sealed is live:
        found = [Broken(sealed.number, "leaves")]
    elif as_sealed is None:
        found.append(Broken(sealed.number, "root"))
    if as_sealed is not None and sum(map(len, as_sealed.values())) != sealed.records:
        found.append(Broken(sealed.number, "records"))
    if (
        sealed.until is None
        or sealed.number != before.number + 1
        or head_of(before.head, sealed.number, sealed.until, sealed.root) != sealed.head
    ):
        found.append(Broken(sealed.number, "chain"))
    return found


def _differing(sealed: Seal, table: str, then: Mapping[str, bytes], now: Mapping[str, bytes]) -> list[Broken]:
    return [
        *(Broken(sealed.number, "removed", table, key) for key in then if key not in now),
        *(Broken(sealed.number, "inserted", table, key) for key in now if key not in then),
        *(Broken(sealed.number, "altered", table, key) for key in then if now.get(key, then[key]) != then[key]),
    ]


def _root(leaves: Leaves, tables: Sequence[str]) -> bytes | None:
    flat = [leaf for table in tables for leaf in leaves.get(table, {}).values()]
    return merkle_root(flat) if flat else None
