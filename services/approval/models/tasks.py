"""What somebody has to do with applications: his work list, how a term stands, and the stages of one application."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from shared.glossary import ApplicationState, ApplicationType, Light, Role
from shared.law.term import Term

Tab = Literal["todo", "to_read", "started", "done"]
Standing = Literal["done", "current", "paused", "future"]


class Action(StrEnum):
    """What the caller may do with an application as it stands."""

    APPROVE = "approve"
    RETURN = "return"
    RELEASE = "release"
    RESUBMIT = "resubmit"
    WITHDRAW = "withdraw"
    URGE = "urge"
    RECORD_AGAIN = "record_again"
    REVOKE = "revoke"


@dataclass(frozen=True)
class Stage:
    """One stage of the way of an application; its steps are those it was submitted under."""

    code: str
    label: str
    holder: str
    standing: Standing
    budget_days: int | None = None
    actor: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Task:
    """One application in a work list, and why it stands in the caller's. `cursor`: the page that goes on behind it."""

    id: UUID
    number: str
    type: ApplicationType
    type_label: str
    unit_id: UUID
    unit: str
    light: Light
    title: str
    state: ApplicationState
    state_label: str
    revision: int
    step: str | None
    step_label: str | None
    holder: Role | None
    holder_label: str | None
    applicant: str
    term: Term | None
    submitted_at: datetime
    changed_at: datetime
    excepted: bool
    why: str
    cursor: str


@dataclass(frozen=True)
class Counts:
    """How many applications stand under each tab; of those to do, how many are late or due within one working day."""

    todo: int
    to_read: int
    started: int
    done: int
    late: int
    due_soon: int
