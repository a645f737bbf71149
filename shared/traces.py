"""Traces: one span per step that a reader would name, in the field's words, under the request that caused it (docs/decisions/0013).

A trace id begins with the second it was made in, so any process knows the age of a trace. What happens long after its cause (a timer of a case,
a rebuild) would make a trace that lasts for months: it begins one of its own, and links to its cause.
"""

import time
from collections.abc import Mapping, MutableMapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from random import getrandbits
from types import TracebackType
from typing import Any

import httpx
import structlog
from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode, TraceFlags
from starlette.types import ASGIApp, Receive, Scope, Send

from shared import security_log
from shared.errors import DomainError, NotYetKnown
from shared.metrics import COMMANDS, REQUESTS

LASTS = 600.0
"""Seconds after which what an event or a request causes is told as a trace of its own: more than a part is away, less than a rebuild is late."""
SOON = 30.0
"""Seconds in which what a workflow does still belongs to the decision that moved it; what comes later, a timer did."""
SLOW = 0.1
"""Seconds from which a read is told, whatever came of it."""
_QUIET = {"/live", "/ready"}
_READS = {"GET", "HEAD"}
_STREAM = b"text/event-stream"
_WORDLESS: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_log = structlog.get_logger()
_tracer = trace.get_tracer("bianban")


class TimedIds(RandomIdGenerator):
    """Trace ids whose first four bytes are the second, as X-Ray's are; the rest is chance, by which samplers decide.

    The span of a request is recorded at its end, under the ids it had all along.
    """

    def generate_trace_id(self) -> int:
        """Sixteen bytes."""
        had = _had.get()
        return had.trace_id if had else int(time.time()) << 96 | getrandbits(96)

    def generate_span_id(self) -> int:
        """Eight bytes."""
        had = _had.get()
        return had.span_id if had else super().generate_span_id()


_had: ContextVar[SpanContext | None] = ContextVar("had", default=None)
_ids = TimedIds()


def begun_at(trace_id: int) -> int:
    """The second in which one of our traces began, since 1970. Ids that others made tell nothing."""
    return trace_id >> 96


def begun_by(headers: Mapping[str, str]) -> tuple[Context, Sequence[Link]]:
    """Where a span belongs that these headers led to: below theirs while that trace is young, else at the root of its own, with a link."""
    context = propagate.extract(headers)
    cause = trace.get_current_span(context).get_span_context()
    return _placed(context, cause, time.time() - LASTS)


def moved_by(scheduled: datetime) -> tuple[Context | None, Sequence[Link]]:
    """The same for what a workflow asked for at that time; its cause is the present context."""
    cause = trace.get_current_span().get_span_context()
    return _placed(None, cause, scheduled.timestamp() - SOON)


def _placed(context: Context | None, cause: SpanContext, since: float) -> tuple[Any, Sequence[Link]]:
    if not cause.is_valid or begun_at(cause.trace_id) >= since:
        return context, ()
    return Context(), (Link(cause),)


class Doing:
    """One command or one step of a workflow: its span and, for a command, its figure. A refusal is an answer and no error."""

    __slots__ = ("_began", "_command", "_scope")

    def __init__(
        self,
        name: str,
        about: Mapping[str, str | int],
        command: str | None = None,
        where: tuple[Context | None, Sequence[Link]] = (None, ()),
    ) -> None:
        context, links = where
        if isinstance(above := trace.get_current_span(), _Request):
            above.needed = True
        self._scope = _tracer.start_as_current_span(name, context, attributes=about, links=links, **_WORDLESS)
        self._command, self._began = command, time.perf_counter()

    def __enter__(self) -> trace.Span:
        return self._scope.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, place: TracebackType | None) -> None:
        if error is not None:
            told(trace.get_current_span(), error)
        if self._command is not None:
            labels = {"bianban.command": self._command} | ({} if error is None else {"error.type": named(error)})
            COMMANDS.record(time.perf_counter() - self._began, labels)
        self._scope.__exit__(kind, error, place)


def named(error: BaseException) -> str:
    """What an error is called: the code of a refusal, else its class."""
    return error.code if isinstance(error, DomainError) else type(error).__name__


def told(span: trace.Span, error: BaseException) -> None:
    """Let a span tell which error there was; its words stay here."""
    span.set_attribute("error.type", named(error))
    if not isinstance(error, DomainError | NotYetKnown):
        span.set_status(StatusCode.ERROR)


class _Request(trace.NonRecordingSpan):
    """What a request's span is until its end: its ids. `needed`: a step beneath it is told, so it is told too."""

    needed = False


class TracedRequests:
    """ASGI middleware: one figure, one line of the log and one server span per request, named by what its route is called (`names`, by method and path),
    else by the route; health checks are left out, and of streams, which last as long as somebody looks, the line. The answer tells the trace id.

    A span is the dearest part of a small request. A read that begins a trace of its own, and goes well and quickly, is told by its figure alone.
    FastAPI's own telemetry would record each request twice beside ours. Whether a trace is kept is not for the caller to say.
    """

    def __init__(self, app: ASGIApp, names: Mapping[str, str] | None = None) -> None:
        self._app, self._names = app, names or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _QUIET:
            return await self._app(scope, receive, send)
        at, began, status, streams, failed = time.time_ns(), time.perf_counter(), 500, False, None
        caller = _caller(scope)
        trace_id = caller.trace_id if caller else _ids.generate_trace_id()
        span = _Request(SpanContext(trace_id, _ids.generate_span_id(), is_remote=False, trace_flags=_SAMPLED))
        scope["trace_id"] = told_id = trace.format_trace_id(trace_id)

        async def remember(message: MutableMapping[str, Any]) -> None:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status, headers = message["status"], message.get("headers", [])
                streams = any(name == b"content-type" and value.startswith(_STREAM) for name, value in headers)
                message["headers"] = [*headers, (b"x-trace-id", told_id.encode())]
            await send(message)

        token = contexts.attach(trace.set_span_in_context(span, Context()))
        try:
            await self._app(scope, receive, remember)
        except Exception as error:
            failed = error
            raise
        finally:
            security_log.turned_away(scope, status)
            took, about = time.perf_counter() - began, _about(scope, status)
            if not streams:
                _tell(scope, about, took)
            contexts.detach(token)
            REQUESTS.record(took, about)
            if caller or span.needed or status >= 400 or took >= SLOW or scope["method"] not in _READS:
                _record(self._called(about), span.get_span_context(), caller, at, about, failed)

    def _called(self, about: Mapping[str, str | int]) -> str:
        route = f"{about['http.request.method']} {about['http.route']}"
        return f"请求 {self._names[route]}" if route in self._names else route


def _tell(scope: Scope, about: Mapping[str, str | int], took: float) -> None:
    """The line of a request: ids only, never its path or what was asked."""
    who = scope.get("state", {}).get("who")
    method, route, status = about.values()
    _log.info("request", method=method, route=route, status=status, ms=round(1000 * took, 1), who=who.name if who else "")


def _record(
    name: str, ids: SpanContext, caller: SpanContext | None, began: int, about: Mapping[str, str | int], error: Exception | None
) -> None:
    """The span of a request that is over; `began` in nanoseconds."""
    where = trace.set_span_in_context(trace.NonRecordingSpan(caller), Context()) if caller else Context()
    token = _had.set(ids)
    span = _tracer.start_span(name, where, SpanKind.SERVER, about, start_time=began)
    _had.reset(token)
    if error:
        told(span, error)
    if int(about["http.response.status_code"]) >= 500:
        span.set_status(StatusCode.ERROR)
    span.end()


async def carry(request: httpx.Request) -> None:
    """For calls from one service to another (httpx's event hook): the request goes on in the same trace."""
    propagate.inject(request.headers)


def _caller(scope: Scope) -> SpanContext | None:
    """The caller's span, if it sent one; recorded here whatever it records itself."""
    carrier = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name == b"traceparent"}
    if not carrier:
        return None
    caller = trace.get_current_span(propagate.extract(carrier, Context())).get_span_context()
    return SpanContext(caller.trace_id, caller.span_id, is_remote=True, trace_flags=_SAMPLED) if caller.is_valid else None


def _about(scope: Scope, status: int) -> dict[str, str | int]:
    route = getattr(scope.get("route"), "path", "unknown")
    return {"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status}
