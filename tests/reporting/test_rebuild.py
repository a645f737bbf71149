"""A rebuild beside the live tables: the same figures, nothing started, and its worker may die."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from deploy.local.place import Place
from deploy.reporting import until_live
from services.reporting import commands
from services.reporting.consumers import handlers
from services.reporting.models import READ_MODELS, GiveUpRebuild, NoRebuildRuns, RebuildRuns, StartRebuild
from shared.db import By, Database, readable_json
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


@pytest.mark.asyncio
async def test_after_an_upgrade_the_events_are_read_anew_once_and_the_reports_are_what_a_rebuild_gives(
    stack: Place, reporting: Database, publisher: Publisher, database: Callable[[str], str], kafka: tuple[str, str]
) -> None:
    """The build before kept no month of retirement."""
    unit = (await publisher.unit("330499001"))[-1]
    await publisher.send(publisher.placed(unit, uuid4(), 1))
    async with running_worker(stack, database("reporting"), kafka[1]):
        await until_read(reporting, publisher)
    await reporting.pool.execute("UPDATE people SET retirement_month = 'unread'; UPDATE generations SET reading = 0")

    async with running_worker(stack, database("reporting"), kafka[1]):
        await until(reporting, "SELECT count(*) = 1 FROM generations WHERE state = 'live' AND number = 2")
        await until(reporting, "SELECT state = 'deleted' FROM generations WHERE number = 1")
    async with running_worker(stack, database("reporting"), kafka[1]):
        await until_read(reporting, publisher)

    assert await rows_of(reporting, 2) == await folded_once(reporting, publisher)
    generations = await reporting.pool.fetch("SELECT number, asked_by, rows_differing FROM generations ORDER BY 1")
    assert [tuple(each) for each in generations] == [(1, "migration", None), (2, "bianban", 2)]


@pytest.mark.asyncio
async def test_what_is_read_anew_after_an_upgrade_and_given_up_is_not_asked_for_again(reporting: Database, publisher: Publisher) -> None:
    await publisher.unit("330499001")
    async with reporting.transaction() as conn:
        for event in publisher.last:
            await handlers(1)[type(event)](conn, event)
    await commands.read_anew(reporting, NOW)
    await commands.give_up_rebuild(reporting, By(actor="sysadmin", as_of=NOW, key="give-up-1"), GiveUpRebuild())
    await commands.read_anew(reporting, NOW)

    assert await reporting.pool.fetchval("SELECT array_agg(state ORDER BY number) FROM generations") == ["live", "retired"]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_rebuild_that_does_not_end_is_given_up_and_another_may_begin(reporting: Database, publisher: Publisher) -> None:
    """The live generation has read a partition that the new one never will: they are never level."""
    await publisher.unit("330499001")
    await until_read(reporting, publisher)
    await reporting.pool.execute(
        "INSERT INTO consumer_positions (consumer, topic, partition, next_offset) VALUES ('reporting@1', 'gone', 0, 5000)"
    )

    def by() -> By:
        return By(actor="sysadmin", as_of=NOW, key=str(uuid4()))

    asked = await commands.start_rebuild(reporting, by(), StartRebuild())
    await until(reporting, "SELECT count(*) > 0 FROM consumer_positions WHERE consumer = 'reporting@2'")
    number = await commands.give_up_rebuild(reporting, by(), GiveUpRebuild())
    found = await until_live(reporting, asked.number)
    with pytest.raises(NoRebuildRuns):
        await commands.give_up_rebuild(reporting, by(), GiveUpRebuild())
    await until(reporting, "SELECT state = 'deleted' FROM generations WHERE number = 2")

    assert (number, found.live_at) == (2, None)
    assert await rows_of(reporting, 2) == {table: [] for table in READ_MODELS}
    assert (await commands.start_rebuild(reporting, by(), StartRebuild())).number == 3
    assert await reporting.pool.fetchval("SELECT number FROM generations WHERE state = 'live'") == 1


@asynccontextmanager
async def impatient(url: str) -> AsyncIterator[Database]:
    """A pool whose statements may take a second, as 400 000 people take longer than the usual half minute."""
    limits = {"statement_timeout": "1s"}
    async with asyncpg.create_pool(url, min_size=1, max_size=2, command_timeout=1.5, init=readable_json, server_settings=limits) as pool:
        yield Database(pool, pool, "reporting")


async def make_slow(owner_url: str) -> None:
    """Whatever looks at all of a generation's people takes longer, and so does what deletes what its consumer keeps."""
    owner = await asyncpg.connect(owner_url)
    await owner.execute(
        "SET ROLE bianban; SET search_path = reporting; ALTER TABLE people RENAME TO people_kept;"
        " CREATE VIEW people AS SELECT * FROM people_kept WHERE pg_sleep(0.15) IS NOT NULL;"
        " CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(2); RETURN OLD; END';"
        " CREATE TRIGGER slow BEFORE DELETE ON aggregate_versions FOR EACH ROW EXECUTE FUNCTION slow()"
    )
    await owner.close()


async def put_people(reporting: Database, generation: int, posts: Sequence[str]) -> None:
    """The n-th person has the n-th kind of post."""
    await reporting.pool.executemany(
        "INSERT INTO people (generation, person_id, person_version, unit_id, kind, funding, in_post) VALUES ($1, $2, 1, $2, $3, 'full', true)",
        [(generation, UUID(int=number), kind) for number, kind in enumerate(posts)],
    )


@pytest.mark.asyncio
async def test_a_rebuild_of_more_than_a_statement_may_take_ends_and_tells_each_row_that_differs(
    reporting: Database, database: Callable[[str], str]
) -> None:
    await commands.start_rebuild(reporting, By(actor="sysadmin", as_of=NOW, key="rebuild-1"), StartRebuild())
    await put_people(reporting, 1, ["institution"] * 10 + ["gone"])
    await put_people(reporting, 2, ["institution"] * 8 + ["administrative"] * 2)
    await reporting.pool.execute("INSERT INTO aggregate_versions VALUES ('reporting@1', 'unit', 'a', 1)")
    await make_slow(database("bianban"))

    async with impatient(database("reporting")) as hurried:
        switched = await commands.switch(hurried, NOW)
        await commands.delete_retired(hurried, "")
    live = await until_live(reporting, 2)

    assert (switched, live.state, live.rows_compared, live.rows_differing) == (True, "live", 10, 5)
    assert await reporting.pool.fetchval("SELECT state FROM generations WHERE number = 1") == "deleted"
    assert await reporting.pool.fetchval("SELECT count(*) FROM people_kept WHERE generation = 1") == 0
