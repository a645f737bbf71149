"""Asks the services and the Zipkin of one stack on this machine."""

from datetime import UTC, datetime
from typing import Any

import httpx

from deploy.local.place import Place, WrongPlace
from shared.auth import Tokens, Who
from shared.glossary import Role
from shared.trace_finder import Finder, Zipkin

_WHO = Who("bianban", frozenset({Role.SYSTEM_ADMIN}))


def finder(place: Place, http: httpx.AsyncClient, signer: Tokens) -> Finder:
    """What it asks raises WrongPlace when a service is away."""

    async def told(service: str, path: str) -> dict[str, Any]:
        token = signer.issue(_WHO, datetime.now(UTC))
        try:
            answer = await http.get(f"{place.service(service)}{path}", headers={"Authorization": f"Bearer {token}"})
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise WrongPlace(f"{service} 没有应答（{type(error).__name__}）。请用 bianban status 查看。") from None
        found: dict[str, Any] = answer.json()
        return found

    return Finder(told, Zipkin(http, f"http://127.0.0.1:{place.port('zipkin')}"))
