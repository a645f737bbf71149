"""The copies of units follow what the roster tells, and keep withheld units from all but the office and their own people."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from shared.auth import Who
from shared.db import Connection, Database, connect
from shared.events.envelope import Event
from shared.events.roster import UnitChanged, UnitClosed, UnitRegistered
from shared.glossary import Role
from shared.unit_copies import UnitUnknown, unit_copy, unit_handlers

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 9, 18, 2, tzinfo=UTC)
SINCE = date(2026, 9, 10)


@pytest_asyncio.fixture
async def copies(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with connect(database("identity"), "identity") as connected:
        yield connected


def state(path: tuple[UUID, ...], name: str = "小学", *, withheld: bool = False) -> dict[str, object]:
    parent_id = path[-2] if len(path) > 1 else None
    common = {"occurred_at": NOW, "unit_id": path[-1], "version": 1, "parent_id": parent_id, "path": path}
    return common | {"name": name, "code": str(path[-1]), "category": "SY-E", "withheld": withheld}


def registered(*path: UUID, withheld: bool = False) -> UnitRegistered:
    return UnitRegistered.model_validate(state(path, withheld=withheld) | {"valid_from": date(2020, 1, 1)})


async def happen(conn: Connection, *events: Event) -> None:
    for event in events:
        await unit_handlers()[type(event)](conn, event)


async def test_a_copy_follows_a_change_of_name_and_place_and_the_end(copies: Database) -> None:
    old, new, unit_id = uuid4(), uuid4(), uuid4()
    moved = UnitChanged.model_validate(state((new, unit_id), "实验小学") | {"version": 2, "effective_on": SINCE})
    ended = UnitClosed(occurred_at=NOW, unit_id=unit_id, version=3, closed_on=SINCE, successors=(new,))

    async with copies.transaction() as conn:
        await happen(conn, registered(old), registered(new), registered(old, unit_id), moved, ended)
        copy = await unit_copy(conn, unit_id)

    assert (copy.name, copy.parent_id, copy.path, copy.closed_on) == ("实验小学", new, (new, unit_id), SINCE)


@pytest.mark.parametrize(
    ("role", "scope", "seen"),
    [
        (Role.BUSINESS_OFFICER, None, True),
        (Role.SUPERVISION_OFFICER, None, True),
        (Role.SERVICE, None, True),
        (Role.OBSERVER, None, False),
        (Role.COMMISSION, None, False),
        (Role.PARENT_UNIT, "above", False),
        (Role.UNIT_HEAD, "itself", True),
        (Role.UNIT_CLERK, "below", False),
    ],
)
async def test_a_withheld_unit_is_seen_by_the_office_and_its_own_people(
    copies: Database, role: Role, scope: str | None, seen: bool
) -> None:
    above, court, below = uuid4(), uuid4(), uuid4()
    roots = {"above": (above,), "itself": (court,), "below": (below,), None: None}[scope]
    who = Who("somebody", frozenset({role}), roots)

    async with copies.transaction() as conn:
        await happen(conn, registered(above), registered(above, court, withheld=True), registered(above, court, below, withheld=True))
        if seen:
            assert (await unit_copy(conn, court, who)).withheld
            assert scope is None or (await unit_copy(conn, below, who)).withheld
        else:
            with pytest.raises(UnitUnknown):
                await unit_copy(conn, court, who)
