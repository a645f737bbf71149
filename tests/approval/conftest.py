"""Approval and the roster as they run, on the test stack's servers and a database of the test's own: doors, workers, workflows, seal platform."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
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
from shared.auth import ServiceToken
from shared.clock import Clock
from shared.consumer import Subscription
from shared.db import Database, connect
from shared.documents import Renderer
from shared.kafka import KafkaSender
from shared.law.notices import load_calendar
from shared.listening import consume
from shared.outbox import relay
from shared.seal import EmbeddedSealPlatform
from shared.temporal import WORKFLOWS, TemporalSender, serve_activities
from shared.temporal import connect as connect_temporal
from tests.approval.house import FRIDAY, House
from tests.servers import SealSwitch, environment, free_port, make_secrets, served
from workflows import roster
from workflows.approval import ApprovalWorkflow
from workflows.approval_messages import TASK_QUEUE
from workflows.worker import runner

ISSUER = "云海市编办"


@pytest_asyncio.fixture
async def home(
    stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    folder, url = tmp_path, database
    tokens = make_secrets(folder)
    approval_port, roster_port, seal_port = free_port(), free_port(), free_port()
    own = {"BIANBAN_ROSTER_URL": f"http://127.0.0.1:{roster_port}", "BIANBAN_ISSUER": ISSUER}
    for name, value in (environment(stack, url, kafka, folder) | own).items():
        monkeypatch.setenv(name, value)
    clock, payload_key = Clock(folder / "clock"), bytes.fromhex((folder / "payload.key").read_text())
    secret = (folder / "seal.hmac").read_text()
    async with AsyncExitStack() as opened:
        temporal = await connect_temporal(stack.temporal, NAMESPACE, payload_key)
        tables = await opened.enter_async_context(connect(url("approval"), "approval"))
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
            database=tables,
            folder=folder / "out" / "documents",
            issuer=ISSUER,
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
                consume(tables, url("approval"), kafka[0], subscription),
                relay(tables, url("approval"), senders[0]),
                relay(tables, url("approval"), TemporalSender(temporal)),
                serve_activities(temporal, TASK_QUEUE, activities.all()),
                relay(roster_database, url("roster"), senders[1]),
                serve_activities(temporal, roster.TASK_QUEUE, RosterActivities(roster_database, clock, load_calendar).all()),
            )
        ]
        made = House(clients[0], clients[1], tables, roster_database, temporal, tokens, clock, folder, seal)
        made.move_to(FRIDAY)
        await made.settle_units()
        yield made
        await _end_cases(tables, temporal)
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        for sender in senders:
            await sender.close()


async def _end_cases(database: Database, temporal: Client) -> None:
    for row in await database.pool.fetch("SELECT workflow_id FROM workflow_starts"):
        with suppress(RPCError):  # it ended by itself
            await temporal.get_workflow_handle(row["workflow_id"]).terminate()
