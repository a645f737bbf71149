"""Approval and the roster as they run, on the test stack's servers and a database of the test's own: doors, workers, workflows, seal platform."""

import asyncio
import itertools
import secrets
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import FastAPI
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from deploy.local.place import NAMESPACE, Place
from deploy.seal.app import create_app as seal_platform
from services.approval import consumers
from services.approval.activities import ApprovalActivities
from services.approval.app import create_app as approval_app
from services.approval.queries.notices import RosterReader
from services.roster.activities import RosterActivities
from services.roster.app import create_app as roster_app
from shared.auth import ServiceToken, Tokens, Who
from shared.clock import Clock, at_hour
from shared.consumer import Subscription
from shared.db import Database, connect
from shared.documents import Renderer
from shared.glossary import Role
from shared.kafka import KafkaSender
from shared.law.notices import load_calendar
from shared.listening import consume
from shared.outbox import relay
from shared.seal import EmbeddedSealPlatform
from shared.temporal import WORKFLOWS, TemporalSender, serve_activities
from shared.temporal import connect as connect_temporal
from tests.roster.given import BORN, id_number
from workflows import roster
from workflows.approval import ApprovalWorkflow
from workflows.approval_messages import TASK_QUEUE
from workflows.worker import runner

T = TypeVar("T")
FRIDAY = date(2026, 9, 18)
NAME = "沈清和"
ID_NUMBER = id_number(31)
_numbers = itertools.count(1)


@dataclass
class House:
    """What a test talks to: two doors and the tables."""

    approval: httpx.AsyncClient
    roster: httpx.AsyncClient
    database: Database
    roster_database: Database
    temporal: Client
    tokens: Tokens
    clock: Clock
    folder: Path
    seal: "SealSwitch"
    town: uuid.UUID = field(default_factory=uuid.uuid4)
    school: uuid.UUID = field(default_factory=uuid.uuid4)

    @property
    def clerk(self) -> Who:
        return Who("clerk-zhu", frozenset({Role.UNIT_CLERK}), (self.school,))

    @property
    def deciders(self) -> tuple[Who, ...]:
        head = Who("head-lu", frozenset({Role.UNIT_HEAD}), (self.school,))
        return head, Who("officer-shen", frozenset({Role.BUSINESS_OFFICER})), Who("director-gu", frozenset({Role.OFFICE_DIRECTOR}))

    @property
    def sealer(self) -> Who:
        return Who("sealer-he", frozenset({Role.SEAL_OPERATOR}))

    def headers(self, who: Who, key: str | None = None) -> dict[str, str]:
        token = self.tokens.issue(who, datetime.now(UTC))
        return {"authorization": f"Bearer {token}", "idempotency-key": key or f"key-{uuid.uuid4()}"}

    async def post(self, who: Who, path: str, body: dict[str, Any] | None = None, key: str | None = None) -> httpx.Response:
        return await self.approval.post(path, json=body or {}, headers=self.headers(who, key))

    async def get(self, who: Who, path: str) -> Any:
        answer = await self.approval.get(path, headers=self.headers(who))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def submit(self, who: Who | None = None, **changes: Any) -> uuid.UUID:
        """Submit an application of the school and wait until it is received, or sent back."""
        asked = {"type": "post_use_application", "unit_id": str(self.school), "kind": "SY", "funding": "full", "title": "语文教师"}
        answer = await self.post(who or self.clerk, "/applications", asked | {"justification": "退休补员"} | changes)
        assert answer.status_code == 201, answer.text
        application = uuid.UUID(answer.json()["application_id"])
        await self.until(application, lambda seen: bool(seen["timeline"]))
        return application

    async def until(self, application: uuid.UUID, wanted: Callable[[Any], bool]) -> Any:
        return await eventually(lambda: self.get(self.sealer, f"/applications/{application}"), wanted)

    async def until_state(self, application: uuid.UUID, state: str) -> Any:
        return await self.until(application, lambda seen: seen["state"] == state)

    async def decide(self, application: uuid.UUID, who: Who, key: str | None = None, **changes: Any) -> httpx.Response:
        """Decide the step that waits."""
        seen = await self.get(self.sealer, f"/applications/{application}")
        body = {"verdict": "approve", "revision": seen["revision"], "step": seen["step"] or "—", "opinion": "同意"} | changes
        return await self.post(who, f"/applications/{application}/decisions", body, key)

    async def approve(self, application: uuid.UUID, head: Who | None = None) -> None:
        for who in (head or self.deciders[0], *self.deciders[1:]):
            answer = await self.decide(application, who)
            assert answer.status_code == 200, answer.text
            if answer.json()["step"] is None:
                return

    async def release(self, application: uuid.UUID) -> uuid.UUID:
        """Release the notice once it is written; the answer is its id."""
        seen = await self.until_state(application, "awaiting_release")
        document = seen["documents"][0]["id"]
        answer = await self.post(self.sealer, f"/documents/{document}/release", {"reason": "核对无误"})
        assert answer.status_code == 200, answer.text
        return uuid.UUID(document)

    async def ask_roster(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.roster.post(path, json=body, headers=self.headers(self.deciders[1]))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def settle_units(self, posts: int = 3) -> None:
        """A town with a school that has vacant posts, known to both services."""
        valid = {"valid_from": "2020-01-01", "document_no": "编〔2020〕1号"}
        town = await self.ask_roster("/units", valid | {"name": "云栖镇", "code": f"T{next(_numbers):04}", "category": "ZJ-Z"})
        self.town = uuid.UUID(next(iter(town.values())))
        unit = valid | {"name": "云栖镇中心小学", "code": f"S{next(_numbers):04}", "category": "SY-E", "parent_id": str(self.town)}
        self.school = uuid.UUID(next(iter((await self.ask_roster("/units", unit)).values())))
        await self.quota(self.school, posts)
        await eventually(lambda: self.database.pool.fetchval("SELECT count(*) FROM unit_copies"), lambda found: found == 2)

    async def quota(self, unit: uuid.UUID, posts: int) -> None:
        quota = {"kind": "SY", "funding": "full", "posts": posts, "effective_on": "2020-01-01", "document_on": "2020-01-01"}
        await self.ask_roster(f"/units/{unit}/quotas", quota | {"document_no": "编〔2020〕2号"})

    async def unit_beside(self) -> uuid.UUID:
        """A second school of the town, with a vacant post."""
        unit = {"name": "云栖镇第二小学", "code": f"S{next(_numbers):04}", "category": "SY-E", "parent_id": str(self.town)}
        answer = await self.ask_roster("/units", unit | {"valid_from": "2020-01-01", "document_no": "编〔2020〕1号"})
        other = uuid.UUID(next(iter(answer.values())))
        await self.quota(other, 1)
        await eventually(lambda: self.database.pool.fetchval("SELECT count(*) FROM unit_copies"), lambda found: found == 3)
        return other

    def move_to(self, day: date) -> None:
        """Business time jumps; no open case waits for it."""
        (self.folder / "clock").write_text(str(round((at_hour(day, 9) - datetime.now(UTC)) / timedelta(seconds=1))))

    async def person(self) -> str:
        facts = {"name": NAME, "id_number": ID_NUMBER, "sex": "F", "birth_on": BORN.isoformat(), "identity": "professional"}
        answer = await self.ask_roster(f"/units/{self.school}/persons", facts | {"post_category": "technical_post"})
        return str(answer["person_id"])

    async def seal_answers(self) -> int:
        return int(await self.database.pool.fetchval("SELECT count(*) FROM seal_tasks WHERE answer IS NOT NULL"))


async def eventually(ask: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], seconds: float = 60.0) -> T:
    """Ask until the answer is the wanted one."""
    for _ in range(int(seconds / 0.1)):
        found = await ask()
        if wanted(found):
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"still {found!r}")


class SealSwitch:
    """The foreign platform, which a test may stop and start."""

    def __init__(self, app: Callable[[], FastAPI], port: int) -> None:
        self._app, self.port = app, port
        self._open: AsyncExitStack | None = None

    async def start(self) -> None:
        self._open = AsyncExitStack()
        await self._open.enter_async_context(served(self._app(), self.port))

    async def stop(self) -> None:
        if self._open:
            await self._open.aclose()
        self._open = None


@asynccontextmanager
async def house(
    stack: Place, url: Callable[[str], str], kafka: tuple[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    tokens = make_secrets(folder)
    approval_port, roster_port, seal_port = free_port(), free_port(), free_port()
    for name, value in environment(stack, url, kafka, folder).items():
        monkeypatch.setenv(name, value)
    clock, payload_key = Clock(folder / "clock"), bytes.fromhex((folder / "payload.key").read_text())
    secret = (folder / "seal.hmac").read_text()
    async with AsyncExitStack() as opened:
        temporal = await connect_temporal(stack.temporal, NAMESPACE, payload_key)
        database = await opened.enter_async_context(connect(url("approval"), "approval"))
        roster_database = await opened.enter_async_context(connect(url("roster"), "roster"))
        clients = [
            await opened.enter_async_context(httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=20))
            for port in (approval_port, roster_port, seal_port)
        ]
        await opened.enter_async_context(served(approval_app(), approval_port))
        await opened.enter_async_context(served(roster_app(), roster_port))
        await opened.enter_async_context(Worker(temporal, task_queue=WORKFLOWS, workflows=[ApprovalWorkflow], workflow_runner=runner()))
        seal = SealSwitch(lambda: seal_platform(folder / "seal", secret, clock), seal_port)
        await seal.start()
        opened.push_async_callback(seal.stop)
        token = ServiceToken("approval", folder, production=False)
        activities = ApprovalActivities(
            database=database,
            folder=folder / "out" / "documents",
            issuer="云海市编办",
            renderer=Renderer(),
            roster=RosterReader(clients[1], lambda: token.at(datetime.now(UTC))),
            platform=EmbeddedSealPlatform(clients[2], secret, clock),
            callback_url=f"http://127.0.0.1:{approval_port}/seal-callbacks",
        )
        subscription = Subscription("approval", consumers.TOPICS, consumers.handlers(), kafka[1])
        senders = KafkaSender(*kafka), KafkaSender(*kafka)
        loops = [
            asyncio.ensure_future(loop)
            for loop in (
                consume(database, url("approval"), kafka[0], subscription),
                relay(database, url("approval"), senders[0]),
                relay(database, url("approval"), TemporalSender(temporal)),
                serve_activities(temporal, TASK_QUEUE, activities.all()),
                relay(roster_database, url("roster"), senders[1]),
                serve_activities(temporal, roster.TASK_QUEUE, RosterActivities(roster_database, clock, load_calendar).all()),
            )
        ]
        made = House(clients[0], clients[1], database, roster_database, temporal, tokens, clock, folder, seal)
        made.move_to(FRIDAY)
        await made.settle_units()
        yield made
        await _end_cases(database, temporal)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        for sender in senders:
            await sender.close()


async def _end_cases(database: Database, temporal: Client) -> None:
    for row in await database.pool.fetch("SELECT workflow_id FROM workflow_starts"):
        with suppress(RPCError):  # it ended by itself
            await temporal.get_workflow_handle(row["workflow_id"]).terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@asynccontextmanager
async def served(app: FastAPI, port: int) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    serving = asyncio.ensure_future(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn offers a flag, no event
        await asyncio.sleep(0.02)
    yield
    server.should_exit = True
    await serving


def make_secrets(folder: Path) -> Tokens:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    (folder / "token.key").write_text(private)
    (folder / "token.pub").write_text(public)
    for name in ("payload.key", "seal.hmac", "field.key", "index.key"):
        (folder / name).write_text(secrets.token_hex(32))
    return Tokens(public, private)


def environment(stack: Place, url: Callable[[str], str], kafka: tuple[str, str], folder: Path) -> dict[str, str]:
    return stack.variables() | {
        "BIANBAN_SECRETS_DIR": str(folder),
        "BIANBAN_CLOCK_FILE": str(folder / "clock"),
        "BIANBAN_TOPIC_PREFIX": kafka[1],
        "BIANBAN_OUT_DIR": str(folder / "out"),
        "APPROVAL_DATABASE_URL": url("approval"),
        "ROSTER_DATABASE_URL": url("roster"),
    }
