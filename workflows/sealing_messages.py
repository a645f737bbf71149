"""What SealWorkflow and monitoring say to each other: ids only."""

from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

TASK_QUEUE = "monitoring"
SEAL_DOCUMENT = "monitoring.seal_document"
SEAL_COMPLETED = "seal_completed"


class Document(StrEnum):
    """What is sealed."""

    LIST = "list"
    NOTICE = "notice"


def workflow_id(kind: Document, document_id: UUID) -> str:
    """`seal:list:<edition>`, `seal:notice:<its seal>`."""
    return f"seal:{kind}:{document_id}"


class SealStart(BaseModel):
    """The document that its operator released."""

    model_config = ConfigDict(frozen=True)

    kind: Document
    document_id: UUID
    released_at: AwareDatetime
    clock_offset: timedelta | None = None


class SealAnswered(BaseModel):
    """The platform's answer is stored."""

    model_config = ConfigDict(frozen=True)

    document_id: UUID
