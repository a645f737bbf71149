"""What approval shows and works with: frozen, as read from its tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.approval.models.tasks import Action, Stage
from shared.glossary import ApplicationState, ApplicationType, EntryKind, Role
from shared.law.deadline import Certificate
from shared.law.term import Term
from workflows.approval_messages import Content
from workflows.approval_steps import Step


@dataclass(frozen=True)
class Submitted:
    """The answer to a submission."""

    application_id: UUID
    number: str


@dataclass(frozen=True)
class Chain:
    """The steps in force for a type."""

    version: int
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Revocation:
    """The document that revokes; it is released and sealed like any other."""

    document_id: UUID
    document_no: str


@dataclass(frozen=True)
class Pinned:
    """An application as its workflow knows it: its chain and what it asks for now. `off_establishment`: whether that is 编外, none when unknown."""

    type: ApplicationType
    chain: tuple[Step, ...]
    content: Content
    off_establishment: bool | None = None


@dataclass(frozen=True)
class Line:
    """One application in a list."""

    id: UUID
    number: str
    type: ApplicationType
    unit_id: UUID
    unit: str
    title: str
    state: ApplicationState
    revision: int
    step: str | None
    holder: Role | None
    due_at: datetime | None
    submitted_at: datetime
    held: str | None


@dataclass(frozen=True)
class TimelineEntry:
    """One line of the timeline."""

    sequence: int
    kind: EntryKind
    label: str
    at: datetime
    actor: str
    role: Role
    on_behalf_of: str | None
    step: str | None
    text: str
    reason_codes: tuple[str, ...]
    order_ids: tuple[UUID, ...]
    document_id: UUID | None
    state_after: ApplicationState


@dataclass(frozen=True)
class Document:
    """A notice and how far it is."""

    id: UUID
    application_id: UUID
    document_no: str
    title: str
    state: str
    sha256: str | None
    sealed_sha256: str | None
    released_by: str | None
    released_at: datetime | None
    task_id: str | None
    signer: str | None
    sealed_at: datetime | None
    filed_at: datetime | None
    revokes: UUID | None
    revoked_by: UUID | None
    unused_nos: tuple[str, ...] = ()


@dataclass(frozen=True)
class Alongside:
    """Another application about the same person, under way too: of two that take a post for him the roster takes one."""

    id: UUID
    number: str
    type: ApplicationType
    unit: str
    state: ApplicationState


@dataclass(frozen=True)
class Detail:
    """An application as it stands, with all that led there. `reviews` counts each submission (件次); `actions`: what the caller may do now; `withheld`: why he
    may not do what his role would do next.
    """

    id: UUID
    number: str
    type: ApplicationType
    unit_id: UUID
    unit: str
    from_unit_id: UUID | None
    kind: str
    funding: str
    posts: int
    person_id: UUID | None
    reservation_id: UUID | None
    reason_code: str | None
    effective_on: date | None
    change_id: UUID | None
    off_post_kind: str | None
    employment_form: str | None
    exception: dict[str, Any] | None
    title: str
    justification: str
    applicant: str
    concerned: Sequence[str]
    chain_version: int
    submitted_at: datetime
    state: ApplicationState
    state_label: str
    held: str | None
    revision: int
    reviews: int
    step: str | None
    step_label: str | None
    holder: Role | None
    blocked_by: tuple[UUID, ...]
    due_at: datetime | None
    deadline: Certificate | None
    term: Term | None
    stages: tuple[Stage, ...]
    actions: tuple[Action, ...]
    checks: Sequence[dict[str, Any]]
    timeline: tuple[TimelineEntry, ...]
    documents: tuple[Document, ...]
    alongside: tuple[Alongside, ...] = ()
    withheld: str = ""


@dataclass(frozen=True)
class Files:
    """Where a document's bytes are, as names under the folder of documents."""

    document_no: str
    file: str | None
    sealed_file: str | None
    sealed_sha256: str | None


@dataclass(frozen=True)
class Released:
    """The file that an operator released to be sealed, by its hash, and the case it belongs to."""

    document_no: str
    file: str
    sha256: str
    application_id: UUID
    revision: int


@dataclass(frozen=True)
class SealTask:
    """A document on its way through the seal platform, as its operator released it."""

    document_id: UUID
    document_no: str
    operator: str
    seal_code: str
    prepared: dict[str, Any]
    prepared_file: str
    digest: str
    task_id: str | None
    answer: dict[str, Any] | None


@dataclass(frozen=True)
class NoticeKind:
    """What the notice of a type is called, how it is numbered and which template writes it."""

    title: str
    series: str
    template: str


@dataclass(frozen=True)
class Notice:
    """What a notice says, without the person: that is asked of the roster while it is written."""

    document_no: str
    title: str
    template: str
    sha256: str | None
    application_number: str
    type: ApplicationType
    unit_id: UUID
    from_unit_id: UUID | None
    kind: str
    funding: str
    posts: int
    person_id: UUID | None
    reservation_id: UUID | None
    reason_code: str | None
    effective_on: date | None
    change_id: UUID | None
    application_title: str
    revoked_no: str | None
    reason: str


@dataclass(frozen=True)
class LedgerRow:
    """One sealed document in the filing ledger (归档台账)."""

    document_id: UUID
    document_no: str
    title: str
    unit_id: UUID
    unit: str
    sha256: str
    signer: str
    sealed_at: datetime
    filed_at: datetime


@dataclass(frozen=True)
class UnusedNumber:
    """A gap in the numbers of documents: whose it was, under which its document stands now (none: under none), and why."""

    document_no: str
    title: str
    unit_id: UUID
    unit: str
    application_id: UUID
    application_no: str
    used_no: str | None
    reason: str
