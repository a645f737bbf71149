"""The file of a reform, read with what the roster knows: its units as they were the day before, their people, the codes in force."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.models.units import ReformRead, units_named
from services.roster.queries.codes import codes
from services.roster.queries.import_facts import readable
from services.roster.queries.units import seen
from services.roster.rules.imports.cells import Wrong
from services.roster.rules.reform_files import Names, body_of, day_before, givers, mark_of, note_new, read_plan
from shared.auth import Who
from shared.db import Connection
from shared.unit_copies import scope

People = Mapping[str, Mapping[str, list[str]]]
"""By unit, by name and by id: the people who may be meant."""


async def read_reform(conn: Connection, text: str, who: Who, today: date) -> ReformRead:
    """What the caller asks for with a file. He may name the units that he sees."""
    mark = mark_of(text)
    try:
        plan = await asyncio.to_thread(read_plan, text)
    except Wrong as why:
        return _read(mark, wrong=[f"{why}。"])
    before = day_before(plan)
    names = await _names(conn, who, before)
    note_new(plan, names, mark)
    people = await _people(conn, givers(plan, names), before)
    body, wrong = body_of(plan, names, readable(await codes(conn, today)), lambda unit_id: people.get(unit_id, {}))
    if wrong:
        return _read(mark, wrong=[f"{each}。" for each in wrong])
    return _read(mark, body=body, units=_called(body, names), people=_people_called(body, people))


def _read(mark: str, **more: Any) -> ReformRead:
    return ReformRead.model_validate({"key": f"reform:{mark}", "body": None, "units": {}, "people": {}, "wrong": []} | more)


def _called(body: Mapping[str, Any], names: Names) -> dict[str, str]:
    named = {str(each) for step in body["steps"] for each in units_named(step)}
    return {unit_id: names.called[unit_id] for unit_id in sorted(named) if unit_id in names.called}


def _people_called(body: Mapping[str, Any], people: People) -> dict[str, str]:
    wanted = {str(each) for step in body["steps"] for each in step.get("person_ids", ())}
    called = {each: name for of_unit in people.values() for name, ids in of_unit.items() for each in ids if name != each}
    return {each: called[each] for each in sorted(wanted & called.keys())}


async def _names(conn: Connection, who: Who, before: str | None) -> Names:
    """The units the caller sees: as they were that day; those that were not yet there, as they are."""
    rows = await conn.fetch(
        "SELECT DISTINCT ON (units.id) units.id, was.name, was.short_name, units.code, was.uscc FROM units"
        " JOIN unit_records AS was ON was.unit_id = units.id AND upper_inf(was.recorded) AND (was.during @> $2::date OR upper_inf(was.during))"
        f" WHERE {seen(who)} ORDER BY units.id, was.during @> $2::date DESC NULLS LAST",
        scope(who),
        None if before is None else date.fromisoformat(before),
    )
    names = Names()
    for row in rows:
        names.add(str(row["id"]), row["name"], row["short_name"], row["code"], row["uscc"])
    return names


async def _people(conn: Connection, unit_ids: Collection[str], before: str | None) -> People:
    """Who was on these units that day."""
    rows: Iterable[Any] = await conn.fetch(
        "SELECT post.unit_id, post.person_id, person.name FROM placements AS post JOIN person_records AS person"
        " ON person.person_id = post.person_id AND upper_inf(person.recorded) AND person.during @> coalesce($2::date, 'infinity')"
        " WHERE post.unit_id = ANY($1::uuid[]) AND upper_inf(post.recorded) AND post.during @> coalesce($2::date, 'infinity')"
        " ORDER BY post.person_id",
        [UUID(each) for each in unit_ids],
        None if before is None else date.fromisoformat(before),
    )
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        of_unit, person_id = found[str(row["unit_id"])], str(row["person_id"])
        of_unit[row["name"]].append(person_id)
        of_unit[person_id] = [person_id]
    return found
