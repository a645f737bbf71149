"""Files beside an application."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.approval.models.requests import Input


@dataclass(frozen=True)
class Attachment:
    """One file: what it is called, who brought it when, and beside which submission."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str
    revision: int
    brought_by: str
    brought_at: datetime


@dataclass(frozen=True)
class KeptFile:
    """Where its bytes are, and what they are."""

    name: str
    media_type: str
    sha256: str
    file: str


class KeepAttachment(Input):
    """A file that was stored under its hash is laid beside an application."""

    application_id: UUID
    name: str = Field(min_length=1)
    media_type: str
    size: int
    sha256: str
    file: str
