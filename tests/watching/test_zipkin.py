"""The real viewer takes what the relay writes, and `bianban trace` finds it there again, by case and by trace."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from opentelemetry.proto.trace.v1 import trace_pb2

from deploy.local import zipkin
from deploy.local.place import Place
from deploy.local.process import PortTaken, refuse_taken_ports, spawn
from deploy.otlp.spans import Sent
from deploy.otlp.spans import zipkin as as_zipkin_takes_it
from shared.trace_finder import Zipkin

PATIENCE = 120
CASE = "rectification:01a21061-c6fb-796a-a201-686dcbdf405b:1"
TRACE_ID = bytes.fromhex("6b063de40c4d45e89611ca7df585baeb")


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A place in which nothing but Zipkin runs."""
    made = next(found for slot in range(20) if is_free(found := Place(tmp_path, 7000 + 150 * slot, "test")))
    part = zipkin.part(made, after=())
    running = await spawn(part, tmp_path / "zipkin.log")
    assert part.probe is not None
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            await part.probe(running.pid)
            break
        except Exception:  # noqa: BLE001  whatever it is, the server is not up yet
            assert time.monotonic() < deadline, (tmp_path / "zipkin.log").read_text()[-2000:]
    yield made
    running.kill()
    await running.wait()


def is_free(place: Place) -> bool:
    try:
        refuse_taken_ports([place.port("zipkin")])
    except PortTaken:
        return False
    return True


def sent() -> list[Sent]:
    now = time.time_ns()
    parent = trace_pb2.Span(
        trace_id=TRACE_ID, span_id=b"aaaaaaaa", name="命令 如实记录超编", start_time_unix_nano=now, end_time_unix_nano=now + 9_000_000
    )
    child = trace_pb2.Span(
        trace_id=TRACE_ID,
        span_id=b"bbbbbbbb",
        parent_span_id=b"aaaaaaaa",
        name="启动整改流程",
        start_time_unix_nano=now + 1_000_000,
        end_time_unix_nano=now + 3_000_000,
    )
    tag = child.attributes.add(key="case.id")
    tag.value.string_value = CASE
    return [Sent("monitoring-worker", child), Sent("roster-app", parent)]


@pytest.mark.asyncio
async def test_what_is_sent_is_found_by_its_case_and_by_its_trace(place: Place) -> None:
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        taken = await http.post(f"http://127.0.0.1:{place.port('zipkin')}/api/v2/spans", json=[as_zipkin_takes_it(each) for each in sent()])
        store = Zipkin(http, f"http://127.0.0.1:{place.port('zipkin')}")
        deadline = time.monotonic() + PATIENCE
        while not (tagged := await store.tagged(CASE)):
            assert time.monotonic() < deadline
        spans = await store.spans(TRACE_ID.hex())

    assert taken.status_code == 202
    assert set(tagged) == {TRACE_ID.hex()}
    assert {(span["name"], span["localEndpoint"]["serviceName"]) for span in spans} == {
        ("命令 如实记录超编", "roster-app"),
        ("启动整改流程", "monitoring-worker"),
    }


@pytest.mark.asyncio
async def test_without_zipkin_nothing_is_found_and_nothing_fails(tmp_path: Path) -> None:
    nowhere = next(found for slot in range(20) if is_free(found := Place(tmp_path, 10000 + 150 * slot, "test")))
    async with httpx.AsyncClient(timeout=20, trust_env=False) as http:
        store = Zipkin(http, f"http://127.0.0.1:{nowhere.port('zipkin')}")
        assert (await store.tagged(CASE), await store.spans(TRACE_ID.hex()), store.away) == ({}, [], True)
