"""A Kafka record as a consumer gets it."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import uuid4

from shared.events.roster import QuotaChanged


@dataclass(frozen=True)
class Kept:
    """What is known of it."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


def record(traced: dict[str, str]) -> Kept:
    """A quota that changed, caused by what these headers name."""
    event = QuotaChanged(occurred_at=datetime(2026, 9, 18, 1, tzinfo=UTC), unit_id=uuid4(), version=1, effective_on=date(2026, 9, 1))
    headers = tuple((name, value.encode()) for name, value in (event.headers() | traced).items())
    return Kept("roster.events", 0, 7, event.key.encode(), event.body(), headers)
