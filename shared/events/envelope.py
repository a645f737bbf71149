"""The envelope of every event: CloudEvents 1.0 in Kafka binary mode.

The record key is the unit's id, so that all that happens to one unit stays in order. Version and gap check belong to the aggregate, never to the key.
"""

import os
import time
from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import from_json

Headers = dict[str, str]
CONTEXT = {"event_id", "type", "occurred_at"}
"""What of an event stands in its headers, not in its data."""


def uuid7() -> UUID:
    """A time-ordered identifier (RFC 9562)."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF000 << 64) | 0x7000 << 64
    return UUID(int=value & ~(0xC000 << 48) | 0x8000 << 48)


class Event(BaseModel):
    """A fact that was committed. Subclasses say what happened; readers ignore fields they do not know."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    topic: ClassVar[str]
    aggregate_type: ClassVar[str] = "unit"

    event_id: UUID = Field(default_factory=uuid7)
    type: str
    occurred_at: AwareDatetime
    unit_id: UUID
    version: Annotated[int, Field(ge=1, description="The aggregate's version; without gaps.")]
    case_id: str | None = Field(None, description="The case this belongs to, e.g. approval:<application>; it links traces.")

    @property
    def aggregate_id(self) -> UUID:
        """The id that `version` counts for."""
        return self.unit_id

    @property
    def key(self) -> str:
        """The record key."""
        return str(self.unit_id)

    def headers(self) -> Headers:
        """The CloudEvents context attributes."""
        return {
            "ce_specversion": "1.0",
            "ce_id": str(self.event_id),
            "ce_source": "/" + self.type.split(".", 1)[0],
            "ce_type": self.type,
            "ce_subject": f"{self.aggregate_type}/{self.aggregate_id}",
            "ce_time": self.occurred_at.isoformat(),
            "ce_partitionkey": self.key,
            "ce_sequence": f"{self.version:012d}",
            "content-type": "application/json",
        } | ({"ce_correlationid": self.case_id} if self.case_id else {})

    def body(self) -> bytes:
        """The data: everything that is not a context attribute."""
        return self.model_dump_json(exclude=CONTEXT).encode()


class Unreadable(Exception):  # noqa: N818  named as the fact it states
    """A record that is no event of ours: broken headers, unknown type, wrong publisher or data that does not fit."""


class Catalogue:
    """The event classes that may stand in topics, by their type."""

    def __init__(self, classes: Iterable[type[Event]]) -> None:
        self._by_type = {str(cls.model_fields["type"].default): cls for cls in classes}

    def types(self) -> Mapping[str, type[Event]]:
        """Every class by its type."""
        return self._by_type

    def read(self, topic: str, headers: Headers, body: bytes) -> Event:
        """Rebuild the event of a record, or raise Unreadable with a reason that holds no data of the record."""
        cls = self._by_type.get(headers.get("ce_type", ""))
        if cls is None or cls.topic != topic:
            raise Unreadable("unknown type, or a type of another publisher")
        try:
            context = {"event_id": headers["ce_id"], "type": headers["ce_type"], "occurred_at": headers["ce_time"]}
            event = cls.model_validate(from_json(body) | context)
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(type(error).__name__) from None
        if event.key != headers.get("ce_partitionkey") or f"{event.version:012d}" != headers.get("ce_sequence"):
            raise Unreadable("headers and data disagree")
        return event
