"""What workflows may ask of the roster: activity names and messages. The roster's worker answers on its task queue.

Expected outcomes come back as values (`Verdict`), not as exceptions. Every request is harmless when repeated: its key is the business identity
(application and revision, or freeze order), never an attempt.
"""

from datetime import date
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.glossary import ApplicationType, ExceptionGround, FreezeScope

TASK_QUEUE = "roster"

CHECK_APPLICATION = "roster.check_application"
HOLD_RESERVATION = "roster.hold_reservation"
CLAIM_POST = "roster.claim_post"
TAKE_EFFECT = "roster.take_effect"
GIVE_BACK = "roster.give_back"
RECALL_RESERVATION = "roster.recall_reservation"
FREEZE_UNIT = "roster.freeze_unit"
UNFREEZE_UNIT = "roster.unfreeze_unit"
EXPIRE_RESERVATIONS = "roster.expire_reservations"

RECALLED = "核准用编文书已撤销"
"""Why authorised posts are taken back, at once or when the application that held one gives it up."""


class Message(BaseModel):
    """A message between workflow and activity; new fields are optional."""

    model_config = ConfigDict(frozen=True)


def untold(value: object) -> bool:
    """For a field that came later: left out while nobody fills it in, what is repeated by a newer build has the same body."""
    return value is None


class Evidence(Message):
    """Who decided, in which role, by which update: evidence for the record, never a token."""

    actor: str
    role: str
    update_id: str
    reason: str = ""
    document_no: str | None = None


class FreezeException(Message):
    """On what an application goes on although its unit is frozen: under these orders and no other, on this ground and document."""

    ground: ExceptionGround
    document_no: str = Field(min_length=1)
    orders: tuple[UUID, ...] = Field((), description="The orders in force when it was claimed.")
    decided_by: str | None = Field(None, exclude_if=untold, description="Who made the final decision, at the claim.")


class PostRequest(Message):
    """What an application asks of the roster. Ids only; no personal data."""

    application_id: UUID
    revision: int = Field(ge=1)
    application_type: ApplicationType
    unit_id: UUID
    kind: str
    funding: str
    posts: int = Field(1, ge=1)
    person_id: UUID | None = None
    reservation_id: UUID | None = Field(None, description="Entry: the authorised use it consumes.")
    from_unit_id: UUID | None = Field(None, description="Transfer: the unit that lets the person go.")
    reason_code: str | None = Field(None, description="Entry or exit reason; the reasons are data.")
    effective_on: date | None = Field(None, description="Entry, exit, transfer: the day it takes effect; today or before.")
    change_id: UUID | None = Field(None, description="Change: what the unit registered; the values stay in the roster.")
    off_post_kind: str | None = Field(None, exclude_if=untold, description="Entry of 编外 staff: what they do.")
    employment_form: str | None = Field(None, exclude_if=untold, description="Entry of 编外 staff: how they are employed.")
    exception: FreezeException | None = Field(None, exclude_if=untold)


class Check(Message):
    """One check of an application, with its clause."""

    code: str
    passed: bool
    sentence: str
    clause: str = ""


class Verdict(Message):
    """The roster's answer. A refusal has the code of its error; `frozen_by` names the freeze orders when the code is `frozen`."""

    accepted: bool
    code: str | None = None
    sentence: str = ""
    frozen_by: tuple[UUID, ...] = ()


class Effect(Message):
    """Carry out what was claimed, on the strength of an authorisation."""

    request: PostRequest
    evidence: Evidence
    authorisation_no: str
    authorised_on: date
    valid_months: int = Field(12, description="Post use: how long it is valid, of a case without `submitted_at`.")
    submitted_at: AwareDatetime | None = Field(None, exclude_if=untold, description="The office's limit is that of this moment.")


class Done(Message):
    """What the effect left behind, for the document."""

    reservation_id: UUID | None = None
    expires_on: date | None = None


class GiveBack(Message):
    """Release everything the application holds up to this revision (hold, claim), and refuse later claims of it."""

    application_id: UUID
    revision: int = Field(ge=1)
    unit_id: UUID
    evidence: Evidence


class Recall(Message):
    """The document of an authorised use was revoked by this one: what nobody has used of it is taken back."""

    application_id: UUID
    document_no: str
    evidence: Evidence


class FrozenPosts(Message):
    """Posts that an order withholds from one row of its root unit, where it freezes a number only."""

    kind: str
    funding: str
    posts: int = Field(ge=1)


class FreezeRequest(Message):
    """Put a signed freeze order into force: the scopes for a unit and all below it, the posts on rows of the unit itself."""

    order_id: UUID
    unit_id: UUID
    scopes: tuple[FreezeScope, ...]
    posts: tuple[FrozenPosts, ...] = ()
    document_no: str
    evidence: Evidence


class UnfreezeRequest(Message):
    """End a freeze order, on a signed release."""

    order_id: UUID
    unit_id: UUID
    document_no: str
    evidence: Evidence


class Sweep(Message):
    """The daily sweep of one business day."""

    on: date
