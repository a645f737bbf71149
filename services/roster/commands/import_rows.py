"""The good rows of a file, as its units are written: each row opened, and what it says as the commands take it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from pydantic_core import from_json

from services.roster.commands.import_units import WriteUnit
from services.roster.commands.sealing import all_sealed, seal_change
from services.roster.models.fields import SHEETS
from services.roster.models.imports import BEFORE, LOAN, Job, sealed_place
from services.roster.models.loads import LoadedPerson, LoadedQuota, LoadedSeats, LoadUnit, OpenLoadedPerson
from services.roster.models.persons import SealedChange, UpdatePerson
from services.roster.models.refusals import PersonUnknown
from services.roster.models.requests import RegisterUnit
from services.roster.models.units import ChangeUnit
from services.roster.queries.import_facts import known_persons, times_told
from services.roster.queries.indexes import known_by
from services.roster.queries.loads import units_in_use
from services.roster.rules.imports.changes import differences
from services.roster.rules.persons import title_level
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.events.envelope import uuid7

UNIT_SHEETS, PERSON_SHEETS = ("units", "units_with_posts"), ("roster", "offestablishment")
_QUOTA_SHEETS = ("quotas", "units_with_posts")
_OF_PERSON, _OF_UNIT = frozenset(OpenLoadedPerson.model_fields), frozenset(RegisterUnit.model_fields)
_ROWS = (
    "SELECT sheet, number, unit_code, kind, funding, verdict, changed, sealed FROM import_rows WHERE import_id = $1 AND unit_code = ANY($2)"
    " AND verdict IN ('added', 'changed') ORDER BY sheet, number"
)
_WHILE_IN_POST = "on_duty"
_OF_POSTS = frozenset({"posts", "use_until"})
_UNITS = "SELECT id, name, code, uscc, category, parent_id, lower(valid) AS valid_from FROM units WHERE code = ANY($1)"
Row = Mapping[str, Any]
Number = tuple[int, date, date | None]


@dataclass(frozen=True)
class Standing:
    """What stands of the units of a block: their facts by code, which are in daily use, and their numbers with the day from which each holds."""

    units: Mapping[str, Row]
    used: frozenset[UUID]
    quotas: Mapping[tuple[UUID, str, str], Number]
    seats: Mapping[tuple[UUID, str], Number]


@dataclass(frozen=True)
class Gathering:
    """Reads the rows of one import."""

    cipher: FieldCipher
    job: Job
    today: date

    async def units(self, conn: Connection, units: Sequence[asyncpg.Record]) -> tuple[WriteUnit, ...]:
        """Everything that waits of these units (rows of import_units), parents first. Raises ValidationError, and what `all_sealed` raises."""
        rows: dict[str, list[Row]] = {unit["unit_code"]: [] for unit in units}
        for row in await conn.fetch(_ROWS, self.job.id, list(rows)):
            rows[row["unit_code"]].append(self.row(row))
        parents = {str(unit["parent_code"]) for unit in units} | {
            str(row["values"]["parent"]) for each in rows.values() for row in each if row["values"].get("parent")
        }
        now = await _standing(conn, {*rows, *parents})
        ids = {code: facts["id"] for code, facts in now.units.items()}
        persons = self._persons(rows)
        return tuple([await self._unit(conn, unit, rows[unit["unit_code"]], persons[unit["unit_code"]], now, ids) for unit in units])

    def _persons(self, rows: Mapping[str, Sequence[Row]]) -> dict[str, list[LoadedPerson]]:
        """Who comes onto the roster, by unit: all of the block at once."""
        new = [
            (code, row) for code, of_unit in rows.items() for row in of_unit if row["sheet"] in PERSON_SHEETS and row["verdict"] == "added"
        ]
        persons: dict[str, list[LoadedPerson]] = {code: [] for code in rows}
        for (code, _), person in zip(new, all_sealed(self.cipher, [_person(row) for _, row in new]), strict=True):
            persons[code].append(person)
        return persons

    async def _unit(
        self,
        conn: Connection,
        unit: asyncpg.Record,
        rows: Sequence[Row],
        persons: Sequence[LoadedPerson],
        now: Standing,
        ids: dict[str, UUID],
    ) -> WriteUnit:
        code: str = unit["unit_code"]
        there = now.units.get(code)
        unit_id = ids.setdefault(code, uuid7())
        register_as, document_no = (None, "") if there else _registration(code, rows, ids)
        facts = there or {**register_as.__dict__}
        baseline = unit_id not in now.used
        quotas, seats = _numbers(rows, unit_id, now)
        first_quotas = [each for each in quotas if baseline and (unit_id, each.kind, each.funding) not in now.quotas]
        first_seats = [each for each in seats if baseline and (unit_id, each.level) not in now.seats]
        changes, times = await self._changes(conn, rows)
        return WriteUnit(
            position=unit["position"],
            unit_id=unit_id,
            document_no=document_no,
            register_as=register_as,
            load=_load(facts, first_quotas, first_seats, persons) if first_quotas or first_seats or persons else None,
            quotas=tuple(each for each in quotas if each not in first_quotas),
            seats=tuple(each for each in seats if each not in first_seats),
            baseline=baseline,
            change=_change(unit_id, rows, self.today, baseline=baseline) if there else None,
            persons=tuple(changes),
            told=times,
            asked=any(row["verdict"] == "added" or set(row["changed"]) - set(LOAN) for row in rows),
        )

    def row(self, row: asyncpg.Record) -> Row:
        """A row with its `values`."""
        values = from_json(self.cipher.unseal(row["sealed"], sealed_place(self.job.id, row["sheet"], row["number"])))
        values.pop(BEFORE, None)
        return {**row, "values": values}

    async def _changes(self, conn: Connection, rows: Sequence[Row]) -> tuple[list[SealedChange], dict[UUID, int]]:
        """What changes of persons who are there, from today on, and how often something was recorded of each before. Raises PersonUnknown."""
        mine = [row for row in rows if row["sheet"] in PERSON_SHEETS and row["verdict"] == "changed" and set(row["changed"]) - set(LOAN)]
        numbers = [self.cipher.indexes(row["values"]["id_number"]) for row in mine]
        told_before = await times_told(conn, (await known_by(conn, numbers)).values()) if mine else {}
        known = await known_persons(conn, self.cipher, numbers) if mine else {}
        changes = []
        for place, row in enumerate(mine):
            if place not in known:  # his number was corrected since the check
                raise PersonUnknown
            told = differences(SHEETS[row["sheet"]], row["values"], known[place].today)
            given = {name: row["values"][name] for name in row["changed"] if name not in LOAN and name in told}
            if not given:  # another file has changed it so since the check
                continue
            what = UpdatePerson.model_validate(given | {"person_id": known[place].person_id, "since": self.today})
            changes.append(await seal_change(conn, self.cipher, what, self.today, {}))
        return changes, told_before


async def _standing(conn: Connection, codes: set[str]) -> Standing:
    units: dict[str, Row] = {row["code"]: dict(row) for row in await conn.fetch(_UNITS, list(codes))}
    ids = [row["id"] for row in units.values()]
    latest = "unit_id = ANY($1) AND upper_inf(during) AND upper_inf(recorded)"
    quotas = await conn.fetch(f"SELECT unit_id, kind, funding, posts, lower(during), use_until FROM quotas WHERE {latest}", ids)
    seats = await conn.fetch(f"SELECT unit_id, level, approved, lower(during), NULL::date FROM seats WHERE {latest}", ids)
    numbers = [{row[:-3]: (row[-3], row[-2], row[-1]) for row in map(tuple, rows)} for rows in (quotas, seats)]
    return Standing(units, frozenset(await units_in_use(conn, ids)), *numbers)


def _numbers(rows: Sequence[Row], unit_id: UUID, now: Standing) -> tuple[list[LoadedQuota], list[LoadedSeats]]:
    """What the rows say of posts and of seats, but what stands so already."""
    quotas = [_quota(row) for row in rows if row["sheet"] in _QUOTA_SHEETS and _has_number(row)]
    seats = [_seats(row) for row in rows if row["sheet"] == "seats"]
    return [each for each in quotas if not _stands(each, unit_id, now)], [each for each in seats if not _stands(each, unit_id, now)]


def _stands(row: LoadedQuota | LoadedSeats, unit_id: UUID, now: Standing) -> bool:
    """Whether the same number was written from the same day on since the check: by another file, or the same one."""
    if isinstance(row, LoadedQuota):
        return now.quotas.get((unit_id, row.kind, row.funding)) == (row.posts, row.document_on, row.use_until)
    return now.seats.get((unit_id, row.level)) == (row.approved, row.document_on, None)


def _registration(code: str, rows: Sequence[Row], ids: Mapping[str, UUID]) -> tuple[RegisterUnit, str]:
    """A new unit with all that its first row says. It begins with the first of its days."""
    values = next(row["values"] for row in rows if row["sheet"] in UNIT_SHEETS)
    days = [row["values"][name] for row in rows for name in ("established_on", "document_on", "started_on") if row["values"].get(name)]
    given = {name: value for name, value in values.items() if name in _OF_UNIT}
    parent_id = ids[values["parent"]] if values.get("parent") else None
    facts = given | {"code": code, "parent_id": parent_id, "valid_from": min(days), "baseline": True}
    return RegisterUnit.model_validate(facts), values["document_no"]


def _load(facts: Row, quotas: Sequence[LoadedQuota], seats: Sequence[LoadedSeats], persons: Sequence[Any]) -> LoadUnit:
    unit = {name: facts[name] for name in ("name", "code", "uscc", "category", "parent_id", "valid_from")}
    return LoadUnit(**unit, quotas=tuple(quotas), seats=tuple(seats), persons=tuple(persons))


def _has_number(row: Row) -> bool:
    return row["values"].get("posts") is not None and (row["verdict"] == "added" or bool(_OF_POSTS & set(row["changed"])))


def _quota(row: Row) -> LoadedQuota:
    return LoadedQuota.model_validate({name: row["values"].get(name) for name in LoadedQuota.model_fields})


def _seats(row: Row) -> LoadedSeats:
    return LoadedSeats.model_validate({name: row["values"][name] for name in LoadedSeats.model_fields})


def _person(row: Row) -> Row:
    """What `all_sealed` takes: the check has judged the number, and sex and birth date by it, or told them by it where no cell did.

    The level of a title that no cell tells is told by the title, where its words do.
    """
    given = {name: value for name, value in row["values"].items() if name in _OF_PERSON}
    given["kind"], given["funding"] = row["kind"], row["funding"]
    if "professional_title" in given and "professional_title_level" not in given:
        given["professional_title_level"] = title_level(given["professional_title"])
    if given.get("ended_on") is not None:
        given["duty_status"] = _WHILE_IN_POST  # 已出编 is what the end of the post says, as where somebody is released
    return given


def _change(unit_id: UUID, rows: Sequence[Row], today: date, *, baseline: bool) -> ChangeUnit | None:
    """What the unit's row changes of it, from today on: no key item is among it."""
    row = next((row for row in rows if row["sheet"] in UNIT_SHEETS and set(row["changed"]) - _OF_POSTS), None)
    if row is None:
        return None
    given = {name: row["values"][name] for name in row["changed"] if name not in _OF_POSTS}
    return ChangeUnit.model_validate(given | {"unit_id": unit_id, "effective_on": today, "baseline": baseline})
