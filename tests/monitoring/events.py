"""Roster events as a test needs them, and a producer that puts them on the real broker as the roster's relay would."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from aiokafka import AIOKafkaProducer

from shared.clock import at_hour
from shared.events.envelope import Event
from shared.events.roster import (
    EstablishmentState,
    LoadedPlacement,
    OverQuotaRecorded,
    PersonPlaced,
    PersonReleased,
    PlacementCorrected,
    QuotaChanged,
    RetirementFact,
    SeatsChanged,
    SeatsState,
    UnitLoaded,
    UnitRegistered,
)
from shared.glossary import OverQuotaCause

NOW = at_hour(date(2026, 9, 18), 10)
YOUNG = RetirementFact(category="M60", month="2040-01")


class Town:
    """One unit with one establishment row, told by events in the order of their versions."""

    def __init__(self, quota: int = 10, headcount: int = 10, reserved: int = 0, kind_label: str = "", funding_label: str = "") -> None:
        self.unit_id, self.quota, self.headcount, self.reserved, self.version = uuid4(), quota, headcount, reserved, 0
        self.labels = {"kind_label": kind_label, "funding_label": funding_label}

    def registered(self) -> UnitRegistered:
        return UnitRegistered(
            parent_id=None,
            path=(self.unit_id,),
            name="临江镇",
            code="T01",
            category="town",
            valid_from=date(2020, 1, 1),
            **self._next(NOW),
        )

    def over_quota(
        self, cause: OverQuotaCause = OverQuotaCause.VIOLATION, at: datetime = NOW, person: UUID | None = None, **more: Any
    ) -> OverQuotaRecorded:
        self.headcount += 1
        return OverQuotaRecorded(
            **self._person(person or uuid4()), cause=cause, started_on=date(2026, 9, 1), retirement=YOUNG, **self._next(at), **more
        )

    def placed(self, at: datetime = NOW, person: UUID | None = None, retirement: RetirementFact = YOUNG, **more: Any) -> PersonPlaced:
        self.headcount += 1
        facts = {
            "started_on": date(2026, 9, 1),
            "entry_reason": "recruited",
            "authorisation_no": "用编〔2026〕1号",
            "authorised_on": date(2026, 8, 1),
        } | more
        return PersonPlaced(**self._person(person or uuid4()), retirement=retirement, **self._next(at), **facts)

    def loaded(self, *people: LoadedPlacement) -> UnitLoaded:
        self.headcount += len(people)
        return UnitLoaded(people=people, baseline=True, **self._next(NOW))

    def released(self, person: UUID, at: datetime = NOW) -> PersonReleased:
        self.headcount -= 1
        return PersonReleased(**self._person(person), ended_on=at.date(), exit_reason="transferred", **self._next(at))

    def corrected(self, person: UUID, retirement: RetirementFact = YOUNG, at: datetime = NOW, **more: Any) -> PlacementCorrected:
        facts = {"started_on": date(2026, 9, 1), "ended_on": None, "authorised_on": date(2026, 8, 1), "retirement": retirement} | more
        return PlacementCorrected(**self._person(person), **self._next(at), **facts)

    def cut(self, posts: int = 1, cause: OverQuotaCause | None = OverQuotaCause.POLICY) -> QuotaChanged:
        self.quota -= posts
        return QuotaChanged(effective_on=NOW.date(), over_quota_cause=cause, **self._next(NOW))

    def seats(self, approved: int, used: int, *others: SeatsState, at: datetime = NOW, **more: Any) -> SeatsChanged:
        told = self._next(at) | {"establishments": ()}
        return SeatsChanged(level="unit_deputy", level_label="单位副职", approved=approved, used=used, others=others, **told, **more)

    def _person(self, person: UUID) -> dict[str, Any]:
        return {"person_id": person, "person_version": 1, "kind": "career", "funding": "full"}

    def _next(self, at: datetime) -> dict[str, Any]:
        self.version += 1
        figures = {"quota": self.quota, "headcount": self.headcount, "reserved": self.reserved}
        row = EstablishmentState(kind="career", funding="full", **figures, **self.labels)
        return {"occurred_at": at, "unit_id": self.unit_id, "version": self.version, "establishments": (row,)}


async def publish(bootstrap: str, prefix: str, events: Sequence[Event]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    try:
        for event in events:
            headers = [(name, value.encode()) for name, value in event.headers().items()]
            await producer.send_and_wait(prefix + event.topic, event.body(), event.key.encode(), headers=headers)
    finally:
        await producer.stop()
