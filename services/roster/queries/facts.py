"""What decisions need to know, as the rules take it. Commands ask under their locks, advice asks without."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from services.roster.models.facts import EntryFacts, Nature, PersonRecord, Placement, PostFacts, Reservation
from services.roster.models.refusals import (
    CategoryUnknown,
    FundingUnknown,
    KindNotAllowed,
    KindUnknown,
    PersonUnknown,
    PlacementUnknown,
    ReasonUnknown,
    ReservationUnknown,
    UnitUnknown,
)
from services.roster.models.requests import CONTRACT, PlacePerson
from services.roster.models.units import UnitClosedBefore
from services.roster.queries.codes import row_words
from services.roster.queries.establishments import ROW_NOW, establishment
from services.roster.rules.posts import STOPPED_BY
from shared.db import Connection
from shared.events.roster import EstablishmentState
from shared.glossary import FreezeScope, PersonIdentity, PostCategory
from shared.law.retirement import Category, Sex
from workflows.roster import PostRequest

_PLACEMENT = """
    SELECT placement_id, person_id, unit_id, kind, funding, lower(during) AS started_on, upper(during) AS ended_on, entry_reason, exit_reason,
        seat_level, authorisation_no, authorised_on, over_quota_cause, transfer_id, document_no, internal_unit, duty_status, entry_source,
        entry_document_no, off_post_kind, employment_form, dispatch_company, contract_until, entered_on
    FROM placements
"""
_PERSON = (
    "person_id, sex, birth_on, certified_birth_on, identity, post_category, title, professional_title, retirement_category, leadership_level,"
    " retirement_reason, flexible_retirement, person_records.name"
)
_CODES = """
    category, upper(units.valid) AS closed_on, EXISTS (SELECT FROM establishment_kinds WHERE code = $2 AND valid @> $4::date) AS kind_known,
    EXISTS (SELECT FROM fundings WHERE code = $3 AND valid @> $4::date) AS funding_known,
    EXISTS (SELECT FROM allowed_kinds WHERE allowed_kinds.category = units.category AND kind = $2 AND valid @> $4::date) AS allowed
"""
_ENTRY = f"""
    SELECT {_CODES}, EXISTS (SELECT FROM entry_reasons WHERE code = $5 AND valid @> $4::date) AS reason_known,
        ARRAY(SELECT id FROM freeze_orders WHERE root_unit_id = ANY(path) AND upper_inf(in_force)
            AND CASE held.population WHEN 'off_establishment' THEN 'off_establishment' ELSE $6 END = ANY(scopes) ORDER BY id) AS frozen_by,
        coalesce(held.population, 'public') AS population,
        ARRAY(SELECT upper(during) FROM placements WHERE person_id = $7 AND upper_inf(recorded)) AS post_ends, post.*, {_PERSON}
    FROM ({ROW_NOW}) AS post, person_records, units LEFT JOIN establishment_kinds AS held ON held.code = $2 AND held.valid @> $4::date
    WHERE units.id = $1 AND person_id = $7 AND upper_inf(during) AND upper_inf(recorded)
"""
_RESERVATION = """
    SELECT id, unit_id, kind, funding, posts, unspent, authorisation_no, authorised_on, expires_on, recalled_on,
        (SELECT count(*) FROM holds WHERE reservation_id = reservations.id) AS held
    FROM reservations
"""


async def ensure_known_category(conn: Connection, category: str, on: date) -> None:
    """The category is in the code table on this day."""
    if not await conn.fetchval("SELECT true FROM unit_categories WHERE code = $1 AND valid @> $2::date", category, on):
        raise CategoryUnknown(category=category)


async def ensure_known_row(conn: Connection, unit_id: UUID, kind: str, funding: str, on: date) -> None:
    """Kind and funding are in the code tables on this day."""
    _ensure_codes(await _row_codes(conn, unit_id, kind, funding, on), kind, funding)


async def ensure_known_rows(conn: Connection, rows: Collection[tuple[str, str]], on: date) -> None:
    """The same for several pairs of kind and funding, whatever their units."""
    codes = await conn.fetch(
        "SELECT kind, funding, EXISTS (SELECT FROM establishment_kinds WHERE code = kind AND valid @> $3::date) AS kind_known,"
        " EXISTS (SELECT FROM fundings WHERE code = funding AND valid @> $3::date) AS funding_known"
        " FROM unnest($1::text[], $2::text[]) AS asked (kind, funding)",
        [kind for kind, _ in rows],
        [funding for _, funding in rows],
        on,
    )
    for row in codes:
        _ensure_codes(row, row["kind"], row["funding"])


async def ensure_allowed_row(conn: Connection, unit_id: UUID, kind: str, funding: str, on: date) -> None:
    """Besides, the unit's category may hold the kind."""
    row = await _row_codes(conn, unit_id, kind, funding, on)
    _ensure_codes(row, kind, funding)
    if not row["allowed"]:
        raise KindNotAllowed(**(await row_words(conn))(category=row["category"], kind=kind))


async def _row_codes(conn: Connection, unit_id: UUID, kind: str, funding: str, on: date) -> asyncpg.Record:
    row = await conn.fetchrow(f"SELECT {_CODES} FROM units WHERE id = $1", unit_id, kind, funding, on)
    if row is None:
        raise UnitUnknown(unit=unit_id)
    _ensure_open(row)
    return row


def _ensure_open(row: asyncpg.Record) -> None:
    if row["closed_on"] is not None:
        raise UnitClosedBefore(closed_on=row["closed_on"])


def _ensure_codes(row: asyncpg.Record, kind: str, funding: str) -> None:
    if not row["kind_known"]:
        raise KindUnknown(kind=kind)
    if not row["funding_known"]:
        raise FundingUnknown(funding=funding)


async def ensure_known_entry(conn: Connection, reason: str, on: date) -> None:
    """The entry reason is in the code table on this day."""
    if not await conn.fetchval("SELECT true FROM entry_reasons WHERE code = $1 AND valid @> $2::date", reason, on):
        raise ReasonUnknown(reason=reason)


async def ensure_known_exit(conn: Connection, reason: str, on: date) -> None:
    """The exit reason is in the code table on this day."""
    if not await conn.fetchval("SELECT true FROM exit_reasons WHERE code = $1 AND valid @> $2::date", reason, on):
        raise ReasonUnknown(reason=reason)


async def entry_facts(conn: Connection, what: PlacePerson, on: date) -> EntryFacts:
    """What an entry by the office stands on, in one question: known codes, a kind the unit may hold, and all that the rules judge."""
    row = await conn.fetchrow(_ENTRY, what.unit_id, what.kind, what.funding, on, what.entry_reason, FreezeScope.ENTRY, what.person_id)
    if row is None:
        raise PersonUnknown(person=what.person_id)
    _ensure_open(row)
    if not row["reason_known"]:
        raise ReasonUnknown(reason=what.entry_reason)
    _ensure_codes(row, what.kind, what.funding)
    if not row["allowed"]:
        raise KindNotAllowed(**(await row_words(conn))(category=row["category"], kind=what.kind))
    before = EstablishmentState.model_validate(dict(row))
    return EntryFacts(before, tuple(row["frozen_by"]), tuple(row["post_ends"]), as_person(row), row["population"])


async def frozen_by(conn: Connection, unit_id: UUID, scope: FreezeScope, kind: str | None = None) -> tuple[UUID, ...]:
    """The freeze orders in force for a scope, on the unit or anywhere above it. 编外 kinds have a scope of their own, whatever is asked for."""
    return (await frozen_among(conn, [(unit_id, kind)], scope)).get((unit_id, kind), ())


async def frozen_among(
    conn: Connection, asked: Collection[tuple[UUID, str | None]], scope: FreezeScope
) -> dict[tuple[UUID, str | None], tuple[UUID, ...]]:
    """The same of several units and kinds; of those that are frozen."""
    rows = await conn.fetch(
        "SELECT asked.unit_id, asked.kind, array_agg(freeze_orders.id ORDER BY freeze_orders.id) AS orders"
        " FROM unnest($1::uuid[], $2::text[]) AS asked (unit_id, kind)"
        " JOIN units ON units.id = asked.unit_id JOIN freeze_orders ON root_unit_id = ANY(path)"
        " WHERE upper_inf(in_force) AND coalesce((SELECT population FROM establishment_kinds"
        " WHERE code = asked.kind AND population = 'off_establishment' AND upper_inf(valid)), $3) = ANY(scopes) GROUP BY 1, 2",
        [unit_id for unit_id, _ in asked],
        [kind for _, kind in asked],
        scope,
    )
    return {(row["unit_id"], row["kind"]): tuple(row["orders"]) for row in rows}


async def natures_of(conn: Connection, kinds: Collection[str]) -> dict[str, Nature]:
    """What each of these kinds is, by its newest row."""
    rows = await conn.fetch(
        "SELECT DISTINCT ON (code) code, counted, population, label FROM establishment_kinds WHERE code = ANY($1) ORDER BY code, upper(valid) DESC",
        list(kinds),
    )
    return {row["code"]: Nature(row["counted"], row["population"], row["label"]) for row in rows}


def contract_of(change: str, post: str) -> str:
    """The columns of a contract: as the last change of the post tells it, if one did, else as the post began."""
    return ", ".join(f"CASE WHEN {change}.renewed THEN {change}.{name} ELSE {post}.{name} END AS {name}" for name in sorted(CONTRACT))


async def placement(conn: Connection, placement_id: UUID) -> Placement:
    """One placement as known now."""
    row = await conn.fetchrow(f"{_PLACEMENT} WHERE placement_id = $1 AND upper_inf(recorded)", placement_id)
    if row is None:
        raise PlacementUnknown(placement=placement_id)
    return Placement(**row)


async def placements_of(conn: Connection, person_id: UUID) -> tuple[Placement, ...]:
    """A person's placements as known now, oldest first."""
    rows = await conn.fetch(f"{_PLACEMENT} WHERE person_id = $1 AND upper_inf(recorded) ORDER BY during", person_id)
    return tuple(Placement(**row) for row in rows)


async def person_record(conn: Connection, person_id: UUID) -> PersonRecord:
    """A person as known now."""
    person = await known_person(conn, person_id)
    if person is None:
        raise PersonUnknown(person=person_id)
    return person


async def known_person(conn: Connection, person_id: UUID) -> PersonRecord | None:
    """The same; none where there is no such person."""
    row = await conn.fetchrow(
        f"SELECT {_PERSON} FROM person_records WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)", person_id
    )
    return as_person(row) if row else None


def as_person(row: asyncpg.Record | Mapping[str, Any]) -> PersonRecord:
    """What rules may know of a person, from one of his records."""
    return PersonRecord(
        person_id=row["person_id"],
        name=row["name"],
        sex=Sex(row["sex"]),
        birth_on=row["birth_on"],
        certified_birth_on=row["certified_birth_on"],
        identity=PersonIdentity(row["identity"]),
        post_category=PostCategory(row["post_category"]),
        title=row["title"],
        professional_title=row["professional_title"],
        retirement_override=Category(row["retirement_category"]) if row["retirement_category"] else None,
        leadership_level=row["leadership_level"],
        retirement_reason=row["retirement_reason"],
        flexible_retirement=row.get("flexible_retirement"),
    )


async def reservation_by_id(conn: Connection, reservation_id: UUID) -> Reservation:
    """An authorised use."""
    row = await conn.fetchrow(f"{_RESERVATION} WHERE id = $1", reservation_id)
    if row is None:
        raise ReservationUnknown
    return Reservation(**row)


async def reservation(conn: Connection, reservation_id: UUID, unit_id: UUID, kind: str, funding: str) -> Reservation | None:
    """An authorised use, if it is one of this row."""
    row = await conn.fetchrow(
        f"{_RESERVATION} WHERE id = $1 AND unit_id = $2 AND kind = $3 AND funding = $4",
        reservation_id,
        unit_id,
        kind,
        funding,
    )
    return None if row is None else Reservation(**row)


async def post_facts(conn: Connection, request: PostRequest, today: date) -> PostFacts:
    """All that decides about what an application asks for."""
    scope = STOPPED_BY.get(request.application_type)
    codes = await _row_codes(conn, request.unit_id, request.kind, request.funding, today)
    on_rosters = await placements_of(conn, request.person_id) if request.person_id else ()
    return PostFacts(
        establishment=await establishment(conn, request.unit_id, request.kind, request.funding),
        kind_allowed=codes["allowed"],
        words=await row_words(conn),
        category=codes["category"],
        frozen_by=await frozen_by(conn, request.unit_id, scope, request.kind) if scope else (),
        buried_revision=await buried_revision(conn, request.application_id),
        reservation=await reservation(conn, request.reservation_id, request.unit_id, request.kind, request.funding)
        if request.reservation_id
        else None,
        holds_one=await _holds(conn, request.application_id, request.reservation_id),
        on_rosters=on_rosters,
        natures=await natures_of(conn, {request.kind, *(each.kind for each in on_rosters)}),
        person=await known_person(conn, request.person_id) if request.person_id else None,
    )


async def buried_revision(conn: Connection, application_id: UUID) -> int:
    """The last revision of an application that gave back what it had; 0 for none."""
    return await conn.fetchval("SELECT max(revision) FROM tombstones WHERE application_id = $1", application_id) or 0


async def _holds(conn: Connection, application_id: UUID, reservation_id: UUID | None) -> bool:
    held = await conn.fetchval("SELECT true FROM holds WHERE application_id = $1 AND reservation_id = $2", application_id, reservation_id)
    return bool(held)
