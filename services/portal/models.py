"""What the portal speaks of: who is signed in, a service's refusal, and why a request is not answered with its page."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict


class Absent(BaseModel):
    """A colleague somebody stands in for (代办)."""

    model_config = ConfigDict(frozen=True)

    name: str
    real_name: str


class Session(BaseModel):
    """A session as identity tells it: a token that lives for minutes, and whose it is. `roles`: by code, what they are called."""

    model_config = ConfigDict(frozen=True)

    token: str
    session: str
    name: str
    real_name: str
    roles: dict[str, str]
    unit_ids: tuple[UUID, ...] | None
    acts_for: tuple[Absent, ...] = ()
    csrf: str
    idle_ends_at: datetime
    ends_at: datetime
    must_change_password: bool = False
    needs_code: bool = False
    draft_key: str = ""

    @property
    def demand(self) -> str:
        """Where one has to go before anything else; nowhere as a rule."""
        return "/me/password" if self.must_change_password else "/me/code" if self.needs_code else ""


class Field(BaseModel):
    """What a service says of one field of a form."""

    field: str
    reason: str


class Problem(BaseModel):
    """A service's refusal (RFC 9457), in the user's words."""

    status: int
    code: str
    title: str
    detail: str
    facts: dict[str, str] | None = None
    fields: list[Field] | None = None
    trace_id: str | None = None


class Refused(Exception):  # noqa: N818  named as the fact it states
    """A service said no."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


class Away(Exception):  # noqa: N818
    """A service does not answer; nothing is known of what became of the request."""

    def __init__(self, service: str) -> None:
        super().__init__(service)
        self.service = service


class SessionEnded(Exception):  # noqa: N818
    """Nobody is signed in, or no longer."""


class NoRight(Exception):  # noqa: N818
    """None of the user's roles opens this page."""


class Demanded(Exception):  # noqa: N818
    """Something has to be done before anything else: `path` is where."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Forged(Exception):  # noqa: N818
    """The request does not come from one of our own pages."""
