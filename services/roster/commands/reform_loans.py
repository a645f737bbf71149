"""Who is on loan when units are reformed: the loan goes on from the successor, or to the successor, for the term that was approved."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.roster.commands.reform_moves import Mover
from services.roster.commands.secondments import facts_of, replace_secondment, write_secondment
from services.roster.commands.unit_events import Batch, Told
from services.roster.models.secondments import Secondment
from services.roster.models.units import EntryAfterReform, ExitAfterReform
from services.roster.queries.secondments import secondment
from shared.db import By, Connection
from shared.events.envelope import uuid7
from shared.events.roster import SecondmentEnded, SecondmentStarted


async def move_loans(
    conn: Connection, by: By, batch: Batch, movers: Sequence[Mover], gone: UUID | None, successor: UUID | None
) -> list[Told]:
    """End the loans of those who moved, and those to a unit that is gone, and begin them anew where they belong now.

    Who would be lent to his own unit is back. Raises EntryAfterReform, ExitAfterReform.
    """
    takers = {mover.person_id: mover.taker for mover in movers}
    await _ensure_none_ended(conn, batch, list(takers))
    rows = await conn.fetch(
        "SELECT secondment_id FROM secondments WHERE (person_id = ANY($1) OR borrower_id = $2) AND upper_inf(during) AND upper_inf(recorded)"
        " ORDER BY secondment_id",
        list(takers),
        gone,
    )
    told: list[Told] = []
    for loan in [await secondment(conn, row["secondment_id"]) for row in rows]:
        then = replace(
            loan,
            secondment_id=uuid7(),
            lender_id=takers.get(loan.person_id, loan.lender_id),
            borrower_id=successor if gone and loan.borrower_id == gone else loan.borrower_id,
            started_on=batch.since,
        )
        told += await _handed_over(conn, by, batch, loan, then)
    return told


async def _ensure_none_ended(conn: Connection, batch: Batch, person_ids: Sequence[UUID]) -> None:
    """A loan that ended between the day and today was of the unit that he would have left by then."""
    ended = await conn.fetchrow(
        "SELECT count(DISTINCT person_id) AS people, max(upper(during)) AS day FROM secondments"
        " WHERE person_id = ANY($1) AND upper_inf(recorded) AND upper(during) > $2",
        person_ids,
        batch.since,
    )
    if ended and ended["people"]:
        raise ExitAfterReform(**ended)


async def _handed_over(conn: Connection, by: By, batch: Batch, loan: Secondment, then: Secondment) -> list[Told]:
    if loan.started_on >= batch.since:
        raise EntryAfterReform(people=1, day=loan.started_on)
    over = await replace_secondment(conn, by, loan, until=loan.until, ended_on=batch.since)
    told = [Told(SecondmentEnded, loan.lender_id, facts_of(by, over, 1) | {"ended_on": batch.since})]
    if then.lender_id == then.borrower_id:
        return told
    at = await conn.fetchval("SELECT max(upper(recorded)) FROM secondments WHERE person_id = $1", loan.person_id)
    await write_secondment(conn, then, at)
    return [*told, Told(SecondmentStarted, then.lender_id, facts_of(by, then, 1))]
