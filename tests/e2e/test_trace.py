"""One over-placement is one trace: from the HTTP request through command, outbox, Kafka, inbox and rule to the workflow, its activity and the light."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from deploy.local.place import PROJECT, Place
from deploy.local.stack import running
from shared.auth import Tokens, Who
from shared.glossary import Role

PLACE = Place(PROJECT / ".local" / "test-trace", 3000, "test")
ID_NUMBER = "330499198802291011"
NAME = "闻远迹"


@dataclass(frozen=True)
class Span:
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    process: str
    attributes: dict[str, str]


class Collector(BaseHTTPRequestHandler):
    """An OTLP end point that keeps what it is sent."""

    spans: ClassVar[list[Span]] = []
    raw: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.raw.append(body)
        if self.path == "/v1/traces":
            self.spans.extend(read(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


def read(body: bytes) -> list[Span]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Span(
            span.trace_id.hex(),
            span.span_id.hex(),
            span.parent_span_id.hex(),
            span.name,
            next(each.value.string_value for each in resource.resource.attributes if each.key == "service.name"),
            {each.key: each.value.string_value for each in span.attributes},
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


@pytest_asyncio.fixture
async def roster() -> AsyncIterator[httpx.AsyncClient]:
    """The whole stack, telling an OTLP collector; a client of the roster in the office's name."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    os.environ["BIANBAN_OTLP"] = f"http://127.0.0.1:{server.server_port}"
    async with running(PLACE, []) as place:
        secrets = place.home / "secrets"
        tokens = Tokens((secrets / "token.pub").read_text(), (secrets / "token.key").read_text())
        token = tokens.issue(Who("inspector", frozenset({Role.SUPERVISION_OFFICER, Role.BUSINESS_OFFICER})), datetime.now(UTC))
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, timeout=30, trust_env=False) as client:
            yield client
    del os.environ["BIANBAN_OTLP"]
    server.shutdown()


async def ask(client: httpx.AsyncClient, path: str, **body: Any) -> httpx.Response:
    answer = await client.post(f"http://127.0.0.1:{PLACE.port('roster')}{path}", json=body, headers={"Idempotency-Key": f"trace-{uuid4()}"})
    assert answer.status_code < 300, answer.text
    return answer


async def over_placement(client: httpx.AsyncClient) -> str:
    """Record a person beyond a unit's quota; the trace id of the request."""
    day = "2026-01-05"
    unit = (
        await ask(
            client,
            "/units",
            name="示例镇",
            code="T01",
            uscc=None,
            category="ZJ-Z",
            parent_id=None,
            valid_from=day,
            document_no="示编〔2026〕1号",
        )
    ).json()["unit_id"]
    person = (
        await ask(
            client,
            f"/units/{unit}/persons",
            name=NAME,
            id_number=ID_NUMBER,
            sex="M",
            birth_on="1988-02-29",
            identity="civil_servant",
            post_category="managerial_post",
        )
    ).json()["person_id"]
    recorded = await ask(
        client, f"/units/{unit}/over-quota", person_id=person, kind="XZ", funding="state", started_on=day, cause="violation", reason="检查发现", document_no="示编办〔2026〕2号"
    )  # fmt: skip
    return recorded.headers["x-trace-id"]


async def collected(trace_id: str, *names: str) -> list[Span]:
    """The spans of one trace, once all the named ones have come in; each process sends its own every few seconds."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        spans = [span for span in Collector.spans if span.trace_id == trace_id]
        if set(names) <= {span.name for span in spans}:
            return spans
        await asyncio.sleep(0.2)
    raise AssertionError(f"{names} are not all among {[span.name for span in Collector.spans if span.trace_id == trace_id]}")


@pytest.mark.asyncio
async def test_the_way_from_the_request_to_the_light_and_into_the_case_is_one_trace(roster: httpx.AsyncClient) -> None:
    spans = await collected(await over_placement(roster), "请求 如实记录超编", "启动整改流程")
    by_id = {span.span_id: span for span in spans}
    start = next(span for span in spans if span.name == "启动整改流程")
    way = [start]
    while (parent := by_id.get(way[-1].parent_id)) is not None:
        way.append(parent)

    assert [(span.process, span.name) for span in reversed(way)] == [
        ("roster-app", "请求 如实记录超编"),
        ("roster-app", "命令 如实记录超编"),
        ("roster-app", "发出事件 超编已记录"),
        ("monitoring-worker", "处理事件 超编已记录"),
        ("monitoring-worker", "启动整改流程"),
    ]
    assert way[-1].attributes["http.route"] == "/units/{unit_id}/over-quota"
    assert start.attributes["case.id"].startswith("rectification:")
    assert {"发出事件 亮灯变化", "发出事件 问题有进展"} <= {span.name for span in spans}  # told to the others
    sent = b"".join(Collector.raw)
    assert ID_NUMBER.encode() not in sent
    assert NAME.encode() not in sent
