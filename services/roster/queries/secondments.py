"""Who works where: people lent and borrowed, on a day, as known at an instant. None of it changes a count of posts."""

from collections import defaultdict
from datetime import date
from typing import Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.secondments import Limits, Secondment, SecondmentForm, SecondmentUnknown
from services.roster.queries.establishments import Moment
from shared.db import Connection

_SECONDMENT = """
    SELECT secondment_id, person_id, lender_id, borrower_id, borrower, form, lower(during) AS started_on, until, upper(during) AS ended_on,
        secondments.document_no
    FROM secondments
"""
_DOCUMENTS = """
    SELECT secondment_id, deed, document_no FROM (
        SELECT secondment_id, document_no, recorded, lag(document_no) OVER versions AS last,
            CASE WHEN lag(until) OVER versions IS NULL THEN 'begun' WHEN until > lag(until) OVER versions THEN 'extended' ELSE 'ended' END AS deed
        FROM secondments WHERE person_id = $1 WINDOW versions AS (PARTITION BY secondment_id ORDER BY recorded)
    ) AS version WHERE document_no IS NOT NULL AND document_no IS DISTINCT FROM last ORDER BY recorded
"""
_THEN = "during @> coalesce($1::date, 'infinity') AND recorded @> coalesce($2::timestamptz, 'infinity')"


class SecondmentView(BaseModel):
    """One loan. `until` is the last day approved; `overdue`: it was over on the day asked about, and the person is not back. `document_no`: none
    where nothing approved it.
    """

    secondment_id: UUID
    person_id: UUID
    lender_id: UUID
    borrower_id: UUID | None
    borrower: str | None
    form: SecondmentForm
    started_on: date
    until: date
    ended_on: date | None
    document_no: str | None
    overdue: bool


class LoanDocument(BaseModel):
    """One that a loan rests on, and what it did: `begun`, `extended`, `ended`."""

    deed: Literal["begun", "extended", "ended"]
    document_no: str


class LoanView(SecondmentView):
    """A loan with all its documents in the order in which they were recorded; a change without one of its own adds none."""

    documents: list[LoanDocument]


class WorkerView(SecondmentView):
    """A loan with who it is: enough to know whom one works with, no more of the person."""

    name: str
    title: str | None


class WorkingHere(BaseModel):
    """在此工作: `in_post` (of every population), less those lent, with those borrowed. `borrowed` and `lent` stand apart from the establishment."""

    in_post: int
    working_here: int
    borrowed: list[WorkerView]
    lent: list[WorkerView]


async def limits(conn: Connection, on: date) -> Limits:
    """The office's limits in force on a day."""
    rows = await conn.fetch("SELECT name, value FROM parameters WHERE name LIKE 'secondment%' AND valid @> $1::date", on)
    value = {row["name"]: row["value"] for row in rows}
    return Limits(
        value["secondment_months"], value["secondment_total_months"], value["secondment_rest_months"], value["secondment_notice_days"]
    )


async def secondment(conn: Connection, secondment_id: UUID) -> Secondment:
    """One secondment as known now."""
    row = await conn.fetchrow(f"{_SECONDMENT} WHERE secondment_id = $1 AND upper_inf(recorded)", secondment_id)
    if row is None:
        raise SecondmentUnknown(secondment=secondment_id)
    return Secondment(**row)


async def secondments_of(conn: Connection, person_id: UUID) -> tuple[Secondment, ...]:
    """A person's secondments as known now, oldest first."""
    rows = await conn.fetch(f"{_SECONDMENT} WHERE person_id = $1 AND upper_inf(recorded) ORDER BY during", person_id)
    return tuple(Secondment(**row) for row in rows)


async def secondment_views(conn: Connection, person_id: UUID, today: date) -> list[LoanView]:
    """All loans of a person as known now, oldest first."""
    rows = await conn.fetch(f"{_SECONDMENT} WHERE person_id = $1 AND upper_inf(recorded) ORDER BY during", person_id)
    documents = await _documents(conn, person_id)
    return [LoanView(**row, overdue=_overdue(row, Moment(), today), documents=documents[row["secondment_id"]]) for row in rows]


async def _documents(conn: Connection, person_id: UUID) -> dict[UUID, list[LoanDocument]]:
    """By loan."""
    found: dict[UUID, list[LoanDocument]] = defaultdict(list)
    for row in await conn.fetch(_DOCUMENTS, person_id):
        found[row["secondment_id"]].append(LoanDocument(deed=row["deed"], document_no=row["document_no"]))
    return found


async def working_here(conn: Connection, unit_id: UUID, moment: Moment, today: date) -> WorkingHere:
    """Who works at a unit at a moment, whoever keeps the post."""
    in_post: int = await conn.fetchval(
        f"SELECT count(*) FROM placements WHERE unit_id = $3 AND ({_THEN}) IS TRUE", moment.on, moment.known, unit_id
    )
    rows = await conn.fetch(
        f"{_WORKER} WHERE (borrower_id = $3 OR lender_id = $3) ORDER BY started_on, secondment_id", moment.on, moment.known, unit_id
    )
    views = [WorkerView(**row, overdue=_overdue(row, moment, today)) for row in rows]
    borrowed, lent = [[each for each in views if getattr(each, side) == unit_id] for side in ("borrower_id", "lender_id")]
    return WorkingHere(in_post=in_post, working_here=in_post - len(lent) + len(borrowed), borrowed=borrowed, lent=lent)


def _overdue(row: asyncpg.Record, moment: Moment, today: date) -> bool:
    """Not back on the day asked about, which lies after the last day approved."""
    return row["ended_on"] is None and (moment.on or today) > row["until"]


_WORKER = f"""
    SELECT lent.*, person.name, person.title FROM ({_SECONDMENT} WHERE {_THEN}) AS lent
    JOIN person_records AS person ON person.person_id = lent.person_id
        AND person.during @> coalesce($1::date, 'infinity') AND person.recorded @> coalesce($2::timestamptz, 'infinity')
"""
