"""What is known of a case or a trace: the services' events, the workflow's run, Zipkin's spans in the order in which they are read."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

TRACE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Span:
    """One step; times in milliseconds since 1970, `depth` below the root."""

    span_id: str
    name: str
    process: str
    begun: float
    took: float
    depth: int
    failed: bool
    tags: dict[str, str]


@dataclass(frozen=True)
class Trace:
    """The steps of one trace as they are read, parents before children; none where no store has them (any more)."""

    trace_id: str
    spans: tuple[Span, ...]


@dataclass(frozen=True)
class Found:
    """The JSON of `bianban trace`."""

    asked: str
    cases: list[str]
    workflow: dict[str, Any] | None
    events: list[dict[str, Any]]
    traces: list[Trace] = field(default_factory=list)
    zipkin: bool = True

    def json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)


def lined_up(spans: Sequence[dict[str, Any]]) -> list[Span]:
    """Zipkin's spans of one trace as a reader goes through them: each parent, then its children by time."""
    known = {span["id"] for span in spans}
    below: dict[str | None, list[dict[str, Any]]] = {}
    for span in sorted(spans, key=lambda span: span.get("timestamp", 0)):
        parent = span.get("parentId")
        below.setdefault(parent if parent in known else None, []).append(span)
    found: list[Span] = []
    _add(found, below, None, 0)
    return found


def _add(found: list[Span], below: dict[str | None, list[dict[str, Any]]], parent: str | None, depth: int) -> None:
    for span in below.get(parent, ()):
        tags = span.get("tags", {})
        found.append(
            Span(
                span_id=span["id"],
                name=span.get("name", "—"),
                process=span.get("localEndpoint", {}).get("serviceName", "—"),
                begun=span.get("timestamp", 0) / 1000,
                took=span.get("duration", 0) / 1000,
                depth=depth,
                failed="error" in tags,
                tags=tags,
            )
        )
        _add(found, below, span["id"], depth + 1)
