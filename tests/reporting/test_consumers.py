"""Folds and figures, from real events through real Kafka; and a rebuild beside the live tables."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaProducer

from deploy.local.place import PROJECT, Place
from deploy.reporting import until_live
from services.reporting import commands, queries
from services.reporting.consumers import handlers
from services.reporting.models import READ_MODELS, GroupPosts, RebuildRuns, StartRebuild
from shared import db
from shared.auth import Who
from shared.db import By, Database
from shared.events.approval import ApplicationMoved, ApplicationSubmitted
from shared.events.envelope import Event
from shared.events.monitoring import IssueChanged, LightChanged
from shared.events.roster import (
    EstablishmentState,
    PersonPlaced,
    PersonReleased,
    QuotaChanged,
    RetirementFact,
    UnitRegistered,
)
from shared.glossary import ApplicationState, ApplicationType, IssueState, Light, Role
from shared.unit_copies import UnitUnknown

NOW = datetime(2026, 9, 18, 1, tzinfo=UTC)
COUNTY = Who("officer", frozenset({Role.BUSINESS_OFFICER}))
RETIREMENT = RetirementFact(category="M60", month="2050-01")


def row(kind: str, quota: int, headcount: int, *, reserved: int = 0, frozen: int = 0, counted: bool = True) -> EstablishmentState:
    return EstablishmentState(
        kind=kind, funding="full", counted=counted, quota=quota, headcount=headcount, reserved=reserved, frozen=frozen
    )


@dataclass
class Publisher:
    """Sends events as the relay would; it counts each aggregate's versions."""

    producer: AIOKafkaProducer
    prefix: str
    versions: dict[UUID, int] = field(default_factory=dict)
    last: list[Event] = field(default_factory=list)

    def next_version(self, aggregate: UUID) -> int:
        self.versions[aggregate] = self.versions.get(aggregate, 0) + 1
        return self.versions[aggregate]

    async def send(self, *events: Event) -> None:
        for event in events:
            headers = [(name, value.encode()) for name, value in event.headers().items()]
            await self.producer.send_and_wait(self.prefix + event.topic, event.body(), key=event.key.encode(), headers=headers)
            self.last.append(event)

    async def unit(self, name: str, parent: Sequence[UUID] = (), category: str = "school") -> tuple[UUID, ...]:
        unit_id = uuid4()
        path = (*parent, unit_id)
        await self.send(
            UnitRegistered(
                **self._of(unit_id), parent_id=parent[-1] if parent else None, path=path, name=name, code=name, category=category,
                valid_from=date(2020, 1, 1),
            )
        )  # fmt: skip
        return path

    async def quota(self, unit_id: UUID, *rows: EstablishmentState, at: datetime = NOW) -> None:
        await self.send(QuotaChanged(**self._of(unit_id) | {"occurred_at": at}, establishments=rows, effective_on=at.date()))

    def placed(self, unit_id: UUID, person_id: UUID, version: int, transfer_id: UUID | None = None) -> PersonPlaced:
        return PersonPlaced(
            **self._of(unit_id), **self._about(person_id, version, transfer_id), started_on=NOW.date(), entry_reason="recruited",
            authorisation_no=None, authorised_on=None, retirement=RETIREMENT,
        )  # fmt: skip

    def released(self, unit_id: UUID, person_id: UUID, version: int, transfer_id: UUID | None = None) -> PersonReleased:
        about = self._about(person_id, version, transfer_id)
        return PersonReleased(**self._of(unit_id), **about, ended_on=NOW.date(), exit_reason="resigned")

    def _of(self, unit_id: UUID) -> dict[str, object]:
        return {"occurred_at": NOW, "unit_id": unit_id, "version": self.next_version(unit_id)}

    def _about(self, person_id: UUID, version: int, transfer_id: UUID | None) -> dict[str, object]:
        return {"person_id": person_id, "person_version": version, "kind": "institution", "funding": "full", "transfer_id": transfer_id}

    def of_issue(self, unit_id: UUID, issue_id: UUID, state: IssueState, due_at: datetime | None = None) -> IssueChanged:
        version = self.next_version(issue_id)
        return IssueChanged(
            occurred_at=NOW, unit_id=unit_id, version=version, issue_id=issue_id, rule="M01", level=Light.RED, state=state, due_at=due_at
        )


@pytest_asyncio.fixture
async def publisher(kafka: tuple[str, str]) -> AsyncIterator[Publisher]:
    producer = AIOKafkaProducer(bootstrap_servers=kafka[0])
    await producer.start()
    yield Publisher(producer, kafka[1])
    await producer.stop()


@pytest_asyncio.fixture
async def reporting(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with db.connect(database("reporting"), "reporting") as connected:
        yield connected


@pytest_asyncio.fixture
async def worker(stack: Place, database: Callable[[str], str], kafka: tuple[str, str]) -> AsyncIterator[None]:
    """The worker as it runs in the stack, on the test's own database and topics."""
    async with running_worker(stack, database("reporting"), kafka[1]):
        yield


@asynccontextmanager
async def running_worker(stack: Place, url: str, prefix: str) -> AsyncIterator[asyncio.subprocess.Process]:
    variables = stack.variables("reporting") | {"REPORTING_DATABASE_URL": url, "BIANBAN_TOPIC_PREFIX": prefix}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.reporting.worker", env=variables, cwd=PROJECT)
    yield process
    if process.returncode is None:
        process.kill()
    await process.wait()


async def until(reporting: Database, question: str, *arguments: object, patience: float = 90.0) -> None:
    """Wait until the database says yes."""
    async with asyncio.timeout(patience):
        while True:
            if await reporting.pool.fetchval(question, *arguments):
                return
            await asyncio.sleep(0.02)


async def until_read(reporting: Database, publisher: Publisher) -> None:
    """Wait until the live generation has handled every event sent so far."""
    await until(
        reporting,
        "SELECT count(*) = cardinality($1::uuid[]) FROM inbox WHERE event_id = ANY($1)"
        " AND consumer = (SELECT 'reporting@' || number FROM generations WHERE state = 'live')",
        [event.event_id for event in publisher.last],
    )


async def by_group(reporting: Database, group: str, who: Who = COUNTY) -> dict[str, GroupPosts]:
    async with reporting.reading() as conn:
        found = await queries.distribution(conn, who, group)  # type: ignore[arg-type]  # the three groups by name
    return {item.code: item for item in found.items}


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_vacancies_are_never_netted_against_overstaffing(reporting: Database, publisher: Publisher) -> None:
    root = await publisher.unit("330499", category="bureau")
    short, full = await publisher.unit("330499001", root), await publisher.unit("330499002", root)
    await publisher.quota(short[-1], row("institution", 10, 7, reserved=1), row("administrative", 2, 3))
    await publisher.quota(full[-1], row("institution", 5, 6, frozen=1), row("quota_register", 0, 4, counted=False))
    await until_read(reporting, publisher)

    kinds = await by_group(reporting, "kind")
    async with reporting.reading() as conn:
        counted, uncounted = (await queries.distribution(conn, COUNTY, "kind")).totals

    institution = kinds["institution"]
    assert (institution.quota, institution.headcount, institution.vacancy, institution.overstaffing) == (15, 13, 3, 1)
    assert (institution.available, institution.exceeded, institution.units) == (2, 2, 2)
    assert institution.saturation == pytest.approx(13 / 15)
    assert (counted.quota, counted.headcount, counted.vacancy, counted.overstaffing) == (17, 16, 3, 2)
    assert (uncounted.counted, uncounted.headcount) == (False, 4)


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_saturation_without_posts_is_undefined(reporting: Database, publisher: Publisher) -> None:
    unit = await publisher.unit("330499001")
    await publisher.quota(unit[-1], row("quota_register", 0, 4, counted=False), row("institution", 0, 0))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        found = await queries.saturation(conn, COUNTY, unit[-1])

    assert [(item.kind, item.saturation, item.vacancy_rate) for item in found.items] == [
        ("institution", None, None),
        ("quota_register", None, None),
    ]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_figures_carry_what_the_roster_calls_a_kind_and_the_code_until_it_tells(reporting: Database, publisher: Publisher) -> None:
    unit = await publisher.unit("330499001")
    called = row("SY", 5, 1).model_copy(update={"kind_label": "事业编制", "funding_label": "全额拨款"})
    await publisher.quota(unit[-1], called, row("XZ", 2, 1))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        kinds = await queries.distribution(conn, COUNTY, "kind")
        rows = await queries.saturation(conn, COUNTY, None)

    assert [(item.code, item.label) for item in kinds.items] == [("SY", "事业编制"), ("XZ", "XZ")]
    assert [(item.kind, item.kind_label, item.funding_label) for item in rows.items] == [
        ("SY", "事业编制", "全额拨款"),
        ("XZ", "XZ", "full"),
    ]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_caller_sees_the_figures_of_his_units_only(reporting: Database, publisher: Publisher) -> None:
    root = await publisher.unit("330499")
    mine, other = await publisher.unit("330499001", root), await publisher.unit("330499002", root, "town")
    for path, posts in ((mine, 10), (other, 20)):
        await publisher.quota(path[-1], row("institution", posts, 1))
    await until_read(reporting, publisher)
    clerk = Who("zhang", frozenset({Role.UNIT_CLERK}), (mine[-1],))

    assert (await by_group(reporting, "category", clerk)).keys() == {"school"}
    assert (await by_group(reporting, "parent"))[str(root[-1])].quota == 30
    async with reporting.reading() as conn:
        assert [item.quota for item in (await queries.saturation(conn, COUNTY, root[-1])).items] == [30]
        assert [item.count for item in (await queries.lights(conn, clerk)).items] == [1, 0, 0, 0]
        with pytest.raises(UnitUnknown):
            await queries.saturation(conn, clerk, other[-1])


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("arrival_first", [True, False], ids=["arrival first", "departure first"])
async def test_a_transferred_person_is_never_counted_twice_or_nowhere(
    reporting: Database, publisher: Publisher, arrival_first: bool
) -> None:
    giving, taking = (await publisher.unit("330499001"))[-1], (await publisher.unit("330499002"))[-1]
    person, transfer = uuid4(), uuid4()
    await publisher.quota(giving, row("institution", 5, 1))
    await publisher.quota(taking, row("institution", 5, 1))
    await publisher.send(publisher.placed(giving, person, 1))
    halves = [publisher.placed(taking, person, 2, transfer), publisher.released(giving, person, 2, transfer)]
    seen: list[int] = []

    for half in halves if arrival_first else reversed(halves):
        await publisher.send(half)
        await until_read(reporting, publisher)
        seen.append((await by_group(reporting, "kind"))["institution"].people)

    assert seen == [1, 1]
    assert [(item.code, item.people) for item in (await by_group(reporting, "parent")).values() if item.people] == [(str(taking), 1)]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_an_older_fact_about_a_person_that_arrives_late_changes_nothing(reporting: Database, publisher: Publisher) -> None:
    first, second = (await publisher.unit("330499001"))[-1], (await publisher.unit("330499002"))[-1]
    person = uuid4()
    for unit in (first, second):
        await publisher.quota(unit, row("institution", 5, 1))
    await publisher.send(publisher.placed(second, person, 3))
    await until_read(reporting, publisher)
    await publisher.send(publisher.placed(first, person, 1), publisher.released(first, person, 2))
    await until_read(reporting, publisher)

    assert [(item.code, item.people) for item in (await by_group(reporting, "parent")).values() if item.people] == [(str(second), 1)]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_person_who_left_is_counted_no_more(reporting: Database, publisher: Publisher) -> None:
    unit, person = (await publisher.unit("330499001"))[-1], uuid4()
    await publisher.quota(unit, row("institution", 5, 1))
    await publisher.send(publisher.placed(unit, person, 1), publisher.released(unit, person, 2))
    await until_read(reporting, publisher)

    assert (await by_group(reporting, "kind"))["institution"].people == 0


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_lights_issues_and_applications_are_counted_as_they_stand(reporting: Database, publisher: Publisher) -> None:
    unit = (await publisher.unit("330499001"))[-1]
    late, handed_in, done, application = uuid4(), uuid4(), uuid4(), uuid4()
    await publisher.send(
        LightChanged(occurred_at=NOW, unit_id=unit, version=1, light=Light.RED, before=Light.GREEN),
        publisher.of_issue(unit, late, IssueState.RECTIFYING, NOW - timedelta(days=1)),
        publisher.of_issue(unit, handed_in, IssueState.EVIDENCE_SUBMITTED, NOW - timedelta(days=1)),
        publisher.of_issue(unit, done, IssueState.TO_VERIFY),
        publisher.of_issue(unit, done, IssueState.DISMISSED),
    )
    about = {"occurred_at": NOW, "unit_id": unit, "application_id": application, "application_type": ApplicationType.POST_USE}
    await publisher.send(
        ApplicationSubmitted(**about, version=1, number="1", kind="institution", funding="full", posts=3),
        ApplicationMoved(**about, version=2, state=ApplicationState.PAUSED, revision=1, step="office", holder=Role.OFFICE_DIRECTOR),
    )
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        lights = await queries.lights(conn, COUNTY)
        issues = await queries.issues(conn, COUNTY, NOW)
        flight = await queries.applications(conn, COUNTY)

    assert {item.code: item.count for item in lights.items} == {"green": 0, "yellow": 0, "red": 1, "unverified": 0}
    assert [(item.rule, item.open, item.overdue) for item in issues.items] == [("M01", 2, 1)]
    assert {item.code: item.count for item in issues.states} == {"rectifying": 1, "evidence_submitted": 1, "dismissed": 1}
    assert [(item.type, item.step, item.count, item.posts, item.paused) for item in flight.items] == [
        ("post_use_application", "office", 1, 3, 1)
    ]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_light_known_before_its_unit_is_counted_once_the_unit_is_there(reporting: Database, publisher: Publisher) -> None:
    unit = uuid4()
    await publisher.send(LightChanged(occurred_at=NOW, unit_id=unit, version=1, light=Light.YELLOW, before=Light.GREEN))
    await until_read(reporting, publisher)
    async with reporting.reading() as conn:
        before = await queries.lights(conn, COUNTY)
    await publisher.send(
        UnitRegistered(
            occurred_at=NOW,
            unit_id=unit,
            version=1,
            parent_id=None,
            path=(unit,),
            name="校",
            code="1",
            category="school",
            valid_from=NOW.date(),
        )
    )
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        after = await queries.lights(conn, COUNTY)
    assert [[item.count for item in found.items] for found in (before, after)] == [[0, 0, 0, 0], [0, 1, 0, 0]]


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
