"""The services' HTTP doors: one pool of connections, the user's own token, the request's trace; refusals as the services state them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from services.portal.models import Away, Problem, Refused, SessionEnded
from services.portal.queries.waits import waiting
from shared.traces import carry

PATIENCE = httpx.Timeout(30.0, connect=3.0)
PAGE = httpx.Timeout(8.0, connect=3.0)
"""For what is read: a service that lives has answered by then, since no statement of a door lasts longer (`shared.db.DOOR`); one that hangs is away."""
STUDIED = "/structure"
"""How a path ends whose answer is read from the whole of a province (`Database.studying`)."""
ASKED = {"/sessions/token", "/persons/search", "/users/search", "/application-checks", "/verifications"}
"""What is read by POST, since no address may hold it."""
_FIELDS = set(Problem.model_fields) - {"status", "code", "title", "detail"}


class Services:
    """All services of the stack. What is read for as long as a page is open has connections of its own: it takes none from the pages."""

    def __init__(self, http: httpx.AsyncClient, lasting: httpx.AsyncClient, addresses: Mapping[str, str]) -> None:
        self._http, self._lasting, self._addresses = http, lasting, addresses

    async def ask(self, method: str, service: str, path: str, headers: Mapping[str, str], **more: Any) -> httpx.Response:
        """One request. Raises Refused with the service's own words, SessionEnded, or Away."""
        try:
            with waiting():
                told: dict[str, Any] = {"timeout": _patience(method, path), "headers": dict(headers)} | more
                answer = await self._http.request(method, self._addresses[service] + path, **told)
        except httpx.TransportError as error:
            raise Away(service) from error
        return judged(answer, service)

    async def ready(self, service: str) -> dict[str, Any] | None:
        """What a service says of its own readiness (it says so in a 503, too); None where it does not answer."""
        try:
            with waiting():
                found: dict[str, Any] = (await self._http.get(f"{self._addresses[service]}/ready", timeout=PAGE)).json()
        except (httpx.TransportError, ValueError):
            return None
        return found

    @asynccontextmanager
    async def stream(self, service: str, path: str, headers: Mapping[str, str], **more: Any) -> AsyncIterator[httpx.Response]:
        """A file or a stream of events, passed on piece by piece. Raises as `ask` does."""
        request = self._lasting.build_request("GET", self._addresses[service] + path, headers=dict(headers), **more)
        try:
            with waiting():
                answer = await self._lasting.send(request, stream=True)
        except httpx.TransportError as error:
            raise Away(service) from error
        try:
            if answer.is_error:
                await answer.aread()
            yield judged(answer, service)
        finally:
            await answer.aclose()


def _patience(method: str, path: str) -> httpx.Timeout:
    return PAGE if path in ASKED or (method == "GET" and not path.endswith(STUDIED)) else PATIENCE


SENT_BEFORE = ("此表单已提交过", "先前的内容已受理，这次改动的内容没有提交。请先查看已办理的情况；确需再办的，核对后重新提交。")
"""In place of what a service says of its request key: a form has one unseen."""


def judged(answer: httpx.Response, service: str) -> httpx.Response:
    """The answer, unless it is none. Raises as `ask` does."""
    if answer.is_success:
        return answer
    said = answer.json() if "json" in answer.headers.get("content-type", "") else {}
    if answer.status_code == 503 or (answer.status_code >= 500 and not said):
        raise Away(service)
    if said.get("code") in {"not_signed_in", "session_ended"}:
        raise SessionEnded
    more = {name: said.get(name) for name in _FIELDS}
    status, code = answer.status_code, said.get("code", "refused")
    title, detail = said.get("title", "请求未被接受"), said.get("detail", "请求未被接受。")
    if code == "key_reused":
        title, detail = SENT_BEFORE
    raise Refused(Problem(status=status, code=code, title=title, detail=detail, **more))


@asynccontextmanager
async def connected(addresses: Mapping[str, str], transport: httpx.AsyncBaseTransport | None = None) -> AsyncIterator[Services]:
    """Open the pools; a test may stand behind them."""
    asking = httpx.Limits(max_connections=100, max_keepalive_connections=40, keepalive_expiry=30.0)
    lasting = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with _pool(asking, transport) as http, _pool(lasting, transport) as streams:
        yield Services(http, streams, addresses)


def _pool(limits: httpx.Limits, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=PATIENCE, limits=limits, trust_env=False, event_hooks={"request": [carry]}, transport=transport)
