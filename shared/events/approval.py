"""Events published by the approval service. Evolution: as in `shared/events/roster.py`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event
from shared.glossary import ApplicationState, ApplicationType, Role


class ApplicationEvent(Event):
    """Something happened to one application of a unit."""

    topic: ClassVar[str] = "approval.events"
    aggregate_type: ClassVar[str] = "application"

    application_id: UUID
    application_type: ApplicationType

    @property
    def aggregate_id(self) -> UUID:
        """The application."""
        return self.application_id


class ApplicationSubmitted(ApplicationEvent):
    """A unit submitted an application."""

    type: Literal["approval.application_submitted.v1"] = "approval.application_submitted.v1"
    number: str
    kind: str
    funding: str
    posts: int = Field(ge=1)


class ApplicationMoved(ApplicationEvent):
    """The application stands elsewhere now: another step, another holder, paused, returned, filed, withdrawn."""

    type: Literal["approval.application_moved.v1"] = "approval.application_moved.v1"
    state: ApplicationState
    revision: int = Field(ge=1)
    step: str | None = Field(None, description="Code of the step that waits; none when nobody has to decide.")
    holder: Role | None = None
    blocked_by: tuple[UUID, ...] = Field((), description="Freeze orders that pause it.")


class DocumentFiled(ApplicationEvent):
    """A sealed document went into the filing ledger."""

    type: Literal["approval.document_filed.v1"] = "approval.document_filed.v1"
    document_no: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    sealed_at: AwareDatetime


class AttachmentsRemoved(ApplicationEvent):
    """The time of keeping of its attachments is over; their bytes are gone."""

    type: Literal["approval.attachments_removed.v1"] = "approval.attachments_removed.v1"
    attachments: tuple[UUID, ...]
    kept_days: int = Field(description="For how many days after the case closed.")


EVENTS: tuple[type[ApplicationEvent], ...] = (ApplicationSubmitted, ApplicationMoved, DocumentFiled, AttachmentsRemoved)
