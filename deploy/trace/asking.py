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
    """What it asks raises WrongPlace when a service refuses; one that is away says nothing."""

    async def told(service: str, path: str) -> Any:
        token = signer.issue(_WHO, datetime.now(UTC))
        try:
            answer = await http.get(f"{place.service(service)}{path}", headers={"Authorization": f"Bearer {token}"})
        except httpx.TransportError:
            return None
        if answer.is_client_error:
            raise WrongPlace(f"{service} 没有提供记录（{answer.status_code}）。请用 bianban logs {service} 查看。")
        return answer.json() if answer.is_success else None

    return Finder(told, Zipkin(http, f"http://127.0.0.1:{place.port('zipkin')}"))
