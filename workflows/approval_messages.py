"""What ApprovalWorkflow and the approval service say to each other: ids, codes and texts of the case, never a person's name or number."""

from datetime import date, timedelta
from typing import Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.glossary import ApplicationState, ApplicationType, EntryKind, Role
from shared.law.deadline import Deadline
from shared.law.working_days import Calendar
from workflows.approval_steps import Case, Decider, Frozen, Step
from workflows.roster import Check, Done, Evidence, FreezeException, PostRequest, untold

TASK_QUEUE = "approval"

RECORD_ENTRY = "approval.record_entry"
NUMBER_DOCUMENT = "approval.number_document"
RENDER_DOCUMENT = "approval.render_document"
REQUEST_SEAL = "approval.request_seal"
FILE_DOCUMENT = "approval.file_document"
MARK_HELD = "approval.mark_held"
NOT_TAKEN_BACK = "not_taken_back"
"""Why a case stands still: the roster does not take back what it holds."""
RECOUNT = "recount"


def workflow_id(application_id: UUID) -> str:
    """The workflow, and the case, of an application."""
    return f"approval:{application_id}"


def revocation_id(document_id: UUID) -> str:
    """The workflow that revokes a filed document by another."""
    return f"revocation:{document_id}"


class ClaimedException(FreezeException):
    """As the unit claims it; why is for those who decide."""

    why: str


class Content(Frozen):
    """What an application asks for; one per revision."""

    unit_id: UUID
    kind: str
    funding: str
    posts: int = Field(1, ge=1)
    person_id: UUID | None = None
    reservation_id: UUID | None = None
    from_unit_id: UUID | None = None
    reason_code: str | None = None
    effective_on: date | None = None
    change_id: UUID | None = None
    off_post_kind: str | None = Field(None, exclude_if=untold)
    employment_form: str | None = Field(None, exclude_if=untold)
    exception: ClaimedException | None = Field(None, exclude_if=untold)

    @property
    def units(self) -> tuple[UUID, UUID | None]:
        """Whose application it is: the unit that applies and, of a transfer, the one that lets the person go. No revision changes them."""
        return self.unit_id, self.from_unit_id

    @property
    def excepted(self) -> tuple[UUID, ...]:
        """The freeze orders that shall not stop it."""
        return self.exception.orders if self.exception else ()

    def request(self, application_id: UUID, revision: int, application_type: ApplicationType) -> PostRequest:
        """As the roster is asked."""
        return PostRequest(application_id=application_id, revision=revision, application_type=application_type, **self.model_dump())


class Resubmission(Frozen):
    """The mended application. Title and justification are for the record only."""

    by: Decider
    revision: int = Field(ge=1, description="The revision that was returned.")
    content: Content
    title: str
    justification: str
    off_establishment: bool | None = Field(None, exclude_if=untold, description="Whether the kind is 编外, as the roster said.")
    concerned: tuple[str, ...] | None = Field(None, exclude_if=untold, description="Whom it is about now; those named before stay named.")


class Withdrawal(Frozen):
    """The applicant takes the application back."""

    by: Decider
    reason: str


class Urging(Frozen):
    """The applicant asks the holder to hurry."""

    by: Decider


class Block(Frozen):
    """A freeze order began or ended for the unit."""

    order_id: UUID


class Recount(Frozen):
    """A holiday notice was loaded: the step that waits and those after it count by this calendar."""

    calendar: Calendar


class Release(Frozen):
    """The operator releases a document to be sealed."""

    by: Decider
    document_id: UUID
    reason: str = ""


class SealCompleted(Frozen):
    """The platform's answer for a document is stored."""

    document_id: UUID


class Standing(Frozen):
    """Where the application stands after an entry."""

    state: ApplicationState
    revision: int
    step: str | None
    holder: Role | None
    blocked_by: tuple[UUID, ...] = ()
    deadline: Deadline | None = None


class Answer(Frozen):
    """What a decider is told; `sequence` is his entry in the timeline."""

    sequence: int
    state: ApplicationState
    revision: int
    step: str | None
    holder: Role | None


class Entry(Frozen):
    """One line of the journal, recorded under (application, sequence)."""

    application_id: UUID
    sequence: int
    kind: EntryKind
    at: AwareDatetime
    standing: Standing
    actor: str = "system"
    role: Role = Role.SERVICE
    on_behalf_of: str | None = None
    update_id: str = ""
    request_hash: str = ""
    step: str | None = None
    text: str = ""
    reason_codes: tuple[str, ...] = ()
    order_ids: tuple[UUID, ...] = ()
    checks: tuple[Check, ...] = ()
    resubmission: Resubmission | None = None
    document_id: UUID | None = None
    revocation: bool = Field(False, description="Of the document that revokes; the application itself stays where it is.")


class Held(Frozen):
    """The case stands still, since the tables do not take a line of its journal, or what it holds back; the code says why."""

    application_id: UUID
    sequence: int
    code: str
    at: AwareDatetime
    over: bool | None = Field(None, description="Of what no line follows: it stands still no more.", exclude_if=untold)


class NumberDocument(Frozen):
    """Give the notice of this application its number."""

    application_id: UUID
    on: date


class Numbered(Frozen):
    """The number (文号) and the document that has it."""

    document_id: UUID
    document_no: str


class RenderDocument(Frozen):
    """Write the notice, once; a repeat answers with the bytes that are there."""

    application_id: UUID
    document_id: UUID
    revision: int
    done: Done
    on: date


class Rendered(Frozen):
    """The locked bytes."""

    document_id: UUID
    sha256: str


class SealRequest(Frozen):
    """Have a released document sealed, or file what the platform answered."""

    document_id: UUID
    at: AwareDatetime


class SealProgress(Frozen):
    """Whether the platform's answer is there already."""

    completed: bool


class Filed(Frozen):
    """What stands in the filing ledger."""

    document_no: str
    sha256: str


class Recent(Frozen):
    """An answer given, kept over continue-as-new: update ids are only known to one run."""

    update_id: str
    answer: Answer


class Carried(Frozen):
    """State that goes on in the next run."""

    case: Case
    content: Content
    deadline: Deadline | None = None
    armed_at: AwareDatetime | None = None
    reminded: tuple[int, ...] = ()
    held: int | None = Field(None, description="The revision that may hold something in the roster.")
    decided_on: date | None = None
    done: Done | None = None
    document: Numbered | None = None
    untaken: bool | None = Field(None, description="The roster has refused to take back what is held.", exclude_if=untold)
    evidence: Evidence | None = None
    recorded: int = 0
    answers: tuple[Recent, ...] = ()


class ApprovalStart(Frozen):
    """Everything the case needs, pinned when it was submitted."""

    application_id: UUID
    application_type: ApplicationType
    content: Content
    applicant: str
    concerned: tuple[str, ...] = ()
    chain: tuple[Step, ...]
    calendar: Calendar
    submitted_at: AwareDatetime | None = Field(None, exclude_if=untold, description="None: begun by an older build, for 12 months.")
    blocked_by: tuple[UUID, ...] = ()
    clock_offset: timedelta | None = None
    entries_per_run: int = Field(400, description="Continue as new after so many; a run takes 2000 updates at most.")
    revokes: UUID | None = Field(None, description="The filed document that this run revokes; it begins with the writing of its notice.")
    carried: Carried | None = None


Outcome = Literal["filed", "withdrawn"]
