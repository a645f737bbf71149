"""Where a step stands: below its cause while that is young, else in a trace of its own with a link; a refusal is no error."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, StatusCode, TraceFlags
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared import consumer, traces
from shared.consumer import Come, Handler, Subscription
from shared.errors import Conflict, NotYetKnown
from shared.events.roster import QuotaChanged
from shared.traces import Doing, TimedIds, TracedRequests, begun_at, begun_by, moved_by
from tests.watching.given import record


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    kept = InMemorySpanExporter()
    provider = TracerProvider(id_generator=TimedIds())
    provider.add_span_processor(SimpleSpanProcessor(kept))
    for module in (traces, consumer):
        monkeypatch.setattr(module, "_tracer", provider.get_tracer("test"))
    yield kept
    provider.shutdown()


def headers(age: float) -> dict[str, str]:
    """Of a cause that is so many seconds old."""
    trace_id = int(time.time() - age) << 96 | 7
    return {"traceparent": f"00-{trace_id:032x}-{9:016x}-01"}


def test_an_id_tells_when_its_trace_began() -> None:
    assert abs(begun_at(TimedIds().generate_trace_id()) - time.time()) < 5


def test_a_young_cause_is_a_parent_and_an_old_one_a_link() -> None:
    young, no_links = begun_by(headers(age=60))
    old, links = begun_by(headers(age=traces.LASTS + 60))

    assert (trace.get_current_span(young).get_span_context().span_id, no_links) == (9, ())
    assert trace.get_current_span(old).get_span_context().is_valid is False
    assert [link.context.span_id for link in links] == [9]
    assert begun_by({})[1] == ()


def test_what_a_timer_did_is_not_below_what_set_it() -> None:
    now = time.time()
    cause = SpanContext(int(now) << 96 | 7, 9, is_remote=True, trace_flags=TraceFlags(1))
    with trace.use_span(NonRecordingSpan(cause)):
        at_once = moved_by(datetime.fromtimestamp(now + 1, UTC))
        days_later = moved_by(datetime.fromtimestamp(now, UTC) + timedelta(days=3))

    assert at_once == (None, ())
    assert [link.context.span_id for link in days_later[1]] == [9]


@pytest.mark.parametrize(
    ("error", "status", "named"),
    [
        (Conflict(), StatusCode.UNSET, "conflict"),
        (NotYetKnown(), StatusCode.UNSET, "NotYetKnown"),
        (OSError("words"), StatusCode.ERROR, "OSError"),
    ],
)
def test_a_refusal_is_an_answer_and_an_error_keeps_its_words(
    ended: InMemorySpanExporter, error: Exception, status: StatusCode, named: str
) -> None:
    with pytest.raises(type(error)), Doing("命令 提交申请", {}, command="submit_application"):
        raise error

    (span,) = ended.get_finished_spans()
    assert (span.status.status_code, dict(span.attributes or {}), span.events) == (status, {"error.type": named}, ())
    assert span.status.description is None


def test_events_of_a_rebuild_are_told_together_and_link_to_their_causes(ended: InMemorySpanExporter) -> None:
    subscription = Subscription("reporting@2", ("roster.events",), {QuotaChanged: Handler()})
    come = [Come.of(record(headers(age))) for age in (1, traces.LASTS * 9, traces.LASTS * 9)]
    events = [(each, event) for each in come if isinstance(event := each.event(subscription), QuotaChanged)]
    with consumer._traced(subscription, events):
        pass

    spans = {span.name: span for span in ended.get_finished_spans()}
    assert set(spans) == {"处理事件 编制数变动", "处理早先的事件"}
    assert spans["处理事件 编制数变动"].parent is not None
    assert spans["处理早先的事件"].parent is None
    assert len(spans["处理早先的事件"].links) == 2
    assert len(events) == 3


async def _answered(request: Request) -> Response:
    """With the status asked for, after a step when one is asked for."""
    if "step" in request.query_params:
        with Doing("命令 登记取走清单", {}):
            pass
    if request.path_params["status"] == 999:
        raise OSError("words")
    return Response(status_code=request.path_params["status"])


async def asked(method: str, path: str, traced: dict[str, str] | None = None) -> str:
    """The trace id that an answer tells; nothing when the application broke."""
    app = TracedRequests(Starlette(routes=[Route("/{status:int}", _answered, methods=["GET", "POST"])]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://kit") as http:
        answer = await http.request(method, path, headers=traced)
    return str(answer.headers.get("x-trace-id", ""))


@pytest.mark.asyncio
async def test_a_read_that_went_well_is_told_by_its_figure_alone(ended: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch) -> None:
    known = await asked("GET", "/200")
    quick = ended.get_finished_spans()
    monkeypatch.setattr(traces, "SLOW", 0.0)
    slow = await asked("GET", "/200")

    assert (len(known), quick) == (32, ())
    assert [f"{span.context.trace_id:032x}" for span in ended.get_finished_spans()] == [slow]


@pytest.mark.asyncio
@pytest.mark.parametrize(("method", "path"), [("GET", "/404"), ("GET", "/503"), ("POST", "/200"), ("POST", "/999")])
async def test_a_write_and_whatever_went_otherwise_is_told(ended: InMemorySpanExporter, method: str, path: str) -> None:
    known = await asked(method, path)

    (span,) = ended.get_finished_spans()
    status = int(path[1:]) % 999 or 500
    assert (span.kind, span.parent, (span.attributes or {})["http.response.status_code"]) == (SpanKind.SERVER, None, status)
    assert (span.status.status_code is StatusCode.ERROR) == (status >= 500)
    assert known in {"", f"{span.context.trace_id:032x}"}
    assert (span.end_time or 0) > (span.start_time or 0)


@pytest.mark.asyncio
async def test_a_step_beneath_a_read_stands_below_its_span(ended: InMemorySpanExporter) -> None:
    known = await asked("GET", "/200?step")

    step, request = ended.get_finished_spans()
    assert step.parent is not None
    assert (step.parent.span_id, step.context.trace_id) == (request.context.span_id, request.context.trace_id)
    assert f"{request.context.trace_id:032x}" == known


@pytest.mark.asyncio
async def test_a_read_that_another_request_caused_stands_in_its_trace(ended: InMemorySpanExporter) -> None:
    cause = headers(age=0)
    known = await asked("GET", "/200", cause | {"traceparent": cause["traceparent"][:-2] + "00"})

    (span,) = ended.get_finished_spans()
    assert span.parent is not None
    assert (span.parent.span_id, f"{span.context.trace_id:032x}") == (9, known)
    assert known in cause["traceparent"]
