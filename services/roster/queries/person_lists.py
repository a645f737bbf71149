"""Lists of people, masked, in Chinese order. First the page is chosen, then those few are read with their posts."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal
from uuid import UUID

import asyncpg

from services.roster.models.people import PersonFilter, PersonSearch
from services.roster.models.persons import SENSITIVE
from services.roster.models.refusals import IdNumberInvalid
from services.roster.queries.establishments import LATEST, Moment, held_by_many, holding
from services.roster.queries.facts import as_person
from services.roster.queries.persons import MASK, PersonView, PlacementView, masked, persons_then
from services.roster.queries.seats import seat_of
from services.roster.queries.units import roots_of, seen
from services.roster.rules.persons import retirement_fact
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.law.citizen_id import InvalidCitizenId, parse_citizen_id
from shared.pages import Cursors, Order, Parameters, ordered, question
from shared.spelling import Meant, is_letters, meant_otherwise, plain_name, spelt_name, written_plainly
from shared.unit_copies import scope, sees_withheld


class PersonLine(PersonView):
    """A person in a list: the post, or none, under the name of its unit then and its code; a unit that the caller does not see is not named."""

    unit: str | None
    unit_code: str | None


WITHOUT_POST = ("off", "never")
ON_DUTY = "on_duty"
"""在编在岗: nearly everybody. Whoever is in another status is found by an index."""
SORTS = {
    "name": {"person.name_key": "text", "person.person_id": "uuid"},
    "birth_on": {"person.birth_on": "date", "person.person_id": "uuid"},
    "started_on": {"lower(post.during)": "date", "post.person_id": "uuid"},
}
SPELT = {each: {f"person.{each}": "text", "person.person_id": "uuid"} for each in ("letters", "initials")}
"""The order of those whose names begin as somebody typed: as they are spelt."""
_DOTTED = 4
"""Characters of a name in which a dot may be missing: few Han names are so long."""
OF_RECORD = ("identity", "post_category", "post_grade", "leadership_level", "grade", "sex", "education", "degree")
OF_POST = ("kind", "funding", "seat_level", "entry_reason")
_POST_ONLY = (*OF_POST, "population", "duty_status")
PLACEMENT_FIELDS = tuple(PlacementView.model_fields)
FIELDS = tuple(dict.fromkeys((*PersonLine.model_fields, *PLACEMENT_FIELDS)))
"""What may be chosen: of the person, or of the post."""


@dataclass(frozen=True)
class PersonPages:
    """Pages of one list of people. Whoever holds a post is seen with the unit that keeps it, the others with the unit they belong to. In a list of both,
    who may see somebody is decided by where he belongs now, as on his own page.
    """

    who: Who
    wanted: PersonFilter
    moment: Moment
    order: Order
    fields: Sequence[str]

    async def chosen(self, conn: Connection, cipher: FieldCipher, after: str, limit: int) -> tuple[list[UUID], str | None]:
        """Who is on a page, and the cursor of the next one."""
        narrowed = self.wanted.model_dump(mode="json", include=set(PersonSearch.model_fields))
        cursors = Cursors(cipher, question("persons", self.order, narrowed, self.moment.on, self.moment.known))
        put = Parameters()
        then = held_by_many(put, self.moment)
        numbered = _numbered(self.wanted, put, cipher)
        conditions = " AND ".join([then("person"), *self._conditions(put, then), *numbered, self.order.after(cursors.read(after), put)])
        pages = [
            f"SELECT person.person_id AS id, {self.order.keys} FROM {whom} WHERE {conditions} AND {of_unit} AND {way}"
            f" ORDER BY {self.order.by} LIMIT {limit + 1}"
            for whom, of_unit in self._sides(put, then)
            for way in _named(self.wanted, put)
        ]
        one_of_them = f"({') UNION ('.join(pages)}) ORDER BY {self.order.by_keys} LIMIT {limit + 1}"
        rows = await conn.fetch(one_of_them if len(pages) > 1 else pages[0], *put)
        return [row["id"] for row in rows[:limit]], cursors.after(self.order.of(rows[limit - 1])) if len(rows) > limit else None

    def everybody(self, put: Parameters) -> str:
        """SELECT of all who are on its pages, for a file of them; nobody is sought by name or number in it."""
        then = held_by_many(put, self.moment)
        conditions = " AND ".join([then("person"), *self._conditions(put, then)])
        sides = self._sides(put, then)
        return " UNION ".join(f"SELECT person.person_id FROM {whom} WHERE {conditions} AND {of_unit}" for whom, of_unit in sides)

    async def shown(self, conn: Connection, cipher: FieldCipher, person_ids: Sequence[UUID]) -> list[dict[str, Any]]:
        """Those of them whom the caller may see, in their order, masked. `conn` stands behind the wall."""
        put, shape = Parameters(), _shape(tuple(self.fields))
        people = {row["person_id"]: row for row in await conn.fetch(self._in_full(shape, person_ids, put), *put)}
        return [shape.line(cipher, people[person_id]) for person_id in person_ids if person_id in people]

    @property
    def _posts(self) -> bool:
        """Whether those without a post are left out anyway."""
        wanted = self.wanted
        return wanted.on_roster == "on" or self.order.name == "started_on" or any(getattr(wanted, name) for name in _POST_ONLY)

    def _sides(self, put: Parameters, then: Callable[[str], str]) -> list[tuple[str, str]]:
        """FROM whom, and what keeps them to the unit asked for. On a past day those of a unit are whoever held its posts then, and of the people who
        held none, those who belong to it now: each reads its page off an index.
        """
        people, home = "person_records AS person", "JOIN persons AS home ON home.id = person.person_id"
        post = f"JOIN placements AS post ON post.person_id = person.person_id AND {then('post')}"
        if self._posts:
            return [(f"{people} {post}", self._of_unit(put, then, "post"))]
        whom, own = f"{people} {home}", self._of_unit(put, then, "home")
        if self.moment == LATEST or self.wanted.unit is None or self.wanted.on_roster in WITHOUT_POST:
            return [(whom, own)]
        none = f"NOT EXISTS (SELECT FROM placements AS held WHERE held.person_id = person.person_id AND {then('held')})"
        return [(f"{whom} {post}", self._of_unit(put, then, "post")), (whom, f"{own} AND {none}")]

    def _conditions(self, put: Parameters, then: Callable[[str], str]) -> Iterator[str]:
        wanted, where = self.wanted, "post.unit_id" if self._posts else "home.unit_id"
        if self.who.units is not None or not sees_withheld(self.who):
            roots = put(scope(self.who), "uuid[]")
            yield f"{where} IN (SELECT id FROM units WHERE {seen(self.who, roots)})"
        if wanted.on_roster in WITHOUT_POST:
            yield self._without_post(then("held") if wanted.on_roster == "off" else _ever(put, self.moment))
        yield from (f"person.{name} = {put(value, 'text')}" for name in OF_RECORD if (value := getattr(wanted, name)))
        yield from (f"post.{name} = {put(value, 'text')}" for name in OF_POST if name != "seat_level" and (value := getattr(wanted, name)))
        if wanted.seat_level:
            level = put(wanted.seat_level, "text")
            appointed = f"post.placement_id IN (SELECT placement_id FROM post_seats WHERE level = {level})"
            yield f"(post.seat_level = {level} OR {appointed}) AND {seat_of('post', then)} = {level}"
        yield from self._further(put, then)

    def _without_post(self, posts: str) -> str:
        """Of the people of one unit each is looked up; in a county that would take longer than to read all posts once (24 000 posts: 0.3 instead of 12 ms of a unit)."""
        if self.wanted.unit is not None and not self.wanted.below:
            return f"NOT EXISTS (SELECT FROM placements AS held WHERE held.person_id = person.person_id AND {posts})"
        return f"person.person_id IN (SELECT id FROM persons EXCEPT SELECT held.person_id FROM placements AS held WHERE {posts})"

    def _of_unit(self, put: Parameters, then: Callable[[str], str], row: str) -> str:
        if self.wanted.unit is None:
            return "true"
        unit = put(self.wanted.unit, "uuid")
        if not self.wanted.below:
            return f"{row}.unit_id = {unit}"
        return f"{row}.unit_id IN (SELECT unit_id FROM unit_records AS was WHERE {then('was')} AND was.path @> ARRAY[{unit}])"

    def _further(self, put: Parameters, then: Callable[[str], str]) -> Iterator[str]:
        wanted = self.wanted
        lent = f"person.person_id IN (SELECT lent.person_id FROM secondments AS lent WHERE {then('lent')}"
        if wanted.population:
            yield f"post.kind IN (SELECT code FROM establishment_kinds WHERE population = {put(wanted.population, 'text')})"
        if wanted.title:
            yield f"person.title ^@ {put(wanted.title, 'text')}"
        if wanted.lent is not None:
            yield f"{lent})" if wanted.lent else f"NOT {lent})"
        if wanted.duty_status:
            yield self._in_status(put(wanted.duty_status, "text"), put, then)

    def _in_status(self, status: str, put: Parameters, then: Callable[[str], str]) -> str:
        """As `persons_then` tells it: lent, else as it was changed last, else as the post began."""
        since, known = put(self.moment.on, "date"), put(self.moment.known, "timestamptz")
        own = (
            "SELECT duty_status FROM (SELECT changed.since, changed.duty_status FROM post_changes AS changed"
            f" WHERE changed.placement_id = post.placement_id AND changed.since <= coalesce({since}, 'infinity')"
            f" AND changed.recorded @> coalesce({known}, 'infinity') UNION ALL SELECT '-infinity', post.duty_status) AS each"
            " ORDER BY since DESC LIMIT 1"
        )
        form = f"SELECT form FROM secondments AS lent WHERE lent.person_id = post.person_id AND {then('lent')}"
        among = (
            f"SELECT person_id FROM placements WHERE duty_status = {status} UNION ALL SELECT person_id FROM secondments WHERE form = {status}"
            " UNION ALL SELECT person_id FROM post_changes JOIN placements USING (placement_id)"
            f" WHERE post_changes.duty_status = {status}"
        )
        likely = "true" if self.wanted.duty_status == ON_DUTY else f"person.person_id IN ({among})"
        return f"{likely} AND texteq(coalesce(({form}), ({own})), {status})"  # of `=` the planner would think that it fits nearly nobody

    def _in_full(self, shape: "_Shape", person_ids: Sequence[UUID], put: Parameters) -> str:
        moment, then = self.moment, holding(put, self.moment)
        day = "'infinity'::date" if moment.on is None else put(moment.on, "date")
        known = "upper_inf({0}.recorded)" if moment.known is None else f"{{0}}.recorded @> {put(moment.known, 'timestamptz')}"
        return (
            f"SELECT {shape.columns} FROM ({persons_then(then, day, known)} AND person_records.person_id = ANY({put(person_ids, 'uuid[]')})) AS one"
            f" LEFT JOIN units ON units.id = one.unit_id AND {seen(self.who, roots_of(self.who, put))}"
            f" LEFT JOIN unit_records AS was ON was.unit_id = units.id AND {then('was')}"
        )


def _ever(put: Parameters, moment: Moment) -> str:
    """A post of whatever day, as it was known then."""
    known = "'infinity'::timestamptz" if moment.known is None else put(moment.known, "timestamptz")
    return f"(held.recorded @> {known}) IS TRUE"


def _numbered(wanted: PersonFilter, put: Parameters, cipher: FieldCipher) -> Iterator[str]:
    """By the number's blind index under each key that is in use."""
    if isinstance(wanted, PersonSearch) and wanted.id_number is not None:
        marks = cipher.indexes(_number(wanted.id_number))
        asked = f"unnest({put(list(marks), 'smallint[]')}, {put(list(marks.values()), 'bytea[]')}) AS asked (key_id, id_index)"
        yield f"person.person_id IN (SELECT known.person_id FROM person_indexes AS known JOIN {asked} USING (key_id, id_index))"


def _named(wanted: PersonFilter, put: Parameters) -> list[str]:
    """The ways in which a name may be the one that is sought: each reads its page off an index."""
    if not isinstance(wanted, PersonSearch) or not wanted.name:
        return ["true"]
    if wanted.exact or not is_letters(wanted.name):
        keys = dict.fromkeys(spelt_name(name).key for name in (plain_name(wanted.name), wanted.name))
        ways = [f"person.name_key {'=' if wanted.exact else '^@'} {put(key, 'text')}" for key in keys]
        return ways if wanted.exact else [*ways, *_without_dots(plain_name(wanted.name), put)]
    column, typed = f"person.{_typed(wanted.name)}", written_plainly(wanted.name)
    meant = [Meant(typed), *meant_otherwise(typed, initials=column.endswith("initials"))]
    ways = [f"{column} ^@ {put(each.letters, 'text')}{_of_those(each, put)}" for each in meant]
    return [*ways, *_by_initials_as_well(typed, put)]


def _without_dots(name: str, put: Parameters) -> Iterator[str]:
    """A minority name as many type it: among those that are spelt so."""
    if len(name) >= _DOTTED and "·" not in name:
        spelt = put(spelt_name(name).letters, "text")
        yield f"person.letters ^@ {spelt} AND replace(person.name, '·', '') ^@ {put(name, 'text')}"


def _by_initials_as_well(typed: str, put: Parameters) -> Iterator[str]:
    """An is a syllable, and the initials of 艾宁: among the letters that begin as it does."""
    if re.fullmatch("[aeo][^aeiouv]+", typed):
        yield f"person.letters ^@ {put(typed[0], 'text')} AND person.initials ^@ {put(typed, 'text')}"


def _of_those(meant: Meant, put: Parameters) -> str:
    if meant.key:
        return f" AND person.name_key ^@ {put(meant.key, 'text')}"
    return f" AND strpos(substr(person.name, 2), {put(meant.char, 'text')}) > 0" if meant.char else ""


def order_of(sort: str, wanted: PersonFilter) -> Order:
    """By name means, where somebody typed letters, by the letters: a page of them is then read off an index. Who has no post has no day on which he
    took it. Raises SortUnknown.
    """
    order = ordered(sort, SORTS if wanted.on_roster not in WITHOUT_POST else {name: SORTS[name] for name in SORTS if name != "started_on"})
    name = wanted.name if isinstance(wanted, PersonSearch) else None
    if order.name == "name" and name and is_letters(name):
        return replace(order, name=_typed(name), columns=SPELT[_typed(name)])
    return order


def _typed(name: str) -> Literal["letters", "initials"]:
    """Zhang and an are how a name is spelt, zw are initials: no syllable is without a vowel."""
    return "letters" if re.search("^[aeo]|.[aeiouv]", written_plainly(name)) else "initials"


def _number(text: str) -> str:
    try:
        return parse_citizen_id(text).number
    except InvalidCitizenId as error:
        raise IdNumberInvalid(detail=error) from None


@dataclass(frozen=True)
class _Shape:
    """What a line is made of: fields of the person, then of the post, in the order in which they are selected; then what they are told from."""

    own: Sequence[str]
    of_post: Sequence[str]
    number: bool
    retirement: bool

    @property
    def columns(self) -> str:
        """To be selected of `one` person, his unit then (`was`) and its head (`units`)."""
        own = [_COLUMNS.get(name, f"one.{name}") for name in self.own]
        told_from = ["placement_id"] + ["id_number"] * self.number + [*_DECIDED_BY] * self.retirement
        return ", ".join([*own, *(f"one.{name}" for name in (*self.of_post, *sorted({*told_from}.difference(self.own, self.of_post))))])

    def line(self, cipher: FieldCipher, row: asyncpg.Record) -> dict[str, Any]:
        """A person as a list shows him."""
        values = tuple(row)
        line: dict[str, Any] = dict(zip(self.own, values, strict=False))
        if self.number:
            line["id_number"] = masked(cipher, row["person_id"], "id_number", row["id_number"])
        if self.retirement:
            line["retirement"] = _retirement(*_DECIDING(row))
        if self.of_post:
            line["placement"] = dict(zip(self.of_post, values[len(self.own) :], strict=False)) if row["placement_id"] else None
        return line


@lru_cache(256)
def _shape(fields: tuple[str, ...]) -> _Shape:
    told = {"id_number", "retirement", "placement"}
    own = ["person_id", *(name for name in fields if name in _OF_LINE - told - {"person_id"})]
    of_post = [name for name in PLACEMENT_FIELDS if name in fields or "placement" in fields]
    return _Shape(own, of_post, "id_number" in fields, "retirement" in fields)


@lru_cache(16_384)
def _retirement(*deciding: object) -> dict[str, str | None]:
    """Told once for all who are alike in what decides."""
    return retirement_fact(as_person(_NOBODY | dict(zip(_DECIDED_BY, deciding, strict=True)))).model_dump()


_OF_LINE = frozenset(PersonLine.model_fields)
_COLUMNS = {name: f"CASE WHEN one.{name} IS NOT NULL THEN '{MASK}' END AS {name}" for name in SENSITIVE} | {
    "unit": "was.name AS unit",
    "unit_code": "units.code AS unit_code",
}
"""Of sensitive fields but the number nothing is read, only whether they are filled in."""
_DECIDED_BY = (
    *("sex", "birth_on", "certified_birth_on", "identity", "post_category", "title", "professional_title"),
    *("retirement_category", "leadership_level", "retirement_reason"),
)
_DECIDING = itemgetter(*_DECIDED_BY)
_NOBODY = {"person_id": UUID(int=0), "name": ""}
