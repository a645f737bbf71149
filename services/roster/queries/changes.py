"""Pending changes: as their case finds them, and as the deciders see them, sensitive values masked."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from services.roster.models.changes import ChangeUnknown, PendingChange
from services.roster.models.facts import Placement
from services.roster.models.persons import RECORD, SENSITIVE
from services.roster.queries.codes import Labels, labels
from services.roster.queries.facts import placements_of
from services.roster.queries.persons import label_of, masked, opened
from services.roster.queries.units import seen
from shared.auth import Who
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.unit_copies import scope

_PENDING = """
    SELECT id, person_id, unit_id, since, record, post, sealed, marks, before, state, application_id, revision, document_no
    FROM pending_changes WHERE id = $1
"""


class ItemView(BaseModel):
    """One field of a pending change, codes in words. `secret`: seen masked."""

    field: str
    label: str
    before: str | None
    after: str | None
    secret: bool


class PendingView(BaseModel):
    """A change that waits for its case, or was carried out by it."""

    change_id: UUID
    person_id: UUID
    unit_id: UUID
    since: date | None
    state: str
    application_id: UUID | None
    registered_by: str
    registered_at: datetime
    reason: str
    document_no: str
    items: list[ItemView]


async def pending_change(conn: Connection, change_id: UUID, *, lock: bool = False) -> PendingChange:
    """One registered change; `lock` keeps others from claiming it meanwhile."""
    row = await conn.fetchrow(_PENDING + (" FOR UPDATE" if lock else ""), change_id)
    if row is None:
        raise ChangeUnknown(change=change_id)
    return PendingChange(**row)


async def changed_elsewhere(conn: Connection, change: PendingChange, application_id: UUID) -> list[str]:
    """The fields of a change that another application about the same person is to change too."""
    rows = await conn.fetch(
        "SELECT DISTINCT field FROM pending_changes p LEFT JOIN change_holds h ON change_id = id, jsonb_object_keys(record || post || sealed) AS field"
        " WHERE person_id = $1 AND state <> 'applied' AND coalesce(h.application_id, p.application_id) <> $2 AND field = ANY($3) ORDER BY field",
        change.person_id,
        application_id,
        [*change.record, *change.post, *change.sealed],
    )
    return [row["field"] for row in rows]


async def pending_view(conn: Connection, cipher: FieldCipher, change_id: UUID, who: Who) -> PendingView:
    """One registered change as the caller's scope lets him see it."""
    row = await conn.fetchrow(
        f"SELECT pending_changes.* FROM pending_changes JOIN units ON units.id = unit_id WHERE pending_changes.id = $2 AND {seen(who)}",
        scope(who),
        change_id,
    )
    if row is None:
        raise ChangeUnknown(change=change_id)
    called = await labels(conn, business_day(row["registered_at"]))
    plain = [_item(name, row["before"].get(name), value, called) for name, value in (row["record"] | row["post"]).items()]
    secret = [
        _item(name, None, masked(cipher, row["person_id"], name, None if value is None else bytes.fromhex(value)), called)
        for name, value in row["sealed"].items()
    ]
    return PendingView(change_id=change_id, items=plain + secret, **{name: row[name] for name in PendingView.model_fields if name in row})


async def pending_in_full(conn: Connection, cipher: FieldCipher, change_id: UUID) -> dict[str, str | None]:
    """The sensitive values of a pending change in full. The caller has recorded who asks and why."""
    change = await pending_change(conn, change_id)
    return {
        name: opened(cipher, change.person_id, name, None if value is None else bytes.fromhex(value))
        for name, value in change.sealed.items()
    }


async def open_changes(conn: Connection, cipher: FieldCipher, person_id: UUID, who: Who) -> list[PendingView]:
    """What is registered for a person and not decided yet, oldest first; there are few."""
    rows = await conn.fetch("SELECT id FROM pending_changes WHERE person_id = $1 AND state <> 'applied' ORDER BY id LIMIT 50", person_id)
    return [await pending_view(conn, cipher, row["id"], who) for row in rows]


def _item(name: str, before: object, after: object, called: Labels) -> ItemView:
    said = [None if value is None else called.get(name, {}).get(str(value), str(value)) for value in (before, after)]
    return ItemView(field=name, label=label_of(name), before=said[0], after=said[1], secret=name in SENSITIVE)


async def standing_of(conn: Connection, person_id: UUID, fields: Mapping[str, object]) -> dict[str, Any]:
    """What these fields of a person and of the post hold now; of the ID number its last change, of other sensitive fields nothing."""
    record = await conn.fetchrow(
        "SELECT person_records.*, (SELECT coalesce(max(id), 0) FROM person_changes WHERE person_id = $1 AND field = 'id_number') AS number_changed"
        " FROM person_records WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)",
        person_id,
    )
    here = next((each for each in await placements_of(conn, person_id) if each.ended_on is None), None)
    status = None if here is None else await _duty_status(conn, here)
    held: dict[str, Any] = {}
    for name in fields:
        if name == "id_number":
            held[name] = record and record["number_changed"]
        elif name in RECORD and name not in SENSITIVE:
            held[name] = record and record[name]
        elif name == "duty_status":
            held[name] = status
        elif name not in RECORD:
            held[name] = getattr(here, name, None)
    done: dict[str, Any] = to_jsonable_python(held)
    return done


async def _duty_status(conn: Connection, here: Placement) -> str | None:
    last = await conn.fetchrow(
        "SELECT duty_status FROM post_changes WHERE placement_id = $1 AND upper_inf(recorded) ORDER BY since DESC LIMIT 1",
        here.placement_id,
    )
    return here.duty_status if last is None else last["duty_status"]
