"""Issues as their readers are told of them: in a list, and one with its journal, its rungs and what may be done."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.monitoring.models.tasks import Action, Stage
from shared.glossary import Addressee, FreezeState, Interviewer, IssueState, Light, Measure, Rung
from shared.law.deadline import Certificate
from shared.law.term import Term


class Page(BaseModel):
    """A page of a list; `next` is the cursor of the page after it."""

    items: list[Any]
    next: str | None = None


class Detail(BaseModel):
    """One fact or threshold that a finding rests on, by what it is called."""

    name: str
    value: str


class IssueLine(BaseModel):
    """An issue in a list. `as_of`: of when its figures are; None: not kept then."""

    id: UUID
    unit_id: UUID
    unit: str
    rule: str
    rule_title: str
    title: str
    matter: str
    level: Light
    state: IssueState
    state_label: str
    round: int
    number: str | None
    found_at: datetime
    as_of: datetime | None
    due_at: datetime | None
    term: Term | None
    held: str | None


class TimelineEntry(BaseModel):
    """What happened, by whom."""

    round: int
    sequence: int
    act: str
    label: str
    state: IssueState
    at: datetime
    actor: str
    role: str
    reason: str
    document_no: str | None
    details: dict[str, Any]


class NoticeSeal(BaseModel):
    """How far the 整改通知书 of the present round is: written and 待用印, released and 待签章, sealed. `held`: it cannot be prepared or filed, by that refusal.

    `as_of`: of when the figures are that it was signed with; None: not kept then.
    """

    as_of: datetime | None
    standing: str
    standing_label: str
    released_by: str | None
    released_at: datetime | None
    sealed_at: datetime | None
    sealed_sha256: str | None
    signer: str | None
    held: str | None = None


class SealedNotice(BaseModel):
    """A sealed 整改通知书 of some round, with the number and the hash it was filed under."""

    round: int
    number: str
    sealed_at: datetime
    sealed_sha256: str


class FiredRung(BaseModel):
    """A step of the ladder that fired."""

    round: int
    revision: int
    rung: str
    label: str
    planned_at: datetime
    fired_at: datetime


class NextRung(BaseModel):
    """The step of the ladder that comes next, if nothing happens before."""

    rung: Rung
    label: str
    at: datetime


class AskedExtension(BaseModel):
    """The 延期 that the unit asked for and nobody has decided. `due_at`: the end of the term if it is granted now; None while the clock stands."""

    days: int
    reason: str
    asked_by: str
    asked_at: datetime
    due_at: datetime | None


class MeasureLine(BaseModel):
    """What was done about the issue beyond its notice. `corrected_by` and the like: it was recorded wrongly, and no longer counts; `instead_id`: the
    measure that was recorded for it, if any.
    """

    id: UUID
    round: int
    measure: Measure
    label: str
    taken_on: date
    whom: Addressee | None
    led_by: Interviewer | None
    document_no: str
    summary: str
    recorded_by: str
    recorded_at: datetime
    corrected_by: str | None = None
    corrected_at: datetime | None = None
    corrected_why: str | None = None
    instead_id: UUID | None = None


class LinkedOrder(BaseModel):
    """A freeze order that hangs on the issue, for this round of it."""

    id: UUID
    round: int
    state: FreezeState
    state_label: str


class EvidenceFile(BaseModel):
    """A file that a unit brought. `handed_in`: an entry of the journal names it; before that only the unit sees it."""

    id: UUID
    round: int
    name: str
    media_type: str
    size: int
    sha256: str
    brought_by: str
    brought_at: datetime
    handed_in: bool
    removed_at: datetime | None = None


class IssuePage(IssueLine):
    """Everything about one issue. `actions`: what the caller may do, `withheld`: what his role does, but not now, and why.

    `still_found`: it cannot be struck off while the rule finds it. `recordable`: the measures that the caller may record now;
    `due_measures`: those that the ladder has come to and nobody has recorded. `extension_days`: the most working days of one extension.
    """

    rule_version: str
    subject: str
    present: bool
    inputs: dict[str, Any]
    threshold: dict[str, Any]
    details: list[Detail]
    event_id: UUID | None
    demand: str | None
    signed_by: str | None
    signed_at: datetime | None
    served_on: date | None
    revision: int
    closed_at: datetime | None
    closing_document_no: str | None
    notice: NoticeSeal | None
    sealed_notices: list[SealedNotice]
    certificate: Certificate | None
    timeline: list[TimelineEntry]
    rungs: list[FiredRung]
    next_rung: NextRung | None
    asked_extension: AskedExtension | None
    extension_days: int
    budget_days: int | None
    has_case: bool
    still_found: bool
    freezes: list[LinkedOrder]
    measures: list[MeasureLine]
    recordable: tuple[Measure, ...]
    due_measures: tuple[Measure, ...]
    ground: str
    gone_when: str
    better_by: str
    files: list[EvidenceFile]
    stages: tuple[Stage, ...]
    actions: tuple[Action, ...]
    withheld: dict[Action, str]
