"""The roster's HTTP application as its users meet it."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx

from shared.auth import Tokens, Who
from shared.glossary import Role


@dataclass(frozen=True)
class Doors:
    """The running application and its users."""

    http: httpx.AsyncClient
    tokens: Tokens

    def as_(
        self, *roles: Role, units: tuple[UUID, ...] | None = None, key: str | None = None, name: str = "", called: str = ""
    ) -> dict[str, str]:
        """The headers of a caller with these roles and this scope."""
        who = Who(name or f"{roles[0]}-user", frozenset(roles), units, called=called)
        token = self.tokens.issue(who, datetime.now(UTC))
        return {"authorization": f"Bearer {token}", "idempotency-key": key or f"key-{uuid4()}"}

    @property
    def office(self) -> dict[str, str]:
        return self.as_(Role.BUSINESS_OFFICER)
