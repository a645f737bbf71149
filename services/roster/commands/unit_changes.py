"""A unit changes its name, its place in the tree or anything else of it, from a day on."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

import asyncpg

from services.roster.commands.locks import lock_paths
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.unit_events import Batch, note_freezes, tell, told_units
from services.roster.commands.unit_records import change_record, spread, write_names, write_search
from services.roster.commands.units import checked_uscc, ensure_above_rank_proved, place_below
from services.roster.models.loads import FirstLoadEnded
from services.roster.models.refusals import UnitCodeTaken
from services.roster.models.units import (
    KEY_ITEMS,
    LISTS,
    ChangeUnit,
    NothingChanged,
    ParentBelow,
    ParentWithheld,
    UnitChangedLater,
    UnitChanges,
    UnitRecord,
)
from services.roster.queries.establishments import establishments
from services.roster.queries.facts import ensure_allowed_row, ensure_known_category, frozen_by
from services.roster.queries.loads import units_in_use
from services.roster.queries.unit_records import ensure_known_attributes, names_of, record_of
from services.roster.rules.posts import ensure_not_frozen
from shared.db import By, Connection, command
from shared.glossary import FreezeScope


@command
async def change_unit(conn: Connection, by: By, what: ChangeUnit) -> None:
    """Change a unit's attributes from a day on; its key items (★) need a document. Raises NothingChanged, and FirstLoadEnded where `baseline` is no
    more true.
    """
    today_of(by, what.effective_on)
    named = [what.unit_id, what.parent_id] if what.parent_id else [what.unit_id]
    await lock_paths(conn, named)
    if what.baseline and await units_in_use(conn, [what.unit_id]):
        raise FirstLoadEnded
    batch = Batch(what.effective_on, baseline=what.baseline)
    await changed(conn, by, batch, what.unit_id, what)
    await ensure_kinds_fit(conn, batch)
    await tell(conn, by, batch, await told_units(conn, batch))


async def changed(conn: Connection, by: By, batch: Batch, unit_id: UUID, what: UnitChanges) -> None:
    """Write what differs from the present, and what follows from it below the unit."""
    now = await record_of(conn, unit_id)
    asked = await _differing(conn, now, what)
    if not asked:
        raise NothingChanged
    await _ensure_allowed(conn, by, unit_id, asked)
    changes = await _changes(conn, by, batch, now, what, asked)
    if "path" in changes:
        await note_freezes(conn, batch, unit_id)
    await change_record(conn, by, unit_id, batch.since, changes, batch.reform_id)
    for role in asked & set(LISTS):
        await write_names(conn, by, unit_id, role, getattr(what, role), batch.since, by.document_no or now.document_no)
    await _write_head(conn, unit_id)
    await write_search(conn, [unit_id])
    batch.changed.setdefault(unit_id, set()).update(asked, {"path"} & set(changes))
    if "path" in changes or changes.get("withheld"):
        for below in await spread(conn, by, unit_id, batch.since, withheld=bool(changes.get("withheld")), reform_id=batch.reform_id):
            batch.changed.setdefault(below, set()).update({"path", "withheld"} & set(changes))


async def _differing(conn: Connection, now: UnitRecord, what: UnitChanges) -> set[str]:
    """The attributes that are given and are not so already."""
    given = what.model_fields_set - {"step", "unit_id", "effective_on", "document_on", "baseline"}
    names = await names_of(conn, now.unit_id)
    present = {name: names[name] if name in LISTS else getattr(now, name) for name in given}
    wanted = {name: checked_uscc(what.uscc) if name == "uscc" else getattr(what, name) for name in given}
    return {name for name in given if present[name] != wanted[name]}


async def _ensure_allowed(conn: Connection, by: By, unit_id: UUID, asked: set[str]) -> None:
    if asked & KEY_ITEMS:
        document_of(by)
        ensure_not_frozen(await frozen_by(conn, unit_id, FreezeScope.ORGANISATION))


async def _changes(conn: Connection, by: By, batch: Batch, now: UnitRecord, what: UnitChanges, asked: set[str]) -> dict[str, object]:
    """The new values of the record's columns. A change without a document rests on the document before it."""
    today = today_of(by)
    wanted = {name: getattr(what, name) for name in asked - set(LISTS)}
    if "uscc" in asked:
        wanted["uscc"] = checked_uscc(what.uscc)
    if "category" in asked:
        await ensure_known_category(conn, str(what.category), today)
    await ensure_known_attributes(conn, [wanted], today)
    parent_id = what.parent_id if "parent_id" in asked else now.parent_id
    above, withheld = await place_below(conn, parent_id)
    if withheld and "withheld" in asked and not what.withheld:
        raise ParentWithheld
    if "parent_id" in asked:
        await _ensure_may_stand_below(conn, now.unit_id, parent_id, above, batch.since)
        wanted |= {"path": (*above, now.unit_id), "withheld": withheld or wanted.get("withheld", now.withheld)}
    if asked & {"leaders_above_rank", "leaders_above_rank_no"}:
        ensure_above_rank_proved(replace(now, **{name: wanted[name] for name in asked - set(LISTS) if name.startswith("leaders_")}))
    if by.document_no:
        wanted |= {"document_no": by.document_no, "document_on": what.document_on}
    return wanted


async def _ensure_may_stand_below(conn: Connection, unit_id: UUID, parent_id: UUID | None, above: Sequence[UUID], since: date) -> None:
    """No circle; and the parent's own place has been the same from that day on, so that the tree of every day is one tree."""
    if unit_id in above:
        raise ParentBelow
    later = await conn.fetchval(
        "SELECT coalesce(max(upper(during)) FILTER (WHERE path <> $2), CASE WHEN min(lower(during)) > $3 THEN min(lower(during)) END)"
        " FROM unit_records WHERE unit_id = $1 AND upper_inf(recorded) AND during && daterange($3, NULL)",
        parent_id,
        list(above),
        since,
    )
    if later is not None:
        raise UnitChangedLater(since=later)


async def _write_head(conn: Connection, unit_id: UUID) -> None:
    try:
        await conn.execute(
            "UPDATE units SET name = now.name, uscc = now.uscc, category = now.category, parent_id = now.parent_id, path = now.path,"
            " withheld = now.withheld, document_no = now.document_no FROM unit_records now"
            " WHERE units.id = $1 AND now.unit_id = $1 AND upper_inf(now.during) AND upper_inf(now.recorded)",
            unit_id,
        )
    except asyncpg.UniqueViolationError:
        raise UnitCodeTaken from None


async def ensure_kinds_fit(conn: Connection, batch: Batch) -> None:
    """A unit of another category holds only kinds that this category may hold (KindNotAllowed). Judged at the end of the whole change."""
    for unit_id in [unit_id for unit_id, names in batch.changed.items() if "category" in names]:
        for row in await establishments(conn, unit_id):
            if row.quota or row.headcount:
                await ensure_allowed_row(conn, unit_id, row.kind, row.funding, batch.since)
