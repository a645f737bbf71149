"""Signing in: how strict the house is, what is tried, what is kept of a session, and what its holder is told."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.identity.models.accounts import Input
from shared.glossary import AccountDeed, Role, SignInWay


@dataclass(frozen=True)
class Policy:
    """How strict the house is; each figure is a setting."""

    idle: timedelta
    session: timedelta
    failures: int
    lock: timedelta
    length: int
    kinds: int
    earlier: int
    age: timedelta | None
    one_time: timedelta
    second_factor: bool


@dataclass(frozen=True)
class Knock:
    """From where a request comes, and at which instant of the machine: sessions do not follow business time."""

    address: str
    agent: str
    at: datetime


@dataclass(frozen=True)
class Tried:
    """What somebody typed. The name is not yet anybody's."""

    name: str
    password: str = field(repr=False)
    code: str | None = field(repr=False)


@dataclass(frozen=True)
class Credentials:
    """What an account shows to sign in. Without a hash it cannot by password."""

    user_id: UUID
    name: str
    real_name: str
    version: int
    password_hash: str | None = field(repr=False)
    set_at: datetime | None
    one_time_until: datetime | None
    earlier: tuple[str, ...] = field(repr=False)
    factor: bytes | None = field(repr=False)
    factor_confirmed: bool


class Shown(Input):
    """What was shown by password: the mark its attempts count under, since when that password counts, the time step of the code, and the hash
    if it had to be made anew.
    """

    mark: str | None = None
    set_at: AwareDatetime | None = None
    step: int | None = None
    rehashed: str | None = None


class OpenSession(Shown):
    """Begin a session for somebody who has shown who he is."""

    user: str
    way: SignInWay
    key_hash: str
    replaced: str | None
    csrf: str
    address: str
    agent: str
    at: AwareDatetime
    idle_ends_at: AwareDatetime
    ends_at: AwareDatetime


@dataclass(frozen=True)
class Opened:
    """A session that began, with the key that is told once."""

    key: str = field(repr=False)
    id: UUID
    user: str
    ends_at: datetime


@dataclass(frozen=True)
class Kept:
    """A session in use. `key` is another one when the rights have changed since."""

    id: UUID
    user: str
    key: str = field(repr=False)
    csrf: str = field(repr=False)
    way: SignInWay
    made_at: datetime
    idle_ends_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Demands:
    """What has to be done before anything else; until then the session has no rights."""

    password: bool
    code: bool

    @property
    def any(self) -> bool:
        """Whether there is something to do."""
        return self.password or self.code


@dataclass(frozen=True)
class Session:
    """A session as its owner sees it in his list."""

    id: UUID
    way: SignInWay
    way_label: str
    address: str
    agent: str
    made_at: datetime
    seen_at: datetime
    ends_at: datetime
    current: bool


class SetPassword(Input):
    """Keep a new password of one's own."""

    user: str
    before: str
    hashed: str
    remembered: int
    at: AwareDatetime
    address: str
    keep: UUID | None
    key_hash: str


class HandOutPassword(Input):
    """Keep a one-time password that an administrator hands out. `factor_lost`: the second factor goes too; `not_to`: who has one of these roles gets none."""

    user: str
    hashed: str
    at: AwareDatetime
    until: AwareDatetime
    address: str
    mark: str
    factor_lost: bool = False
    not_to: tuple[Role, ...] = ()


class OfAccount(Input):
    """What concerns one account: a release, the end of its sessions. When and from where it is asked is another thing each time: a repeat is one."""

    user: str
    at: AwareDatetime = Field(exclude=True)
    address: str = Field(exclude=True)
    mark: str = ""


@dataclass(frozen=True)
class ActsFor:
    """An absent colleague somebody stands in for (代办)."""

    name: str
    real_name: str
    until: datetime


@dataclass(frozen=True)
class SignInRecord:
    """One line of the record of sign-ins."""

    id: UUID
    at: datetime
    deed: AccountDeed
    label: str
    user: str | None
    actor: str
    address: str
    reason: str
