"""Logs, traces: set up once per process. Business code emits events and lets the doors be traced; personal data is in neither.

The exporter is OTLP over HTTP where `BIANBAN_OTLP` names a collector; otherwise spans are ids only.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from opentelemetry import propagate, trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from starlette.types import ASGIApp, Receive, Scope, Send
from temporalio.contrib.opentelemetry import create_tracer_provider

from shared.faults import WordlessSpans, keep_words_out_of_logs, told

_QUIET = {"/live", "/ready"}


def set_up(process: str, otlp: str | None) -> None:
    """Configure structlog (JSON lines with trace ids on stdout) and the tracer provider."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
    logging.getLogger("opentelemetry.context").addFilter(lambda record: "Failed to detach context" not in record.getMessage())
    keep_words_out_of_logs()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            _with_trace,
            structlog.processors.ExceptionRenderer(lambda found: told(found[1])),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    sampler = ALWAYS_ON if otlp else ALWAYS_OFF  # ids are in the logs either way; a span that nobody collects need not be filled in
    provider = create_tracer_provider(ParentBased(sampler), Resource.create({"service.name": process}))
    if otlp:
        provider.add_span_processor(BatchSpanProcessor(WordlessSpans(endpoint=f"{otlp.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)


def _with_trace(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"] = trace.format_trace_id(context.trace_id)
    return entry


class TracedRequests:
    """ASGI middleware: one server span per request, named by its route. (FastAPI's own telemetry would record each request twice beside ours.)"""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app, self._tracer = app, trace.get_tracer(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Trace HTTP requests but health checks; answer with the trace id."""
        if scope["type"] != "http" or scope["path"] in _QUIET:
            return await self._app(scope, receive, send)
        carrier = {name.decode(): value.decode() for name, value in scope["headers"] if name in (b"traceparent", b"tracestate")}
        with self._tracer.start_as_current_span(scope["method"], context=propagate.extract(carrier), kind=trace.SpanKind.SERVER) as span:
            status = 500

            async def remember(message: MutableMapping[str, Any]) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    trace_id = trace.format_trace_id(span.get_span_context().trace_id)
                    message["headers"] = [*message.get("headers", []), (b"x-trace-id", trace_id.encode())]
                await send(message)

            try:
                await self._app(scope, receive, remember)
            finally:
                _describe(span, scope, status)


def _describe(span: trace.Span, scope: Scope, status: int) -> None:
    route = getattr(scope.get("route"), "path", "unknown")
    span.update_name(f"{scope['method']} {route}")
    span.set_attributes({"http.request.method": scope["method"], "http.route": route, "http.response.status_code": status})
    if status >= 500:
        span.set_status(trace.StatusCode.ERROR)
