"""Lists of leadership posts (领导职数): every (unit, level) of a subtree, approved and taken, from the one arithmetic of `seats`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.roster.queries.establishments import Moment, held_by_many
from services.roster.queries.seats import levels_of
from services.roster.queries.units import SeatsView, within
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.pages import Cursors, Order, Parameters, question


class SeatLine(SeatsView):
    """A level, under its unit's name and code then."""

    unit_id: UUID
    unit: str
    unit_code: str


class SeatFilter(BaseModel):
    """`unit`: of it and, with `below`, of all below it. `over`: only levels with more leaders than posts; `vacant`: only those with fewer."""

    unit: UUID | None = None
    below: bool = True
    level: str | None = None
    over: bool = False
    vacant: bool = False


SORTS = {"unit": {"units.code": "text", "row.level": "text"}, "level": {"row.level": "text", "units.code": "text"}}
_COLUMNS = {name: f"row.{name}" for name in SeatLine.model_fields} | {
    "unit_id": "units.id",
    "unit": "was.name",
    "unit_code": "units.code",
}


@dataclass(frozen=True)
class SeatPages:
    """Pages of one list of leadership posts."""

    who: Who
    wanted: SeatFilter
    moment: Moment
    order: Order
    fields: Sequence[str]

    async def page(self, conn: Connection, cipher: FieldCipher, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one."""
        narrowed = self.wanted.model_dump(mode="json", include=set(SeatFilter.model_fields))
        cursors, put = Cursors(cipher, question("seats", self.order, narrowed, self.moment.on, self.moment.known)), Parameters()
        then = held_by_many(put, self.moment)
        columns = ", ".join(f"{_COLUMNS[name]} AS {name}" for name in self.fields)
        conditions = [
            *within(self.who, self.wanted.unit, put, below=self.wanted.below),
            *of_levels(self.wanted, put),
            self.order.after(cursors.read(after), put),
        ]
        rows = await conn.fetch(
            f"SELECT {columns}, {self.order.keys} FROM units JOIN unit_records AS was ON was.unit_id = units.id AND {then('was')}"
            f" JOIN LATERAL ({levels_of('units.id', then)}) AS row ON true"
            f" WHERE {' AND '.join(conditions)} ORDER BY {self.order.by} LIMIT {limit + 1}",
            *put,
        )
        return cursors.page(rows, self.order, limit, self.fields)


def of_levels(wanted: SeatFilter, put: Parameters) -> Iterator[str]:
    """Which levels (`row`) of the units are wanted."""
    if wanted.level:
        yield f"row.level = {put(wanted.level, 'text')}"
    yield from (f"row.{name} > 0" for name in ("over", "vacant") if getattr(wanted, name))
