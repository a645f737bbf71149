"""From the number of a notice or a document, or an id, to the cases: every round of an issue, and a freeze."""

from uuid import uuid4

import pytest

from services.monitoring.queries.cases import cases_of
from tests.monitoring.events import Town
from tests.monitoring.tables import Tables

pytestmark = pytest.mark.asyncio


async def test_an_issue_is_found_with_all_its_rounds_and_a_freeze_by_its_document(tables: Tables) -> None:
    town, order = Town(), uuid4()
    await tables.see(town.registered(), town.over_quota())
    issue = (await tables.issue())["id"]
    await tables.rows("UPDATE issues SET round = 2, number = '编整〔2026〕1号'")
    await tables.rows(
        "INSERT INTO freeze_orders (id, unit_id, scopes, state, reason, proposed_by, proposed_at, document_no)"
        " VALUES ($1, $2, '{entry}', 'in_force', '超编', 'officer-shen', now(), '编冻〔2026〕2号')",
        order,
        town.unit_id,
    )

    async with tables.database.reading() as conn:
        by_number, by_id = await cases_of(conn, "编整〔2026〕1号", None), await cases_of(conn, str(issue), issue)
        freezes = await cases_of(conn, "编冻〔2026〕2号", None), await cases_of(conn, str(order), order)
        nothing = await cases_of(conn, "编整〔2026〕9号", uuid4())

    assert by_number == by_id == [f"rectification:{issue}:2", f"rectification:{issue}:1"]
    assert freezes == ([f"freeze:{order}"], [f"freeze:{order}"])
    assert nothing == []
