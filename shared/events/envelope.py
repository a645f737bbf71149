"""The envelope of every event: CloudEvents 1.0 in Kafka binary mode.

The record key is the unit's id, so that all that happens to one unit stays in order. Version and gap check belong to the aggregate, never to the key.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import to_json

Headers = dict[str, str]
CONTEXT = {"event_id", "type", "occurred_at"}
"""What of an event stands in its headers, not in its data."""
_VERSIONED = re.compile(r"([a-z_.]+)\.v([1-9][0-9]{0,2})")
_UUID_LENGTH = 36
_CHANCE = (1 << 62) - 1
"""The bits of an identifier that are chance."""


def uuid7() -> UUID:
    """A time-ordered identifier (RFC 9562 §6.2 method 3): the twelve bits after the millisecond are its fraction, so that what one process makes stands in order."""
    return uuid7s(1)[0]


def uuid7s(number: int) -> list[UUID]:
    """Several of one moment, in order: chance is drawn once."""
    millisecond, rest = divmod(time.time_ns(), 1_000_000)
    moment = millisecond << 80 | (0x7000 | (rest << 12) // 1_000_000) << 64 | 0x8000 << 48
    drawn = os.urandom(8 * number)
    chances = sorted(int.from_bytes(drawn[start : start + 8]) & _CHANCE for start in range(0, len(drawn), 8))
    return [UUID(int=moment | chance) for chance in chances]


def begun_at(identifier: bytes) -> float | None:
    """The real second since 1970 at which `uuid7` made this identifier, business time or not; others tell nothing."""
    if len(identifier) != _UUID_LENGTH or identifier[14:15] != b"7":
        return None
    try:
        return int(identifier[:8] + identifier[9:13], 16) / 1000
    except ValueError:
        return None


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


@dataclass(frozen=True)
class Glimpse:
    """What the headers of an event tell: enough for who does nothing with it but count its aggregate's versions."""

    aggregate_type: str
    aggregate_id: str
    version: int


class Unreadable(Exception):  # noqa: N818  named as the fact it states
    """A record that is no event of ours: broken headers, unknown type, wrong publisher or data that does not fit."""


class Contradicted(Unreadable):
    """A record whose data read well, but as another event than its headers tell of."""


class Catalogue:
    """The event classes that may stand in topics, by their type."""

    def __init__(self, classes: Iterable[type[Event]]) -> None:
        self._by_type = {str(cls.model_fields["type"].default): cls for cls in classes}

    def types(self) -> Mapping[str, type[Event]]:
        """Every class by its type."""
        return self._by_type

    def kind(self, topic: str, headers: Headers) -> type[Event]:
        """The class of a record's event. Raises Unreadable."""
        told = headers.get("ce_type", "")
        cls = self._by_type.get(told)
        if cls is not None and cls.topic == topic:
            return cls
        if (known := self.older(told)) is not None and known.topic == topic:
            raise Unreadable("a version newer than this build")
        raise Unreadable("unknown type, or a type of another publisher")

    def older(self, told: str) -> type[Event] | None:
        """The newest version of an event that we know, where somebody told of a newer one."""
        if not (found := _VERSIONED.fullmatch(told)):
            return None
        known = [
            (int(version[2]), cls)
            for each, cls in self._by_type.items()
            if (version := _VERSIONED.fullmatch(each)) and version[1] == found[1]
        ]
        number, cls = max(known, key=itemgetter(0), default=(0, None))
        return cls if number < int(found[2]) else None

    def read(self, topic: str, headers: Headers, body: bytes) -> Event:
        """Rebuild the event of a record, or raise Unreadable with a reason that holds no data of the record."""
        cls = self.kind(topic, headers)
        try:
            context = {"event_id": headers["ce_id"], "type": headers["ce_type"], "occurred_at": headers["ce_time"]}
            event = cls.model_validate_json(_joined(body, to_json(context)))
        except (ValueError, KeyError, TypeError) as error:
            raise Unreadable(type(error).__name__) from None
        if event.key != headers.get("ce_partitionkey") or f"{event.version:012d}" != headers.get("ce_sequence"):
            raise Contradicted("headers and data disagree")
        return event


def glimpse(headers: Headers) -> Glimpse:
    """Raises Unreadable."""
    try:
        aggregate_type, _, aggregate_id = headers["ce_subject"].partition("/")
        return Glimpse(aggregate_type, str(UUID(aggregate_id)), int(headers["ce_sequence"]))
    except (ValueError, KeyError) as error:
        raise Unreadable(type(error).__name__) from None


def _joined(data: bytes, context: bytes) -> bytes:
    """One JSON object of two, as text; where both have a name, the last one counts."""
    own = data.strip()
    if own[:1] != b"{" or own[-1:] != b"}":
        raise ValueError("no object")
    return context if not own[1:-1].strip() else own[:-1] + b"," + context[1:]
