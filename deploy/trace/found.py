"""What is known of a case or a trace, put together: the services' events, the workflow's run, Zipkin's spans."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from deploy.local.place import Place, WrongPlace
from shared.auth import Tokens, Who
from shared.glossary import Role

SERVICES = ("roster", "approval", "monitoring")
MOST_TRACES = 200
LOOKBACK = timedelta(days=400)
_WHO = Who("bianban", frozenset({Role.SYSTEM_ADMIN}))


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


class Finder:
    """Asks the services and Zipkin of one stack."""

    def __init__(self, place: Place, http: httpx.AsyncClient, signer: Tokens) -> None:
        self._place, self._http, self._signer = place, http, signer
        self._zipkin = True

    async def case(self, case_id: str) -> Found:
        """Everything of one case: its events, and each trace that carries its id. Raises WrongPlace when nothing is known of it."""
        told = [await self._told(service, f"/cases/{case_id}/trace") for service in SERVICES]
        events = _in_order(event for each in told for event in each["events"])
        run = next((each["workflow"] for each in told if each["workflow"]), None)
        tagged = await self._tagged(case_id)
        ids = dict.fromkeys([trace_id for each in told for trace_id in each["traces"]] + list(tagged))
        if not events and run is None and not ids:
            raise WrongPlace(f"没有编号为 {case_id} 的案件，或它还没有留下任何记录。")
        traces = [Trace(trace_id, tuple(lined_up(tagged.get(trace_id) or await self._spans(trace_id)))) for trace_id in ids]
        return Found(case_id, [case_id], run, events, sorted(traces, key=_begun), self._zipkin)

    async def trace(self, trace_id: str) -> Found:
        """One trace, the events it published and the cases they belong to. Raises WrongPlace when nothing is known of it."""
        told = [await self._told(service, f"/traces/{trace_id}") for service in SERVICES]
        spans = lined_up(await self._spans(trace_id))
        events = _in_order(event for each in told for event in each["events"])
        if not spans and not events:
            raise WrongPlace(f"没有找到追踪 {trace_id}。")
        tagged = [span.tags["case.id"] for span in spans if span.tags.get("case.id")]
        cases = list(dict.fromkeys([case for each in told for case in each["cases"]] + tagged))
        return Found(trace_id, cases, None, events, [Trace(trace_id, tuple(spans))], self._zipkin)

    async def _told(self, service: str, path: str) -> dict[str, Any]:
        token = self._signer.issue(_WHO, datetime.now(UTC))
        url = f"http://127.0.0.1:{self._place.port(service)}{path}"
        try:
            answer = await self._http.get(url, headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise WrongPlace(f"{service} 没有应答（{type(error).__name__}）。请用 bianban status 查看。") from None
        told: dict[str, Any] = answer.json()
        return told

    async def _tagged(self, case_id: str) -> dict[str, list[dict[str, Any]]]:
        """Zipkin's traces with a span of the case."""
        query = {"annotationQuery": f"case.id={case_id}", "limit": MOST_TRACES, "lookback": int(LOOKBACK / timedelta(milliseconds=1))}
        traces = await self._ask_zipkin("/api/v2/traces", query) or []
        return {spans[0]["traceId"]: spans for spans in traces if spans}

    async def _spans(self, trace_id: str) -> list[dict[str, Any]]:
        return await self._ask_zipkin(f"/api/v2/trace/{trace_id}", {}) or []

    async def _ask_zipkin(self, path: str, query: dict[str, Any]) -> Any:
        """None when Zipkin does not have it, or is away."""
        if not self._zipkin:
            return None
        try:
            answer = await self._http.get(f"http://127.0.0.1:{self._place.port('zipkin')}{path}", params=query)
            return answer.json() if answer.is_success else None
        except httpx.HTTPError:
            self._zipkin = False
            return None


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


def _in_order(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: event["recorded_at"])


def _begun(trace: Trace) -> float:
    return trace.spans[0].begun if trace.spans else int(trace.trace_id[:8], 16) * 1000.0
