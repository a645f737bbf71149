"""Persons as they are shown: masked, within the caller's scope; the number in full only through `revealed`, after it was written down."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.models.facts import place_of
from services.roster.models.fields import FROM_INSURANCE, OFF_ESTABLISHMENT, PERSONS
from services.roster.models.persons import RECORD, SENSITIVE
from services.roster.models.refusals import PersonNotRecordedYet, PersonUnknown
from services.roster.queries.codes import Labels, labels
from services.roster.queries.establishments import Moment
from services.roster.queries.facts import as_person, contract_of
from services.roster.queries.seats import seat_of
from services.roster.queries.units import seen
from services.roster.rules.persons import retirement_fact
from shared.auth import Who
from shared.clock import business_day
from shared.crypto import FieldCipher, masked_id_number
from shared.db import Connection
from shared.events.roster import RetirementFact
from shared.pages import Cursors, Order, Paging, Parameters, chosen
from shared.unit_copies import scope


class PlacementView(BaseModel):
    """A person's post; `ended_on` is the day of exit. `counted`: whether it is 编制; `population`: 机关事业, 编外 or 国资, as in `/codes`.
    While the person is lent, `duty_status` says so.
    """

    placement_id: UUID
    unit_id: UUID
    kind: str
    funding: str
    started_on: date
    ended_on: date | None
    entry_reason: str
    exit_reason: str | None
    seat_level: str | None
    authorisation_no: str | None
    authorised_on: date | None
    over_quota_cause: str | None
    transfer_id: UUID | None
    document_no: str | None
    internal_unit: str | None
    duty_status: str | None
    entry_source: str | None
    entered_on: date | None
    entry_document_no: str | None
    off_post_kind: str | None
    employment_form: str | None
    dispatch_company: str | None
    contract_until: date | None
    counted: bool
    population: str


class RecordedPlacement(PlacementView):
    """One version of a placement: what we knew between two instants. `seat_level`, the internal unit, status and contract are those of the first day."""

    recorded_from: datetime
    recorded_until: datetime | None


class PersonView(BaseModel):
    """A person with the post held at the moment asked about. The ID number is masked; of the other sensitive fields one sees only whether they are
    filled in. `retirement_category` is the override; `retirement` what holds: by it, or by post and title.
    """

    person_id: UUID
    name: str
    id_number: str
    sex: str
    birth_on: date
    certified_birth_on: date | None
    ethnicity: str | None
    native_place: str | None
    birth_place: str | None
    political_status: str | None
    party_joined_on: str | None
    work_began_on: date | None
    education: str | None
    degree: str | None
    full_time_education: str | None
    full_time_degree: str | None
    in_service_education: str | None
    in_service_degree: str | None
    school: str | None
    major: str | None
    graduated_on: date | None
    identity: str
    person_class: str | None
    title: str | None
    title_since: date | None
    leadership_level: str | None
    grade: str | None
    post_category: str
    post_grade: str | None
    professional_title: str | None
    professional_title_level: str | None
    above_rank: bool | None
    civil_servant_registered: bool | None
    retirement_category: str | None
    retirement_reason: str | None
    flexible_retirement: str | None
    pension_scheme: str | None
    pension_unit: str | None
    pension_status: str | None
    retirement: RetirementFact
    placement: PlacementView | None


class ChangeView(BaseModel):
    """One change of one field. `since`: none when it was said to have been so always. `matter`: 信息变更 by a case, 更正, 任免 by the office,
    or 信息维护 by the unit.
    `reason` and `document_no` are those of whoever decided; of a case `asked_by`, `asked_reason` and `proof_no` are those of whoever asked for it.
    Sensitive values are masked; `before_label` and `after_label` are the values in words, where a code table has them.
    """

    matter: str
    field: str
    label: str
    placement_id: UUID | None
    since: date | None
    before: str | None
    after: str | None
    before_label: str | None
    after_label: str | None
    at: datetime
    actor: str
    reason: str
    document_no: str | None
    case_id: str | None
    asked_by: str | None
    asked_reason: str | None
    proof_no: str | None


class RevealView(BaseModel):
    """That somebody saw a person's sensitive fields in full."""

    id: int
    person_id: UUID
    actor: str
    reason: str
    at: datetime


class Revealed(BaseModel):
    """The one answer that holds the sensitive fields in full."""

    name: str
    id_number: str
    ethnicity: str | None
    political_status: str | None
    party_joined_on: date | None
    pension_scheme: str | None
    pension_unit: str | None
    pension_status: str | None


async def ensure_visible(conn: Connection, person_id: UUID, who: Who) -> None:
    """The person exists and belongs to a unit in the caller's scope; for the others there is none."""
    known = await conn.fetchval(
        f"SELECT true FROM persons JOIN units ON units.id = persons.unit_id WHERE persons.id = $2 AND {seen(who)}",
        scope(who),
        person_id,
    )
    if not known:
        raise PersonUnknown(person=person_id)


async def person_view(conn: Connection, cipher: FieldCipher, person_id: UUID, who: Who, moment: Moment) -> PersonView:
    """One person with the placement of a day, as known at an instant."""
    await ensure_visible(conn, person_id, who)
    row = await conn.fetchrow(f"{_THEN} AND person_records.person_id = $3", moment.on, moment.known, person_id)
    if row is None:
        raise await _absent(conn, person_id, moment)
    return _view(cipher, row)


async def _absent(conn: Connection, person_id: UUID, moment: Moment) -> PersonUnknown:
    """Why there is nothing to show of a person: nobody had recorded him yet."""
    first = await conn.fetchval("SELECT min(lower(recorded)) FROM person_records WHERE person_id = $1", person_id)
    if moment.known is None or first < moment.known:
        return PersonUnknown(person=person_id)
    return PersonNotRecordedYet(day=business_day(moment.known - timedelta(microseconds=1)), first=business_day(first))


async def history(conn: Connection, person_id: UUID, who: Who) -> list[RecordedPlacement]:
    """Every version of every placement of a person, as they were recorded."""
    await ensure_visible(conn, person_id, who)
    rows = await conn.fetch(
        f"SELECT {_PLACEMENT}, lower(recorded) AS recorded_from, upper(recorded) AS recorded_until FROM placements"
        " WHERE person_id = $1 ORDER BY lower(recorded), lower(during)",
        person_id,
    )
    return [RecordedPlacement(**row) for row in rows]


HISTORY_SORTS = {"recorded_from": {"lower(recorded)": "timestamptz", "lower(during)": "date", "id": "bigint"}}


async def history_page(
    conn: Connection, cursors: Cursors, person_id: UUID, order: Order, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """The same, a page of it, of a person whom the caller may see."""
    put, fields = Parameters(), chosen(paging.fields, RecordedPlacement.model_fields)
    rows = await conn.fetch(
        f"SELECT {_PLACEMENT}, lower(recorded) AS recorded_from, upper(recorded) AS recorded_until, {order.keys} FROM placements"
        f" WHERE person_id = {put(person_id, 'uuid')} AND {order.after(cursors.read(paging.after), put)}"
        f" ORDER BY {order.by} LIMIT {paging.limit + 1}",
        *put,
    )
    return cursors.page(rows, order, paging.limit, fields)


CHANGE_SORTS = {"at": {"person_changes.at": "timestamptz", "person_changes.id": "bigint"}}


async def changes_page(
    conn: Connection, cursors: Cursors, person_id: UUID, order: Order, paging: Paging
) -> tuple[list[dict[str, Any]], str | None]:
    """Every change of the person's fields and of those of his posts, a page of it, of a person whom the caller may see."""
    put, fields = Parameters(), set(chosen(paging.fields, ChangeView.model_fields))
    rows = await conn.fetch(
        f"SELECT {_CHANGES.format(keys=order.keys)} WHERE person_changes.person_id = {put(person_id, 'uuid')}"
        f" AND {order.after(cursors.read(paging.after), put)} ORDER BY {order.by} LIMIT {paging.limit + 1}",
        *put,
    )
    called = await labels(conn, business_day(max(row["at"] for row in rows))) if rows else {}
    lines = [_change(cursors.cipher, row, called).model_dump(include=fields) for row in rows[: paging.limit]]
    return lines, cursors.after(order.of(rows[paging.limit - 1])) if len(rows) > paging.limit else None


async def revealed(conn: Connection, cipher: FieldCipher, person_id: UUID) -> Revealed:
    """The sensitive fields in full. The caller has recorded who asks and why."""
    row = await _latest(conn, person_id)
    return Revealed(name=row["name"], **{name: opened(cipher, person_id, name, row[name]) for name in SENSITIVE})


async def reveals(conn: Connection, person_id: UUID | None, actor: str | None, before: int | None, limit: int) -> list[RevealView]:
    """Who saw somebody's number in full, when and why, newest first; of one person or by one user, or all. For those who audit."""
    rows = await conn.fetch(
        "SELECT id, person_id, actor, reason, at FROM person_reveals WHERE ($1::uuid IS NULL OR person_id = $1)"
        " AND ($2::text IS NULL OR actor = $2) AND ($3::bigint IS NULL OR id < $3) ORDER BY id DESC LIMIT $4",
        person_id,
        actor,
        before,
        limit,
    )
    return [RevealView(**row) for row in rows]


async def id_number_of(conn: Connection, cipher: FieldCipher, person_id: UUID) -> str:
    """The number in full, for a check of the roster's own; it is shown to nobody."""
    return cipher.decrypt((await _latest(conn, person_id))["id_number"], place_of(person_id))


async def _latest(conn: Connection, person_id: UUID) -> asyncpg.Record:
    row = await conn.fetchrow("SELECT * FROM person_records WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)", person_id)
    if row is None:
        raise PersonUnknown(person=person_id)
    return row


def opened(cipher: FieldCipher, person_id: UUID, field: str, data: bytes | None) -> str | None:
    return None if data is None else cipher.decrypt(data, place_of(person_id, field))


def label_of(field: str) -> str:
    """What a field is called in the register."""
    return LABELS.get(field, field)


def masked(cipher: FieldCipher, person_id: UUID, field: str, data: bytes | None) -> str | None:
    """An ID number by its ends; the other sensitive fields have few values, so nothing of them is shown."""
    if data is None:
        return None
    return masked_id_number(cipher.decrypt(data, place_of(person_id))) if field == "id_number" else MASK


def _change(cipher: FieldCipher, row: asyncpg.Record, called: Labels) -> ChangeView:
    fields, name = dict(row), row["field"]
    if name in SENSITIVE:
        fields |= {when: masked(cipher, row["person_id"], name, row[f"sealed_{when}"]) for when in ("before", "after")}
    words = called.get(name, {})
    said = {f"{when}_label": words.get(fields[when], fields[when]) for when in ("before", "after")}
    return ChangeView(**fields, **said, label=label_of(name), matter=_matter(row))


def _matter(row: asyncpg.Record) -> str:
    """A key item is changed by a case or corrected; what is no key item the unit changes from a day on, and the office corrects as it always was."""
    if row["case_id"] is not None:
        return "信息变更"
    if row["field"] == "seat_level" and row["since"] is not None:
        return "任免"
    return "更正" if row["since"] is None or row["field"] in _KEY else "信息维护"


def _view(cipher: FieldCipher, row: asyncpg.Record) -> PersonView:
    fields = dict(row)
    fields |= {name: masked(cipher, row["person_id"], name, row[name]) for name in SENSITIVE}
    placement = PlacementView(**fields) if fields["placement_id"] else None
    return PersonView(**fields, placement=placement, retirement=retirement_fact(as_person(row)))


MASK = "＊"
_KEY = frozenset(field.name for field in PERSONS.fields if field.key)
_CHANGES = """
    person_changes.*, asked.registered_by AS asked_by, asked.reason AS asked_reason, asked.document_no AS proof_no, {keys}
    FROM person_changes LEFT JOIN pending_changes AS asked ON asked.person_id = person_changes.person_id AND asked.state = 'applied'
        AND person_changes.case_id = 'approval:' || asked.application_id
"""
LABELS = {field.name: field.label for field in (*OFF_ESTABLISHMENT.fields, *PERSONS.fields, *FROM_INSURANCE)} | {"ended_on": "出编时间"}
_PLACED = (
    "unit_id, kind, funding, lower(during) AS started_on, upper(during) AS ended_on, entry_reason, exit_reason, seat_level, authorisation_no,"
    " authorised_on, over_quota_cause, transfer_id, placements.document_no, entry_source, entered_on, entry_document_no, off_post_kind"
)


_PLACEMENT = f"""
    placement_id, {_PLACED}, internal_unit, duty_status, employment_form, dispatch_company, contract_until,
    (SELECT counted FROM establishment_kinds WHERE code = kind AND valid @> lower(during)) AS counted,
    (SELECT population FROM establishment_kinds WHERE code = kind AND valid @> lower(during)) AS population
"""


def persons_then(then: Callable[[str], str], day: str, recorded: str) -> str:
    """SELECT … FROM the records that hold, each with the post of that moment (`post`), if there is one. `then`: what holds of a table; `day`: the day
    asked about; `recorded`: what of a row's `recorded` is known. Sensitive fields are encrypted.
    """
    return f"""
    SELECT person_records.person_id, {", ".join(RECORD)}, post.*
    FROM person_records LEFT JOIN LATERAL (
        SELECT placements.placement_id, {_PLACED.replace("seat_level", f"{seat_of('placements', then)} AS seat_level")}, of_kind.counted, of_kind.population,
            CASE WHEN changed.placement_id IS NULL THEN placements.internal_unit ELSE changed.internal_unit END AS internal_unit,
            coalesce(
                (SELECT form FROM secondments WHERE secondments.person_id = placements.person_id AND {then("secondments")}),
                CASE WHEN changed.placement_id IS NULL THEN placements.duty_status ELSE changed.duty_status END
            ) AS duty_status, {contract_of("changed", "placements")}
        FROM placements LEFT JOIN establishment_kinds AS of_kind ON of_kind.code = placements.kind AND of_kind.valid @> {day}
        LEFT JOIN LATERAL (
            SELECT * FROM post_changes
            WHERE post_changes.placement_id = placements.placement_id AND since <= {day} AND {recorded.format("post_changes")}
            ORDER BY since DESC LIMIT 1
        ) AS changed ON true
        WHERE placements.person_id = person_records.person_id AND {then("placements")}
    ) AS post ON true
    WHERE {then("person_records")}
    """


_DAY = "coalesce($1::date, 'infinity')"
_KNOWN = "{0}.recorded @> coalesce($2::timestamptz, 'infinity')"
_THEN = persons_then(f"{{0}}.during @> {_DAY} AND {_KNOWN}".format, _DAY, _KNOWN)
IN_POST = f"{_THEN} AND post.placement_id IS NOT NULL"
"""Everybody in post on the day $1, as known at $2: his record, with his post's fields under their names. Sensitive fields are encrypted."""
