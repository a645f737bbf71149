"""The relay as the services meet it: OTLP in, Zipkin's JSON and Prometheus' text out, and no harm when Zipkin is away."""

import asyncio
import gzip
import os
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AggregationTemporality
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.otlp import app as relay
from deploy.otlp import figures as told_figures
from deploy.otlp.figures import Figures
from deploy.otlp.tail import Tail
from shared import temporal, watching

pytestmark = pytest.mark.asyncio


class Zipkin:
    """A viewer that may be away."""

    def __init__(self) -> None:
        self.spans: list[dict[str, Any]] = []
        self.away = False

    def app(self) -> Starlette:
        async def take(request: Request) -> Response:
            if self.away:
                return Response(status_code=503)
            self.spans += await request.json()
            return Response(status_code=202)

        return Starlette(routes=[Route("/api/v2/spans", take, methods=["POST"])])


@asynccontextmanager
async def running(zipkin: Zipkin, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setattr(relay, "PAUSE", 0.01)
    monkeypatch.setattr(relay, "AWAY", 0.01)
    viewer, client = httpx.ASGITransport(zipkin.app()), httpx.AsyncClient
    monkeypatch.setattr(httpx, "AsyncClient", lambda **more: client(transport=viewer, base_url=more["base_url"]))
    made = relay.create_app("http://zipkin", Tail(1, slow=1))
    async with made.router.lifespan_context(made), client(transport=httpx.ASGITransport(made), base_url="http://relay") as told:
        yield told


def two_spans() -> bytes:
    kept = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "roster-app"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    with tracer.start_as_current_span("命令 如实记录超编", kind=SpanKind.SERVER, attributes={"unit.id": "u1", "count": 3}) as parent:
        child = tracer.start_span("处理早先的事件", links=[Link(parent.get_span_context())])
        child.set_status(StatusCode.ERROR)
        child.end()
    return encode_spans(kept.get_finished_spans()).SerializeToString()


async def until(found: Any) -> None:
    for _ in range(500):
        if found():
            return
        await asyncio.sleep(0.01)
    raise AssertionError


async def test_spans_reach_zipkin_with_parent_process_kind_error_and_links(monkeypatch: pytest.MonkeyPatch) -> None:
    zipkin = Zipkin()
    async with running(zipkin, monkeypatch) as client:
        answer = await client.post("/v1/traces", content=gzip.compress(two_spans()), headers={"content-encoding": "gzip"})
        await until(lambda: len(zipkin.spans) == 2)

    child, parent = zipkin.spans
    assert answer.status_code == 200
    assert (parent["name"], parent["kind"], parent["localEndpoint"]) == ("命令 如实记录超编", "SERVER", {"serviceName": "roster-app"})
    assert parent["tags"] == {"unit.id": "u1", "count": "3"}
    assert (child["parentId"], child["traceId"]) == (parent["id"], parent["traceId"])
    assert child["tags"] == {"error": "true", "link.1": f"{parent['traceId']}/{parent['id']}"}
    assert "parentId" not in parent
    assert child["duration"] >= 1


async def test_while_zipkin_is_away_requests_are_answered_and_spans_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    zipkin = Zipkin()
    zipkin.away = True
    async with running(zipkin, monkeypatch) as client:
        assert (await client.post("/v1/traces", content=two_spans())).status_code == 200
        await asyncio.sleep(0.1)
        zipkin.away = False
        await until(lambda: len(zipkin.spans) == 2)


async def test_what_is_no_otlp_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(Zipkin(), monkeypatch) as client:
        answers = [await client.post(path, content=b"\x0bnonsense") for path in ("/v1/traces", "/v1/metrics")]
        answers.append(await client.post("/v1/traces", content=b"no gzip", headers={"content-encoding": "gzip"}))

    assert [answer.status_code for answer in answers] == [400, 400, 400]


def figures() -> bytes:
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    who = resource.resource.attributes.add()
    who.key, who.value.string_value = "service.name", "roster-worker"
    scope = resource.scope_metrics.add()
    age = scope.metrics.add(name="bianban.outbox.age", unit="s").gauge.data_points.add(as_double=1.5)
    lane = age.attributes.add()
    lane.key, lane.value.string_value = "bianban.outbox.lane", '7"'
    sent = scope.metrics.add(name="messaging.client.sent.messages", unit="{message}").sum
    sent.is_monotonic, sent.aggregation_temporality = True, AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    sent.data_points.add(as_int=12)
    took = scope.metrics.add(name="bianban.command.duration", unit="s").histogram
    took.data_points.add(count=3, sum=0.6, explicit_bounds=[0.1, 1.0], bucket_counts=[1, 2, 0])
    return request.SerializeToString()


async def test_what_a_process_that_is_gone_had_waiting_is_soon_not_told_beside_what_the_next_one_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [1000.0]
    monkeypatch.setattr(told_figures, "time", SimpleNamespace(monotonic=lambda: now[0]))
    known = Figures()
    known.take(figures())
    now[0] += 4 * watching.EVERY
    missed = known.text()
    now[0] += watching.EVERY
    soon = known.text()
    now[0] += told_figures.STALE

    assert ("bianban_outbox_age_seconds{" in missed, "bianban_outbox_age_seconds" in soon) == (True, False)
    assert "messaging_client_sent_messages_total{" in soon
    assert known.text() == ""


class Told(BaseHTTPRequestHandler):
    """Keeps what was exported to it."""

    def do_POST(self) -> None:
        figures: Figures = self.server.figures  # type: ignore[attr-defined]
        figures.take(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing."""


async def test_temporals_own_figures_name_the_process_that_tells_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(temporal, "EVERY", 0.2)
    with ThreadingHTTPServer(("127.0.0.1", 0), Told) as server:
        server.figures = known = Figures()  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        meter = temporal._telling(f"http://127.0.0.1:{server.server_port}").metric_meter
        meter.create_counter("temporal_workflow_failed").add(1, {"workflow_type": "ImportWorkflow"})
        await until(lambda: "temporal_workflow_failed_total{" in known.text())
        server.shutdown()

    instance = f"{socket.gethostname()}-{os.getpid()}"
    (line,) = [each for each in known.text().splitlines() if each.startswith("temporal_workflow_failed_total{")]
    assert f'instance="{instance}",job="temporal-core-sdk"' in line


async def test_figures_are_read_under_the_names_that_prometheus_gives_them(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(Zipkin(), monkeypatch) as client:
        await client.post("/v1/metrics", content=figures())
        told = (await client.get("/metrics")).text.splitlines()

    labels = 'instance="—",job="roster-worker"'
    assert told == [
        "# TYPE bianban_command_duration_seconds histogram",
        f'bianban_command_duration_seconds_bucket{{{labels},le="0.1"}} 1',
        f'bianban_command_duration_seconds_bucket{{{labels},le="1"}} 3',
        f'bianban_command_duration_seconds_bucket{{{labels},le="+Inf"}} 3',
        f"bianban_command_duration_seconds_sum{{{labels}}} 0.6",
        f"bianban_command_duration_seconds_count{{{labels}}} 3",
        "# TYPE bianban_outbox_age_seconds gauge",
        f'bianban_outbox_age_seconds{{bianban_outbox_lane="7\\"",{labels}}} 1.5',
        "# TYPE messaging_client_sent_messages_total counter",
        f"messaging_client_sent_messages_total{{{labels}}} 12",
    ]
