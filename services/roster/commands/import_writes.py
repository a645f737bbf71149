"""Writing a checked file: one unit, one transaction, by the commands that write it at any other time. Who goes on after a crash doubles nothing."""

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import from_json

from services.roster.commands.import_checks import sealed_place
from services.roster.commands.loads import load_unit, sealed
from services.roster.commands.persons import write_update
from services.roster.commands.quotas import set_quota
from services.roster.commands.sealing import seal_change
from services.roster.commands.secondments import second_person
from services.roster.commands.unit_changes import change_unit
from services.roster.commands.units import register_unit, set_seats
from services.roster.models.imports import ImportState, Job
from services.roster.models.loads import Loaded, LoadedQuota, LoadUnit, OpenLoadedPerson
from services.roster.models.persons import SealedChange, UpdatePerson
from services.roster.models.refusals import PersonUnknown
from services.roster.models.requests import RegisterUnit, Request, SetQuota, SetSeats
from services.roster.models.secondments import SecondPerson
from services.roster.models.units import ChangeUnit
from services.roster.queries.import_facts import as_job, known_persons, units_in_use
from services.roster.queries.indexes import known_by
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.errors import DomainError

AT_ONCE = 3
_UNIT_SHEETS, _PERSON_SHEETS = ("units", "units_with_posts"), ("roster", "offestablishment")
_QUOTA_SHEETS = ("quotas", "units_with_posts")
_OF_PERSON, _OF_UNIT = frozenset(OpenLoadedPerson.model_fields), frozenset(RegisterUnit.model_fields)
_OF_POSTS = frozenset({"posts", "use_until"})
_PARENT_MISSING = "主管部门未写入，本单位因此未写入。请先解决主管部门的问题，再重新导入。"
_NOT_FITTING = "内容不符合要求，未写入。请核对该单位的各行后重新导入。"
Run = Callable[[Connection, By, Any], Awaitable[Any]]
_register_unit: Run = inspect.unwrap(register_unit)
_load_unit: Run = inspect.unwrap(load_unit)
_set_quota: Run = inspect.unwrap(set_quota)
_set_seats: Run = inspect.unwrap(set_seats)
_change_unit: Run = inspect.unwrap(change_unit)
_second_person: Run = inspect.unwrap(second_person)


class SeatsRow(Request):
    """Approved leadership posts of one level."""

    level: str
    approved: int
    document_no: str
    document_on: date


class WriteUnit(Request):
    """Everything a file says of one unit. `register_as`: where it is new; `load`: its first load; `quotas`, `seats`: set one by one."""

    import_id: UUID
    position: int
    unit_id: UUID | None
    document_no: str | None = None
    register_as: RegisterUnit | None = None
    load: LoadUnit | None = None
    quotas: tuple[LoadedQuota, ...] = ()
    seats: tuple[SeatsRow, ...] = ()
    baseline: bool
    change: ChangeUnit | None = None
    persons: tuple[SealedChange, ...] = ()


class Written(BaseModel):
    """What was written for one unit."""

    units: int = 0
    quotas: int = 0
    seats: int = 0
    persons: int = 0
    over_quota: int = 0
    changed: int = 0


@command
async def write_unit(conn: Connection, by: By, what: WriteUnit) -> Written:
    """Write one unit of a file. Raises what the single commands raise, and then nothing of it is written."""
    unit_id = what.unit_id
    if what.register_as is not None:
        unit_id = await _register_unit(conn, replace(by, document_no=what.document_no), what.register_as)
    loaded: Loaded | None = await _load_unit(conn, by, what.load) if what.load else None
    await _set_numbers(conn, by, what, unit_id)
    if what.change is not None:
        await _change_unit(conn, replace(by, document_no=None), what.change)
    for person in what.persons:
        await write_update(conn, by, person)
    written = Written(
        units=int(what.register_as is not None),
        quotas=len(what.quotas) + (loaded.quotas if loaded else 0),
        seats=len(what.seats),
        persons=loaded.placed if loaded else 0,
        over_quota=loaded.over_quota if loaded else 0,
        changed=len(what.persons) + (what.change is not None),
    )
    await _tick_off(conn, what.import_id, what.position, "written", "", written)
    return written


class Lend(Request):
    """A person of the file who works elsewhere. `borrower`: the name or code of a unit of the register, or the name of one outside."""

    import_id: UUID
    sheet: str
    number: int
    indexes: dict[int, bytes] = Field(exclude=True, repr=False)
    borrower: str
    started_on: date
    until: date


@command
async def lend_person(conn: Connection, by: By, what: Lend) -> UUID:
    """Record a secondment that was found at a first load. Raises what `second_person` raises."""
    person_id = (await known_by(conn, [what.indexes])).get(0)
    person = await conn.fetchrow("SELECT id, unit_id FROM persons WHERE id = $1", person_id)
    if person is None:
        raise PersonUnknown
    borrowers = await conn.fetch(
        "SELECT id FROM units WHERE (code = $1 OR uscc = $1 OR name = $1) AND upper_inf(valid) LIMIT 2", what.borrower
    )
    borrower_id = borrowers[0]["id"] if len(borrowers) == 1 else None
    lent = SecondPerson(
        person_id=person["id"],
        borrower_id=borrower_id,
        borrower=None if borrower_id else what.borrower,
        started_on=what.started_on,
        until=what.until,
        baseline=not await units_in_use(conn, [person["unit_id"]]),
    )
    made: UUID = await _second_person(conn, by, lent)
    return made


async def _set_numbers(conn: Connection, by: By, what: WriteUnit, unit_id: UUID | None) -> None:
    for quota in what.quotas:
        facts = quota.model_dump(exclude={"document_no"}) | {
            "unit_id": unit_id,
            "effective_on": quota.document_on,
            "baseline": what.baseline,
        }
        await _set_quota(conn, replace(by, document_no=quota.document_no), SetQuota(**facts))
    for row in what.seats:
        seats = SetSeats(unit_id=unit_id, level=row.level, approved=row.approved, effective_on=row.document_on, baseline=what.baseline)
        await _set_seats(conn, replace(by, document_no=row.document_no), seats)


async def _tick_off(conn: Connection, import_id: UUID, position: int, state: str, sentence: str, written: Written | None) -> None:
    await conn.execute(
        "UPDATE import_units SET state = $3, sentence = $4, written = $5 WHERE import_id = $1 AND position = $2",
        import_id,
        position,
        state,
        sentence,
        written.model_dump() if written else {},
    )
    await conn.execute("UPDATE imports SET units_done = units_done + 1, step = step + 1 WHERE id = $1", import_id)


async def apply_import(database: Database, cipher: FieldCipher, clock: Clock, import_id: UUID) -> None:
    """Write what waits, parents first, a few units at a time; stop between units when somebody cancels. May be called again after a crash."""
    async with database.reading() as conn:
        row = await conn.fetchrow("SELECT * FROM imports WHERE id = $1", import_id)
        units = await conn.fetch("SELECT * FROM import_units WHERE import_id = $1 AND state = 'waiting' ORDER BY position", import_id)
        refused = await conn.fetch("SELECT unit_code FROM import_units WHERE import_id = $1 AND state = 'refused'", import_id)
    if row is None or row["state"] != ImportState.APPLYING:
        return
    writing = _Writing(database, cipher, clock, as_job(row), {each["unit_code"] for each in refused})
    await writing.all(units)
    await writing.lend()
    await _close(database, clock, import_id)


class _Writing:
    """One pass over the units that wait."""

    def __init__(self, database: Database, cipher: FieldCipher, clock: Clock, job: Job, refused: set[str]) -> None:
        self._database, self._cipher, self._clock, self._job, self._refused = database, cipher, clock, job, refused
        self._done: dict[str, asyncio.Event] = {}

    async def all(self, units: Sequence[asyncpg.Record]) -> None:
        """Several writers take units in their order; who needs a parent waits for it, and it has been taken before."""
        self._done = {unit["unit_code"]: asyncio.Event() for unit in units}
        queue = iter(units)
        await asyncio.gather(*(self._write_some(queue) for _ in range(AT_ONCE)))

    async def lend(self) -> None:
        """Last of all, who of the new people is lent out: his borrower may have stood further down in the file."""
        for row in await self._database.pool.fetch(_LENT, self._job.id):
            values = self._row(row)["values"]
            lent = Lend(
                import_id=self._job.id,
                sheet=row["sheet"],
                number=row["number"],
                indexes=self._cipher.indexes(values["id_number"]),
                borrower=values["seconded_to"],
                started_on=values["seconded_from_on"],
                until=values["seconded_until"],
            )
            key = f"import:{self._job.id}:lent:{row['sheet']}:{row['number']}"
            document_no = values.get("secondment_document_no") or self._job.document_no
            by = By(self._job.actor, self._clock.now(), key, "批量导入", document_no, f"import:{self._job.id}")
            try:
                await lend_person(self._database, by, lent)
            except DomainError as refusal:
                await self._database.pool.execute(_NOT_LENT, self._job.id, row["sheet"], row["number"], f"借调未登记：{refusal}")

    async def _write_some(self, queue: Any) -> None:
        for unit in queue:
            if await self._database.pool.fetchval("SELECT cancel_asked FROM imports WHERE id = $1", self._job.id):
                return
            try:
                await self._write(unit)
            finally:
                self._done[unit["unit_code"]].set()

    async def _write(self, unit: asyncpg.Record) -> None:
        parent = unit["parent_code"]
        if parent in self._done:
            await self._done[parent].wait()
        if parent in self._refused:
            await self._refuse(unit, _PARENT_MISSING)
            return
        key = f"import:{self._job.id}:{unit['position']}"
        by = By(self._job.actor, self._clock.now(), key, "批量导入", self._job.document_no, f"import:{self._job.id}")
        try:
            await write_unit(self._database, by, await self._gathered(unit))
        except DomainError as refusal:
            await self._refuse(unit, str(refusal))
        except ValidationError:
            await self._refuse(unit, _NOT_FITTING)

    async def _refuse(self, unit: asyncpg.Record, sentence: str) -> None:
        self._refused.add(unit["unit_code"])
        async with self._database.transaction() as conn:
            await _tick_off(conn, self._job.id, unit["position"], "refused", sentence, None)

    async def _gathered(self, unit: asyncpg.Record) -> WriteUnit:
        """The good rows of one unit, as they are written."""
        async with self._database.reading() as conn:
            rows = [self._row(row) for row in await conn.fetch(_ROWS, self._job.id, unit["unit_code"])]
            now = await conn.fetchrow(
                "SELECT id, name, code, uscc, category, parent_id, lower(valid) AS since FROM units WHERE code = $1", unit["unit_code"]
            )
            register_as, document_no = (None, None) if now else await _registration(conn, unit["unit_code"], rows)
            baseline = now is None or not await units_in_use(conn, [now["id"]])
            facts = dict(now) if now else register_as.model_dump() if register_as else {}
            quotas = [_quota(row) for row in rows if row["sheet"] in _QUOTA_SHEETS and _has_number(row)]
            new = {(each.kind, each.funding) for each in quotas} - await _standing(conn, facts.get("id"))
            persons = [sealed(self._cipher, _person(row)) for row in rows if row["sheet"] in _PERSON_SHEETS and row["verdict"] == "added"]
            first = [each for each in quotas if baseline and (each.kind, each.funding) in new]
            return WriteUnit(
                import_id=self._job.id,
                position=unit["position"],
                unit_id=facts.get("id"),
                document_no=document_no,
                register_as=register_as,
                load=_load(facts, first, persons) if first or persons else None,
                quotas=tuple(each for each in quotas if each not in first),
                seats=tuple(_seats(row) for row in rows if row["sheet"] == "seats"),
                baseline=baseline,
                change=_change(facts, rows, business_day(self._clock.now()), baseline=baseline) if now else None,
                persons=tuple(await self._changes(conn, rows)),
            )

    def _row(self, row: asyncpg.Record) -> dict[str, Any]:
        values = from_json(self._cipher.unseal(row["sealed"], sealed_place(self._job.id, row["sheet"], row["number"])))
        return {**row, "values": values}

    async def _changes(self, conn: Connection, rows: Sequence[Mapping[str, Any]]) -> list[SealedChange]:
        """What changes of persons who are there, from today on."""
        mine = [row for row in rows if row["sheet"] in _PERSON_SHEETS and row["verdict"] == "changed"]
        known = await known_persons(conn, self._cipher, [self._cipher.indexes(row["values"]["id_number"]) for row in mine]) if mine else {}
        today = business_day(self._clock.now())
        changes = []
        for place, row in enumerate(mine):
            given = {name: row["values"][name] for name in row["changed"]}
            post = {name: given[name] for name in ("internal_unit",) if name in given}
            what = UpdatePerson.model_validate(given | {"person_id": known[place].person_id, "since": today})
            changes.append(await seal_change(conn, self._cipher, what, today, post))
        return changes


_LENT = (
    "SELECT sheet, number, sealed FROM import_rows JOIN import_units USING (import_id, unit_code)"
    " WHERE import_id = $1 AND seconded AND verdict = 'added' AND state = 'written' ORDER BY sheet, number"
)
_NOT_LENT = (
    "INSERT INTO import_problems (import_id, sheet, row, field, sentence, warning) SELECT $1, $2, $3, 'seconded_to', $4, true"
    " WHERE NOT EXISTS (SELECT FROM import_problems WHERE import_id = $1 AND sheet = $2 AND row = $3 AND sentence = $4)"
)
_ROWS = (
    "SELECT sheet, number, kind, funding, verdict, changed, sealed FROM import_rows WHERE import_id = $1 AND unit_code = $2"
    " AND verdict IN ('added', 'changed') ORDER BY sheet, number"
)


async def _registration(conn: Connection, code: str, rows: Sequence[Mapping[str, Any]]) -> tuple[RegisterUnit, str]:
    """A new unit with all that its first row says. It begins with the first of its days."""
    values = next(row["values"] for row in rows if row["sheet"] in _UNIT_SHEETS)
    parent = values.get("parent")
    parent_id = await conn.fetchval("SELECT id FROM units WHERE code = $1", parent) if parent else None
    days = [row["values"][name] for row in rows for name in ("established_on", "document_on", "started_on") if row["values"].get(name)]
    given = {name: value for name, value in values.items() if name in _OF_UNIT}
    facts = given | {"code": code, "parent_id": parent_id, "valid_from": min(days), "baseline": True}
    return RegisterUnit.model_validate(facts), values["document_no"]


async def _standing(conn: Connection, unit_id: UUID | None) -> set[tuple[str, str]]:
    rows = await conn.fetch("SELECT kind, funding FROM quotas WHERE unit_id = $1 AND upper_inf(during) AND upper_inf(recorded)", unit_id)
    return {(row["kind"], row["funding"]) for row in rows}


def _load(facts: Mapping[str, Any], quotas: Sequence[LoadedQuota], persons: Sequence[Any]) -> LoadUnit:
    unit = {name: facts[name] for name in ("name", "code", "uscc", "category", "parent_id")}
    since = facts.get("valid_from") or facts["since"]
    return LoadUnit(**unit, valid_from=since, quotas=tuple(quotas), persons=tuple(persons))


def _has_number(row: Mapping[str, Any]) -> bool:
    return row["values"].get("posts") is not None and (row["verdict"] == "added" or bool(_OF_POSTS & set(row["changed"])))


def _quota(row: Mapping[str, Any]) -> LoadedQuota:
    return LoadedQuota.model_validate({name: row["values"].get(name) for name in LoadedQuota.model_fields})


def _seats(row: Mapping[str, Any]) -> SeatsRow:
    return SeatsRow.model_validate({name: row["values"][name] for name in SeatsRow.model_fields})


def _person(row: Mapping[str, Any]) -> OpenLoadedPerson:
    given = {name: value for name, value in row["values"].items() if name in _OF_PERSON}
    return OpenLoadedPerson.model_validate(given | {"kind": row["kind"], "funding": row["funding"]})


def _change(facts: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], today: date, *, baseline: bool) -> ChangeUnit | None:
    """What the unit's row changes of it, from today on: no key item is among it."""
    row = next((row for row in rows if row["sheet"] in _UNIT_SHEETS and set(row["changed"]) - _OF_POSTS), None)
    if row is None:
        return None
    given = {name: row["values"][name] for name in row["changed"] if name not in _OF_POSTS}
    return ChangeUnit.model_validate(given | {"unit_id": facts["id"], "effective_on": today, "baseline": baseline})


async def _close(database: Database, clock: Clock, import_id: UUID) -> None:
    """All units are written, or somebody cancelled: the rest stays as it is."""
    async with database.transaction() as conn:
        rows = await conn.fetch("SELECT written FROM import_units WHERE import_id = $1", import_id)
        total: Counter[str] = Counter()
        for row in rows:
            total.update(row["written"])
        await conn.execute(
            "UPDATE imports SET state = CASE WHEN cancel_asked AND EXISTS (SELECT FROM import_units WHERE import_id = $1 AND state = 'waiting')"
            " THEN $2 ELSE $3 END, written = $4, ended_at = $5, step = step + 1 WHERE id = $1 AND state = $6",
            import_id,
            ImportState.CANCELLED,
            ImportState.APPLIED,
            dict(total),
            clock.now(),
            ImportState.APPLYING,
        )
