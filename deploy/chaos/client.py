"""A client as real ones are: a token of its own, a key per request, and after any doubt the same request under the same key."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx

from deploy.chaos.ledger import Ledger, Line
from deploy.identity import tokens
from deploy.local.place import Place, WrongPlace
from shared.auth import Tokens, Who
from shared.clock import Clock
from workflows.tries import ASK_AGAIN

PATIENCE = ASK_AGAIN.total_seconds() + 120
"""How long a request is repeated and an effect is waited for, in seconds: a seal whose answer was lost is asked again only after `ASK_AGAIN`."""
_TOKEN_LASTS = timedelta(minutes=5)
_NOT_YET = {"not_received_yet", "not_ready", "unit_unknown"}


class Given(Exception):  # noqa: N818  named as the fact it states
    """The request was refused, or given up: the actor goes on with something else."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Client:
    """All users of the load share connections; what each asks and is answered goes to the ledger."""

    def __init__(self, place: Place, people: dict[str, Who], ledger: Ledger, http: httpx.AsyncClient) -> None:
        self._place, self._people, self._ledger, self._http = place, people, ledger, http
        self._signer: Tokens = tokens(place)
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self.clock = Clock(place.clock_file)
        self.stopping = asyncio.Event()
        self.server_errors: Counter[str] = Counter()

    async def post(self, kind: str, user: str, service: str, path: str, body: dict[str, Any], **about: Any) -> dict[str, Any]:
        """Ask until it is answered; the answer. Raises Given."""
        key, began, tries = str(uuid4()), time.monotonic(), 0
        outcome, code, answer = "in_doubt", "no_answer", dict[str, Any]()
        while time.monotonic() - began < PATIENCE:
            tries += 1
            status, said = await self._ask(user, "POST", service, path, json=body, headers={"Idempotency-Key": key})
            code = str(said.get("code", "")) if status >= 400 else ""
            if 200 <= status < 300:
                outcome, answer = "acknowledged", said
                break
            if 400 <= status < 500 and code not in _NOT_YET:
                outcome = "refused"
                break
            await asyncio.sleep(min(2.0, 0.1 * tries))
        line = Line(kind, service, user, key, outcome, code, tries, round(time.monotonic() - began, 3), answer, about)  # type: ignore[arg-type]
        self._ledger.keep(line)
        if outcome != "acknowledged":
            raise Given(code)
        return answer

    async def get(self, user: str, service: str, path: str, **query: str | int) -> dict[str, Any] | None:
        """Read; nothing when there is no answer now."""
        status, said = await self._ask(user, "GET", service, path, params=query)
        return said if status == 200 else None

    async def until(
        self, what: str, look: Callable[[], Awaitable[dict[str, Any] | None]], holds: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """Look until it holds; what was seen then. Raises Given; that `what` was not seen in time is a line of the ledger."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            seen = await look()
            if seen is not None and holds(seen):
                return seen
            if self.stopping.is_set():
                raise Given("stopping")
            await asyncio.sleep(0.3)
        self.doubt("look", "not_seen", what=what)
        raise Given("not_seen")

    def doubt(self, kind: str, code: str, **about: Any) -> None:
        """Keep that something never came to its end."""
        self._ledger.keep(Line(kind, "", "", "", "in_doubt", code, 0, 0.0, {}, about))

    async def _ask(self, user: str, method: str, service: str, path: str, **more: Any) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token(user)}"} | more.pop("headers", {})
        url = f"http://127.0.0.1:{self._place.port(service)}{path}"
        with suppress(httpx.TransportError, ValueError):
            answer = await self._http.request(method, url, headers=headers, **more)
            if answer.status_code == 500:
                self.server_errors[f"{method} {service} {path}"] += 1
            said = answer.json() if answer.content else {}
            return answer.status_code, said if isinstance(said, dict) else {"items": said}
        return 504, {}

    def _token(self, user: str) -> str:
        now = datetime.now(UTC)
        token, until = self._tokens.get(user, ("", now))
        if until <= now:
            if user not in self._people:
                raise WrongPlace(f"没有名为 {user} 的用户。")
            token, until = self._signer.issue(self._people[user], now), now + _TOKEN_LASTS
            self._tokens[user] = token, until
        return token
