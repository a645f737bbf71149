"""One line of the log per door: what came, how it went and how long it took, by ids; health and streams leave none."""

from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog
from aiokafka import TopicPartition
from fastapi import FastAPI, Request, Response
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ExecuteActivityInput

from shared import listening, temporal, traces
from shared.auth import Who
from shared.consumer import Subscription
from shared.errors import Conflict
from shared.glossary import Role
from shared.http import service_app
from shared.telemetry import with_trace

Lines = list[MutableMapping[str, Any]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """What the doors write, with the trace id that a process adds."""
    kept: Lines = []

    def keep(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        kept.append(entry)
        raise structlog.DropEvent

    written = structlog.wrap_logger(None, [with_trace, keep], structlog.make_filtering_bound_logger(20))
    for module in (traces, temporal, listening):
        monkeypatch.setattr(module, "_log", written)
    return kept


def door() -> FastAPI:
    app = service_app("kit", nothing)

    @app.get("/people/{number}")
    async def one(request: Request, number: str) -> str:
        request.state.who = Who("clerk-7", frozenset({Role.UNIT_CLERK}))
        if number == "refused":
            raise Conflict
        if number == "broken":
            raise OSError("秘密")
        return number

    @app.get("/updates")
    async def updates() -> Response:
        return Response("data: 1\n\n", media_type="text/event-stream")

    return app


@asynccontextmanager
async def nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


@pytest.mark.asyncio
async def test_a_request_is_one_line_by_its_route_and_never_by_what_was_asked(lines: Lines) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(door(), raise_app_exceptions=False), base_url="http://kit") as http:
        paths = (
            "/people/330499198603054320?name=秘密",
            "/people/refused",
            "/people/broken",
            "/nowhere/秘密",
            "/live",
            "/ready",
            "/updates",
        )
        ids = [(await http.get(path)).headers.get("x-trace-id") for path in paths]

    told = [(each["event"], each["method"], each["route"], each["status"], each["who"], each["trace_id"]) for each in lines]
    assert told == [
        ("request", "GET", "/people/{number}", 200, "clerk-7", ids[0]),
        ("request", "GET", "/people/{number}", 409, "clerk-7", ids[1]),
        ("request", "GET", "/people/{number}", 500, "clerk-7", ids[2]),
        ("request", "GET", "unknown", 404, "", ids[3]),
    ]
    assert all(0 <= each["ms"] < 10_000 for each in lines)
    assert not {"秘密", "330499198603054320"} & {word for each in lines for word in str(each).split("'")}


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("error", "named"),
    [(None, {}), (OSError("秘密"), {"error": "OSError"}), (ApplicationError("秘密", type="quota_exceeded"), {"error": "quota_exceeded"})],
)
async def test_an_activity_is_one_line(lines: Lines, error: Exception | None, named: dict[str, str]) -> None:
    async def answer(_: ExecuteActivityInput) -> str:
        if error:
            raise error
        return "秘密"

    here, door = ActivityEnvironment(), temporal._TracedActivity(SimpleNamespace(execute_activity=answer))  # type: ignore[arg-type]
    try:
        await here.run(door.execute_activity, SimpleNamespace())  # type: ignore[arg-type]
    except (OSError, ApplicationError):
        assert error

    (line,) = lines
    about = {name: value for name, value in line.items() if name not in {"ms", "trace_id"}}
    assert about == {"event": "activity", "activity": here.info.activity_type, "case": here.info.workflow_id, "attempt": 1} | named
    assert line["ms"] >= 0


def test_a_batch_of_events_is_one_line(lines: Lines) -> None:
    come = [SimpleNamespace(timestamp=0, headers=(("ce_id", str(uuid4()).encode()),), value=b"secret") for _ in range(3)]
    batches = {TopicPartition("roster.events", number): come for number in range(2)}
    listening._tell_handled(Subscription("monitoring", ("roster.events",), {}), batches, 0.0123)

    assert lines == [{"event": "events handled", "consumer": "monitoring", "events": 6, "ms": 12.3}]
