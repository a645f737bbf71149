"""The head of each service's audit seal, told to the others: who would rewrite a record would have to rewrite what they keep and print. Evolution: as in
`shared/events/roster.py`.
"""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event


class AuditSealed(Event):
    """What was recorded since the seal before is sealed. The version is the seal's number; no unit is concerned, the id stands for the service."""

    aggregate_type: ClassVar[str] = "audit"

    head: Annotated[
        str, Field(pattern="^[0-9a-f]{64}$", description="SHA-256 over the head before, the number, the moment and the Merkle root.")
    ]
    until: AwareDatetime = Field(description="Records written before this moment stand under this seal or an earlier one.")
    records: Annotated[int, Field(ge=1)]

    @property
    def service(self) -> str:
        """Whose records they are."""
        return self.type.split(".", 1)[0]


class RosterAuditSealed(AuditSealed):
    """Of the roster."""

    topic: ClassVar[str] = "roster.events"
    unit_id: UUID = UUID(int=1)
    type: Literal["roster.audit_sealed.v1"] = "roster.audit_sealed.v1"


class ApprovalAuditSealed(AuditSealed):
    """Of the approvals."""

    topic: ClassVar[str] = "approval.events"
    unit_id: UUID = UUID(int=2)
    type: Literal["approval.audit_sealed.v1"] = "approval.audit_sealed.v1"


class MonitoringAuditSealed(AuditSealed):
    """Of the monitoring."""

    topic: ClassVar[str] = "monitoring.events"
    unit_id: UUID = UUID(int=3)
    type: Literal["monitoring.audit_sealed.v1"] = "monitoring.audit_sealed.v1"


class IdentityAuditSealed(AuditSealed):
    """Of accounts and roles."""

    topic: ClassVar[str] = "identity.events"
    unit_id: UUID = UUID(int=4)
    type: Literal["identity.audit_sealed.v1"] = "identity.audit_sealed.v1"


EVENTS: tuple[type[AuditSealed], ...] = (RosterAuditSealed, ApprovalAuditSealed, MonitoringAuditSealed, IdentityAuditSealed)
