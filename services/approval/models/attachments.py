"""Files beside an application."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pydantic import Field

from services.approval.models.requests import Input
from shared.exports.shelf import Kept


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
    removed_at: datetime | None = None


@dataclass(frozen=True)
class KeptFile:
    """What it is called, and where its bytes are."""

    name: str
    media_type: str
    kept: Kept


class KeepAttachment(Input):
    """A file that lies on the shelf is laid beside an application. Where it lies is no part of the request: a repeat brings it anew."""

    id: UUID = Field(exclude=True)
    application_id: UUID
    name: str = Field(min_length=1)
    media_type: str
    size: int
    sha256: str
    file: str = Field(exclude=True)
