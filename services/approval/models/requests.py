"""What the commands are asked. Actor, reason and document number come with `By`."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.glossary import ApplicationType, FreezeScope
from shared.law.working_days import Calendar
from workflows.approval_messages import Content


class Input(BaseModel):
    """The input of a command."""

    model_config = ConfigDict(frozen=True)


class SubmitApplication(Input):
    """A unit applies. Calendar, clock and what the roster says of the kind belong to the moment, not to the request: a repeat at another time is the
    same request. `off_establishment`: none while the roster is away.
    """

    type: ApplicationType
    content: Content
    title: str
    justification: str
    concerned: tuple[str, ...] = ()
    calendar: Calendar = Field(exclude=True)
    clock_offset: timedelta | None = Field(None, exclude=True)
    off_establishment: bool | None = Field(None, exclude=True)


class KeepFreeze(Input):
    """A freeze order of the roster, for one unit, as this event tells of it."""

    event_id: UUID
    order_id: UUID
    unit_id: UUID
    scopes: tuple[FreezeScope, ...]


class EndFreeze(Input):
    """A freeze order ended for one unit: it may do so more than once, when the unit leaves what is frozen and comes back."""

    event_id: UUID
    order_id: UUID
    unit_id: UUID


class KeepRendered(Input):
    """The bytes of a notice, stored under their hash."""

    document_id: UUID
    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


class PrepareSeal(Input):
    """The bytes prepared for the platform, and the digest it shall sign."""

    document_id: UUID
    prepared: dict[str, Any]
    prepared_file: str
    seal_code: str


class KeepAnswer(Input):
    """What the platform answered: authenticated, not yet believed."""

    task_id: str
    digest: str
    answer: dict[str, Any]


class RevokeDocument(Input):
    """A filed document is revoked by another. Calendar and clock as in a submission."""

    document_id: UUID
    calendar: Calendar = Field(exclude=True)
    clock_offset: timedelta | None = Field(None, exclude=True)


class FileDocument(Input):
    """A sealed and verified document goes into the ledger."""

    document_id: UUID
    file: str
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    signer: str
    sealed_at: datetime
