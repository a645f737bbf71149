"""Lists of units: the tree, branch by branch, and what a name, a spelling or a code finds, in the tree of a day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.roster.queries.establishments import Moment, figures_of, held_by_many
from services.roster.queries.former_names import FormerName, formerly
from services.roster.queries.units import UnitLine, roots_of, seen
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.pages import Cursors, Order, Parameters, chosen, question
from shared.spelling import sought_grams, written_plainly
from shared.unit_copies import sees_withheld


class Sums(BaseModel):
    """编制 (counted kinds, 单列 left out) of one unit in all; 可用编 of one row never makes up for another's 超用 (`exceeded`; domain §1.6).

    As of a day before a row's first recorded quota nobody knows the quota: none.
    """

    quota: int | None
    headcount: int
    reserved: int
    frozen: int
    available: int | None
    exceeded: int | None


class UnitListLine(UnitLine):
    """A unit in a list. `children`: how many units stand directly below it on the day; told in a branch of the tree (`parent`, `top`), and where asked.
    `sums`: told where asked; `formerly`: with `q`, the names of before that it was found by, where none of the day explains it.
    """

    children: int | None = None
    sums: Sums | None = None
    formerly: list[FormerName] | None = None


class UnitFilter(BaseModel):
    """By what units are chosen. `parent`: directly below it; `under`: it and all below it; `top`: where the caller's own tree begins;
    `q`: part of any name it has or had, or of a unit it took over from, as written or as spelt (jiaoyuju, jyj), or of a code.
    """

    parent: UUID | None = None
    under: UUID | None = None
    top: bool = False
    q: str | None = None
    category: str | None = None
    nature: str | None = None
    public_welfare: str | None = None
    unit_funding: str | None = None
    sector: str | None = None
    rank: str | None = None
    system: str | None = None


SORTS = {
    "code": {"units.code": "text"},
    "name": {"search.name_key": "text", "units.id": "uuid"},
}
_OF_RECORD = ("category", "nature", "public_welfare", "unit_funding", "sector", "rank", "system")
_COLUMNS = {name: f"was.{name}" for name in UnitListLine.model_fields} | {
    "id": "units.id",
    "code": "units.code",
    "valid_from": "lower(units.valid)",
    "closed_on": "upper(units.valid)",
    "version": "units.version",
    "children": "(SELECT count(*) FROM unit_records AS child WHERE child.parent_id = units.id AND {children})",
    "sums": "({sums})",
    "formerly": "units.id",
}
"""`formerly` is found out page by page, of whom this is."""
_SUMS = """
    SELECT jsonb_build_object('quota', CASE WHEN bool_or(row.quota IS NULL) THEN NULL ELSE coalesce(sum(row.quota), 0) END,
        'headcount', coalesce(sum(row.headcount), 0), 'reserved', coalesce(sum(row.reserved), 0), 'frozen', coalesce(sum(row.frozen), 0),
        'available', CASE WHEN bool_or(row.quota IS NULL) THEN NULL ELSE coalesce(sum(greatest(row.available, 0)), 0) END,
        'exceeded', CASE WHEN bool_or(row.quota IS NULL) THEN NULL ELSE coalesce(sum(greatest(-row.available, 0)), 0) END)
    FROM ({figures}) AS row WHERE row.counted AND NOT row.apart
"""


def found_by(words: str, put: Parameters, on: date | None, who: Who) -> str:
    """The condition on `search` and `units`: part of a name, a spelling or a code, its own or of a unit that it has taken over from (by the day `on`).
    The names of a withheld unit lead to an open one only whoever sees withheld units.
    """
    sought = written_plainly(words)
    words, grams = put(sought, "text"), put(sought_grams(sought), "text[]")
    hidden = "" if sees_withheld(who) else "units.withheld AND "
    taken = f"(position({words} IN search.inherited) > 0 OR {hidden}position({words} IN search.inherited_withheld) > 0)"
    if on is not None:
        taken += f" AND EXISTS (SELECT FROM unit_successors WHERE successor_id = search.unit_id AND effective_on <= {put(on, 'date')})"
    return f"search.grams @> {grams} AND (position({words} IN search.written) > 0 OR {taken})"


def fields_of(asked: str | None, wanted: UnitFilter) -> list[str]:
    """Those asked for, or all that the list tells by itself. Raises FieldUnknown."""
    branch = asked or wanted.parent or wanted.top
    told = {"children": branch, "sums": asked, "formerly": asked or wanted.q}
    return [name for name in chosen(asked, UnitListLine.model_fields) if told.get(name, True)]


@dataclass(frozen=True)
class UnitPages:
    """Pages of one list of units."""

    who: Who
    wanted: UnitFilter
    moment: Moment
    order: Order
    fields: Sequence[str]

    async def page(self, conn: Connection, cipher: FieldCipher, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one."""
        narrowed = self.wanted.model_dump(mode="json", include=set(UnitFilter.model_fields))
        cursors, put = Cursors(cipher, question("units", self.order, narrowed, self.moment.on, self.moment.known)), Parameters()
        sql = f"{self._rows(put)} AND {self.order.after(cursors.read(after), put)} ORDER BY {self.order.by} LIMIT {limit + 1}"
        rows = await conn.fetch(sql, *put)
        lines, further = cursors.page(rows, self.order, limit, self.fields)
        if "formerly" in self.fields:
            await self._explain(conn, lines)
        return lines, further

    async def _explain(self, conn: Connection, lines: list[dict[str, Any]]) -> None:
        found = [line["formerly"] for line in lines]
        noted = await formerly(conn, self.who, found, self.wanted.q, self.moment.on) if self.wanted.q else {}
        for line in lines:
            line["formerly"] = [each.model_dump() for each in noted.get(line["formerly"], ())]

    def _rows(self, put: Parameters) -> str:
        then, roots = held_by_many(put, self.moment), roots_of(self.who, put)
        children = then("child")
        if not sees_withheld(self.who):
            children += f" AND child.unit_id IN (SELECT below.id FROM units AS below WHERE {seen(self.who, roots, 'below')})"
        sums = _SUMS.format(figures=figures_of(put, self.moment)) if "sums" in self.fields else ""
        columns = ", ".join(f"{_COLUMNS[name].format(children=children, sums=sums)} AS {name}" for name in self.fields)
        search = "JOIN unit_search AS search ON search.unit_id = units.id" if self.wanted.q or self.order.name == "name" else ""
        return (
            f"SELECT {columns}, {self.order.keys} FROM units JOIN unit_records AS was ON was.unit_id = units.id AND {then('was')} {search}"
            f" WHERE {' AND '.join([seen(self.who, roots), *self._conditions(put, roots)])}"
        )

    def _conditions(self, put: Parameters, roots: str) -> Iterator[str]:
        wanted = self.wanted
        if wanted.parent:
            yield f"was.parent_id = {put(wanted.parent, 'uuid')}"
        if wanted.under:
            yield f"was.path @> ARRAY[{put(wanted.under, 'uuid')}]"
        if wanted.top:
            yield "was.parent_id IS NULL" if self.who.units is None else f"units.id = ANY({roots})"
        if wanted.q:
            yield found_by(wanted.q, put, self.moment.on, self.who)
        yield from (f"was.{name} = {put(value, 'text')}" for name in _OF_RECORD if (value := getattr(wanted, name)))
