"""Lists of posts: every (unit, kind, funding) of a subtree with all quantities of domain §1.6, from the one arithmetic of `establishments`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.roster.queries.establishments import Moment, figures_of, held_by_many
from services.roster.queries.units import EstablishmentView, within
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.pages import Cursors, Order, Parameters, question


class PostLine(EstablishmentView):
    """A row of posts, under its unit's name and code then."""

    unit_id: UUID
    unit: str
    unit_code: str


class PostFilter(BaseModel):
    """`unit`: of it and, with `below`, of all below it. `over`: only rows above their quota; `vacant`: only rows below it."""

    unit: UUID | None = None
    below: bool = True
    kind: str | None = None
    funding: str | None = None
    counted: bool | None = None
    over: bool = False
    vacant: bool = False


SORTS = {"unit": {"units.code": "text", "row.kind": "text", "row.funding": "text"}}
_COLUMNS = {name: f"row.{name}" for name in PostLine.model_fields} | {
    "unit_id": "units.id",
    "unit": "units.name",
    "unit_code": "units.code",
}


@dataclass(frozen=True)
class PostPages:
    """Pages of one list of posts."""

    who: Who
    wanted: PostFilter
    moment: Moment
    order: Order
    fields: Sequence[str]

    async def page(self, conn: Connection, cipher: FieldCipher, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one."""
        narrowed = self.wanted.model_dump(mode="json", include=set(PostFilter.model_fields))
        cursors, put = Cursors(cipher, question("posts", self.order, narrowed, self.moment.on, self.moment.known)), Parameters()
        then = held_by_many(put, self.moment)
        columns = ", ".join(f"{_COLUMNS[name]} AS {name}" for name in self.fields)
        behind = cursors.read(after)
        # of a subtree the units are put in order first, so that figures are counted unit by unit until the page is full; of all, an index does it
        fence = f" ORDER BY units.code{' DESC' * self.order.descending} OFFSET 0" if self.wanted.unit or self.who.units is not None else ""
        units = (
            "SELECT units.id, units.code, was.name FROM units JOIN unit_records AS was ON was.unit_id = units.id"
            f" WHERE {' AND '.join([then('was'), *self._of_units(put, behind)])}{fence}"
        )
        rows = await conn.fetch(
            f"SELECT {columns}, {self.order.keys} FROM ({units}) AS units JOIN LATERAL ({figures_of(put, self.moment)}) AS row ON true"
            f" WHERE {' AND '.join([self.order.after(behind, put), *of_rows(self.wanted, put)])} ORDER BY {self.order.by} LIMIT {limit + 1}",
            *put,
        )
        return cursors.page(rows, self.order, limit, self.fields)

    def _of_units(self, put: Parameters, behind: Sequence[str] | None) -> Iterator[str]:
        yield from within(self.who, self.wanted.unit, put, below=self.wanted.below)
        if behind:
            yield f"units.code {'<=' if self.order.descending else '>='} {put(behind[0], 'text')}"


def of_rows(wanted: PostFilter, put: Parameters) -> Iterator[str]:
    """Which rows (`row`) of the units are wanted."""
    if wanted.counted is not None:
        yield f"row.counted = {put(wanted.counted, 'boolean')}"
    yield from (f"row.{name} = {put(value, 'text')}" for name in ("kind", "funding") if (value := getattr(wanted, name)))
    yield from (f"row.{name} > 0" for name, asked in (("overstaffing", wanted.over), ("vacancy", wanted.vacant)) if asked)
