"""Corrections of persons and placements, with proof. What was recorded stays, closed; a new record says what we know now.

A correction rewrites what was wrong, from its beginning, and admits or releases nobody: a post stays within 编制, 员额 or 编外, and when and why
somebody left is corrected only where he has left. What is right, and another from a day on, is a change: a key item's is a case (docs/decisions/0056).
"""

from dataclasses import fields, replace
from datetime import date

from services.roster.commands.indexes import change_number
from services.roster.commands.locks import take_person, take_unit
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.persons import ensure_same_retirement
from services.roster.commands.placements import DETAILS, close_recorded, corrected, ensure_seat, seat_taken_or_left
from services.roster.commands.records import Line, begins, ensure_nothing_later, keep_lines, rewrite
from services.roster.commands.sealing import seal_change
from services.roster.commands.secondments import end_with_post
from services.roster.models.facts import Placement
from services.roster.models.persons import KEY_ITEMS, CorrectPerson, SealedChange
from services.roster.models.refusals import (
    CauseUnrecorded,
    ChangeNeedsCase,
    DatesOutOfOrder,
    NothingCorrected,
    NotReleasedYet,
    PersonKnown,
    PersonOnRoster,
)
from services.roster.models.requests import EVERY_POST_HAS, CorrectPlacement
from services.roster.models.units import EndAfterClosing
from services.roster.queries.codes import ensure_known_codes
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import (
    ensure_allowed_row,
    ensure_known_entry,
    ensure_known_exit,
    ensure_known_rows,
    natures_of,
    person_record,
    placement,
    placements_of,
)
from services.roster.queries.persons import label_of
from services.roster.queries.seats import is_appointed
from services.roster.rules.persons import ensure_born, ensure_category_fits, ensure_override_grounded
from services.roster.rules.posts import (
    ensure_available,
    ensure_contract_lasts,
    ensure_corrected_alike,
    ensure_in_term,
    ensure_off_post_told,
)
from shared import outbox
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.roster import PlacementCorrected


@command
async def correct_placement(conn: Connection, by: By, what: CorrectPlacement) -> None:
    """Correct a placement, also a closed one. Whoever would take a seat by it needs a vacant one, and no freeze of 领导职数."""
    document_of(by)
    today_of(by, what.started_on, what.ended_on, what.authorised_on)
    person_id = (await placement(conn, what.placement_id)).person_id
    person_version = await take_person(conn, person_id)
    old = await placement(conn, what.placement_id)
    await correct_post(conn, by, old, await _as_corrected(conn, what, old, by), person_version)


async def correct_post(conn: Connection, by: By, old: Placement, new: Placement, person_version: int) -> None:
    """Write a placement as it is proved to have been, and publish it. The caller has locked the person."""
    version = await take_unit(conn, old.unit_id)
    _ensure_possible(old, new, await placements_of(conn, old.person_id))
    await _ensure_unit_lasted(conn, old, new)
    await _ensure_row(conn, by, old, new)
    await _ensure_contract(conn, old, new)
    await _ensure_seat(conn, old, new)
    await _rewrite_placement(conn, by, old, new)
    await outbox.append(conn, by, await _told(conn, by, old, new, person_version, version))
    if old.ended_on is not None and new.ended_on is not None:
        await end_with_post(conn, by, new.person_id, new.ended_on, old.ended_on)
    for level in (old.seat_level, new.seat_level) if old.seat_level != new.seat_level and new.ended_on is None else ():
        await seat_taken_or_left(conn, by, new.unit_id, level, baseline=False)


async def _as_corrected(conn: Connection, what: CorrectPlacement, old: Placement, by: By) -> Placement:
    told = what.model_dump(exclude_unset=True, exclude={"placement_id"})
    given = {name: value for name, value in told.items() if value is not None or name not in EVERY_POST_HAS}
    if not given:
        raise NothingCorrected
    await ensure_known_codes(conn, business_day(by.as_of), given)
    if "over_quota_cause" in given and old.over_quota_cause is None:
        raise CauseUnrecorded
    new = replace(old, **given, document_no=by.document_no)
    if "entry_reason" in given:
        await ensure_known_entry(conn, new.entry_reason, new.started_on)
    if new.exit_reason != old.exit_reason and new.exit_reason is not None:
        await ensure_known_exit(conn, new.exit_reason, new.ended_on or business_day(by.as_of))
    return new


async def _ensure_row(conn: Connection, by: By, old: Placement, new: Placement) -> None:
    """Another (kind, funding) is judged as an entry is; of who has left, or is beyond quota, it is a fact."""
    if (new.kind, new.funding) == (old.kind, old.funding):
        return
    today = business_day(by.as_of)
    await ensure_known_rows(conn, [(new.kind, new.funding)], today)
    ensure_corrected_alike(old.kind, new.kind, await natures_of(conn, {old.kind, new.kind}))
    if new.ended_on is None and new.over_quota_cause is None:
        await ensure_allowed_row(conn, new.unit_id, new.kind, new.funding, today)
        row = await establishment(conn, new.unit_id, new.kind, new.funding)
        ensure_available(row, 1)
        ensure_in_term(row, new.started_on)


async def _ensure_contract(conn: Connection, old: Placement, new: Placement) -> None:
    if (new.started_on, new.contract_until) != (old.started_on, old.contract_until):
        ensure_contract_lasts(new.contract_until, new.started_on)
    if (new.off_post_kind, new.employment_form) != (old.off_post_kind, old.employment_form):
        natures = await natures_of(conn, {new.kind})
        ensure_off_post_told(new, natures[new.kind].population)


async def _ensure_seat(conn: Connection, old: Placement, new: Placement) -> None:
    """Whose seat a 任免 has told since takes none by a correction of his first day."""
    if new.ended_on is not None or new.seat_level in {None, old.seat_level} or await is_appointed(conn, old.placement_id):
        return
    await ensure_seat(conn, new.unit_id, str(new.seat_level))


async def _told(conn: Connection, by: By, old: Placement, new: Placement, person_version: int, version: int) -> PlacementCorrected:
    """Of both rows, where the person counts in another one now."""
    told = await corrected(conn, by, new, person_version, version)
    if (new.kind, new.funding) == (old.kind, old.funding):
        return told
    left = await establishment(conn, old.unit_id, old.kind, old.funding)
    return told.model_copy(update={"establishments": (left, *told.establishments)})


def _ensure_possible(old: Placement, new: Placement, all_placements: tuple[Placement, ...]) -> None:
    if old.ended_on is None and (new.ended_on is not None or new.exit_reason is not None):
        raise NotReleasedYet
    if new.ended_on is not None and new.ended_on <= new.started_on:
        raise DatesOutOfOrder
    others = (each for each in all_placements if each.placement_id != new.placement_id)
    if any(_overlap(new, other) for other in others):
        raise PersonOnRoster


def _overlap(one: Placement, other: Placement) -> bool:
    starts_before_end = other.ended_on is None or one.started_on < other.ended_on
    return starts_before_end and (one.ended_on is None or other.started_on < one.ended_on)


async def _ensure_unit_lasted(conn: Connection, old: Placement, new: Placement) -> None:
    """On the days that a later end adds, the unit was still there. Its row is locked: it is not closed meanwhile."""
    if new.ended_on is None or new.ended_on == old.ended_on:
        return
    closed_on = await conn.fetchval("SELECT upper(valid) FROM units WHERE id = $1 AND upper(valid) < $2", new.unit_id, new.ended_on)
    if closed_on is not None:
        raise EndAfterClosing(closed_on=closed_on)


async def _rewrite_placement(conn: Connection, by: By, old: Placement, new: Placement) -> None:
    at = await close_recorded(conn, by, new.placement_id)
    await conn.execute(
        "INSERT INTO placements (placement_id, person_id, unit_id, kind, funding, during, recorded, entry_reason, exit_reason, seat_level,"
        f" authorisation_no, authorised_on, over_quota_cause, transfer_id, document_no, {DETAILS})"
        " SELECT placement_id, person_id, unit_id, $9, $10, daterange($3, $4), tstzrange($2, NULL), $8, $11, $12, $5, $6,"
        " $22, transfer_id, $7, $13, $14, $15, $16, $17, $18, $19, $20, $21 FROM placements"
        " WHERE placement_id = $1 AND upper(recorded) = $2",
        new.placement_id,
        at,
        new.started_on,
        new.ended_on,
        new.authorisation_no,
        new.authorised_on,
        new.document_no,
        new.entry_reason,
        new.kind,
        new.funding,
        new.exit_reason,
        new.seat_level,
        *(getattr(new, name) for name in DETAILS.split(", ")),
        new.over_quota_cause,
    )
    changed = (each.name for each in fields(Placement) if each.name != "document_no" and getattr(old, each.name) != getattr(new, each.name))
    lines = (Line(name, None, getattr(old, name), getattr(new, name), new.placement_id) for name in changed)
    await keep_lines(conn, by, new.person_id, lines)


async def correct_person(database: Database, cipher: FieldCipher, by: By, what: CorrectPerson) -> None:
    """Correct what is known of a person, with proof. A new number is checked like a first one; the old record stays readable as known then."""
    async with database.reading() as conn:
        sealed = await seal_change(conn, cipher, what, business_day(by.as_of), {})
    await _correct(database, by, sealed)


async def _correct_person(conn: Connection, by: By, what: SealedChange) -> None:
    document_of(by)
    today_of(by, what.since)
    person_version = await take_person(conn, what.person_id)
    before = await person_record(conn, what.person_id)
    if what.since is not None:
        await _ensure_no_change(conn, what, what.since)
    await change_record(conn, by, what, person_version)
    ensure_born(await person_record(conn, what.person_id), what.since)
    if what.since is not None and not KEY_ITEMS & what.columns.keys():
        ensure_same_retirement(before, await person_record(conn, what.person_id))


async def _ensure_no_change(conn: Connection, what: SealedChange, since: date) -> None:
    """A key item is corrected from the day on which its wrong value begins; from any other day on it would be a change."""
    changed = [name for name in sorted(KEY_ITEMS & what.columns.keys()) if not await begins(conn, what.person_id, name, since)]
    if changed:
        raise ChangeNeedsCase(fields="、".join(label_of(name) for name in changed), since=since)


_correct = command(_correct_person)


async def ensure_last_number(conn: Connection, what: SealedChange) -> None:
    """A person is found by his last number: another one from a day on is his last, or refused (ChangedLater)."""
    if what.since is not None and "id_number" in what.sealed:
        await ensure_nothing_later(conn, what.person_id, ("id_number",), what.since)


async def change_record(conn: Connection, by: By, what: SealedChange, person_version: int) -> None:
    """Write what is proved, and publish it where the person is in post. The caller has locked the person."""
    await ensure_last_number(conn, what)
    if "id_number" in what.sealed and not await change_number(conn, what.person_id, what.indexes):
        raise PersonKnown
    await rewrite(conn, by, what.person_id, what.columns, what.since)
    person = await person_record(conn, what.person_id)
    judge = ensure_override_grounded if "retirement_category" in what.values else ensure_category_fits
    judge(person, person.retirement_override)
    current = next((each for each in await placements_of(conn, what.person_id) if each.ended_on is None), None)
    if current is not None:
        version = await take_unit(conn, current.unit_id)
        await outbox.append(conn, by, await corrected(conn, by, current, person_version, version))
