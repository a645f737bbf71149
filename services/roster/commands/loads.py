"""A unit's first load (期初建账): one command, one transaction. What the other commands guard is guarded here, by the same rules.

Its people are told of together (`UnitLoaded`), not one by one. People beyond a quota are not refused and not hidden: they are recorded as 历史遗留, 待定性, the latest entries first.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.roster.commands.load_people import Load, Row, Told, load_persons
from services.roster.commands.locks import hold_paths, take_versions
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.quotas import add_first_posts
from services.roster.commands.units import New, add_first_seats, registered
from services.roster.models.loads import Loaded, LoadRefused, LoadUnit
from services.roster.models.requests import RegisterUnit
from services.roster.queries.establishments import establishments_of
from services.roster.queries.facts import ensure_known_rows
from services.roster.queries.indexes import known_by
from services.roster.queries.loads import Standing, seats_standing, standings
from services.roster.rules.posts import ensure_not_frozen
from shared import outbox
from shared.db import By, Connection, Database, command
from shared.events.envelope import uuid7
from shared.events.roster import EstablishmentState, QuotaChanged, SeatsChanged, SeatsState


async def counted_anew(database: Database) -> None:
    """What the planner knows of the tables, brought up to what a load has put into them."""
    async with database.transaction() as conn:
        await conn.execute("ANALYZE units, unit_records, quotas, persons, person_records, placements")


@command
async def load_unit(conn: Connection, by: By, what: LoadUnit) -> Loaded:
    """Load one unit with its quotas and people; what is there and equal stays. Raises LoadRefused, and what registering raises."""
    return (await load_units(conn, by, [what]))[0]


async def load_units(conn: Connection, by: By, whats: Sequence[LoadUnit]) -> list[Loaded]:
    """The same for several units, parents first. Whatever is refused of one, nothing of all is written."""
    document_no = document_of(by)
    days = [row.document_on for what in whats for row in what.quotas] + [row.document_on for what in whats for row in what.seats]
    people = [person for what in whats for person in what.persons]
    today = today_of(by, *days, *(what.valid_from for what in whats), *(each.ended_on or each.started_on for each in people))
    founds = await _locked_standings(conn, whats, today)
    loads = [Load(what, found, found.unit_id or uuid7()) for what, found in zip(whats, founds, strict=True)]
    await ensure_known_rows(conn, {(row.kind, row.funding) for load in loads for row in load.quotas}, today)
    await _register(conn, by, [load for load in loads if load.found.unit_id is None], document_no)
    await add_first_posts(conn, by, [(load.unit_id, row) for load in loads for row in load.quotas])
    await add_first_seats(conn, by, [(load.unit_id, row) for load in loads for row in load.what.seats])
    rows = await establishments_of(conn, {key for load in loads for key in load.rows})
    told = _quotas_told(loads, rows) + await load_persons(conn, by, loads, rows)
    told += await _seats_told(conn, loads, document_no)
    await _publish(conn, by, told)
    beyond = Counter(each.unit_id for each in told for person in each.facts.get("people", ()) if person.cause is not None)
    return [load.done(beyond[load.unit_id]) for load in loads]


async def _locked_standings(conn: Connection, whats: Sequence[LoadUnit], today: date) -> list[Standing]:
    """Persons first, then the paths, then the units: nobody gets a post meanwhile, and no freeze slips in."""
    known = await known_by(conn, [person.indexes for what in whats for person in what.persons])
    if known:
        await conn.execute("SELECT FROM persons WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(known.values()))
    rows = await conn.fetch("SELECT id FROM units WHERE code = ANY($1) ORDER BY id", [what.code for what in whats])
    ids = [row["id"] for row in rows]
    await hold_paths(conn, *ids, *{what.parent_id for what in whats if what.parent_id})
    await conn.execute("SELECT FROM units WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE", ids)
    founds = await standings(conn, whats, today, all_new=not known)
    for what, found in zip(whats, founds, strict=True):
        if found.problems:
            raise LoadRefused(first=found.problems[0].sentence, count=len(found.problems))
        if what.persons:
            ensure_not_frozen(found.frozen_by)
    return founds


async def _register(conn: Connection, by: By, loads: Sequence[Load], document_no: str) -> None:
    new = [
        New(
            load.unit_id,
            RegisterUnit(
                **{name: getattr(load.what, name) for name in ("name", "code", "uscc", "category", "parent_id", "valid_from")},
                baseline=True,
            ),
            document_no,
        )
        for load in loads
    ]
    if new:
        await registered(conn, by, new)


def _quotas_told(loads: Sequence[Load], rows: Mapping[Row, EstablishmentState]) -> list[Told]:
    """One event for what one document approved of a unit."""
    told = []
    for load in loads:
        for document in sorted({(row.document_no, row.document_on) for row in load.quotas}):
            states = [rows[load.unit_id, row.kind, row.funding] for row in load.quotas if (row.document_no, row.document_on) == document]
            facts = {"establishments": tuple(states), "effective_on": document[1]}
            told.append(Told(load.unit_id, QuotaChanged, facts, document[0]))
    return told


async def _seats_told(conn: Connection, loads: Sequence[Load], document_no: str) -> list[Told]:
    """One event for what one document approved of a unit, and one for the further levels that its people take."""
    documents = {(load.unit_id, row.level): row.document_no for load in loads for row in load.what.seats}
    for taken in {(load.unit_id, person.seat_level): None for load in loads for person in load.persons if person.seat_level}:
        documents.setdefault(taken, document_no)
    standing = await seats_standing(conn, documents)
    states: dict[tuple[UUID, str], list[SeatsState]] = {}
    for key, document in documents.items():
        states.setdefault((key[0], document), []).append(standing[key])
    return [
        Told(unit_id, SeatsChanged, {**dict(first), "others": tuple(others)}, document_no)
        for (unit_id, document_no), (first, *others) in states.items()
    ]


async def _publish(conn: Connection, by: By, told: Sequence[Told]) -> None:
    """One rising version per unit."""
    versions = await take_versions(conn, Counter(each.unit_id for each in told))
    events = []
    for each in told:
        versions[each.unit_id] += 1
        common = {"occurred_at": by.as_of, "unit_id": each.unit_id, "version": versions[each.unit_id], "baseline": True}
        events.append((replace(by, document_no=each.document_no), each.event(**common, document_no=each.document_no, **each.facts)))
    await outbox.append_all(conn, events)
