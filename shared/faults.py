"""What an error tells to logs, traces and histories: its kind and where it happened, never its words, which may repeat a number or a name.

Drivers and validators quote the value they stumble over; whoever catches an error cannot know which of them did.
"""

import logging
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

import asyncpg
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import Status
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverterWithEncodedAttributes, PayloadConverter
from temporalio.exceptions import ApplicationError, TemporalError

from shared.errors import DomainError

_WORDS = ("exception.message", "exception.stacktrace")
_ABOUT = ("sqlstate", "schema_name", "table_name", "column_name", "constraint_name")


def kind(error: BaseException) -> str:
    """The class of an error, with what it says of tables and refusals and never holds a value."""
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    if isinstance(error, asyncpg.PostgresError):
        about = (f"{each}={getattr(error, each)}" for each in _ABOUT if getattr(error, each, None))
        return f"{name}: {' '.join(about)}"
    if isinstance(error, DomainError):
        return f"{name}: {error.code}"
    return f"{name}: errno {error.errno}" if isinstance(error, OSError) else name


def told(error: BaseException) -> str:
    """A traceback without words, the first cause first."""
    return "\n\n".join(reversed([*_chain(error, set())]))


def _chain(error: BaseException | None, seen: set[int]) -> Iterator[str]:
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield "".join(traceback.format_tb(error.__traceback__)) + kind(error)
        if isinstance(error, BaseExceptionGroup):
            for each in error.exceptions:
                yield from _chain(each, seen)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def keep_words_out_of_logs() -> None:
    """For everything that logs by the standard library, whichever handler it has: servers, drivers, the event loop."""
    made = logging.getLogRecordFactory()

    def record(*args: Any, **more: Any) -> logging.LogRecord:
        new = made(*args, **more)
        if new.exc_info and new.exc_info[1] is not None:
            new.exc_text, new.exc_info = told(new.exc_info[1]), None
        if new.name == "asyncio":  # further lines show the task, and in it the error
            new.msg = str(new.msg).partition("\n")[0]
        return new

    logging.setLogRecordFactory(record)


def wordless(span: ReadableSpan) -> ReadableSpan:
    """A span that tells which error there was, and not what it said."""
    if not span.events and not span.status.description:
        return span
    events = [
        Event(event.name, {name: value for name, value in (event.attributes or {}).items() if name not in _WORDS}, event.timestamp)
        for event in span.events
    ]
    return ReadableSpan(
        span.name,
        span.context,
        span.parent,
        span.resource,
        span.attributes,
        events,
        span.links,
        span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


class WordlessSpans(OTLPSpanExporter):
    """The exporter of every process."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send them, without words."""
        return super().export([wordless(span) for span in spans])


class WordlessFailures(DefaultFailureConverterWithEncodedAttributes):
    """What an activity or a workflow raised, as Temporal's history keeps it. What we say ourselves (`ApplicationError`) is kept, encrypted."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Any other error becomes its kind and its place."""
        if not isinstance(exception, TemporalError):
            silent = ApplicationError(kind(exception), type=type(exception).__name__).with_traceback(exception.__traceback__)
            silent.__cause__ = exception.__cause__
            exception = silent
        super().to_failure(exception, payload_converter, failure)
