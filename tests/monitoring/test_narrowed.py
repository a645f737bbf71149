"""Issues, editions and freeze orders of a unit: with all below it, or of the unit alone."""

from uuid import UUID, uuid4

import pytest

from services.monitoring.commands.lists import issue_list
from services.monitoring.models.requests import IssueList
from services.monitoring.queries import freezes, issues, lists
from tests.monitoring.events import NOW, Town
from tests.monitoring.tables import CIPHER, MONDAY, OFFICER, Tables, by

pytestmark = pytest.mark.asyncio


async def freeze(tables: Tables, unit_id: UUID) -> None:
    await tables.database.pool.execute(
        "INSERT INTO freeze_orders (id, unit_id, scopes, state, reason, proposed_by, proposed_at)"
        " VALUES ($1, $2, '{entry}', 'freeze_proposed', '', 'officer-shen', $3)",
        uuid4(),
        unit_id,
        NOW,
    )


async def units_of(tables: Tables, **asked: str) -> list[set[UUID]]:
    """Of which units the issues, the editions and the orders are."""
    async with tables.database.reading() as conn:
        pages = (
            await issues.issues(conn, OFFICER, issues.Wanted.model_validate(asked), NOW, CIPHER),
            await lists.lists(conn, OFFICER, lists.Wanted.model_validate(asked)),
            await freezes.freeze_orders(conn, OFFICER, freezes.Wanted.model_validate(asked)),
        )
    return [{each.unit_id for each in page.items} for page in pages]


async def test_a_unit_is_asked_about_with_all_below_it_or_alone(tables: Tables) -> None:
    town, school = Town(), Town()
    below = school.registered().model_copy(update={"parent_id": town.unit_id, "path": (town.unit_id, school.unit_id)})
    await tables.see(town.registered(), below, town.over_quota(), school.over_quota())
    for each in (town.unit_id, school.unit_id):
        await issue_list(tables.database, by(), IssueList(unit_id=each, iso_week="2026-W38", nominal=MONDAY))
        await freeze(tables, each)

    for with_all in ({}, {"below": "true"}):
        assert await units_of(tables, unit=str(town.unit_id), **with_all) == [{town.unit_id, school.unit_id}] * 3
    assert await units_of(tables, unit=str(town.unit_id), below="false") == [{town.unit_id}] * 3
    assert await units_of(tables, unit=str(school.unit_id), below="false") == [{school.unit_id}] * 3
    assert await units_of(tables, below="false") == [{town.unit_id, school.unit_id}] * 3
