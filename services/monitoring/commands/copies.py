"""Copies of the roster's rows, kept from its events: establishments with their figures, and who is on which unit (by id).

Each takes events of different units and is one statement or two, however many they are.
"""

from collections.abc import Sequence
from typing import Any

from shared.db import Connection
from shared.events.audit import AuditSealed
from shared.events.roster import (
    OverQuotaRecorded,
    PersonPlaced,
    PersonReleased,
    PlacementCorrected,
    QuotaChanged,
    RosterEvent,
    SeatsChanged,
    UnitLoaded,
)

_ROWS = (
    "INSERT INTO establishments (unit_id, kind, funding, counted, quota, headcount, reserved, frozen, kind_label, funding_label)"
    " SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::boolean[], $5::integer[], $6::integer[], $7::integer[], $8::integer[],"
    " $9::text[], $10::text[]) ON CONFLICT (unit_id, kind, funding) DO UPDATE SET counted = excluded.counted, quota = excluded.quota,"
    " headcount = excluded.headcount, reserved = excluded.reserved, frozen = excluded.frozen, kind_label = excluded.kind_label,"
    " funding_label = excluded.funding_label"
)


async def keep_rows(conn: Connection, events: Sequence[RosterEvent]) -> None:
    """The rows as they stand after the events."""
    await conn.execute(_ROWS, *_rows(events))


async def keep_quotas(conn: Connection, events: Sequence[QuotaChanged]) -> None:
    """Posts were set, added or taken away. One that names no cause leaves what was recorded of the surplus before."""
    await keep_rows(conn, events)
    causes = [
        (event.unit_id, row.kind, row.funding, event.over_quota_cause)
        for event in events
        if event.over_quota_cause is not None
        for row in event.establishments
    ]
    if causes:
        await conn.execute(
            "UPDATE establishments e SET over_quota_cause = told.cause FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])"
            " AS told (unit_id, kind, funding, cause) WHERE (e.unit_id, e.kind, e.funding) = (told.unit_id, told.kind, told.funding)",
            *_columns(4, causes),
        )


async def keep_seats(conn: Connection, events: Sequence[SeatsChanged]) -> None:
    """领导职数 as they stand after the events, level by level."""
    told = {(event.unit_id, seat.level): seat for event in events for seat in event.levels}
    await conn.execute(
        "INSERT INTO seats (unit_id, level, approved, used, level_label) SELECT * FROM unnest($1::uuid[], $2::text[], $3::integer[],"
        " $4::integer[], $5::text[]) ON CONFLICT (unit_id, level) DO UPDATE SET approved = excluded.approved, used = excluded.used,"
        " level_label = excluded.level_label",
        *_columns(5, [(*key, seat.approved, seat.used, seat.level_label) for key, seat in told.items()]),
    )


async def keep_placed(conn: Connection, events: Sequence[PersonPlaced | OverQuotaRecorded]) -> None:
    """People are on the units; a person who comes back replaces what was kept of the first time."""
    placed = [
        (
            *(event.unit_id, event.person_id, event.kind, event.funding, event.started_on),
            event.authorised_on if isinstance(event, PersonPlaced) else None,
            *(event.retirement.category, event.retirement.month),
            event.cause if isinstance(event, OverQuotaRecorded) else None,
            event.baseline,
            event.reform_id is not None,
        )
        for event in events
    ]
    await _keep_people(conn, events, placed)


async def keep_loaded(conn: Connection, events: Sequence[UnitLoaded]) -> None:
    """The people of first loads are on their units."""
    placed = [
        (
            *(event.unit_id, each.person_id, each.kind, each.funding, each.started_on, each.authorised_on),
            *(each.retirement.category, each.retirement.month, each.cause, True, False),
        )
        for event in events
        for each in event.people
    ]
    await _keep_people(conn, events, placed)


async def _keep_people(conn: Connection, events: Sequence[RosterEvent], placed: Sequence[tuple[Any, ...]]) -> None:
    await conn.execute(
        f"WITH rows AS ({_ROWS})"
        " INSERT INTO placements (unit_id, person_id, kind, funding, started_on, authorised_on, retirement_category, retirement_month, cause,"
        " baseline, reformed) SELECT * FROM unnest($11::uuid[], $12::uuid[], $13::text[], $14::text[], $15::date[], $16::date[], $17::text[],"
        " $18::text[], $19::text[], $20::boolean[], $21::boolean[])"
        " ON CONFLICT (unit_id, person_id) DO UPDATE SET kind = excluded.kind, funding = excluded.funding, started_on = excluded.started_on,"
        " ended_on = NULL, authorised_on = excluded.authorised_on, retirement_category = excluded.retirement_category,"
        " retirement_month = excluded.retirement_month, cause = excluded.cause, baseline = excluded.baseline,"
        " reformed = excluded.reformed",
        *_rows(events),
        *_columns(11, placed),
    )


async def keep_released(conn: Connection, events: Sequence[PersonReleased]) -> None:
    """People left."""
    await conn.execute(
        f"WITH rows AS ({_ROWS})"
        " UPDATE placements p SET ended_on = gone.ended_on"
        " FROM unnest($11::uuid[], $12::uuid[], $13::date[]) AS gone (unit_id, person_id, ended_on)"
        " WHERE p.unit_id = gone.unit_id AND p.person_id = gone.person_id",
        *_rows(events),
        *_columns(3, [(event.unit_id, event.person_id, event.ended_on) for event in events]),
    )


async def keep_corrected(conn: Connection, events: Sequence[PlacementCorrected]) -> None:
    """Dates, row, retirement facts or the cause of a surplus (定性) were corrected; a cause that was used up does not come back. A post that was over
    before the kept one began is not kept here.

    Posts never overlap, and a correction ends none: what still has no end is the kept one, and an earlier one ended when it began or before. (An ended
    post that is moved wholly before its old beginning looks the same, and stays as it was.)
    """
    corrected = [
        (
            *(event.unit_id, event.person_id, event.started_on, event.ended_on, event.authorised_on),
            *(event.retirement.category, event.retirement.month, event.kind, event.funding, event.cause),
        )
        for event in events
    ]
    await conn.execute(
        f"WITH rows AS ({_ROWS})"
        " UPDATE placements p SET started_on = mended.started_on, ended_on = mended.ended_on, authorised_on = mended.authorised_on,"
        " retirement_category = mended.retirement_category, retirement_month = mended.retirement_month, kind = mended.kind,"
        " funding = mended.funding, cause = CASE WHEN p.cause IS NOT NULL THEN coalesce(mended.cause, p.cause) END"
        " FROM unnest($11::uuid[], $12::uuid[], $13::date[], $14::date[], $15::date[], $16::text[], $17::text[], $18::text[], $19::text[],"
        " $20::text[]) AS mended (unit_id, person_id, started_on, ended_on, authorised_on, retirement_category, retirement_month, kind,"
        " funding, cause)"
        " WHERE p.unit_id = mended.unit_id AND p.person_id = mended.person_id"
        " AND (mended.ended_on IS NULL OR p.ended_on IS NOT NULL AND mended.ended_on > p.started_on)",
        *_rows(events),
        *_columns(10, corrected),
    )


async def drop_used_causes(conn: Connection, events: Sequence[RosterEvent]) -> None:
    """Where everybody in post and every promise has a post again, nobody is over quota any more: what was recorded of the surplus explains no later one.

    Promised posts count: who is recorded beyond quota because of them stays so until they are taken.
    """
    room = [(event.unit_id, row.kind, row.funding) for event in events for row in event.establishments if row.available >= 0]
    if room:
        await conn.execute(
            "WITH room AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS told (unit_id, kind, funding)),"
            " of_cuts AS (UPDATE establishments e SET over_quota_cause = NULL FROM room"
            " WHERE (e.unit_id, e.kind, e.funding) = (room.unit_id, room.kind, room.funding) AND e.over_quota_cause IS NOT NULL)"
            " UPDATE placements p SET cause = NULL FROM room"
            " WHERE (p.unit_id, p.kind, p.funding) = (room.unit_id, room.kind, room.funding) AND p.cause IS NOT NULL AND p.ended_on IS NULL",
            *_columns(3, room),
        )


def _rows(events: Sequence[RosterEvent]) -> list[list[Any]]:
    told = {(event.unit_id, row.kind, row.funding): row for event in events for row in event.establishments}
    return _columns(
        10,
        [
            (*key, row.counted, row.quota, row.headcount, row.reserved, row.frozen, row.kind_label, row.funding_label)
            for key, row in told.items()
        ],
    )


def _columns(width: int, rows: Sequence[tuple[Any, ...]]) -> list[list[Any]]:
    """As `unnest` takes them."""
    return [[row[place] for row in rows] for place in range(width)]


async def keep_head(conn: Connection, event: AuditSealed) -> None:
    """The head of another service's audit, for the next weekly list."""
    await conn.execute(
        "INSERT INTO audit_heads (service, number, head, until) VALUES ($1, $2, $3, $4) ON CONFLICT (service) DO UPDATE"
        " SET number = excluded.number, head = excluded.head, until = excluded.until WHERE audit_heads.number < excluded.number",
        event.service,
        event.version,
        event.head,
        event.until,
    )
