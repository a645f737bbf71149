"""Spans: read from OTLP, written as Zipkin's v2 JSON."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

LINKS_SHOWN = 20
_KINDS = {2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}


@dataclass(frozen=True)
class Sent:
    """A span and the process that sent it."""

    process: str
    span: trace_pb2.Span

    @property
    def trace_id(self) -> bytes:
        """Sixteen bytes."""
        return self.span.trace_id

    @property
    def begun(self) -> int:
        """Nanoseconds since 1970."""
        return self.span.start_time_unix_nano

    @property
    def ended(self) -> int:
        """Nanoseconds since 1970."""
        return self.span.end_time_unix_nano

    @property
    def failed(self) -> bool:
        """Whether it ended in an error."""
        return self.span.status.code == trace_pb2.Status.STATUS_CODE_ERROR


def read(body: bytes) -> Iterator[Sent]:
    """Every span of an export request."""
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        process = attributes(resource.resource.attributes).get("service.name", "—")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield Sent(process, span)


def attributes(pairs: "Mapping[Any, Any] | Any") -> dict[str, str]:
    """OTLP's key-value pairs as text."""
    return {pair.key: text(pair.value) for pair in pairs if isinstance(pair, KeyValue)}


def text(value: AnyValue) -> str:
    """One attribute's value as text."""
    which = value.WhichOneof("value")
    if which == "array_value":
        return ", ".join(text(each) for each in value.array_value.values)
    return "" if which is None else str(getattr(value, which)).lower() if which == "bool_value" else str(getattr(value, which))


def zipkin(sent: Sent) -> dict[str, Any]:
    """One span as Zipkin takes it: hex ids, microseconds, everything else as tags. It has no links of its own: they are tags too."""
    span = sent.span
    shown: dict[str, Any] = {
        "traceId": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "name": span.name,
        "timestamp": span.start_time_unix_nano // 1000,
        "duration": max(1, (span.end_time_unix_nano - span.start_time_unix_nano) // 1000),
        "localEndpoint": {"serviceName": sent.process},
        "annotations": [{"timestamp": event.time_unix_nano // 1000, "value": _event(event)} for event in span.events],
        "tags": _tags(sent),
    }
    if span.parent_span_id:
        shown["parentId"] = span.parent_span_id.hex()
    if kind := _KINDS.get(span.kind):
        shown["kind"] = kind
    return shown


def _tags(sent: Sent) -> dict[str, str]:
    tags = attributes(sent.span.attributes)
    if sent.failed:
        tags["error"] = tags.get("error.type") or "true"
    for number, link in enumerate(sent.span.links[:LINKS_SHOWN], 1):
        tags[f"link.{number}"] = f"{link.trace_id.hex()}/{link.span_id.hex()}"
    return tags


def _event(event: trace_pb2.Span.Event) -> str:
    about = attributes(event.attributes)
    return " ".join([event.name, *(f"{name}={value}" for name, value in about.items())])
