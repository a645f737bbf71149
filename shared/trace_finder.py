"""Puts together what is known of a case or a trace, for `bianban trace` and the page 运维: the services say what they hold, Zipkin has the steps."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import Any, TypeAlias
from urllib.parse import quote

import httpx

from shared.found_traces import Found, Trace, lined_up

SERVICES = ("roster", "approval", "monitoring")
ASKED = (*SERVICES, "zipkin")
"""Who may fail to answer."""
MOST_TRACES = 200
LOOKBACK = timedelta(days=400)
Told: TypeAlias = Callable[[str, str], Awaitable[Any]]
"""What a service says under a path; none where it does not answer."""


class Zipkin:
    """The store of spans. What it does not have, or cannot say because it is away, is left out; `away` tells which of the two, `silent` that it was
    asked and gave no answer.
    """

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url
        self.away, self.silent = not url, False

    async def tagged(self, case_id: str) -> dict[str, list[dict[str, Any]]]:
        """Traces with a span of the case, by their ids."""
        query = {"annotationQuery": f"case.id={case_id}", "limit": MOST_TRACES, "lookback": int(LOOKBACK / timedelta(milliseconds=1))}
        traces = await self._ask("/api/v2/traces", query) or []
        return {spans[0]["traceId"]: spans for spans in traces if spans}

    async def spans(self, trace_id: str) -> list[dict[str, Any]]:
        """All that is known of one trace."""
        return await self._ask(f"/api/v2/trace/{trace_id}", {}) or []

    async def _ask(self, path: str, query: dict[str, Any]) -> Any:
        if self.away:
            return None
        try:
            answer = await self._http.get(self._url + path, params=query)
            if answer.is_server_error:
                answer.raise_for_status()
            return answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError):
            self.away = self.silent = True
            return None


class Finder:
    """Puts together what the services tell whoever asks (`told(service, path)`, with his own rights) and, where one
    of them let him in, what Zipkin has. `away`: who did not answer.
    """

    def __init__(self, told: Told, zipkin: Zipkin) -> None:
        self._told, self._zipkin = told, zipkin
        self.away: list[str] = []

    async def cases(self, of: str) -> list[str]:
        """What the number of a document or a bare id is of."""
        return [case for each in await self._each(f"/cases?of={quote(of, safe='')}") for case in each]

    async def case(self, case_id: str) -> Found | None:
        """Everything of one case: its events, and each trace that carries its id. None when nothing is known of it."""
        if not (told := await self._each(f"/cases/{quote(case_id, safe=':')}/trace")):
            return None
        events = _in_order(event for each in told for event in each["events"])
        run = next((each["workflow"] for each in told if each["workflow"]), None)
        tagged = await self._zipkin.tagged(case_id)
        ids = dict.fromkeys([trace_id for each in told for trace_id in each["traces"]] + list(tagged))
        if not events and run is None and not ids:
            self._note_zipkin()
            return None
        traces = [Trace(trace_id, tuple(lined_up(tagged.get(trace_id) or await self._zipkin.spans(trace_id)))) for trace_id in ids]
        return Found(case_id, [case_id], run, events, sorted(traces, key=_begun), not self._zipkin.away)

    async def trace(self, trace_id: str) -> Found | None:
        """One trace, the events it published and the cases they belong to. None when nothing is known of it."""
        if not (told := await self._each(f"/traces/{trace_id}")):
            return None
        spans = lined_up(await self._zipkin.spans(trace_id))
        events = _in_order(event for each in told for event in each["events"])
        if not spans and not events:
            self._note_zipkin()
            return None
        tagged = [span.tags["case.id"] for span in spans if span.tags.get("case.id")]
        cases = list(dict.fromkeys([case for each in told for case in each["cases"]] + tagged))
        return Found(trace_id, cases, None, events, [Trace(trace_id, tuple(spans))], not self._zipkin.away)

    def _note_zipkin(self) -> None:
        """Where nothing was found, a Zipkin that gave no answer may know of it."""
        self.away += ["zipkin"] * self._zipkin.silent

    async def _each(self, path: str) -> list[Any]:
        """What those who answer say."""
        told = {service: await self._told(service, path) for service in SERVICES}
        self.away += [service for service, said in told.items() if said is None]
        return [said for said in told.values() if said is not None]


def _in_order(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(events, key=lambda event: event["recorded_at"])


def _begun(trace: Trace) -> float:
    return trace.spans[0].begun if trace.spans else int(trace.trace_id[:8], 16) * 1000.0
