"""What somebody has to do in monitoring: his work list, and what he may do with an issue, a freeze order or an edition."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal
from uuid import UUID

from shared.glossary import Light, Role
from shared.law.term import Term

Tab = Literal["todo", "to_read", "started", "done"]
Kind = Literal["issue", "freeze", "list"]


class Action(StrEnum):
    """What the caller may do with it as it stands."""

    CONFIRM = "confirm"
    DISMISS = "dismiss"
    RELEASE = "release"
    SERVE = "serve"
    SUBMIT_EVIDENCE = "submit_evidence"
    ACCEPT = "accept"
    RETURN = "return"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    ASK_EXTENSION = "ask_extension"
    DECLINE_EXTENSION = "decline_extension"
    PROPOSE_FREEZE = "propose_freeze"
    DECIDE = "decide"
    DECIDE_RELEASE = "decide_release"
    RELEASE_EARLY = "release_early"
    ACKNOWLEDGE = "acknowledge"
    RECORD_AGAIN = "record_again"


@dataclass(frozen=True)
class Task:
    """An issue, a freeze order or an edition in a work list, and why it stands in the caller's.

    `matter`: what was found, in one sentence. `cursor`: the page that goes on behind it.
    """

    kind: Kind
    id: UUID
    number: str | None
    type: Kind
    type_label: str
    unit_id: UUID
    unit: str
    light: Light
    title: str
    matter: str
    state: str
    state_label: str
    holder: Role | None
    holder_label: str | None
    term: Term | None
    due_at: datetime | None
    submitted_at: datetime
    why: str
    cursor: str


@dataclass(frozen=True)
class Stage:
    """One stage of the way of an issue or a freeze order; `at`: when it was done."""

    code: str
    label: str
    holder: str
    standing: Literal["done", "current", "paused", "future"] = "future"
    at: datetime | None = None


@dataclass(frozen=True)
class Counts:
    """How many stand under each tab; of those to do, how many are late or due within one working day."""

    todo: int
    to_read: int
    started: int
    done: int
    late: int
    due_soon: int
