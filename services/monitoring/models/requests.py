"""What monitoring's commands take."""

from datetime import date, timedelta
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from shared.glossary import Addressee, FreezeScope, Interviewer, Measure
from shared.law.working_days import Calendar
from workflows.roster import FrozenPosts
from workflows.sealing_messages import Document


class Input(BaseModel):
    """What a command takes."""

    model_config = ConfigDict(frozen=True)

    clock_offset: timedelta | None = Field(None, exclude=True, description="For workflows it starts; no part of the request itself.")


class ProposeFreeze(Input):
    """An officer proposes to freeze a unit because of its issues: whole scopes, or a number of posts, or both."""

    unit_id: UUID
    scopes: tuple[FreezeScope, ...]
    posts: tuple[FrozenPosts, ...] = ()
    issue_ids: tuple[UUID, ...] = Field(min_length=1)


class RecordMeasure(Input):
    """What was done about an issue beyond its notice. `whom`: not for a circular; `led_by`: for an interview alone. Document and summary are the mandate's."""

    issue_id: UUID
    measure: Measure
    taken_on: date
    whom: Addressee | None = None
    led_by: Interviewer | None = None


class Instead(RecordMeasure):
    """What should have been recorded, with its own document and summary."""

    document_no: str
    summary: str


class CorrectMeasure(Input):
    """A measure was recorded wrongly: it is struck out, and `instead` recorded in its round, if anything was done at all. Why is the mandate's reason."""

    issue_id: UUID
    measure_id: UUID
    instead: Instead | None = None


class ReleaseBaseline(Input):
    """The office takes a unit's first-load findings up as issues."""

    unit_id: UUID


class SetParameter(Input):
    """A new version of a parameter."""

    rule: str
    name: str
    value: JsonValue
    effective_on: date
    source: str = Field(min_length=1)
    owner: str = Field(min_length=1)


class SweepUnit(Input):
    """Judge what time alone may have broken on one unit."""

    unit_id: UUID
    on: date
    calendar: Calendar = Field(exclude=True)


class MarkUnverified(Input):
    """Look again whether a unit's events could all be handled."""

    unit_id: UUID


class IssueList(Input):
    """Issue the edition of one unit for one ISO week. `nominal`: when it was planned for; `made_at`: when it is really made, of which a repeat tells another."""

    unit_id: UUID
    iso_week: str
    nominal: AwareDatetime
    made_at: AwareDatetime = Field(exclude=True)


class ReleaseList(Input):
    """用印登记 of an edition by a named officer."""

    list_id: UUID


class AcknowledgeList(Input):
    """The unit confirms that it has received an edition."""

    list_id: UUID


class ReleaseNotice(Input):
    """用印登记 of the written notice of an issue's present round by a named officer."""

    issue_id: UUID


class PrepareSeal(Input):
    """The final bytes of a document and the task that seals them."""

    kind: Document
    document_id: UUID
    prepared_file: str
    placeholder: dict[str, JsonValue]
    digest: str
    seal_code: str
    certificate: str


class MarkSealHeld(Input):
    """Why a released document waits for more than its seal: the code of a refusal."""

    kind: Document
    document_id: UUID
    code: str


class KeepNotice(Input):
    """The file that a notice was written to."""

    issue_id: UUID
    round: int
    file: str
    sha256: str


class KeepEvidenceFile(Input):
    """A file that a unit brings as evidence, as it is kept. Where it lies is no part of the request: a repeat brings it anew."""

    id: UUID = Field(exclude=True)
    issue_id: UUID
    round: int
    name: str
    media_type: str
    size: int
    sha256: str
    file: str = Field(exclude=True)


class KeepAnswer(Input):
    """The platform's answer to a task."""

    task_id: str
    digest: str
    answer: dict[str, JsonValue]


class FileSealed(Input):
    """A sealed, verified document."""

    kind: Document
    document_id: UUID
    file: str
    sha256: str
    signer: str
    sealed_at: AwareDatetime
