"""Freeze orders as the roster tells of them: kept for later applications, and told to those that are pending.

Called by consumers inside their transaction, after the unit's copy was updated there: its row lock orders this against submissions.
"""

from collections.abc import Sequence
from uuid import UUID, uuid5

from services.approval import rules
from services.approval.models.requests import EndFreeze, KeepFreeze
from services.approval.queries import applications as queries
from shared import outbox
from shared.db import Connection
from workflows.approval_messages import Block, workflow_id

BLOCK, UNBLOCK = "block", "unblock"


async def keep_freeze(conn: Connection, what: KeepFreeze) -> None:
    """Remember an order for the unit, also where it ended before: a reform took the unit out of what it freezes, and brought it back."""
    await conn.execute(
        "INSERT INTO unit_freezes (order_id, unit_id, scopes) VALUES ($1, $2, $3)"
        " ON CONFLICT (order_id, unit_id) DO UPDATE SET scopes = excluded.scopes, ended = false",
        what.order_id,
        what.unit_id,
        list(what.scopes),
    )


async def end_freeze(conn: Connection, what: EndFreeze) -> None:
    """Remember that an order ended for the unit, whether or not its beginning is known."""
    await conn.execute(
        "INSERT INTO unit_freezes (order_id, unit_id, scopes, ended) VALUES ($1, $2, '{}', true)"
        " ON CONFLICT (order_id, unit_id) DO UPDATE SET ended = true",
        what.order_id,
        what.unit_id,
    )


async def block_applications(conn: Connection, what: KeepFreeze) -> None:
    """Pause the unit's pending applications that the order stops."""
    inside, outside = [rules.stopped_types(what.scopes, off_establishment=each) for each in (False, True)]
    pending = await queries.stopped(conn, what.unit_id, inside, outside)
    await _tell(conn, BLOCK, what, pending)


async def unblock_applications(conn: Connection, what: EndFreeze) -> None:
    """Let the unit's pending applications go on; those that never heard of the order remember its end."""
    await _tell(conn, UNBLOCK, what, await queries.pending(conn, what.unit_id))


async def _tell(conn: Connection, update: str, what: KeepFreeze | EndFreeze, applications: Sequence[UUID]) -> None:
    """Each event once: Temporal answers an id that a run knows already without telling the case."""
    for application_id in applications:
        update_id = uuid5(what.event_id, f"{update}:{application_id}")
        await outbox.update_workflow(conn, update, workflow_id(application_id), Block(order_id=what.order_id), update_id)
