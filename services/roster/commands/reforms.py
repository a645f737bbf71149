"""机构改革: one document, one date, steps in order, one transaction. Posts and people are moved, never made: before and after they tie."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from services.roster.commands.locks import lock_paths
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.quotas import giving, write_posts
from services.roster.commands.reform_loans import move_loans
from services.roster.commands.reform_moves import Mover, move_people, move_reservations, settle_causes, settle_internal_units, told_movers
from services.roster.commands.unit_changes import changed, ensure_kinds_fit
from services.roster.commands.unit_closing import closed, ensure_nothing_in_flight, write_successor
from services.roster.commands.unit_events import Batch, Told, tell, told_units
from services.roster.commands.units import (
    New,
    cause_that_stays,
    ensure_known_level,
    ensure_seats_may_grow,
    registered,
    replace_seats,
    seats_state,
)
from services.roster.models.refusals import SameUnit
from services.roster.models.requests import QuotaRow, RegisterUnit, SetSeats
from services.roster.models.units import (
    Change,
    Close,
    DocumentAfterEffect,
    Establish,
    Merge,
    MovePeople,
    MovePosts,
    Reform,
    ReformAlreadyDone,
    Reformed,
    SetLevel,
    Split,
    UnitChanges,
    units_named,
)
from services.roster.queries.codes import row_words
from services.roster.queries.establishments import establishment, establishments
from services.roster.queries.facts import ensure_allowed_row, frozen_by
from services.roster.queries.seats import seats_now
from services.roster.queries.unit_records import ensure_open, record_of
from services.roster.rules.posts import ensure_not_frozen
from services.roster.rules.reforms import Stand, overfills, overfills_seats
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.errors import DomainError
from shared.events.envelope import uuid7
from shared.events.roster import QuotaChanged, SeatsChanged
from shared.glossary import FreezeScope

Dated = TypeVar("Dated", Establish, Change)


@dataclass
class Work(Batch):
    """What a reform has done so far: beside the units, whose posts changed, who moved, and which authorised uses."""

    what: Reform = field(kw_only=True)
    posts: set[tuple[UUID, str, str]] = field(default_factory=set)
    given: set[tuple[UUID, str, str]] = field(default_factory=set)
    movers: list[Mover] = field(default_factory=list)
    reservations: list[Told] = field(default_factory=list)
    loans: list[Told] = field(default_factory=list)
    handed_over: int = 0
    """Approved 编制, all steps together."""
    ceilings: int = 0
    """The same of 员额 and 控制数, which are no 编制."""


@command
async def carry_out(conn: Connection, by: By, what: Reform) -> Reformed:
    """Carry out a reform whole or not at all; a refusal names its step (`facts["step"]`, from 1)."""
    document_of(by)
    today_of(by, what.effective_on, what.document_on)
    if what.document_on > what.effective_on:
        raise DocumentAfterEffect(document_on=what.document_on)
    reform_id, named = uuid7(), await take_all(conn, what)
    await ensure_new(conn, by, what)
    before = await stand_now(conn, named)
    await remember(conn, by, what, reform_id)
    work = Work(what.effective_on, reform_id, what=what)
    for number, step in enumerate(what.steps, start=1):
        await take_step(conn, by, work, step, number)
    await ensure_kinds_fit(conn, work)
    await settle_causes(conn, work.movers, what.over_quota_cause)
    for refusal in await overfilled(conn, what, before):
        raise refusal
    left = await settle_internal_units(conn, work.movers)
    await conn.execute(
        "UPDATE reforms SET internal_units_left = $2 WHERE id = $1", reform_id, [each.model_dump(mode="json") for each in left]
    )
    await _tell(conn, by, work)
    done = {"units_changed": len(work.changed), "units_closed": len(work.closed), "people_moved": len(work.movers)}
    return Reformed(reform_id=reform_id, **done, internal_units_left=left)


async def take_step(conn: Connection, by: By, work: Work, step: object, number: int) -> None:
    """One step; a refusal names it."""
    try:
        await _STEPS[type(step)](conn, by, work, step)
    except DomainError as refusal:
        refusal.facts["step"], refusal.where = str(number), f"第 {number} 步："
        raise


async def take_all(conn: Connection, what: Reform) -> list[UUID]:
    """Persons first, then units from the root down, as every command; answers the units that are named."""
    named = sorted(set(units_of(what)))
    merged = [step.unit_id for step in what.steps if isinstance(step, Merge)]
    persons = [person_id for step in what.steps if isinstance(step, Split | MovePeople) for person_id in step.person_ids]
    await conn.execute(
        "SELECT FROM persons WHERE id = ANY($1) OR id IN (SELECT person_id FROM placements WHERE unit_id = ANY($2) AND upper_inf(during)"
        " AND upper_inf(recorded) UNION SELECT person_id FROM secondments WHERE borrower_id = ANY($2) AND upper_inf(during)"
        " AND upper_inf(recorded)) ORDER BY id FOR UPDATE",
        persons,
        merged,
    )
    below = await conn.fetch("SELECT id FROM units WHERE parent_id = ANY($1) AND upper_inf(valid)", merged)
    await lock_paths(conn, (*named, *(row["id"] for row in below)))
    return named


def units_of(what: Reform) -> Iterator[UUID]:
    """Every unit a reform names, also those it makes."""
    for step in what.steps:
        yield from units_named(step.model_dump())


async def remember(conn: Connection, by: By, what: Reform, reform_id: UUID) -> None:
    """Write the reform down; its steps refer to it."""
    await conn.execute(
        "INSERT INTO reforms (id, title, effective_on, document_no, document_on, actor, recorded_at, steps)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        reform_id,
        what.title,
        what.effective_on,
        document_of(by),
        what.document_on,
        by.actor,
        by.as_of,
        _steps_of(what),
    )


def _steps_of(what: Reform) -> list[dict[str, object]]:
    return [step.model_dump(mode="json", exclude_unset=True) for step in what.steps]


async def ensure_new(conn: Connection, by: By, what: Reform) -> None:
    """Nobody has carried this out. The caller has locked its units. Raises ReformAlreadyDone."""
    done = await conn.fetchrow(
        "SELECT title, recorded_at FROM reforms WHERE document_no = $1 AND effective_on = $2 AND steps = $3",
        by.document_no,
        what.effective_on,
        _steps_of(what),
    )
    if done is not None:
        raise ReformAlreadyDone(title=done["title"], recorded_on=business_day(done["recorded_at"]))


async def stand_now(conn: Connection, unit_ids: Iterable[UUID]) -> Stand:
    """What these units hold, and what they are called."""
    ids = list(unit_ids)
    rows = {(each, row.kind, row.funding): row for each in ids for row in await establishments(conn, each)}
    seats = {(each, level.level): level for each in ids for level in await seats_now(conn, each)}
    called = await conn.fetch("SELECT id, name FROM units WHERE id = ANY($1)", ids)
    return Stand(rows, seats, {each["id"]: each["name"] for each in called})


async def overfilled(conn: Connection, what: Reform, before: Stand) -> list[DomainError]:
    """Why the reform may not leave what it leaves: more over quota or over 领导职数 than there was needs the office's recorded cause."""
    if what.over_quota_cause is not None:
        return []
    after = await stand_now(conn, sorted(set(units_of(what))))
    return [*overfills(before, after, await row_words(conn)), *overfills_seats(before, after)]


async def _establish(conn: Connection, by: By, work: Work, step: Establish) -> None:
    facts = _dated(work, step).model_dump(exclude={"step", "unit_id"}, exclude_unset=True) | {"valid_from": work.since}
    await registered(conn, by, [New(step.unit_id, RegisterUnit.model_validate(facts), document_of(by))], work.reform_id)


async def _change(conn: Connection, by: By, work: Work, step: Change) -> None:
    await changed(conn, by, work, step.unit_id, _dated(work, step))


def _dated(work: Work, step: Dated) -> Dated:
    """The document of a reform has one date."""
    return step.model_copy(update={"document_on": step.document_on or work.what.document_on})


async def _move_posts(conn: Connection, by: By, work: Work, step: MovePosts) -> None:
    await _posts(conn, by, work, step.unit_id, step.to_unit_id, step.kind, step.funding, step.posts)


async def _posts(conn: Connection, by: By, work: Work, giver: UUID, taker: UUID, kind: str, funding: str, posts: int) -> None:
    """Approved posts change hands with the document of the reform."""
    await _ensure_two(conn, giver, taker)
    await ensure_allowed_row(conn, taker, kind, funding, work.since)
    state = await giving(conn, giver, kind, funding, posts)
    then = (await establishment(conn, taker, kind, funding)).quota
    row = QuotaRow(unit_id=giver, kind=kind, funding=funding, effective_on=work.since, document_on=work.what.document_on)
    for unit_id, number, cause in ((giver, state.quota - posts, work.what.over_quota_cause), (taker, then + posts, None)):
        await write_posts(conn, by, row, unit_id, number, "move", cause)
        work.posts.add((unit_id, kind, funding))
    work.given.add((giver, kind, funding))
    if state.counted:
        work.handed_over += posts
    else:
        work.ceilings += posts


async def _move_people(conn: Connection, by: By, work: Work, step: MovePeople) -> None:
    await _people(conn, by, work, step.unit_id, step.to_unit_id, step.person_ids)


async def _people(conn: Connection, by: By, work: Work, giver: UUID, taker: UUID, person_ids: tuple[UUID, ...] | None) -> None:
    """`person_ids` none: the unit is merged; everybody goes, each with his leadership seat, and who is on loan to it, too."""
    await _ensure_two(conn, giver, taker)
    moved = await move_people(conn, by, work, giver, taker, person_ids)
    for kind, funding in sorted({(each.kind, each.funding) for each in moved}):
        await ensure_allowed_row(conn, taker, kind, funding, work.since)
    work.movers += moved
    work.loans += await move_loans(conn, by, work, moved, giver if person_ids is None else None, taker)


async def _ensure_two(conn: Connection, giver: UUID, taker: UUID) -> None:
    if giver == taker:
        raise SameUnit
    for unit_id in (giver, taker):
        await ensure_open(conn, unit_id)
        ensure_not_frozen(await frozen_by(conn, unit_id, FreezeScope.ORGANISATION))


async def _merge(conn: Connection, by: By, work: Work, step: Merge) -> None:
    """Everything goes to the successor, then the unit is closed."""
    gone, successor = step.unit_id, step.into_unit_id
    await _ensure_two(conn, gone, successor)
    await ensure_nothing_in_flight(conn, gone)
    await _hand_over_units(conn, by, work, gone, successor)
    for row in await establishments(conn, gone):
        if row.quota:
            await _posts(conn, by, work, gone, successor, row.kind, row.funding, row.quota)
    await _hand_over_seats(conn, by, work, gone, successor)
    await _people(conn, by, work, gone, successor, None)
    work.reservations += await move_reservations(conn, by, gone, successor, work.since)
    await closed(conn, by, work, gone, (successor,), "merged")


async def _hand_over_units(conn: Connection, by: By, work: Work, gone: UUID, successor: UUID) -> None:
    """The units below follow; a successor that stood below steps up to the parent first."""
    parent_id = (await record_of(conn, gone)).parent_id
    rows = await conn.fetch("SELECT id FROM units WHERE parent_id = $1 AND upper_inf(valid) ORDER BY id <> $2, id", gone, successor)
    for row in rows:
        above = parent_id if row["id"] == successor else successor
        await changed(conn, by, work, row["id"], UnitChanges(parent_id=above))


async def _hand_over_seats(conn: Connection, by: By, work: Work, gone: UUID, successor: UUID) -> None:
    """Approved seats go along, level by level; a later step sets the successor's number where the document says another."""
    rows = await conn.fetch(
        "SELECT level, approved, coalesce((SELECT approved FROM seats s WHERE s.unit_id = $2 AND s.level = seats.level AND upper_inf(s.during)"
        " AND upper_inf(s.recorded)), 0) AS there FROM seats WHERE unit_id = $1 AND approved > 0 AND upper_inf(during) AND upper_inf(recorded)"
        " ORDER BY level",
        gone,
        successor,
    )
    for row in rows:
        for unit_id, approved in ((gone, 0), (successor, row["approved"] + row["there"])):
            await _seats(conn, by, work, unit_id, row["level"], approved)


async def _set_level(conn: Connection, by: By, work: Work, step: SetLevel) -> None:
    await ensure_open(conn, step.unit_id)
    await ensure_known_level(conn, today_of(by, work.since), step.unit_id, step.level, step.approved)
    await ensure_seats_may_grow(conn, SetSeats(unit_id=step.unit_id, level=step.level, approved=step.approved, effective_on=work.since))
    await _seats(conn, by, work, step.unit_id, step.level, step.approved)


async def _seats(conn: Connection, by: By, work: Work, unit_id: UUID, level: str, approved: int) -> None:
    what = SetSeats(unit_id=unit_id, level=level, approved=approved, effective_on=work.since)
    kept = await cause_that_stays(conn, await seats_state(conn, unit_id, level), what)
    await replace_seats(conn, by, what.model_copy(update={"over_seats_cause": kept}), document_of(by))
    work.seats.add((unit_id, level))


async def _split(conn: Connection, by: By, work: Work, step: Split) -> None:
    """Posts and people for one successor; what stays, stays."""
    for row in step.posts:
        await _posts(conn, by, work, step.unit_id, step.into_unit_id, row.kind, row.funding, row.posts)
    if step.person_ids:
        await _people(conn, by, work, step.unit_id, step.into_unit_id, step.person_ids)
    await write_successor(conn, by, work, step.unit_id, step.into_unit_id, "split")


async def _close(conn: Connection, by: By, work: Work, step: Close) -> None:
    await closed(conn, by, work, step.unit_id, step.successors, "closed")


async def _tell(conn: Connection, by: By, work: Work) -> None:
    """The units first, then their posts and seats, then who moved; the ends last."""
    units = await told_units(conn, work)
    ends = [each for each in units if each.unit_id in work.closed]
    told = [each for each in units if each.unit_id not in work.closed]
    told += _told_posts(work)
    seats = work.seats | {(unit_id, each.seat_level) for each in work.movers if each.seat_level for unit_id in (each.giver, each.taker)}
    for unit_id, level in sorted(seats):
        told.append(Told(SeatsChanged, unit_id, await _told_seats(conn, work, unit_id, level)))
    told += [*await told_movers(conn, work.movers, work), *work.loans, *work.reservations, *ends]
    await tell(conn, by, work, told)


async def _told_seats(conn: Connection, work: Work, unit_id: UUID, level: str) -> dict[str, object]:
    """A level as it stands at the end. Where its number was set below the leaders in post, the cause of the plan, or the one that stays, is beside it
    and told.
    """
    state, cause = await seats_state(conn, unit_id, level), None
    if (unit_id, level) in work.seats:
        cause = await conn.fetchval(
            "UPDATE seats SET over_seats_cause = CASE WHEN $4 THEN coalesce($3, over_seats_cause) END"
            " WHERE unit_id = $1 AND level = $2 AND upper_inf(during) AND upper_inf(recorded) RETURNING over_seats_cause",
            unit_id,
            level,
            work.what.over_quota_cause,
            state.used > state.approved,
        )
    return state.model_dump() | {"effective_on": work.since, "over_seats_cause": cause}


def _told_posts(work: Work) -> Iterator[Told]:
    """Of each unit the rows that gave posts away, with the cause of what that leaves beyond quota, and apart from them those that got some alone."""
    for unit_id, gave in sorted({(row[0], row in work.given) for row in work.posts}):
        rows = sorted(row[1:] for row in work.posts if row[0] == unit_id and (row in work.given) is gave)
        cause = work.what.over_quota_cause if gave else None
        yield Told(QuotaChanged, unit_id, {"effective_on": work.since, "over_quota_cause": cause}, rows)


_STEPS: dict[type, Callable[[Connection, By, Any, Any], Awaitable[None]]] = {
    Establish: _establish,
    Change: _change,
    Merge: _merge,
    Split: _split,
    MovePosts: _move_posts,
    MovePeople: _move_people,
    SetLevel: _set_level,
    Close: _close,
}
