"""Who is signed in: identity is asked for a session's token, which is remembered for seconds only. The session key stands in a header, never in a URL."""

import hashlib
import time
from collections import OrderedDict
from typing import Any

from services.portal.models import Session, SessionEnded
from services.portal.queries.services import Services

REMEMBERED = 20.0
"""Seconds. A session that was ended elsewhere is used no longer than this."""
MOST = 5_000


class Sessions:
    """The sessions of the browsers that ask."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._known: OrderedDict[bytes, tuple[float, Session]] = OrderedDict()

    async def of(self, key: str) -> Session:
        """The session of a key. Raises SessionEnded, Away."""
        if not key:
            raise SessionEnded
        known = self._known.get(_mark(key))
        if known and known[0] > time.monotonic():
            return known[1]
        answer = await self._services.ask("POST", "identity", "/sessions/token", {"X-Session": key})
        session = Session.model_validate(answer.json())
        self._remember(key, session)
        self._remember(session.session, session)
        return session

    async def begin(self, name: str, password: str, code: str, caller: dict[str, str]) -> dict[str, Any]:
        """Sign in. Raises Refused in the user's words."""
        body = {"name": name, "password": password} | ({"code": code} if code else {})
        signed_in: dict[str, Any] = (await self._services.ask("POST", "identity", "/sessions", caller, json=body)).json()
        return signed_in

    async def begin_demo(self, name: str, caller: dict[str, str]) -> dict[str, Any]:
        """Sign in as one of the invented people. Refused outside the demo."""
        signed_in: dict[str, Any] = (await self._services.ask("POST", "identity", "/demo/sessions", caller, json={"name": name})).json()
        return signed_in

    async def leave(self, return_to: str, caller: dict[str, str]) -> dict[str, str]:
        """Where the office's provider asks people to sign in, and what the browser keeps meanwhile."""
        begun: dict[str, str] = (
            await self._services.ask("POST", "identity", "/oidc/requests", caller, json={"return_to": return_to})
        ).json()
        return begun

    async def come_back(self, code: str, state: str, kept: str, caller: dict[str, str]) -> dict[str, Any]:
        """Sign in by what the provider sent the browser back with. Raises Refused."""
        body = {"code": code, "state": state, "kept": kept}
        signed_in: dict[str, Any] = (await self._services.ask("POST", "identity", "/oidc/sessions", caller, json=body)).json()
        return signed_in

    async def demo_users(self) -> list[dict[str, Any]]:
        """The invented people one may sign in as."""
        found = (await self._services.ask("GET", "identity", "/demo/users", {})).json()
        users: list[dict[str, Any]] = found["items"] if isinstance(found, dict) else found
        return users

    async def end(self, key: str) -> None:
        """Sign out."""
        self.forget(key)
        await self._services.ask("DELETE", "identity", "/sessions", {"X-Session": key})

    def forget(self, key: str) -> None:
        """What was remembered of a session counts no more."""
        self._known.pop(_mark(key), None)

    def _remember(self, key: str, session: Session) -> None:
        self._known[_mark(key)] = (time.monotonic() + REMEMBERED, session)
        while len(self._known) > MOST:
            self._known.popitem(last=False)


def _mark(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
