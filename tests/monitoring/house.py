"""Monitoring as it runs: its app, its worker's loops and the workflow worker, on the test stack's servers and a database of the test's own."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx
import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.service import RPCError

from deploy.local.place import NAMESPACE, Place
from deploy.seal.app import create_app as seal_platform
from services.monitoring.activities import MonitoringActivities, Sealing
from services.monitoring.app import create_app
from services.monitoring.commands.calendars import tell_calendar
from services.monitoring.consumers import subscription, watch_dead_letters
from services.monitoring.models.facts import Surroundings
from services.monitoring.queries.calendars import cases_behind
from shared.auth import Tokens, Who
from shared.calendars import watch_calendar
from shared.clock import Clock
from shared.db import connect
from shared.documents import Renderer
from shared.events.envelope import Event
from shared.glossary import Role
from shared.kafka import KafkaSender
from shared.law.notices import Notices
from shared.listening import consume
from shared.outbox import relay
from shared.seal import EmbeddedSealPlatform
from shared.temporal import WORKFLOWS, TemporalSender, serve_activities
from shared.temporal import connect as connect_temporal
from tests.monitoring.events import NOW, publish
from tests.servers import SealSwitch, free_port, make_secrets, served
from workflows import roster
from workflows.clock import CLOCK_MOVED, ClockMoved
from workflows.rectification import TASK_QUEUE
from workflows.schedules import Nominal
from workflows.sealing_messages import Document
from workflows.worker import worker

T = TypeVar("T")
OFFICER = Who("officer-shen", frozenset({Role.SUPERVISION_OFFICER}))
DIRECTOR = Who("director-gu", frozenset({Role.OFFICE_DIRECTOR}))
OPERATOR = Who("operator-he", frozenset({Role.SEAL_OPERATOR}))


def clerk_of(unit_id: uuid.UUID) -> Who:
    return Who("clerk-zhu", frozenset({Role.UNIT_CLERK}), (unit_id,))


@dataclass
class Roster:
    """The neighbour, as far as a freeze sees it: it says yes and keeps what it was asked."""

    asked: list[str] = field(default_factory=list)
    posts: list[roster.FrozenPosts] = field(default_factory=list)

    @activity.defn(name=roster.FREEZE_UNIT)
    async def freeze_unit(self, request: roster.FreezeRequest) -> roster.Verdict:
        self.asked.append(f"freeze {request.document_no}")
        self.posts.extend(request.posts)
        return roster.Verdict(accepted=True)

    @activity.defn(name=roster.UNFREEZE_UNIT)
    async def unfreeze_unit(self, request: roster.UnfreezeRequest) -> roster.Verdict:
        self.asked.append(f"unfreeze {request.document_no}")
        return roster.Verdict(accepted=True)

    @activity.defn(name=roster.EXPIRE_RESERVATIONS)
    async def expire_reservations(self, sweep: roster.Sweep) -> int:
        self.asked.append(f"sweep {sweep.on}")
        return 0


@dataclass
class House:
    """What a test talks to."""

    http: httpx.AsyncClient
    database: asyncpg.Connection
    temporal: Client
    tokens: Tokens
    clock_file: Path
    kafka: tuple[str, str]
    roster: "Roster"
    calendar_folder: Path
    seal: SealSwitch
    posted: int = field(default=0)

    async def get(self, who: Who, path: str, **query: Any) -> Any:
        answer = await self.http.get(path, params=query, headers=self._headers(who))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, who: Who, path: str, key: str | None = None, **body: Any) -> httpx.Response:
        self.posted += 1
        headers = self._headers(who) | {"idempotency-key": key or f"request-{self.posted}"}
        return await self.http.post(path, json=body, headers=headers)

    async def publish(self, *events: Event) -> None:
        await publish(*self.kafka, events)

    def set_time(self, at: datetime) -> timedelta:
        offset = timedelta(seconds=round((at - datetime.now(UTC)).total_seconds()))
        self.clock_file.write_text(str(round(offset.total_seconds())))
        return offset

    async def move_to(self, at: datetime) -> None:
        """Business time jumps; every open case is told, as `bianban clock advance` tells it."""
        moved = ClockMoved(offset=self.set_time(at))
        for row in await self.database.fetch("SELECT workflow_id FROM workflow_starts"):
            with suppress(RPCError):  # it has ended
                await self.temporal.get_workflow_handle(row["workflow_id"]).execute_update(CLOCK_MOVED, moved)

    async def seal_notice(self, issue: str) -> Any:
        """用印登记 of a signed notice, and the seal that comes of it."""
        released = await self.post(OPERATOR, f"{issue}/notice/release")
        assert released.is_success, released.text
        return await eventually(lambda: self.get(OFFICER, issue), lambda page: page["notice"]["standing"] == "sealed")

    async def run_daily(self, workflow: str, at: datetime) -> Any:
        return await self.temporal.execute_workflow(workflow, Nominal(at=at), id=f"{workflow}:{uuid.uuid4()}", task_queue=WORKFLOWS)

    def _headers(self, who: Who) -> dict[str, str]:
        return {"authorization": f"Bearer {self.tokens.issue(who, datetime.now(UTC))}"}


async def eventually(ask: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], seconds: float = 40.0) -> T:
    """Ask until the answer is the wanted one."""
    for _ in range(int(seconds / 0.05)):
        found = await ask()
        if wanted(found):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"still {found!r}")


@asynccontextmanager
async def house(stack: Place, url: Callable[[str], str], kafka: tuple[str, str], folder: Path) -> AsyncIterator[House]:
    """Its settings are its own: those that stayed would be of the next test's portal."""
    tokens = make_secrets(folder)
    with pytest.MonkeyPatch.context() as given:
        for name, value in _environment(stack, url, kafka, folder).items():
            given.setenv(name, value)
        async with _house(stack, url, kafka, folder, tokens) as made:
            yield made


@asynccontextmanager
async def _house(stack: Place, url: Callable[[str], str], kafka: tuple[str, str], folder: Path, tokens: Tokens) -> AsyncIterator[House]:
    clock_file = folder / "clock"
    clock, payload_key = Clock(clock_file), bytes.fromhex((folder / "payload.key").read_text())
    temporal = await connect_temporal(stack.temporal, NAMESPACE, payload_key)
    notices = Notices(folder / "calendar")
    surroundings = Surroundings(notices.calendar, clock.offset, clock.now)
    app = create_app()
    loops: list[asyncio.Task[None]] = []
    to_kafka, neighbour = KafkaSender(*kafka), Roster()
    conn = await asyncpg.connect(url("bianban"), server_settings={"search_path": "monitoring"})
    port, seal_port, secret = free_port(), free_port(), (folder / "seal.hmac").read_text()
    platform = httpx.AsyncClient(base_url=f"http://127.0.0.1:{seal_port}")
    sealing = Sealing(
        {Document.LIST: folder / "out" / "lists", Document.NOTICE: folder / "out" / "notices"},
        "云海市编办",
        Renderer(),
        EmbeddedSealPlatform(platform, secret, clock),
        f"http://127.0.0.1:{port}/seal-callbacks",
    )
    switch = SealSwitch(lambda: seal_platform(folder / "seal", secret, clock), seal_port)
    await switch.start()
    async with served(app, port), connect(url("monitoring"), "monitoring") as database, worker(temporal):
        running = (
            consume(database, url("monitoring"), kafka[0], subscription(surroundings, kafka[1])),
            relay(database, url("monitoring"), to_kafka),
            relay(database, url("monitoring"), TemporalSender(temporal)),
            serve_activities(temporal, TASK_QUEUE, MonitoringActivities(database, surroundings, sealing).all()),
            watch_dead_letters(database, clock),
            watch_calendar(database, clock, notices, cases_behind, tell_calendar),
            serve_activities(temporal, roster.TASK_QUEUE, [neighbour.freeze_unit, neighbour.unfreeze_unit, neighbour.expire_reservations]),
        )
        loops += [asyncio.ensure_future(loop) for loop in running]
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20) as http:
            made = House(http, conn, temporal, tokens, clock_file, kafka, neighbour, folder / "calendar", switch)
            made.set_time(NOW)
            yield made
        await _end_cases(conn, temporal)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await to_kafka.close()
        await platform.aclose()
    await switch.stop()
    await conn.close()


async def _end_cases(conn: asyncpg.Connection, temporal: Client) -> None:
    for row in await conn.fetch("SELECT workflow_id FROM workflow_starts"):
        with suppress(RPCError):  # it ended by itself
            await temporal.get_workflow_handle(row["workflow_id"]).terminate()


def _environment(stack: Place, url: Callable[[str], str], kafka: tuple[str, str], folder: Path) -> dict[str, str]:
    return stack.variables() | {
        "BIANBAN_HOME": str(folder),
        "BIANBAN_SECRETS_DIR": str(folder),
        "BIANBAN_CLOCK_FILE": str(folder / "clock"),
        "BIANBAN_TOPIC_PREFIX": kafka[1],
        "BIANBAN_OUT_DIR": str(folder / "out"),
        "MONITORING_DATABASE_URL": url("monitoring"),
    }
