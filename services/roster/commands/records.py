"""A person's record through time: what is so from a day on, as known from an instant on. Every change of a field leaves a line of its own."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from uuid import UUID

import asyncpg

from services.roster.models.persons import RECORD, SENSITIVE
from services.roster.models.refusals import ChangedLater, PersonUnknown
from shared.db import By, Connection
from shared.spelling import spelt_name

_COLUMNS = ("person_id", "recorded", "during", "document_no", "name_key", "letters", "initials", *RECORD)
_WRITE = (
    f"INSERT INTO person_records ({', '.join(_COLUMNS)})"
    f" VALUES ($1, tstzrange($2, NULL), $3, $4, $5, $6, $7, {', '.join(f'${place}' for place in range(8, 8 + len(RECORD)))})"
)
ALWAYS: "asyncpg.Range[date]" = asyncpg.Range()


@dataclass(frozen=True)
class Line:
    """One changed field; `placement_id` where it is of the post. A sensitive value is bytes."""

    field: str
    since: date | None
    before: object
    after: object
    placement_id: UUID | None = None


async def write_records(conn: Connection, by: By, records: Iterable[tuple[UUID, Mapping[str, Any]]]) -> None:
    """The first record of each person: so it always was, known from now on."""
    recorded = asyncpg.Range(by.as_of)
    await conn.copy_records_to_table(
        "person_records",
        columns=_COLUMNS,
        records=[(person_id, recorded, ALWAYS, by.document_no, *_columns(values)) for person_id, values in records],
    )


async def rewrite(conn: Connection, by: By, person_id: UUID, values: Mapping[str, object], since: date | None) -> None:
    """From a day on (none: always) these fields are thus, each up to the later day from which another value of it stands. What was recorded is
    closed, not changed. The caller has locked the person.
    """
    ends = await _ends(conn, person_id, values, since) if since is not None else dict.fromkeys(values, date.max)
    at = await conn.fetchval(
        "SELECT greatest($2, max(lower(recorded)) + interval '1 microsecond') FROM person_records WHERE person_id = $1 AND upper_inf(recorded)",
        person_id,
        by.as_of,
    )
    closed = await conn.fetch(
        "UPDATE person_records SET recorded = tstzrange(lower(recorded), $2)"
        " WHERE person_id = $1 AND upper_inf(recorded) AND during && daterange($3, $4) RETURNING *",
        person_id,
        at,
        since,
        max(ends.values()),
    )
    if not closed:
        raise PersonUnknown(person=person_id)
    told = [(old, {name: value for name, value in values.items() if (old["during"].lower or date.min) < ends[name]}) for old in closed]
    for old, new in told:
        await _replace(conn, by, old, new, since, at)
    await keep_lines(conn, by, person_id, (line for old, new in told for line in _lines(old, new, since)))


async def _ends(conn: Connection, person_id: UUID, fields: Iterable[str], since: date) -> dict[str, date]:
    """Up to which day a value of each field from this day on holds: a later one stands from there (docs/decisions/0056)."""
    steps = await _steps(conn, person_id, since)
    return {name: next((day for day, before, after in steps if before[name] != after[name]), date.max) for name in fields}


async def _steps(conn: Connection, person_id: UUID, since: date) -> list[tuple[date, asyncpg.Record, asyncpg.Record]]:
    """The days after this one on which another record begins, with the one before."""
    rows = await conn.fetch(
        "SELECT * FROM person_records WHERE person_id = $1 AND upper_inf(recorded) AND during && daterange($2, NULL) ORDER BY during",
        person_id,
        since,
    )
    return [(after["during"].lower, before, after) for before, after in pairwise(rows)]


async def _replace(conn: Connection, by: By, old: asyncpg.Record, values: Mapping[str, object], since: date | None, at: datetime) -> None:
    """What was so before the day stays so; from the day on it is as it is told now."""
    start, end = old["during"].lower, old["during"].upper
    if since is not None and (start is None or start < since):
        await _write(conn, old["person_id"], at, asyncpg.Range(start, since), old["document_no"], dict(old))
        start = since
    await _write(conn, old["person_id"], at, asyncpg.Range(start, end), by.document_no, dict(old) | dict(values))


async def _write(
    conn: Connection, person_id: UUID, at: datetime, during: "asyncpg.Range[date]", document_no: str | None, values: Mapping[str, Any]
) -> None:
    await conn.execute(_WRITE, person_id, at, during, document_no, *_columns(values))


def _columns(values: Mapping[str, Any]) -> tuple[object, ...]:
    spelt = spelt_name(values["name"])
    return (spelt.key, spelt.letters, spelt.initials, *map(values.get, RECORD))


def _lines(old: asyncpg.Record, values: Mapping[str, object], since: date | None) -> Iterable[Line]:
    start = old["during"].lower
    begins = start if since is None or (start is not None and start > since) else since
    return (Line(name, begins, old[name], value) for name, value in values.items() if old[name] != value)


async def ensure_nothing_later(conn: Connection, person_id: UUID, fields: Collection[str], since: date) -> None:
    """No later day has another value of one of these fields."""
    for day, before, after in await _steps(conn, person_id, since):
        if any(before[name] != after[name] for name in fields):
            raise ChangedLater(since=day)


async def begins(conn: Connection, person_id: UUID, field: str, since: date) -> bool:
    """Whether the record says that this field became another on this day."""
    rows = await conn.fetch(
        f"SELECT during, {field} FROM person_records WHERE person_id = $1 AND upper_inf(recorded) ORDER BY during", person_id
    )
    return any(after["during"].lower == since and before[field] != after[field] for before, after in pairwise(rows))


async def keep_lines(conn: Connection, by: By, person_id: UUID, lines: Iterable[Line]) -> None:
    """Before, after, who, why, on which document."""
    await conn.executemany(
        "INSERT INTO person_changes (person_id, placement_id, field, since, before, after, sealed_before, sealed_after, at, actor, reason,"
        " document_no, case_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        [
            (
                person_id,
                line.placement_id,
                line.field,
                line.since,
                *_values(line),
                by.as_of,
                by.actor,
                by.reason,
                by.document_no,
                by.case_id,
            )
            for line in lines
        ],
    )


def _values(line: Line) -> tuple[object, ...]:
    if line.field in SENSITIVE:
        return None, None, line.before, line.after
    return _text(line.before), _text(line.after), None, None


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
