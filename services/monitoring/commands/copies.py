"""Copies of the roster's rows, kept from its events: establishments with their figures, and who is on which unit (by id)."""

from shared.db import Connection
from shared.events.roster import OverQuotaRecorded, PersonPlaced, PersonReleased, PlacementCorrected, RetirementFact, RosterEvent


async def keep_establishments(conn: Connection, event: RosterEvent) -> None:
    """The rows as they stand after the event."""
    for row in event.establishments:
        await conn.execute(
            "INSERT INTO establishments (unit_id, kind, funding, counted, quota, headcount, reserved, frozen, kind_label, funding_label)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (unit_id, kind, funding) DO UPDATE SET counted = excluded.counted,"
            " quota = excluded.quota, headcount = excluded.headcount, reserved = excluded.reserved, frozen = excluded.frozen,"
            " kind_label = excluded.kind_label, funding_label = excluded.funding_label",
            event.unit_id,
            row.kind,
            row.funding,
            row.counted,
            row.quota,
            row.headcount,
            row.reserved,
            row.frozen,
            row.kind_label,
            row.funding_label,
        )


async def keep_placement(conn: Connection, event: PersonPlaced | OverQuotaRecorded) -> None:
    """A person is on the unit; a person who comes back replaces what was kept of the first time."""
    authorised_on = event.authorised_on if isinstance(event, PersonPlaced) else None
    cause = event.cause if isinstance(event, OverQuotaRecorded) else None
    await conn.execute(
        "INSERT INTO placements (unit_id, person_id, kind, funding, started_on, ended_on, authorised_on, retirement_category,"
        " retirement_month, cause, baseline) VALUES ($1, $2, $3, $4, $5, NULL, $6, $7, $8, $9, $10)"
        " ON CONFLICT (unit_id, person_id) DO UPDATE SET kind = excluded.kind, funding = excluded.funding, started_on = excluded.started_on,"
        " ended_on = NULL, authorised_on = excluded.authorised_on, retirement_category = excluded.retirement_category,"
        " retirement_month = excluded.retirement_month, cause = excluded.cause, baseline = excluded.baseline",
        event.unit_id,
        event.person_id,
        event.kind,
        event.funding,
        event.started_on,
        authorised_on,
        event.retirement.category,
        event.retirement.month,
        cause,
        event.baseline,
    )


async def end_placement(conn: Connection, event: PersonReleased) -> None:
    """A person left."""
    await conn.execute(
        "UPDATE placements SET ended_on = $3 WHERE unit_id = $1 AND person_id = $2", event.unit_id, event.person_id, event.ended_on
    )


async def correct_placement(conn: Connection, event: PlacementCorrected) -> None:
    """Dates or retirement facts were corrected."""
    retirement: RetirementFact = event.retirement
    await conn.execute(
        "UPDATE placements SET started_on = $3, ended_on = $4, authorised_on = $5, retirement_category = $6, retirement_month = $7"
        " WHERE unit_id = $1 AND person_id = $2",
        event.unit_id,
        event.person_id,
        event.started_on,
        event.ended_on,
        event.authorised_on,
        retirement.category,
        retirement.month,
    )
