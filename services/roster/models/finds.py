"""Somebody of another unit who is named for a 调动: what is told of him, and what is written down of the question."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from services.roster.models.requests import Request


@dataclass(frozen=True)
class Told:
    """The three that must agree, as they were typed, and the unit that wants to take him."""

    unit_id: UUID
    from_unit: str
    name: str = field(repr=False)
    id_number: str = field(repr=False)
    on: date


@dataclass(frozen=True)
class Placed:
    """Who has the number, and the unit whose post he holds, under all it is called by."""

    person_id: UUID
    name: str = field(repr=False)
    unit_id: UUID
    unit_called: tuple[str, ...]


class RecordFind(Request):
    """Who was found, and where; neither where the three did not agree."""

    unit_id: UUID
    person_id: UUID | None = None
    from_unit_id: UUID | None = None
