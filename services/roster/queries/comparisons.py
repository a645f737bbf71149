"""Comparisons and their differences as they are shown: sensitive values masked, a unit's own to the unit."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.comparisons import STATES, ComparisonState, ComparisonUnknown, DifferenceUnknown
from services.roster.models.facts import place_of
from services.roster.models.fields import SHEETS
from services.roster.models.persons import RECORD, SENSITIVE
from services.roster.queries.difference_values import NARROWED, label_of, may_see, number_of, opened_values, said, shown
from services.roster.queries.exports.columns import words
from services.roster.rules.comparisons import text_of
from services.roster.rules.remedies import remedy
from shared.auth import Who
from shared.crypto import FieldCipher, masked_id_number
from shared.db import Connection
from shared.glossary import LABELS, DifferenceKind, DifferenceState, LeadingSide
from shared.unit_copies import scope


class SheetTally(BaseModel):
    """Rows of one sheet in the file, in the roster, and how many belong together."""

    title: str
    there: int
    here: int
    matched: int


class Unread(BaseModel):
    """A row or cell that could not be compared."""

    sheet: str
    row: int
    column: str
    sentence: str


class ComparisonView(BaseModel):
    """One comparison. `step` rises with whatever changes here. `format` and `leads`: the versions of the column map and of the leading sides.
    `outcome`: differences that are new, come again, stay, stay silent because they are explained, and are closed because they are gone.
    """

    id: UUID
    state: ComparisonState
    state_label: str
    step: int
    file_name: str
    file_bytes: int
    file_hash: str
    format: str
    leads: str
    unit_id: UUID | None
    actor: str
    received_at: datetime
    compared_at: datetime | None
    ended_at: datetime | None
    rows_read: int
    sheets: list[SheetTally]
    outcome: dict[str, int]
    unread: int
    problems: list[Unread]
    note: str


class DifferenceView(BaseModel):
    """One difference; `remedy`: who does what. `ours`, `theirs`: in words, masked where sensitive; `leads`: which side is right by the setting, `decided` as an officer said."""

    id: UUID
    sheet: str
    sheet_label: str
    kind: DifferenceKind
    kind_label: str
    field: str
    field_label: str
    unit_id: UUID | None
    unit: str | None
    person_id: UUID | None
    name: str
    id_number: str | None
    ours: str | None
    theirs: str | None
    leads: LeadingSide
    leads_label: str
    decided: LeadingSide | None
    state: DifferenceState
    state_label: str
    explained: bool
    remedy: str
    change_id: UUID | None
    first_run: UUID
    last_run: UUID
    found_at: datetime
    moved_at: datetime


class StepView(BaseModel):
    """Who moved it, when, to where, why, on which document; `run_id` where a comparison did."""

    at: datetime
    actor: str
    action: str
    state: DifferenceState
    state_label: str
    side: LeadingSide | None
    reason: str
    document_no: str | None
    run_id: UUID | None


class DifferenceInFull(BaseModel):
    """The one answer with the sensitive values; `id_number` of somebody who is not in the roster."""

    id_number: str | None
    ours: str | None
    theirs: str | None


@dataclass(frozen=True)
class Wanted:
    """By what the list is narrowed."""

    run: UUID | None = None
    state: DifferenceState | None = None
    open_only: bool = False
    kind: DifferenceKind | None = None
    leads: LeadingSide | None = None
    sheet: str | None = None
    field: str | None = None
    unit: UUID | None = None
    person: UUID | None = None


@dataclass(frozen=True)
class Standing:
    """A difference as its correction finds it; values as text, `today`: what the roster says of the field now."""

    sheet: str
    kind: DifferenceKind
    field: str
    label: str
    person_id: UUID | None
    ours: str | None
    theirs: str | None
    today: str | None
    side: LeadingSide
    state: DifferenceState


async def comparison_view(conn: Connection, run_id: UUID, who: Who) -> ComparisonView:
    """One comparison: of the whole county to those who see it, else one's own. Raises ComparisonUnknown."""
    row = await conn.fetchrow(
        "SELECT * FROM comparison_runs WHERE id = $3 AND ($1::uuid[] IS NULL OR actor = $2)", scope(who), who.name, run_id
    )
    if row is None:
        raise ComparisonUnknown
    return _run(row)


async def comparisons(conn: Connection, who: Who, before: UUID | None, limit: int) -> list[ComparisonView]:
    """The latest first."""
    rows = await conn.fetch(
        "SELECT * FROM comparison_runs WHERE ($1::uuid[] IS NULL OR actor = $2) AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        *(scope(who), who.name, before, limit),
    )
    return [_run(row) for row in rows]


async def differences(
    conn: Connection, cipher: FieldCipher, who: Who, wanted: Wanted, after: UUID | None, limit: int
) -> list[DifferenceView]:
    """The differences that the caller may see, in the order in which they were found."""
    rows = await conn.fetch(
        f"SELECT cases.*, units.name AS unit FROM comparison_differences cases LEFT JOIN units ON units.id = cases.unit_id"
        f" WHERE {may_see(who)} AND ($2::uuid IS NULL OR cases.id > $2) AND {NARROWED} ORDER BY cases.id LIMIT $12",
        *(scope(who), after, wanted.run, wanted.state, wanted.open_only, wanted.kind, wanted.leads, wanted.sheet, wanted.field),
        *(wanted.unit, wanted.person, limit),
    )
    spoken = await words(conn)
    return [_difference(cipher, row, spoken) for row in rows]


async def difference(conn: Connection, cipher: FieldCipher, difference_id: UUID, who: Who) -> DifferenceView:
    """One of them. Raises DifferenceUnknown."""
    row = await conn.fetchrow(
        f"SELECT cases.*, units.name AS unit FROM comparison_differences cases LEFT JOIN units ON units.id = cases.unit_id"
        f" WHERE {may_see(who)} AND cases.id = $2",
        scope(who),
        difference_id,
    )
    if row is None:
        raise DifferenceUnknown
    return _difference(cipher, row, await words(conn))


async def steps(conn: Connection, difference_id: UUID) -> list[StepView]:
    """What became of a difference, oldest first."""
    rows = await conn.fetch("SELECT * FROM comparison_steps WHERE difference_id = $1 ORDER BY id", difference_id)
    return [StepView(**row, state_label=LABELS[DifferenceState(row["state"])]) for row in rows]


async def in_full(conn: Connection, cipher: FieldCipher, difference_id: UUID) -> DifferenceInFull:
    """The values in plain. The caller has recorded who asks and why."""
    row = await _case(conn, difference_id)
    ours, theirs = opened_values(cipher, row)
    spoken = await words(conn)
    return DifferenceInFull(id_number=number_of(cipher, row), ours=said(row, ours, spoken), theirs=said(row, theirs, spoken))


async def standing_of(conn: Connection, cipher: FieldCipher, difference_id: UUID) -> Standing:
    """A difference with what the roster says today."""
    row = await _case(conn, difference_id)
    ours, theirs = opened_values(cipher, row)
    return Standing(
        row["sheet"],
        DifferenceKind(row["kind"]),
        row["field"],
        label_of(row),
        row["person_id"],
        ours,
        theirs,
        await _today(conn, cipher, row) if row["person_id"] else None,
        LeadingSide(row["decided"] or row["leads"]),
        DifferenceState(row["state"]),
    )


async def _today(conn: Connection, cipher: FieldCipher, case: asyncpg.Record) -> str | None:
    """The value of a person's field now; of his post where it is no field of his record."""
    name, person_id = case["field"], case["person_id"]
    if name not in RECORD:
        return await _post_today(conn, person_id, name)
    value: Any = await conn.fetchval(
        f"SELECT {name} FROM person_records WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)", person_id
    )
    if value is not None and name in SENSITIVE:
        return cipher.decrypt(value, place_of(person_id, name))
    return text_of(value)


async def _post_today(conn: Connection, person_id: UUID, name: str) -> str | None:
    row = await conn.fetchrow(
        "SELECT post.*, lower(post.during) AS started_on,"
        " CASE WHEN moved.placement_id IS NULL THEN post.internal_unit ELSE moved.internal_unit END AS internal_unit,"
        " CASE WHEN moved.placement_id IS NULL THEN post.duty_status ELSE moved.duty_status END AS duty_status"
        " FROM placements post LEFT JOIN LATERAL ("
        "  SELECT placement_id, internal_unit, duty_status FROM post_changes"
        "  WHERE post_changes.placement_id = post.placement_id AND upper_inf(recorded)"
        "  ORDER BY since DESC LIMIT 1) moved ON true WHERE post.person_id = $1 AND upper_inf(post.during) AND upper_inf(post.recorded)",
        person_id,
    )
    return text_of(dict(row).get(name)) if row else None


async def _case(conn: Connection, difference_id: UUID) -> asyncpg.Record:
    row = await conn.fetchrow("SELECT * FROM comparison_differences WHERE id = $1", difference_id)
    if row is None:
        raise DifferenceUnknown
    return row


def _difference(cipher: FieldCipher, row: asyncpg.Record, spoken: dict[str, dict[str, str]]) -> DifferenceView:
    number, kind, side = number_of(cipher, row), DifferenceKind(row["kind"]), LeadingSide(row["decided"] or row["leads"])
    labels = {
        "id_number": number and masked_id_number(number),
        "sheet_label": SHEETS[row["sheet"]].title,
        "kind_label": LABELS[kind],
        "field_label": label_of(row),
        "leads_label": LABELS[side],
        "remedy": "" if row["state"] == DifferenceState.CLOSED else remedy(row["sheet"], kind, side),
        "state_label": LABELS[DifferenceState(row["state"])],
    }
    return DifferenceView(**{**row, **labels, **shown(cipher, row, spoken)})


def _run(row: asyncpg.Record) -> ComparisonView:
    tallies = [SheetTally(title=SHEETS[kind].title, **counts) for kind, counts in row["counts"].items()]
    label = STATES[ComparisonState(row["state"])]
    return ComparisonView(**{**row, "sheets": tallies, "state_label": label, "unit_id": row["root_id"]})
