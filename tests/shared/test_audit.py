"""The audit's seal: each record that is altered, removed or put in afterwards is named; a tail that is cut is found by a head on paper."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from services.identity.models.audited import AUDITED
from shared import db, outbox
from shared.audit.commands import seal
from shared.audit.models import EVENT_LOG, Broken, Seal, merkle_root
from shared.audit.queries import verify
from shared.clock import Clock
from shared.db import Database
from shared.events.audit import IdentityAuditSealed
from tests.shared.given import SERVICE, Where, by, changed


@pytest_asyncio.fixture
async def service(database: Where) -> AsyncIterator[Database]:
    async with db.connect(database(SERVICE), SERVICE, size=3) as opened:
        yield opened


@pytest_asyncio.fixture
async def owner(database: Where) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """Somebody who may do anything to the tables."""
    conn = await asyncpg.connect(database("bianban"), server_settings={"search_path": SERVICE})
    yield conn
    await conn.close()


async def write(service: Database, number: int) -> list[UUID]:
    units = [uuid4() for _ in range(number)]
    async with service.transaction() as conn:
        await outbox.append(conn, by(), *(changed(unit, 1, unit) for unit in units))
    return units


async def sealed(service: Database) -> Seal | None:
    return await seal(service, Clock(None), AUDITED, IdentityAuditSealed, margin=0)


async def broken(service: Database, *expected: str) -> list[Broken]:
    async with service.reading() as conn:
        return [each async for each in verify(conn, AUDITED, expected)]


@pytest.mark.asyncio
async def test_what_is_as_it_was_sealed_is_silent_and_nothing_new_makes_no_seal(service: Database) -> None:
    assert await sealed(service) is None
    await write(service, 5)
    first = await sealed(service)
    await write(service, 3)
    second = await sealed(service)
    assert first is not None
    assert second is not None
    assert (first.number, second.number) == (1, 2)
    assert await sealed(service) is None  # the notice of a seal alone is not worth one
    assert await broken(service, first.head.hex(), second.head.hex()) == []


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("tampering", "what"),
    [
        ("UPDATE event_log SET actor = 'somebody' WHERE event_id = $1", "altered"),
        ("UPDATE event_log SET body = jsonb_set(body, '{effective_on}', '\"2020-01-01\"') WHERE event_id = $1", "altered"),
        ("DELETE FROM event_log WHERE event_id = $1", "removed"),
    ],
)
async def test_the_record_that_was_touched_is_named(service: Database, owner: Any, tampering: str, what: str) -> None:
    units = await write(service, 40)
    await sealed(service)
    await write(service, 2)
    await sealed(service)
    await owner.execute(tampering, units[17])
    assert await broken(service) == [Broken(1, what, "event_log", str(units[17]))]


@pytest.mark.asyncio
async def test_a_record_put_in_afterwards_is_named(service: Database, owner: Any) -> None:
    (unit,) = await write(service, 1)
    await sealed(service)
    forged = uuid4()
    await owner.execute(
        "INSERT INTO event_log SELECT $2, aggregate_type, aggregate_id, version + 1, unit_id, type, occurred_at, recorded_at, actor, reason,"
        " document_no, case_id, headers, body FROM event_log WHERE event_id = $1",
        unit,
        forged,
    )
    assert await broken(service) == [Broken(1, "inserted", "event_log", str(forged))]


@pytest.mark.asyncio
async def test_who_alters_a_record_and_its_hash_breaks_the_root_and_who_mends_the_root_breaks_the_chain(
    service: Database, owner: Any
) -> None:
    (unit,) = await write(service, 1)
    await sealed(service)
    await owner.execute("UPDATE event_log SET reason = 'another' WHERE event_id = $1", unit)
    await owner.execute("SET TimeZone = 'UTC'")
    rows = await owner.fetch(EVENT_LOG.leaves(), None, (await owner.fetchval("SELECT until FROM audit_seals")))
    await owner.execute("UPDATE audit_leaves SET leaves = ARRAY[$1::bytea]", rows[0]["leaf"])
    assert await broken(service) == [Broken(1, "root")]
    await owner.execute("UPDATE audit_seals SET root = $1", merkle_root([rows[0]["leaf"]]))
    assert await broken(service) == [Broken(1, "chain")]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "tampering", ["leaves = leaves[2:]", "keys = keys[2:], leaves = leaves[2:]", "keys[1] = keys[2]", "leaves[3] = leaves[4]", None]
)
async def test_records_that_are_as_they_were_sealed_are_not_accused_where_the_hashes_kept_of_them_are_altered(
    service: Database, owner: Any, tampering: str | None
) -> None:
    await write(service, 9)
    await sealed(service)
    await write(service, 1)
    await sealed(service)
    await owner.execute(f"UPDATE audit_leaves SET {tampering} WHERE seal = 1" if tampering else "DELETE FROM audit_leaves WHERE seal = 1")
    assert await broken(service) == [Broken(1, "leaves")]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("also", "others"),
    [
        ("SELECT", []),
        ("DELETE FROM audit_leaves", [Broken(1, "leaves")]),
        ("UPDATE event_log SET actor = 'x'", [Broken(1, "altered", "event_log", "")]),
    ],
)
async def test_a_number_of_records_that_was_altered_is_named_whatever_else_was(
    service: Database, owner: Any, also: str, others: list[Broken]
) -> None:
    (unit,) = await write(service, 1)
    await sealed(service)
    await owner.execute(f"UPDATE audit_seals SET records = records + 1; {also}")
    assert await broken(service) == [replace(each, key=str(unit) if each.table else "") for each in others] + [Broken(1, "records")]


@pytest.mark.asyncio
async def test_a_tail_that_is_cut_is_found_by_the_head_on_paper(service: Database, owner: Any) -> None:
    await write(service, 1)
    await sealed(service)
    await write(service, 1)
    printed = await sealed(service)
    assert printed is not None
    await owner.execute("DELETE FROM audit_leaves WHERE seal = 2")
    await owner.execute("DELETE FROM event_log WHERE recorded_at >= (SELECT until FROM audit_seals WHERE number = 1)")
    await owner.execute("DELETE FROM audit_seals WHERE number = 2")
    assert await broken(service) == []  # nothing inside shows it
    assert await broken(service, printed.head.hex()) == [Broken(1, "head", key=printed.head.hex())]


@pytest.mark.asyncio
async def test_a_transaction_that_runs_while_a_seal_is_made_falls_under_the_next(service: Database) -> None:
    await write(service, 1)
    async with service.transaction() as slow:
        await outbox.append(slow, by(), changed(uuid4(), 1))
        await write(service, 1)
        first = await sealed(service)
    await asyncio.sleep(0)
    second = await sealed(service)
    assert first is not None
    assert second is not None
    assert first.until is not None
    assert await broken(service) == []
    async with service.reading() as conn:
        assert await conn.fetchval("SELECT sum(records) FROM audit_seals") == 4  # three events and one notice


@pytest.mark.asyncio
async def test_the_service_itself_cannot_take_a_seal_back(service: Database) -> None:
    await write(service, 1)
    await sealed(service)
    for forbidden in ("DELETE FROM audit_leaves", "UPDATE audit_seals SET head = ''", "UPDATE event_log SET actor = ''"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await service.pool.execute(forbidden)


def test_the_root_is_that_of_rfc_6962() -> None:
    """The reference vectors of certificate transparency: leaves "", 00, 10, 2021, 3031, 40414243, 5051525354555657, 606162…6f."""
    leaves = [
        bytes.fromhex(each) for each in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
    ]
    hashed = [sha256(b"\0" + each).digest() for each in leaves]
    assert merkle_root(hashed[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle_root(hashed[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert merkle_root(hashed).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
