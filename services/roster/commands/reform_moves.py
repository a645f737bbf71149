"""Who and what changes units in a reform: people, from one day to the next and with one id on both halves, and authorised uses of a merged unit."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import asyncpg

from services.roster.commands.reservations import count_reserved, reserved_on
from services.roster.commands.spans import ended
from services.roster.commands.unit_events import Batch, Told
from services.roster.models.refusals import PersonNotHere
from services.roster.models.units import EntryAfterReform, InternalUnitLeft
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import person_record
from services.roster.queries.seats import SEAT_NOW
from services.roster.rules.persons import retirement_due
from services.roster.rules.reforms import settled_causes
from shared.db import By, Connection
from shared.events.envelope import uuid7
from shared.events.roster import OverQuotaRecorded, PersonPlaced, PersonReleased, ReservationMoved
from shared.glossary import OverQuotaCause

REASON = "reallocation"


@dataclass
class Mover:
    """One person's way; `placement_id` is the new one. `cause` is settled when all have arrived."""

    person_id: UUID
    person_version: int
    placement_id: UUID
    giver: UUID
    taker: UUID
    kind: str
    funding: str
    seat_level: str | None
    cause: OverQuotaCause | None


async def move_people(conn: Connection, by: By, batch: Batch, giver: UUID, taker: UUID, person_ids: Sequence[UUID] | None) -> list[Mover]:
    """End their placements on the day and begin new ones, the same in all else. Raises PersonNotHere, EntryAfterReform.

    With `person_ids` none all go, and keep their leadership seats. Posts are not judged here: the reform's balance is, at its end.
    """
    rows = await _leaving(conn, batch, giver, person_ids)
    versions = await _take_persons(conn, taker, [row["person_id"] for row in rows])
    movers = [
        Mover(
            person_id=row["person_id"],
            person_version=versions[row["person_id"]],
            placement_id=uuid7(),
            giver=giver,
            taker=taker,
            kind=row["kind"],
            funding=row["funding"],
            seat_level=row["seat_level"] if person_ids is None else None,
            cause=OverQuotaCause(row["over_quota_cause"]) if row["over_quota_cause"] else None,
        )
        for row in rows
    ]
    await _write(conn, by, batch, [row["id"] for row in rows], movers)
    return movers


async def _leaving(conn: Connection, batch: Batch, giver: UUID, person_ids: Sequence[UUID] | None) -> list[asyncpg.Record]:
    """The placements that end, all of them begun before the day."""
    rows: list[asyncpg.Record] = await conn.fetch(
        f"SELECT id, placement_id, person_id, kind, funding, {SEAT_NOW} AS seat_level, over_quota_cause, lower(during) AS since FROM placements"
        " WHERE unit_id = $1 AND upper_inf(during) AND upper_inf(recorded) AND ($2::uuid[] IS NULL OR person_id = ANY($2)) ORDER BY person_id",
        giver,
        person_ids,
    )
    if person_ids is not None and len(rows) < len(set(person_ids)):
        raise PersonNotHere
    late = [row["since"] for row in rows if row["since"] >= batch.since]
    if late:
        raise EntryAfterReform(people=len(late), day=max(late))
    return rows


async def _take_persons(conn: Connection, taker: UUID, person_ids: list[UUID]) -> dict[UUID, int]:
    """Who came between the reform's first lock and its units' is locked here; a deadlock with him is tried again."""
    await conn.execute("SELECT FROM persons WHERE id = ANY($1) ORDER BY id FOR UPDATE", person_ids)
    rows = await conn.fetch(
        "UPDATE persons SET version = version + 1, unit_id = $2 WHERE id = ANY($1) RETURNING id, version", person_ids, taker
    )
    return {row["id"]: row["version"] for row in rows}


async def _write(conn: Connection, by: By, batch: Batch, ids: list[int], movers: list[Mover]) -> None:
    """Close what was recorded; record the placement that ends and the one that begins, from the same instant on.

    A row is copied whole (`jsonb_populate_record`), but for what is named: whatever a placement may hold goes along.
    """
    both = (ids, batch.since, REASON, batch.reform_id, by.document_no)
    await conn.execute(f"UPDATE placements SET {ended('recorded', '$2')} WHERE id = ANY($1)", ids, by.as_of)
    await conn.execute(
        "INSERT INTO placements OVERRIDING USER VALUE SELECT ended.* FROM placements old, jsonb_populate_record(old, jsonb_build_object("
        " 'during', daterange(lower(old.during), $2), 'recorded', tstzrange(upper(old.recorded), NULL), 'exit_reason', $3::text,"
        " 'transfer_id', $4::uuid, 'document_no', $5::text)) AS ended WHERE old.id = ANY($1)",
        *both,
    )
    await conn.execute(
        "INSERT INTO placements OVERRIDING USER VALUE SELECT begun.* FROM placements old"
        " JOIN unnest($6::uuid[], $7::uuid[], $8::uuid[], $9::text[]) AS mover (person_id, placement_id, unit_id, seat_level) USING (person_id),"
        " jsonb_populate_record(old, jsonb_build_object('placement_id', mover.placement_id, 'unit_id', mover.unit_id,"
        " 'during', daterange($2, NULL), 'recorded', tstzrange(upper(old.recorded), NULL), 'entry_reason', $3::text, 'transfer_id', $4::uuid,"
        " 'document_no', $5::text, 'entry_document_no', $5::text, 'seat_level', mover.seat_level) || coalesce((SELECT jsonb_build_object("
        "  'internal_unit', internal_unit, 'duty_status', duty_status) FROM post_changes WHERE post_changes.placement_id = old.placement_id"
        "  AND upper_inf(post_changes.recorded) ORDER BY since DESC LIMIT 1), '{}') || coalesce((SELECT jsonb_build_object("
        "  'employment_form', employment_form, 'dispatch_company', dispatch_company, 'contract_until', contract_until) FROM post_changes"
        "  WHERE post_changes.placement_id = old.placement_id AND upper_inf(post_changes.recorded) AND renewed ORDER BY since DESC LIMIT 1), '{}'))"
        " AS begun WHERE old.id = ANY($1)",
        *both,
        [mover.person_id for mover in movers],
        [mover.placement_id for mover in movers],
        [mover.taker for mover in movers],
        [mover.seat_level for mover in movers],
    )


async def settle_causes(conn: Connection, movers: Sequence[Mover], cause: OverQuotaCause | None) -> None:
    """Write as what each stands in his new row, once all have arrived."""
    arrivals: defaultdict[tuple[UUID, str, str], list[Mover]] = defaultdict(list)
    for mover in movers:
        arrivals[mover.taker, mover.kind, mover.funding].append(mover)
    for (unit_id, kind, funding), arrived in arrivals.items():
        over = (await establishment(conn, unit_id, kind, funding)).overstaffing
        explained = await conn.fetchval(
            "SELECT count(*) FROM placements WHERE unit_id = $1 AND kind = $2 AND funding = $3 AND over_quota_cause IS NOT NULL"
            " AND upper_inf(during) AND upper_inf(recorded)",
            unit_id,
            kind,
            funding,
        )
        causes = settled_causes([mover.cause for mover in arrived], over, explained, cause)
        for mover, settled in zip(arrived, causes, strict=True):
            mover.cause = settled
    await conn.executemany(
        "UPDATE placements SET over_quota_cause = $2 WHERE placement_id = $1 AND upper_inf(recorded)",
        [(mover.placement_id, mover.cause) for mover in movers],
    )


async def settle_internal_units(conn: Connection, movers: Sequence[Mover]) -> list[InternalUnitLeft]:
    """Who sat in an internal unit stays in it where his new unit has one of that name, once all steps are done; where not, he sits in none, and that
    is told, by unit and name.
    """
    rows = await conn.fetch(
        "WITH lost AS (SELECT id, placement_id, unit_id, internal_unit FROM placements WHERE placement_id = ANY($1) AND upper_inf(recorded)"
        "  AND internal_unit IS NOT NULL AND NOT EXISTS (SELECT FROM unit_names WHERE unit_names.unit_id = placements.unit_id"
        "   AND role = 'internal_units' AND name = internal_unit AND upper_inf(unit_names.during) AND upper_inf(unit_names.recorded))),"
        " emptied AS (UPDATE placements SET internal_unit = NULL FROM lost WHERE placements.id = lost.id)"
        " SELECT giver AS unit_id, unit_id AS to_unit_id, internal_unit, count(*) AS people FROM lost"
        " JOIN unnest($1::uuid[], $2::uuid[]) AS mover (placement_id, giver) USING (placement_id) GROUP BY giver, unit_id, internal_unit"
        " ORDER BY giver, unit_id, internal_unit",
        [mover.placement_id for mover in movers],
        [mover.giver for mover in movers],
    )
    return [InternalUnitLeft(**row) for row in rows]


async def told_movers(conn: Connection, movers: Sequence[Mover], batch: Batch) -> list[Told]:
    """出编 at one unit and 入编 at the other, of one day; both halves carry the reform's id and the person's version."""
    told: list[Told] = []
    for mover in movers:
        row = ((mover.kind, mover.funding),)
        both = {
            "person_id": mover.person_id,
            "person_version": mover.person_version,
            "kind": mover.kind,
            "funding": mover.funding,
            "transfer_id": batch.reform_id,
        }
        told.append(Told(PersonReleased, mover.giver, both | {"ended_on": batch.since, "exit_reason": REASON}, row))
        begun = both | {"started_on": batch.since, "retirement": retirement_due(await person_record(conn, mover.person_id))}
        if mover.cause is not None:
            told.append(Told(OverQuotaRecorded, mover.taker, begun | {"cause": mover.cause}, row))
        else:
            told.append(Told(PersonPlaced, mover.taker, begun | await _ground(conn, mover), row))
    return told


async def _ground(conn: Connection, mover: Mover) -> dict[str, object]:
    """On what ground he was authorised once; a reform does not authorise anew."""
    row = await conn.fetchrow(
        "SELECT entry_reason, authorisation_no, authorised_on FROM placements WHERE placement_id = $1 AND upper_inf(recorded)",
        mover.placement_id,
    )
    return dict(row or {})


async def move_reservations(conn: Connection, by: By, giver: UUID, taker: UUID, since: date) -> list[Told]:
    """已核未用 of a merged unit goes on at the successor from the day on: the paper that authorised it stays good, and so does its term."""
    rows = await conn.fetch(
        "UPDATE reservations SET unit_id = $2 WHERE unit_id = $1 AND unspent > 0 RETURNING id, kind, funding, unspent, application_id",
        giver,
        taker,
    )
    told: list[Told] = []
    for row in sorted(rows, key=lambda row: row["id"]):
        day = max(since, await reserved_on(conn, row["application_id"]) or since)
        for unit_id, posts in ((giver, -row["unspent"]), (taker, row["unspent"])):
            await count_reserved(conn, by, unit_id, row["kind"], row["funding"], posts, row["application_id"], day)
            facts = {"reservation_id": row["id"], "application_id": row["application_id"], "posts": row["unspent"]}
            way = {"from_unit_id": giver, "to_unit_id": taker}
            told.append(Told(ReservationMoved, unit_id, facts | way, ((row["kind"], row["funding"]),)))
    return told
