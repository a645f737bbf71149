"""Cases begin again where their journals left them, when Temporal has lost them or stands at another minute (docs/decisions/0090)."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID, uuid5

from services.approval.commands.freezes import BLOCK, UNBLOCK
from services.approval.models.reopening import KeptCase
from services.approval.queries import reopening as queries
from services.approval.queries.applications import freezes_in_force
from services.approval.rules import stopped_by
from services.approval.rules.reopening import carried
from shared.clock import business_day
from shared.db import Connection
from shared.events.envelope import uuid7
from shared.outbox import update_workflow
from shared.recovery import begin_again
from workflows.approval_messages import ApprovalStart, Block, revocation_id, workflow_id

WORKFLOW = "ApprovalWorkflow"


async def reopen_cases(conn: Connection, clock_offset: timedelta | None) -> int:
    """Have every open application and revocation taken up again by a new workflow; how many."""
    applications = await queries.open_applications(conn)
    for application_id in applications:
        kept = await queries.kept_case(conn, application_id)
        start = await _start(conn, application_id, kept, clock_offset)
        await begin_again(conn, WORKFLOW, workflow_id(application_id), start)
        await _tell_freezes(conn, application_id, kept)
    documents = await queries.open_revocations(conn)
    for document_id in documents:
        application_id, kept = await queries.kept_revocation(conn, document_id)
        start = await _start(conn, application_id, kept, clock_offset)
        await begin_again(conn, WORKFLOW, revocation_id(kept.revokes or document_id), start)
    return len(applications) + len(documents)


async def _start(conn: Connection, application_id: UUID, kept: KeptCase, clock_offset: timedelta | None) -> ApprovalStart:
    state = carried(kept)
    since = business_day(kept.lines[-1].at) if kept.lines else None
    calendar = await queries.calendar_of(conn, application_id, kept.deadline)
    return ApprovalStart(
        application_id=application_id,
        application_type=kept.pinned.type,
        content=kept.pinned.content,
        applicant=kept.applicant,
        concerned=kept.concerned,
        chain=kept.pinned.chain,
        calendar=calendar.since(since) if since else calendar,
        submitted_at=kept.submitted_at,
        clock_offset=clock_offset,
        revokes=kept.revokes,
        carried=state,
    )


async def _tell_freezes(conn: Connection, application_id: UUID, kept: KeptCase) -> None:
    """What the unit's orders have become since the last line; the case itself judges whether that stops it."""
    scope = stopped_by(kept.pinned.type, off_establishment=kept.pinned.off_establishment)
    in_force = await freezes_in_force(conn, kept.pinned.content.unit_id, scope) if scope else ()
    await _tell(conn, BLOCK, application_id, set(in_force) - set(kept.blocked_by))
    await _tell(conn, UNBLOCK, application_id, set(kept.blocked_by) & set(kept.lifted))


async def _tell(conn: Connection, update: str, application_id: UUID, orders: Collection[UUID]) -> None:
    again = uuid7()
    for order_id in sorted(orders):
        await update_workflow(conn, update, workflow_id(application_id), Block(order_id=order_id), uuid5(again, f"{update}:{order_id}"))
