"""The judge of `bianban chaos` is judged: what a verdict must notice, on tables and ledgers in which it is planted."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from deploy.chaos import cases, compare, faults_events, faults_lanes, quiet, recovery, schedule
from deploy.chaos.client import PATIENCE, Given
from deploy.chaos.faults import Fault, Skipped, Unfinished
from deploy.chaos.faults_stores import written_segments
from deploy.chaos.ledger import Ledger, Line
from deploy.chaos.quiet import past_due
from deploy.chaos.recovery import Watched
from deploy.chaos.rectifications import Found, Inspector
from deploy.chaos.register import compare_register
from deploy.chaos.silence import load_that_stopped, unanswered
from deploy.chaos.topics import compare_topics
from deploy.local.state import PartState, State
from deploy.quiet import OpenWorkflow
from services.roster.commands.placements import place_person
from shared.clock import Clock
from shared.db import Connection, Database, connect
from shared.glossary import IssueState
from shared.temporal import update_id
from tests.monitoring.events import Town
from tests.monitoring.tables import Tables
from tests.roster import given
from workflows.rectification_case import Act
from workflows.tries import ASK_AGAIN

pytestmark = pytest.mark.asyncio
NOW = datetime(2026, 9, 18, 1, tzinfo=UTC)


def line(kind: str, service: str = "roster", outcome: Any = "acknowledged", answer: dict[str, Any] | None = None, **about: Any) -> Line:
    return Line(kind, service, "officer", str(uuid4()), outcome, "", 1, 0.1, answer or {}, about)


@pytest_asyncio.fixture
async def owner(database: Callable[[str], str]) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database("bianban"))
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with connect(database("roster"), "roster") as connected:
        yield connected


@pytest_asyncio.fixture
async def tables(database: Callable[[str], str]) -> AsyncIterator[Tables]:
    async with connect(database("monitoring"), "monitoring") as made:
        yield Tables(made)


class Cases:
    """Temporal as far as the judge asks it: which workflows run."""

    def __init__(self, *running: str) -> None:
        self.running = running

    def get_workflow_handle(self, case: str) -> Any:
        async def describe() -> Any:
            if case not in self.running:
                raise RPCError("none", RPCStatusCode.NOT_FOUND, b"")
            return SimpleNamespace(status=WorkflowExecutionStatus.RUNNING)

        return SimpleNamespace(describe=describe)


# The load


class Supervised:
    """A client of one town: the light, the issue, and how often the rule still finds what has left."""

    def __init__(self, finds: int) -> None:
        self.finds, self.state, self.asked = finds, IssueState.EVIDENCE_SUBMITTED, list[str]()
        self.stopping = asyncio.Event()

    async def get(self, _user: str, _service: str, path: str) -> dict[str, Any]:
        if path.endswith("/light"):
            return {"light": "red", "why": [{"rule": "M01", "issue_id": "issue"}]}
        return {"state": self.state, "still_found": False}

    async def post(self, kind: str, *_: Any, **__: Any) -> dict[str, Any]:
        self.asked.append(kind)
        if self.finds:
            self.finds -= 1
            raise Given("still_found")
        self.state = IssueState.CLOSED
        return {}


async def test_a_town_whose_acceptance_was_refused_is_come_back_to_until_it_is_settled() -> None:
    client = Supervised(finds=100)
    inspector = Inspector(client, {"town": "unit"}, None, Random(1))  # type: ignore[arg-type]  # stubs
    inspector.open["town"] = Found("placement", "issue", released=True)

    for _ in range(100):
        with pytest.raises(Given):
            await inspector._one()
    await inspector._one()
    await inspector._one()

    assert client.asked == ["acceptance"] * 101
    assert inspector.open == {}


async def test_a_kind_of_actor_that_was_not_heard_in_the_last_quarter_is_a_finding() -> None:
    heard = [replace(line(kind), at=at) for kind, at in (("place", 590.0), ("submit", 451.0), ("acceptance", 180.0))]

    assert load_that_stopped(heard, 600) == ["inspector: nothing after 180 of 600 seconds"]
    assert load_that_stopped(heard, 120) == []
    assert len(load_that_stopped([replace(each, outcome="refused") for each in heard], 600)) == 3


async def test_what_was_never_answered_or_never_seen_is_a_finding(tmp_path: Any) -> None:
    with Ledger(tmp_path / "ledger") as ledger:
        for outcome in ("acknowledged", "refused", "in_doubt"):
            ledger.keep(line("place", outcome=outcome, person=outcome))
        (found,) = unanswered(ledger.lines())

    assert "'person': 'in_doubt'" in found


async def test_a_user_waits_longer_than_a_seal_whose_answer_was_lost() -> None:
    assert ASK_AGAIN.total_seconds() + 60 < PATIENCE


# Cases


async def test_an_open_case_whose_workflow_does_not_run_is_stuck(tables: Tables, owner: Connection) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await owner.execute("UPDATE monitoring.issues SET has_case = true")
    case = f"rectification:{(await tables.issue())['id']}:1"

    assert await cases.without_a_workflow(owner, Cases()) == [f"{case}: to_verify, no workflow runs"]  # type: ignore[arg-type]  # a stub
    assert await cases.without_a_workflow(owner, Cases(case)) == []  # type: ignore[arg-type]  # a stub


async def test_a_notice_that_was_released_and_not_sealed_is_found(tables: Tables, owner: Connection) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await tables.confirm()
    issue, seal = (await tables.issue())["id"], uuid4()
    await owner.execute("INSERT INTO monitoring.notice_seals VALUES ($1, $2, 1, 'sealer', $3, '')", seal, issue, NOW)

    assert await cases.unsealed(owner) == [f"notice {seal} waits for its seal"]


async def test_a_term_that_is_over_in_the_tables_is_overdue_though_its_workflow_says_nothing(tables: Tables, owner: Connection) -> None:
    town = Town()
    await tables.see(town.registered(), town.over_quota())
    await owner.execute("UPDATE monitoring.issues SET state = 'rectifying', due_at = $1", NOW)
    case = f"rectification:{(await tables.issue())['id']}:1"

    assert await cases.past_their_term(owner, NOW + timedelta(seconds=1)) == {case: NOW}
    assert await cases.past_their_term(owner, NOW - timedelta(seconds=1)) == {}


async def test_a_step_that_is_over_without_its_last_reminder_is_overdue(owner: Connection) -> None:
    application = await owner.fetchval(
        "INSERT INTO approval.applications (id, number, application_type, unit_id, applicant, concerned, chain_version, submitted_at, version,"
        " state, revision, due_at, changed_at) SELECT gen_random_uuid(), '1', application_type, gen_random_uuid(), 'clerk', '{}', version, $1, 1,"
        " 'in_review', 1, $1, $1 FROM approval.chains LIMIT 1 RETURNING id",
        NOW,
    )
    late = NOW + timedelta(seconds=1)
    assert await cases.past_their_term(owner, late) == {f"approval:{application}": NOW}

    await owner.execute(
        "INSERT INTO approval.entries (application_id, sequence, kind, at, actor, role, update_id, request_hash, text, reason_codes, order_ids,"
        " state_after, revision_after) VALUES ($1, 1, 'reminded', $2, '', '', '', '', '', '{}', '{}', 'in_review', 1)",
        application,
        NOW,
    )

    assert await cases.past_their_term(owner, late) == {}


async def test_a_workflow_that_waits_for_what_has_come_is_overdue() -> None:
    waiting = [OpenWorkflow(str(hours), "run", False, NOW + timedelta(hours=hours), "") for hours in (-1, 1)]

    assert past_due(waiting, NOW) == {"-1": NOW - timedelta(hours=1)}


class Asleep:
    """A case whose timer was lost: it waits for what has come until somebody tells it of the clock. Mover and pulse in one."""

    def __init__(self, offset: timedelta) -> None:
        self.offset, self.awake, self.client = offset, False, self

    async def go(self, *_: Any) -> None:
        self.awake = True

    async def drained(self, _: float) -> None: ...

    async def open_workflows(self) -> list[OpenWorkflow]:
        return [] if self.awake else [OpenWorkflow("case", "run", False, datetime.now(UTC) - timedelta(hours=1), "")]

    def get_workflow_handle(self, _: str) -> Any:
        async def query(*_: Any, **__: Any) -> float:
            return self.offset.total_seconds()

        return SimpleNamespace(query=query)

    async def list_workflows(self, _: str) -> AsyncIterator[Any]:
        for none in list[str]():
            yield none


async def test_what_is_overdue_is_asked_before_everybody_is_woken(owner: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiet, "_UNTIL_FIRED", 0.0)

    async def overdue(asleep: Any) -> list[str]:
        rest = await quiet.come_to_rest(Clock(None), asleep, asleep, owner)
        assert asleep.awake
        assert rest.findings["stuck_workflows"] == []
        return rest.findings["overdue_deadlines"]

    assert len(await overdue(Asleep(timedelta(0)))) == 1
    assert await overdue(Asleep(timedelta(hours=-2))) == [], "it was not told of the last leap"


# Effects


async def test_an_effect_that_is_not_there_under_a_key_that_is_there_is_lost(roster: Database, owner: Connection) -> None:
    row = await given.row(roster, 5)
    person, placement = await given.in_post(roster, row)
    placed = line("place", answer={"placement_id": str(placement)}, person=str(person), unit=str(row.unit_id))
    released = line("release", placement=str(placement), person=str(person))

    assert await compare_register(owner, [placed]) == ([], [])
    lost, doubled = await compare_register(owner, [placed, released])
    assert (len(lost), doubled) == (1, [])
    assert "open=True" in lost[0]
    elsewhere, _ = await compare_register(owner, [replace(placed, about=placed.about | {"unit": str(uuid4())})])
    assert len(elsewhere) == 1
    missing, _ = await compare_register(owner, [placed, replace(placed, answer={"placement_id": str(uuid4())})])
    assert len(missing) == 2


async def test_a_placement_that_nobody_was_told_of_is_doubled(roster: Database, owner: Connection) -> None:
    row = await given.row(roster, 5)
    person, first = await given.in_post(roster, row)
    await given.release(roster, first, given.TODAY)
    placed = line("place", answer={"placement_id": str(first)}, person=str(person), unit=str(row.unit_id))
    left = line("release", placement=str(first), person=str(person))
    assert await compare_register(owner, [placed, left]) == ([], [])

    again = await place_person(roster, given.by(), given.placement(row, person))

    lost, doubled = await compare_register(owner, [placed, left])
    assert lost == []
    assert [str(again) in each for each in doubled] == [True]


async def test_an_event_is_missing_when_it_neither_came_nor_waits_to_be_sent(
    roster: Database, owner: Connection, kafka: tuple[str, str]
) -> None:
    await given.unit(roster)
    waiting = await compare_topics(owner, kafka[0], set())
    sent = await owner.fetch("DELETE FROM roster.outbox RETURNING event_id")

    lost = await compare_topics(owner, kafka[0], set())
    assert waiting["events_missing_in_topics"] == []
    assert [each.split()[1] for each in lost["events_missing_in_topics"]] == [str(row["event_id"]) for row in sent]


async def test_an_answer_that_is_not_the_kept_one_is_lost(owner: Connection) -> None:
    told = line("place", answer={"placement_id": "one"}, person=str(uuid4()), unit=str(uuid4()))
    await owner.execute(
        "INSERT INTO roster.accepted_commands (key, command, body_hash, answer, accepted_at) VALUES ($1, 'place', '', '\"another\"', $2)",
        told.accepted_key,
        NOW,
    )

    assert len(await compare._answered_otherwise(owner, [told])) == 1
    assert await compare._answered_otherwise(owner, [replace(told, answer={"placement_id": "another"})]) == []


async def test_an_order_is_known_by_its_request_in_whatever_round(tables: Tables, owner: Connection) -> None:
    town, order = Town(), line("confirmation", "monitoring")
    await tables.see(town.registered(), town.over_quota())
    assert [order.kind in each for each in await compare.lost(owner, [order])] == [True]

    await tables.record(
        Act.CONFIRM, IssueState.NOTICE_SIGNED, 1, request=update_id("officer", order.key), details={"title": "", "demand": ""}
    )

    assert await compare.lost(owner, [order]) == []
    assert len(await compare.lost(owner, [order, line("confirmation", "monitoring")])) == 1
    await owner.execute("CREATE TEMP TABLE again AS SELECT * FROM monitoring.issue_entries")
    await owner.execute("UPDATE again SET round = 2")
    await owner.execute("INSERT INTO monitoring.issue_entries SELECT * FROM again")
    assert len(await compare.doubled(owner, [order])) == 1


async def test_a_copy_that_nobody_stands_behind_differs(owner: Connection, tables: Tables) -> None:
    await tables.see((town := Town()).registered())
    await owner.execute("INSERT INTO monitoring.establishments VALUES ($1, 'SY', 'full', true, 3, 2, 0, 0)", town.unit_id)

    assert len(await compare.copies(owner, [])) == 1


async def test_a_unit_without_copies_and_without_a_light_disagrees(roster: Database, owner: Connection) -> None:
    await given.row(roster, 1)

    assert len(await compare.lights(owner, [])) == 1


async def test_a_consumer_that_is_away_is_behind(owner: Connection) -> None:
    assert len([each for each in await compare.behind(owner, []) if "away" in each]) == len(compare.CONSUMING)


# Faults


class Broken(Fault):
    name = "broken"

    def __init__(self, error: Exception, target: str = "roster-app") -> None:
        super().__init__(target, Random(1))
        self.error = error

    async def begin(self, _: Any) -> None:
        raise self.error


async def carried_out(fault: Fault, monkeypatch: pytest.MonkeyPatch, **busy: asyncio.Lock) -> schedule.Done:
    for name in ("PAUSE", "REST"):
        monkeypatch.setattr(schedule, name, 0.0)
    done: list[schedule.Done] = []
    await schedule._one(None, fault, {fault.target: asyncio.Lock(), **busy}, 0.0, done, lambda _: None)  # type: ignore[arg-type]  # no scene
    return done[0]


async def test_only_what_is_skipped_is_skipped_all_else_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await carried_out(Broken(Skipped("why")), monkeypatch)).skipped == "why"
    for error in (KeyError("x"), OSError("away"), Unfinished("half")):
        done = await carried_out(Broken(error), monkeypatch)
        assert (done.skipped, bool(done.failed)) == ("", True)


async def test_a_server_that_another_fault_holds_away_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    held = asyncio.Lock()
    await held.acquire()

    assert "kafka" in (await carried_out(Broken(OSError("away")), monkeypatch, kafka=held)).skipped
    assert (await carried_out(Broken(KeyError("x")), monkeypatch, kafka=held)).failed


async def test_doubles_of_an_empty_topic_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none(*_: Any) -> list[Any]:
        return []

    monkeypatch.setattr(faults_events.Duplicates, "_last", none)
    with pytest.raises(Skipped):
        await faults_events.Duplicates("identity.events", Random(1))._last_of_any(None)


class Moving:
    """A stack that is away twice, Temporal once among it, and then is told; an instant at which a case waits."""

    def __init__(self, clock_file: Path, due: datetime | None = None) -> None:
        self.clock, self.due, self.away, self.told = Clock(clock_file), due, 2, list[timedelta]()

    @asynccontextmanager
    async def __call__(self, _: Any) -> AsyncIterator["Moving"]:
        if self.away and not self.due:
            self.away -= 1
            if self.away:
                await Client.connect("127.0.0.1:9")  # nobody listens there
            raise OSError("away")
        yield self

    async def next_due(self, after: datetime, until: datetime) -> datetime | None:
        return self.due if self.due and after < self.due <= until else None

    async def tell_of_leap(self, _before: datetime, _to: datetime) -> None:
        self.told.append(self.clock.offset())


async def leapt(moving: Moving, clock_file: Path, chance: Random, monkeypatch: pytest.MonkeyPatch) -> timedelta:
    monkeypatch.setattr(faults_events, "mover", moving)
    scene: Any = SimpleNamespace(
        client=SimpleNamespace(clock=moving.clock), ground=SimpleNamespace(place=SimpleNamespace(clock_file=clock_file))
    )
    await faults_events.Leap("clock", chance).begin(scene)
    return moving.clock.offset()


async def test_a_leap_comes_while_servers_are_away_and_is_told_when_they_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moving = Moving(clock_file := tmp_path / "clock")

    offset = await leapt(moving, clock_file, Random(1), monkeypatch)

    assert offset >= timedelta(hours=1)
    assert (moving.away, moving.told) == (0, [offset])


async def test_some_leaps_stop_short_of_an_instant_so_that_its_timer_has_to_fire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    due = datetime.now(UTC) + timedelta(minutes=30)
    monkeypatch.setattr(faults_events, "SHORT_OF_A_TIMER", 1.0)

    await leapt(moving := Moving(tmp_path / "clock", due), tmp_path / "clock", Random(1), monkeypatch)

    assert timedelta(0) < due - moving.clock.now() <= faults_events.SHORT


async def test_only_partitions_with_something_in_them_can_lose_their_tail(tmp_path: Path) -> None:
    for name, said in (("roster.events-0", b"x"), ("roster.events-1", b""), ("other-0", b"x")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0.log").write_bytes(said)

    assert written_segments(tmp_path) == [tmp_path / "roster.events-0" / "0.log"]


async def test_doubles_are_of_the_last_events_also_behind_what_fills_the_log_up(kafka: tuple[str, str]) -> None:
    address, topic = kafka[0], f"{kafka[1]}identity.events"
    async with AIOKafkaProducer(bootstrap_servers=address) as producer, AIOKafkaConsumer(bootstrap_servers=address) as consumer:
        for value in (*(b"event" for _ in range(60)), *(None for _ in range(3000))):
            await producer.send(topic, value, b"key", partition=0)
        await producer.flush()

        last = await faults_events.Duplicates._last(consumer, TopicPartition(topic, 0))
        none = await faults_events.Duplicates._last(consumer, TopicPartition(topic, 1))

    assert [record.offset for record in last] == [*range(10, 60)]
    assert none == []


def scene_at(url: str) -> Any:
    place = SimpleNamespace(database_url=lambda *_: url, reached=lambda _: 0)
    return SimpleNamespace(ground=SimpleNamespace(place=place))


async def test_events_that_could_not_be_swapped_are_skipped_and_the_relay_goes_on(
    database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = noted(monkeypatch, faults_events)
    monkeypatch.setattr(faults_events, "LOOKS", 2)

    with pytest.raises(Skipped):
        await faults_events.Swapped("roster-worker", Random(1)).begin(scene_at(database("bianban")))
    assert sent == ["SIGSTOP", "SIGCONT"]


def noted(monkeypatch: pytest.MonkeyPatch, module: Any) -> list[str]:
    """The signals that a fault would send."""
    sent: list[str] = []

    async def ready(*_: Any) -> PartState:
        return PartState("part")

    monkeypatch.setattr(module, "ready", ready)
    monkeypatch.setattr(module, "signal_part", lambda _, how: sent.append(how.name))
    return sent


async def test_a_sleeper_whose_locks_cannot_be_expired_is_awake_again(monkeypatch: pytest.MonkeyPatch) -> None:
    sent, stopped = noted(monkeypatch, faults_lanes), list[str]()

    async def connected(_: int) -> None: ...

    async def stop() -> None:
        stopped.append("twin")

    async def start(*_: Any) -> Any:
        return SimpleNamespace(connected=connected, stop=stop)

    async def away(*_: Any) -> int:
        raise OSError("away")

    monkeypatch.setattr(faults_lanes.Twin, "start", start)
    monkeypatch.setattr(faults_lanes, "expire_locks", away)
    with pytest.raises(OSError, match="away"):
        await faults_lanes.Sleeper("roster-worker", Random(1)).begin(scene_at(""))
    assert sent == ["SIGSTOP", "SIGCONT"]
    assert stopped == ["twin"]


# Recovery


async def test_a_part_was_gone_from_its_first_death_to_the_end_of_its_last_start() -> None:
    watched = Watched()

    def seen(state: State, since: float, born: int) -> recovery.Recovered | None:
        return recovery.recovered(watched, PartState("roster-app", state, 1, born, since=since, took=0.4))

    assert seen(State.READY, 10, 1) is None
    assert [seen(State.RESTARTING, 20, 1), seen(State.STARTING, 20.3, 2), seen(State.RESTARTING, 21, 2), seen(State.STARTING, 22, 3)] == [
        None
    ] * 4
    assert seen(State.READY, 23.5, 3) == (3.5, 0.4)
    assert seen(State.READY, 23.5, 3) is None
    assert seen(State.READY, 30, 4) == (0.4, 0.4)


async def test_of_both_times_the_middle_and_the_longest_are_told() -> None:
    told = recovery.table({"kafka": [recovery.Recovered(*times) for times in ((9.0, 2.0), (3.0, 2.5), (12.0, 1.0))]})

    assert told == {"kafka": {"losses": 3, "median": 9.0, "longest": 12.0, "start_median": 2.0, "start_longest": 2.5}}
