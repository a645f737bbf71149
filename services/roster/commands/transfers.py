"""调动: one command over two units, on one date. Both events carry the transfer and the person's version, so nobody sees the person twice or nowhere."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.roster.commands.locks import hold_paths, take_person, take_units
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.placements import Entry, Judged, placed, released
from services.roster.models.facts import Placement
from services.roster.models.refusals import SameUnit
from services.roster.models.requests import CONTRACT, Post, TransferPerson
from services.roster.queries.establishments import establishment
from services.roster.queries.facts import ensure_allowed_row, frozen_by, natures_of, person_record, placements_of
from services.roster.rules.posts import (
    ensure_available,
    ensure_before_retirement,
    ensure_here,
    ensure_in_term,
    ensure_kinds_alike,
    ensure_not_frozen,
)
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.roster import EstablishmentState
from shared.glossary import FreezeScope


@dataclass(frozen=True)
class Taken:
    """What a transfer has locked: the person's version, and each unit's."""

    person_version: int
    versions: dict[UUID, int]


@command
async def transfer_person(conn: Connection, by: By, what: TransferPerson) -> UUID:
    """Move a person to a free post of another unit, judged there like an entry; answers with the new placement's id."""
    document_of(by)
    today = today_of(by, what.effective_on, what.authorised_on)
    taken = await take_both(conn, what.person_id, what.from_unit_id, what.to_unit_id)
    await ensure_allowed_row(conn, what.to_unit_id, what.kind, what.funding, today)
    here = ensure_here(await placements_of(conn, what.person_id), what.from_unit_id)
    natures = await natures_of(conn, (here.kind, what.kind))
    ensure_kinds_alike(here, what.kind, natures)
    ensure_before_retirement(await person_record(conn, what.person_id), natures[what.kind].population, what.effective_on)
    ensure_not_frozen(await frozen_by(conn, what.to_unit_id, FreezeScope.ENTRY, what.kind))
    before = await establishment(conn, what.to_unit_id, what.kind, what.funding)
    ensure_available(before, 1)
    ensure_in_term(before, what.effective_on)
    post = Post(person_id=what.person_id, unit_id=what.to_unit_id, kind=what.kind, funding=what.funding, started_on=what.effective_on)
    entry = Entry("transfer", what.authorisation_no, what.authorised_on, transfer_id=uuid7())
    return await moved(conn, by, here, post, entry, before, taken)


async def take_both(conn: Connection, person_id: UUID, from_unit_id: UUID, to_unit_id: UUID) -> Taken:
    """Lock the person, both paths, both units, in the order that every command keeps."""
    if from_unit_id == to_unit_id:
        raise SameUnit
    person_version = await take_person(conn, person_id)
    await hold_paths(conn, from_unit_id, to_unit_id)
    return Taken(person_version, await take_units(conn, (from_unit_id, to_unit_id)))


async def moved(conn: Connection, by: By, here: Placement, post: Post, entry: Entry, before: EstablishmentState, taken: Taken) -> UUID:
    """出编 at one unit and 入编 at the other, of one day. The caller has judged."""
    post = post.model_copy(update=await _kept(conn, here, post))
    await released(conn, by, here, post.started_on, "transfer", taken.person_version, taken.versions[here.unit_id], entry.transfer_id)
    judged = Judged(await person_record(conn, post.person_id), before, taken.person_version, taken.versions[post.unit_id])
    return await placed(conn, by, post, entry, judged)


async def _kept(conn: Connection, here: Placement, post: Post) -> dict[str, Any]:
    """Outside the establishment the kind of work and the contract outlast the move, where no other form of employment is told."""
    if post.employment_form is not None:
        return {}
    renewed = await conn.fetchrow(
        "SELECT employment_form, dispatch_company, contract_until FROM post_changes"
        " WHERE placement_id = $1 AND upper_inf(recorded) AND renewed ORDER BY since DESC LIMIT 1",
        here.placement_id,
    )
    contract = {name: getattr(here, name) for name in CONTRACT} if renewed is None else dict(renewed)
    return {"off_post_kind": post.off_post_kind or here.off_post_kind, **contract}
