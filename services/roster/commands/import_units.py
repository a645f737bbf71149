"""The commands of writing a file: units in blocks, and who is lent out. They write as the commands of daily work do."""

import inspect
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from services.roster.commands.loads import load_units
from services.roster.commands.locks import lock_person, lock_unit
from services.roster.commands.persons import write_update
from services.roster.commands.quotas import set_quota
from services.roster.commands.secondments import extend_secondment, lend, second_person
from services.roster.commands.unit_changes import change_unit
from services.roster.commands.units import New, registered, set_seats
from services.roster.models.imports import BorrowerNotWritten, ChangedMeanwhile, Superseded
from services.roster.models.loads import Loaded, LoadedQuota, LoadedSeats, LoadUnit
from services.roster.models.persons import SealedChange
from services.roster.models.refusals import PersonElsewhere, PersonUnknown
from services.roster.models.requests import RegisterUnit, Request, SetQuota, SetSeats
from services.roster.models.secondments import ExtendSecondment, SecondPerson
from services.roster.models.units import ChangeUnit, NothingChanged
from services.roster.queries.import_facts import times_told
from services.roster.queries.indexes import known_by
from services.roster.queries.loads import units_in_use
from services.roster.queries.secondments import secondments_of
from shared.db import By, Connection, command

Run = Callable[[Connection, By, Any], Awaitable[Any]]
_set_quota: Run = inspect.unwrap(set_quota)
_set_seats: Run = inspect.unwrap(set_seats)
_change_unit: Run = inspect.unwrap(change_unit)
_second_person: Run = inspect.unwrap(second_person)
_extend_secondment: Run = inspect.unwrap(extend_secondment)


class WriteUnit(Request):
    """Everything a file says of one unit. `register_as`: where it is new; `load`: its first load; `quotas`, `seats`: set one by one.
    `told`: how often something was recorded of each of `persons` when he was looked at; `asked`: more than loans was to be written when the file was checked.
    """

    position: int
    unit_id: UUID
    document_no: str = ""
    register_as: RegisterUnit | None = None
    load: LoadUnit | None = None
    quotas: tuple[LoadedQuota, ...] = ()
    seats: tuple[LoadedSeats, ...] = ()
    baseline: bool
    change: ChangeUnit | None = None
    persons: tuple[SealedChange, ...] = ()
    told: dict[UUID, int] = Field(default_factory=dict)
    asked: bool = True


class Written(BaseModel):
    """What was written for one unit. `loans` are counted for the whole file: they come last. `already`: another file has written all of it since the check."""

    units: int = 0
    quotas: int = 0
    seats: int = 0
    persons: int = 0
    history: int = 0
    over_quota: int = 0
    changed: int = 0
    loans: int = 0
    already: int = 0


class WriteUnits(Request):
    """A block of units, parents first. The rows of a checked file do not change: the positions say what is asked."""

    import_id: UUID
    positions: tuple[int, ...]
    units: tuple[WriteUnit, ...] = Field(exclude=True, repr=False)


@command
async def write_units(conn: Connection, by: By, what: WriteUnits) -> int:
    """Write a block of units, all or none; how many. Raises what the single commands raise, Superseded where one of them waits no more, and ChangedMeanwhile."""
    await _claim(conn, what.import_id, what.positions)
    new = [New(unit.unit_id, unit.register_as, unit.document_no) for unit in what.units if unit.register_as]
    if new:
        await registered(conn, by, new)
    loading = [unit.load for unit in what.units if unit.load]
    loaded = {each.unit_id: each for each in await load_units(conn, by, loading)} if loading else {}
    done = []
    for unit in what.units:
        await _set_numbers(conn, by, unit)
        changed = await _change(conn, by, unit)
        done.append((unit.position, "", _written(unit, loaded.get(unit.unit_id), changed)))
    await tick_off(conn, what.import_id, "written", done)
    return len(what.units)


async def _change(conn: Connection, by: By, unit: WriteUnit) -> int:
    """Change the unit and its people; how much. What another file has changed so since the check is no change."""
    changed = len(unit.persons)
    if unit.change is not None:
        with suppress(NothingChanged):
            await _change_unit(conn, replace(by, document_no=None), unit.change)
            changed += 1
    for person in unit.persons:
        await _lock_in(conn, person.person_id, unit.unit_id)
        if await times_told(conn, [person.person_id]) != {person.person_id: unit.told[person.person_id]}:
            raise ChangedMeanwhile
        await write_update(conn, by, person)
    return changed


async def _claim(conn: Connection, import_id: UUID, positions: Sequence[int]) -> None:
    waiting = await conn.fetch(
        "SELECT FROM import_units WHERE import_id = $1 AND position = ANY($2) AND state = 'waiting' ORDER BY position FOR UPDATE",
        import_id,
        list(positions),
    )
    if len(waiting) < len(positions):
        raise Superseded


async def _lock_in(conn: Connection, person_id: UUID, unit_id: UUID) -> None:
    """Lock a person who was of this unit when the file was checked, which may be long ago. Raises PersonElsewhere."""
    await lock_person(conn, person_id)
    if await conn.fetchval("SELECT unit_id FROM persons WHERE id = $1", person_id) != unit_id:
        raise PersonElsewhere


def _written(unit: WriteUnit, loaded: Loaded | None, changed: int) -> Written:
    written = Written(
        units=int(unit.register_as is not None),
        quotas=len(unit.quotas) + (loaded.quotas if loaded else 0),
        seats=len(unit.seats) + (loaded.seats if loaded else 0),
        persons=loaded.placed if loaded else 0,
        history=loaded.history if loaded else 0,
        over_quota=loaded.over_quota if loaded else 0,
        changed=changed,
    )
    return written.model_copy(update={"already": int(unit.asked and written == Written())})


async def _ensure_not_written(conn: Connection, unit: WriteUnit) -> None:
    """None of its numbers stands already, by another file that was written at the same time. Raises ChangedMeanwhile."""
    await lock_unit(conn, unit.unit_id)
    quotas = [(each.kind, each.funding, each.posts, each.document_on, each.use_until) for each in unit.quotas]
    seats = [(each.level, each.approved, each.document_on) for each in unit.seats]
    written = await conn.fetchval(_WRITTEN, unit.unit_id, *_columns(quotas, 5), *_columns(seats, 3))
    if written:
        raise ChangedMeanwhile


def _columns(rows: Sequence[tuple[object, ...]], width: int) -> list[list[object]]:
    return [[row[place] for row in rows] for place in range(width)]


_WRITTEN = """
    SELECT EXISTS (
        SELECT FROM quotas JOIN unnest($2::text[], $3::text[], $4::integer[], $5::date[], $6::date[]) AS told (kind, funding, posts, since, until)
            USING (kind, funding, posts)
        WHERE unit_id = $1 AND upper_inf(during) AND upper_inf(recorded) AND lower(during) = since AND use_until IS NOT DISTINCT FROM until
    ) OR EXISTS (
        SELECT FROM seats JOIN unnest($7::text[], $8::integer[], $9::date[]) AS told (level, approved, since) USING (level, approved)
        WHERE unit_id = $1 AND upper_inf(during) AND upper_inf(recorded) AND lower(during) = since
    )
"""


async def _set_numbers(conn: Connection, by: By, unit: WriteUnit) -> None:
    if unit.quotas or unit.seats:
        await _ensure_not_written(conn, unit)
    for quota in unit.quotas:
        facts = quota.model_dump(exclude={"document_no"}) | {
            "unit_id": unit.unit_id,
            "effective_on": quota.document_on,
            "baseline": unit.baseline,
        }
        await _set_quota(conn, replace(by, document_no=quota.document_no), SetQuota(**facts))
    for row in unit.seats:
        seats = SetSeats(unit_id=unit.unit_id, level=row.level, approved=row.approved, effective_on=row.document_on, baseline=unit.baseline)
        await _set_seats(conn, replace(by, document_no=row.document_no), seats)


async def tick_off(conn: Connection, import_id: UUID, state: str, units: Sequence[tuple[int, str, Written]]) -> None:
    """These units (position, sentence, what was written) wait no more."""
    await conn.executemany(
        "UPDATE import_units SET state = $3, sentence = $4, written = $5 WHERE import_id = $1 AND position = $2",
        [(import_id, position, state, sentence, written.model_dump()) for position, sentence, written in units],
    )
    await conn.execute("UPDATE imports SET units_done = units_done + $2, step = step + 1 WHERE id = $1", import_id, len(units))


class Lend(Request):
    """A person of a unit of the file who works elsewhere. `borrower`: the name or code of a unit of the register, or the name of one outside;
    `borrower_code`: of the unit that the check has found by it.
    """

    import_id: UUID
    sheet: str
    number: int
    unit_id: UUID = Field(exclude=True)
    indexes: dict[int, bytes] = Field(exclude=True, repr=False)
    borrower: str
    borrower_code: str | None = Field(None, exclude=True)
    started_on: date
    until: date
    document_no: str | None = Field(None, exclude=True)


@command
async def lend_person(conn: Connection, by: By, what: Lend) -> UUID:
    """Record a secondment, or a later last day of the one that lasts. Its document is that of the row; a first load alone may lack it.
    Raises PersonElsewhere, BorrowerNotWritten, and what `second_person` and `extend_secondment` raise.
    """
    on_document = replace(by, document_no=what.document_no)
    person_id = (await known_by(conn, [what.indexes])).get(0)
    if person_id is None:
        raise PersonUnknown
    await _lock_in(conn, person_id, what.unit_id)
    for loan in await secondments_of(conn, person_id):
        if loan.ended_on is None and loan.started_on == what.started_on:
            if loan.until == what.until:  # another file has written it since the check
                return loan.secondment_id
            await _extend_secondment(conn, on_document, ExtendSecondment(secondment_id=loan.secondment_id, until=what.until))
            return loan.secondment_id
    borrower_id = await _borrower(conn, what)
    lent = SecondPerson(
        person_id=person_id,
        borrower_id=borrower_id,
        borrower=None if borrower_id else what.borrower,
        started_on=what.started_on,
        until=what.until,
        baseline=not await units_in_use(conn, [what.unit_id]),
    )
    made: UUID = await lend(conn, by, lent, what.document_no) if lent.baseline else await _second_person(conn, on_document, lent)
    return made


async def _borrower(conn: Connection, what: Lend) -> UUID | None:
    """None: a unit outside, which the check did not find either. Raises BorrowerNotWritten."""
    borrowers = await conn.fetch(
        "SELECT id FROM units WHERE (code = $1 OR uscc = $1 OR name = $1) AND upper_inf(valid) LIMIT 2", what.borrower_code or what.borrower
    )
    if what.borrower_code and not borrowers:
        raise BorrowerNotWritten(borrower=what.borrower[:40])
    return borrowers[0]["id"] if len(borrowers) == 1 else None
