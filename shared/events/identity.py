"""Events published by the identity service. Login names are ids; real names are in no event. Evolution: as in `shared/events/roster.py`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event
from shared.glossary import Role

NO_UNIT = UUID(int=0)


class IdentityEvent(Event):
    """What changed about one user. The key is the user; no unit is concerned."""

    topic: ClassVar[str] = "identity.events"
    aggregate_type: ClassVar[str] = "user"

    unit_id: UUID = NO_UNIT
    user_id: UUID
    user: str = Field(description="The login name.")

    @property
    def aggregate_id(self) -> UUID:
        """The user."""
        return self.user_id

    @property
    def key(self) -> str:
        """The user."""
        return str(self.user_id)


class UserRegistered(IdentityEvent):
    """An account was made; it has no rights yet."""

    type: Literal["identity.user_registered.v1"] = "identity.user_registered.v1"


class RoleGranted(IdentityEvent):
    """A role was given, over these unit subtrees."""

    type: Literal["identity.role_granted.v1"] = "identity.role_granted.v1"
    role: Role
    unit_ids: tuple[UUID, ...] | None = Field(None, description="Roots of the subtrees; none means the whole county.")


class RoleRevoked(IdentityEvent):
    """A role was taken back."""

    type: Literal["identity.role_revoked.v1"] = "identity.role_revoked.v1"
    role: Role


class ProxySet(IdentityEvent):
    """The user stands in for an absent colleague (授权代办) for a time."""

    type: Literal["identity.proxy_set.v1"] = "identity.proxy_set.v1"
    absent: str = Field(description="The login name of the absent colleague.")
    begins_at: AwareDatetime
    ends_at: AwareDatetime


class ProxyEnded(IdentityEvent):
    """The user stands in no longer: a proxy was ended before its time."""

    type: Literal["identity.proxy_ended.v1"] = "identity.proxy_ended.v1"
    absent: str = Field(description="The login name of the colleague who was absent.")
    begins_at: AwareDatetime
    would_end_at: AwareDatetime


EVENTS: tuple[type[IdentityEvent], ...] = (UserRegistered, RoleGranted, RoleRevoked, ProxySet, ProxyEnded)
