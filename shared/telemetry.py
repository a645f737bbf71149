"""Logs, traces, figures: set up once per process. Business code emits events and lets the doors be traced; personal data is in none of them.

They go by OTLP over HTTP to where `BIANBAN_OTLP` names a collector, from threads of their own; otherwise spans are ids only. A collector that is
away costs nobody anything but the telemetry of that time.
"""

import logging
import os
import socket
import sys
import time
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from temporalio.contrib.opentelemetry import create_tracer_provider

from shared.faults import WordlessSpans, keep_words_out_of_logs, told
from shared.metrics import UPTIME
from shared.traces import TimedIds
from shared.watching import EVERY

AT_ONCE = 128
"""Spans per export: they are written by a thread that the process's own work has to wait for meanwhile."""
COMPLAINS_EVERY = 300.0
EACH = 60.0


class Lines(structlog.PrintLogger):
    """Lines on standard output. On a disk that is full a line is lost, and not the work that tells it."""

    def msg(self, message: str) -> None:
        with suppress(OSError):
            super().msg(message)

    log = debug = info = warn = warning = fatal = failure = err = error = critical = exception = msg


def set_up(process: str, otlp: str | None) -> None:
    """Configure structlog (JSON lines with trace ids on stdout) and the tracer provider."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stdout, format="%(message)s")
    keep_drivers_brief()
    keep_words_out_of_logs()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            with_trace,
            structlog.processors.ExceptionRenderer(lambda found: told(found[1])),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: Lines(),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    resource = Resource.create({"service.name": process, "service.instance.id": instance()})
    sampler = ALWAYS_ON if otlp else ALWAYS_OFF  # ids are in the logs either way; a span that nobody collects need not be filled in
    provider = create_tracer_provider(sampler, resource, shutdown_on_exit=False, id_generator=TimedIds())
    if otlp:
        provider.add_span_processor(
            BatchSpanProcessor(WordlessSpans(endpoint=f"{otlp.rstrip('/')}/v1/traces"), max_export_batch_size=AT_ONCE)
        )
        _tell_figures(otlp, resource)
    trace.set_tracer_provider(provider)


def keep_drivers_brief() -> None:
    """What they say with each attempt, or of nothing, would hide what an operator looks for."""
    logging.getLogger("opentelemetry.context").addFilter(lambda record: "Failed to detach context" not in record.getMessage())
    logging.getLogger("aiokafka.consumer.fetcher").addFilter(_Repeated("Unexpected error while fetching data: %s"))


def instance() -> str:
    """What this process is called in figures and traces: another after each start, so that what it counts begins a series of its own."""
    return f"{socket.gethostname()}-{os.getpid()}"


def tell_now() -> None:
    """Figures as they are, by a process that is about to end; a collector that does not answer is not waited for."""
    provider = metrics.get_meter_provider()
    if isinstance(provider, MeterProvider):
        with suppress(Exception):
            provider.force_flush(5000)


def _tell_figures(otlp: str, resource: Resource) -> None:
    for handler in logging.getLogger().handlers:
        handler.addFilter(_Seldom())
    told_each = PeriodicExportingMetricReader(
        OTLPMetricExporter(endpoint=f"{otlp.rstrip('/')}/v1/metrics"), export_interval_millis=EVERY * 1000
    )
    provider = MeterProvider(
        [told_each], resource, exemplar_filter=AlwaysOffExemplarFilter(), shutdown_on_exit=False
    )  # nobody asks for one
    metrics.set_meter_provider(provider)
    began = time.monotonic()
    UPTIME.ask("process", lambda: [({}, time.monotonic() - began)])


class _Repeated(logging.Filter):
    """What a driver says with each attempt, several times a second: each error is said once a minute."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words, self._said = words, dict[object, float]()

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if record.msg != self._words or now - self._said.get(record.args, -EACH) < EACH:
            return record.msg != self._words
        self._said[record.args] = now
        return True


class _Seldom(logging.Filter):
    """That the collector is away is said once in a while, not with each attempt."""

    def __init__(self) -> None:
        super().__init__()
        self._said = -COMPLAINS_EVERY

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith("opentelemetry."):
            return True
        if time.monotonic() - self._said < COMPLAINS_EVERY:
            return False
        self._said = time.monotonic()
        return True


def with_trace(_: Any, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the present trace's id into a line."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"] = trace.format_trace_id(context.trace_id)
    return entry
