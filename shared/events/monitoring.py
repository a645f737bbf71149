"""Events published by the monitoring service. Evolution: as in `shared/events/roster.py`."""

from datetime import date
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field

from shared.events.envelope import Event
from shared.glossary import FreezeScope, FreezeState, IssueState, Light, Measure, Rung


class MonitoringEvent(Event):
    """What monitoring found or did about one unit."""

    topic: ClassVar[str] = "monitoring.events"


class LightChanged(MonitoringEvent):
    """A unit's light turned (亮灯)."""

    aggregate_type: ClassVar[str] = "light"

    type: Literal["monitoring.light_changed.v1"] = "monitoring.light_changed.v1"
    light: Light
    before: Light
    issue_ids: tuple[UUID, ...] = ()
    cause_event_id: UUID | None = Field(None, description="The event that led to it.")


class IssueChanged(MonitoringEvent):
    """An issue was opened, or its life went on."""

    aggregate_type: ClassVar[str] = "issue"

    type: Literal["monitoring.issue_changed.v1"] = "monitoring.issue_changed.v1"
    issue_id: UUID
    rule: str
    level: Light
    state: IssueState
    due_at: AwareDatetime | None = None
    round: int = Field(1, ge=1)

    @property
    def aggregate_id(self) -> UUID:
        """The issue."""
        return self.issue_id


class RungFired(MonitoringEvent):
    """A step of the escalation ladder fired."""

    aggregate_type: ClassVar[str] = "issue"

    type: Literal["monitoring.rung_fired.v1"] = "monitoring.rung_fired.v1"
    issue_id: UUID
    rung: Rung

    @property
    def aggregate_id(self) -> UUID:
        """The issue."""
        return self.issue_id


class MeasureCorrected(MonitoringEvent):
    """A measure was recorded wrongly and no longer counts; `instead`: what was recorded for it, none where nothing was done."""

    aggregate_type: ClassVar[str] = "issue"

    type: Literal["monitoring.measure_corrected.v1"] = "monitoring.measure_corrected.v1"
    issue_id: UUID
    measure: Measure
    taken_on: date
    instead: Measure | None = None
    instead_on: date | None = None

    @property
    def aggregate_id(self) -> UUID:
        """The issue."""
        return self.issue_id


class MeasureTaken(MonitoringEvent):
    """The office has interviewed the unit, circulated the problem, or handed the lead over (约谈、通报、移送)."""

    aggregate_type: ClassVar[str] = "issue"

    type: Literal["monitoring.measure_taken.v1"] = "monitoring.measure_taken.v1"
    issue_id: UUID
    measure: Measure
    taken_on: date

    @property
    def aggregate_id(self) -> UUID:
        """The issue."""
        return self.issue_id


class FreezeOrderChanged(MonitoringEvent):
    """A freeze order was proposed, decided, applied or released."""

    aggregate_type: ClassVar[str] = "freeze_order"

    type: Literal["monitoring.freeze_order_changed.v1"] = "monitoring.freeze_order_changed.v1"
    order_id: UUID
    state: FreezeState
    scopes: tuple[FreezeScope, ...]
    issue_ids: tuple[UUID, ...]

    @property
    def aggregate_id(self) -> UUID:
        """The order."""
        return self.order_id


class SupervisionListIssued(MonitoringEvent):
    """A numbered immutable edition of a unit's weekly supervision list (督办清单)."""

    aggregate_type: ClassVar[str] = "supervision_list"

    type: Literal["monitoring.supervision_list_issued.v1"] = "monitoring.supervision_list_issued.v1"
    list_id: UUID
    number: str
    iso_week: str = Field(pattern=r"^\d{4}-W\d{2}$")
    new: int = Field(ge=0)
    carried: int = Field(ge=0)
    overdue: int = Field(ge=0)
    cleared: int = Field(ge=0)

    @property
    def aggregate_id(self) -> UUID:
        """The edition."""
        return self.list_id


class EvidenceRemoved(MonitoringEvent):
    """The time of keeping of an issue's evidence files is over; their bytes are gone."""

    aggregate_type: ClassVar[str] = "issue"

    type: Literal["monitoring.evidence_removed.v1"] = "monitoring.evidence_removed.v1"
    issue_id: UUID
    files: tuple[UUID, ...]
    kept_days: int = Field(description="For how many days after the case closed.")

    @property
    def aggregate_id(self) -> UUID:
        """The issue."""
        return self.issue_id


EVENTS: tuple[type[MonitoringEvent], ...] = (
    LightChanged,
    IssueChanged,
    RungFired,
    MeasureTaken,
    MeasureCorrected,
    FreezeOrderChanged,
    SupervisionListIssued,
    EvidenceRemoved,
)
