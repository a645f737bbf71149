"""借调 and 挂职: the person works at the borrower, the post and its count stay with the lender. Events are the lender's."""

from datetime import date
from uuid import UUID

from services.roster.commands.locks import lock_person, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.spans import ended
from services.roster.models.facts import Placement
from services.roster.models.refusals import DatesOutOfOrder, PersonNotHere, SameUnit, UnitUnknown
from services.roster.models.secondments import EndSecondment, ExtendSecondment, Secondment, SecondPerson
from services.roster.queries.facts import placements_of
from services.roster.queries.secondments import limits, secondment, secondments_of
from services.roster.rules.secondments import ensure_lasts, ensure_may_begin, ensure_may_extend
from shared import outbox
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.roster import SecondmentEnded, SecondmentExtended, SecondmentStarted


@command
async def second_person(conn: Connection, by: By, what: SecondPerson) -> UUID:
    """Lend a person in post to another unit for a term, on a document; answers with the secondment's id. The post stays where it is."""
    return await lend(conn, by, what, document_of(by))


async def lend(conn: Connection, by: By, what: SecondPerson, document_no: str | None) -> UUID:
    """The same with the loan's own document, or none: a first load records what it finds, on the ground of the load."""
    today = today_of(by, what.started_on)
    await lock_person(conn, what.person_id)
    here = await _lender(conn, what)
    ensure_may_begin(what, await secondments_of(conn, what.person_id), await limits(conn, today))
    version = await take_unit(conn, here.unit_id)
    made = Secondment(
        uuid7(), what.person_id, here.unit_id, what.borrower_id, what.borrower, what.form, what.started_on, what.until, None, document_no
    )
    closed = await conn.fetchval("SELECT max(upper(recorded)) FROM secondments WHERE person_id = $1", what.person_id)
    await write_secondment(conn, made, max(by.as_of, closed or by.as_of))
    await outbox.append(conn, by, SecondmentStarted.model_validate(facts_of(by, made, version) | {"baseline": what.baseline}))
    return made.secondment_id


async def _lender(conn: Connection, what: SecondPerson) -> Placement:
    here = next((each for each in await placements_of(conn, what.person_id) if each.ended_on is None), None)
    if here is None or here.started_on > what.started_on:
        raise PersonNotHere
    if what.borrower_id == here.unit_id:
        raise SameUnit
    if what.borrower_id is not None and not await conn.fetchval("SELECT true FROM units WHERE id = $1 FOR KEY SHARE", what.borrower_id):
        raise UnitUnknown(unit=what.borrower_id)
    return here


@command
async def extend_secondment(conn: Connection, by: By, what: ExtendSecondment) -> None:
    """Give a secondment a later last day, within the total that the office's parameter allows."""
    document_of(by)
    today = today_of(by)
    here = await _locked(conn, what.secondment_id)
    ensure_may_extend(here, what, await limits(conn, today))
    version = await take_unit(conn, here.lender_id)
    longer = await replace_secondment(conn, by, here, until=what.until, ended_on=None)
    await outbox.append(conn, by, SecondmentExtended.model_validate(facts_of(by, longer, version)))


@command
async def end_secondment(conn: Connection, by: By, what: EndSecondment) -> None:
    """The person is back. Never stopped by anything; the day of return does not count."""
    today_of(by, what.ended_on)
    here = await _locked(conn, what.secondment_id)
    ensure_lasts(here)
    if what.ended_on <= here.started_on:
        raise DatesOutOfOrder
    await _end(conn, by, here, what.ended_on)


async def end_with_post(conn: Connection, by: By, person_id: UUID, ended_on: date, known_end: date = date.max) -> None:
    """Whoever leaves the lender's establishment is lent no longer, and after that day was not lent. `known_end`: when the post ended as it was known:
    what began from that day on was of a later post. The caller has locked the person.
    """
    for here in [each for each in await secondments_of(conn, person_id) if each.started_on < known_end]:
        if here.started_on >= ended_on:
            await _never_was(conn, by, here)
        elif here.ended_on is None or here.ended_on > ended_on:
            await _end(conn, by, here, ended_on)


async def _locked(conn: Connection, secondment_id: UUID) -> Secondment:
    await lock_person(conn, (await secondment(conn, secondment_id)).person_id)
    return await secondment(conn, secondment_id)


async def _end(conn: Connection, by: By, here: Secondment, ended_on: date) -> None:
    version = await take_unit(conn, here.lender_id)
    over = await replace_secondment(conn, by, here, until=here.until, ended_on=ended_on)
    await outbox.append(conn, by, SecondmentEnded.model_validate(facts_of(by, over, version) | {"ended_on": ended_on}))


async def _never_was(conn: Connection, by: By, here: Secondment) -> None:
    """A loan that would have begun after its person had left: what was known of it stays readable as known then."""
    version = await take_unit(conn, here.lender_id)
    await _close_recorded(conn, by, here.secondment_id)
    await outbox.append(conn, by, SecondmentEnded.model_validate(facts_of(by, here, version) | {"ended_on": here.started_on}))


async def replace_secondment(conn: Connection, by: By, here: Secondment, *, until: date, ended_on: date | None) -> Secondment:
    """The last version is closed, not changed."""
    at = await _close_recorded(conn, by, here.secondment_id)
    new = Secondment(**vars(here) | {"until": until, "ended_on": ended_on, "document_no": by.document_no or here.document_no})
    await write_secondment(conn, new, at)
    return new


async def _close_recorded(conn: Connection, by: By, secondment_id: UUID) -> object:
    at: object = await conn.fetchval(
        f"UPDATE secondments SET {ended('recorded', '$2')} WHERE secondment_id = $1 AND upper_inf(recorded) RETURNING upper(recorded)",
        secondment_id,
        by.as_of,
    )
    return at


async def write_secondment(conn: Connection, what: Secondment, at: object) -> None:
    """A version of a loan, known from an instant on."""
    await conn.execute(
        "INSERT INTO secondments (secondment_id, person_id, lender_id, borrower_id, borrower, form, during, until, recorded, document_no)"
        " VALUES ($1, $2, $3, $4, $5, $6, daterange($7, $8), $9, tstzrange($10, NULL), $11)",
        what.secondment_id,
        what.person_id,
        what.lender_id,
        what.borrower_id,
        what.borrower,
        what.form,
        what.started_on,
        what.ended_on,
        what.until,
        at,
        what.document_no,
    )


def facts_of(by: By, what: Secondment, version: int) -> dict[str, object]:
    """What every event about a loan tells; it is the lender's."""
    return {
        "occurred_at": by.as_of,
        "unit_id": what.lender_id,
        "version": version,
        "document_no": what.document_no,
        "secondment_id": what.secondment_id,
        "person_id": what.person_id,
        "borrower_id": what.borrower_id,
        "form": what.form,
        "started_on": what.started_on,
        "until": what.until,
    }
