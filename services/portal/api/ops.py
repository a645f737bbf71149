"""运维: from a case to its run, events and traces, and back. The services say what they hold; steps come from Zipkin, once they let one in."""

import asyncio
import re
from contextlib import suppress
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from services.portal.api.door import Opened, Page
from services.portal.api.units import asked_of
from services.portal.models import Away
from services.portal.rules.waterfall import waterfall
from shared.found_traces import TRACE_ID, Found
from shared.glossary import SERVICE_NAMES
from shared.trace_finder import ASKED, SERVICES, Finder, Zipkin

router = APIRouter(prefix="/ops")
Operator = Annotated[Page, Depends(Opened("traces.read"))]
MOST_CASES = 50
_NAMES = SERVICE_NAMES | {"zipkin": "Zipkin"}
_CASE = re.compile(r"[a-z]{1,20}:[0-9A-Za-z:-]{1,60}")


@router.get("", response_class=Response)
async def ops(page: Operator) -> Response:
    """Find by the number of an application or a notice, an id, a case, or a trace."""
    asked = asked_of(page, ("q",))["q"].strip()
    known = not asked or TRACE_ID.fullmatch(asked) or _CASE.fullmatch(asked)
    cases, silent = ([], []) if known else await _cases(page, asked)
    found, away = await _found(page, cases[0] if len(cases) == 1 else asked) if len(cases) == 1 or known else (None, [])
    away = [_NAMES[each] for each in ASKED if each in {*silent, *away}]
    traces = [waterfall(each) for each in found.traces] if found else []
    return page.show("ops.html", asked=asked, cases=cases, found=found, traces=traces, away=away, link=_link(page, found))


async def _found(page: Page, what: str) -> tuple[Found | None, list[str]]:
    """What is known of it, and which services did not answer."""
    state = page.request.app.state
    finder = Finder(partial(_told, page), Zipkin(state.to_zipkin, state.zipkin_url))
    found = None if not what else await (finder.trace(what) if TRACE_ID.fullmatch(what) else finder.case(what))
    return found, finder.away


async def _told(page: Page, service: str, path: str, **query: str) -> Any:
    """What a service says; none where it does not answer."""
    with suppress(Away):
        return await page.get(service, path, **query)
    return None


async def _cases(page: Page, asked: str) -> tuple[list[str], list[str]]:
    """What the number or the id is of, and which of those who know did not answer."""
    told = dict(zip(SERVICES, await asyncio.gather(*(_told(page, each, "/cases", of=asked[:80]) for each in SERVICES)), strict=True))
    cases = [case for each in told.values() for case in each or ()]
    return cases[:MOST_CASES], [service for service, each in told.items() if each is None]


def _link(page: Page, found: Found | None) -> str:
    """Where Zipkin shows the same."""
    viewer = page.request.app.state.zipkin_url
    if not viewer or not found:
        return ""
    if TRACE_ID.fullmatch(found.asked):
        return f"{viewer}/zipkin/traces/{found.asked}"
    query: dict[str, Any] = {"annotationQuery": f"case.id={found.asked}"}
    return f"{viewer}/zipkin/?{urlencode(query)}"
