"""A rebuild beside the live tables: the same figures, nothing started, and its worker may die."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.place import Place
from deploy.reporting import until_live
from services.reporting import commands
from services.reporting.consumers import handlers
from services.reporting.models import READ_MODELS, RebuildRuns, StartRebuild
from shared.db import By, Database
from shared.glossary import IssueState
from tests.reporting.given import NOW, Publisher, by_group, row, running_worker, until, until_read


async def rows_of(reporting: Database, generation: int) -> dict[str, list[str]]:
    found: dict[str, list[asyncpg.Record]] = {
        table: await reporting.pool.fetch(
            f"SELECT (to_jsonb(t) - 'generation')::text AS row FROM {table} t WHERE generation = $1 ORDER BY 1", generation
        )
        for table in READ_MODELS
    }
    return {table: [row["row"] for row in rows] for table, rows in found.items()}


async def load(publisher: Publisher, unit_ids: Sequence[UUID], ended: asyncio.Event) -> None:
    """Events as they come in an office's day, much faster."""
    turn = 0
    while not ended.is_set():
        turn += 1
        unit, person, issue = unit_ids[turn % len(unit_ids)], uuid4(), uuid4()
        await publisher.quota(unit, row("institution", 50 + turn, turn % 60, reserved=turn % 3), at=NOW + timedelta(seconds=turn))
        await publisher.send(publisher.placed(unit, person, 1), publisher.of_issue(unit, issue, IssueState.TO_VERIFY))
        if turn % 2:
            await publisher.send(publisher.released(unit, person, 2), publisher.of_issue(unit, issue, IssueState.CLOSED))
        await asyncio.sleep(0.05)


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_rebuild_under_load_gives_the_same_rows_takes_over_and_starts_nothing(reporting: Database, publisher: Publisher) -> None:
    units = [(await publisher.unit(f"33049900{number}"))[-1] for number in range(5)]
    ended = asyncio.Event()
    busy = asyncio.create_task(load(publisher, units, ended))
    await until(reporting, "SELECT count(*) > 60 FROM inbox")
    by = By(actor="sysadmin", as_of=NOW, key="rebuild-1")

    asked = await commands.start_rebuild(reporting, by, StartRebuild())
    with pytest.raises(RebuildRuns):
        await commands.start_rebuild(reporting, By(actor="sysadmin", as_of=NOW, key="rebuild-2"), StartRebuild())
    async with asyncio.timeout(90):
        live = await until_live(reporting, asked.number)
    ended.set()
    await busy
    await until_read(reporting, publisher)
    await until(reporting, "SELECT state = 'deleted' FROM generations WHERE number = 1")

    assert (live.number, live.state, live.rows_differing) == (2, "live", 0)
    assert live.rows_compared
    rebuilt = await rows_of(reporting, 2)
    assert rebuilt == await folded_once(reporting, publisher)
    assert await rows_of(reporting, 1) == {table: [] for table in READ_MODELS}
    assert await reporting.pool.fetchval("SELECT array_agg(DISTINCT consumer) FROM inbox") == ["reporting@2"]
    assert await reporting.pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert await reporting.pool.fetchval("SELECT count(*) FROM event_log") == 0
    assert await reporting.pool.fetchval("SELECT count(*) FROM workflow_starts") == 0


async def folded_once(reporting: Database, publisher: Publisher) -> dict[str, list[str]]:
    """The same events folded straight from memory, each once and in order: what the rows should be."""
    async with reporting.transaction() as conn:
        for event in publisher.last:
            await handlers(99)[type(event)](conn, event)
    return await rows_of(reporting, 99)


@pytest.mark.asyncio
async def test_a_rebuild_survives_the_death_of_its_worker(
    stack: Place, reporting: Database, publisher: Publisher, database: Callable[[str], str], kafka: tuple[str, str]
) -> None:
    unit = (await publisher.unit("330499001"))[-1]
    for posts in range(1, 40):
        await publisher.quota(unit, row("institution", posts, 0))
    async with running_worker(stack, database("reporting"), kafka[1]):
        await until_read(reporting, publisher)
    asked = await commands.start_rebuild(reporting, By(actor="sysadmin", as_of=NOW, key="rebuild-1"), StartRebuild())
    async with running_worker(stack, database("reporting"), kafka[1]) as first:
        await until(reporting, "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'consumer reporting@2'")
        first.kill()
        await first.wait()
    async with running_worker(stack, database("reporting"), kafka[1]), asyncio.timeout(90):
        live = await until_live(reporting, asked.number)

    assert (live.state, live.rows_differing) == ("live", 0)
    assert (await by_group(reporting, "kind"))["institution"].quota == 39
