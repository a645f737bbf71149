"""Accounts, roles and proxies: what is asked, what is kept, what is answered."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.glossary import Role

NAME = r"^[a-z][a-z0-9._-]{1,39}$"


class Input(BaseModel):
    """A command's input."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RegisterUser(Input):
    """Make an account without rights."""

    name: str = Field(pattern=NAME)
    real_name: str = Field(min_length=1, max_length=60)


class GrantRole(Input):
    """Give a role over unit subtrees; no units means the whole county."""

    user: str
    role: Role
    unit_ids: tuple[UUID, ...] | None = Field(None, min_length=1)


class RevokeRole(Input):
    """Take a role back."""

    user: str
    role: Role


class SetProxy(Input):
    """`user` stands in for `absent` (授权代办), from now on unless `begins_at` says otherwise."""

    user: str
    absent: str
    begins_at: AwareDatetime | None = None
    until: AwareDatetime


class SeedAdministrators(Input):
    """Make the first administrators of an empty system."""


@dataclass(frozen=True)
class Grant:
    """A role a user holds now."""

    role: Role
    unit_ids: tuple[UUID, ...] | None


@dataclass(frozen=True)
class User:
    """An account."""

    id: UUID
    name: str
    real_name: str
    grants: tuple[Grant, ...]


@dataclass(frozen=True)
class Wanted:
    """Which accounts: words of the login name or the name, a role that is held."""

    words: str = ""
    role: Role | None = None


@dataclass(frozen=True)
class Unit:
    """A unit that a scope may begin on."""

    id: UUID
    name: str
    code: str


@dataclass(frozen=True)
class DemoUser:
    """An account as the page shows it on which one picks whom to be: roles by code with their labels, names of units (none: the whole county)."""

    name: str
    real_name: str
    roles: dict[str, str]
    units: list[str]


class EndProxy(Input):
    """A proxy ends before its time. `of`: by himself the one who is stood in for, and no proxy of others."""

    proxy_id: UUID
    of: str | None = None


@dataclass(frozen=True)
class Proxy:
    """A proxy as it was set."""

    id: UUID
    user: str
    absent: str
    begins_at: datetime
    until: datetime


@dataclass(frozen=True)
class Account:
    """An account as its administrators see it. `proxies`: those that hold or will, of him for others and of others for him;
    `one_time_until`: a password was handed out and not yet changed; `locked_until`: too many attempts.
    """

    user: User
    proxies: list[Proxy]
    has_password: bool
    one_time_until: datetime | None
    second_factor: bool
    locked_until: datetime | None
    sessions: int


@dataclass(frozen=True)
class AuditEntry:
    """Who changed what, when and why."""

    id: UUID
    at: datetime
    actor: str
    type: str
    reason: str
    document_no: str | None
    change: dict[str, object]
