"""Cases, freeze orders and seals begin again where the tables left them, when Temporal has lost them (docs/decisions/0090)."""

from datetime import timedelta

from services.monitoring.queries import reopening as queries
from shared.db import Connection
from shared.recovery import begin_again
from workflows import freeze_case, rectification, sealing_messages


async def reopen_cases(conn: Connection, clock_offset: timedelta | None) -> int:
    """Have all that is open taken up again by new workflows; how many."""
    rectifications = await queries.open_rectifications(conn, clock_offset)
    for case in rectifications:
        await begin_again(conn, "RectificationWorkflow", rectification.workflow_id(case.issue_id, case.round), case)
    freezes = await queries.open_freezes(conn, clock_offset)
    for order in freezes:
        await begin_again(conn, "FreezeWorkflow", freeze_case.workflow_id(order.order_id), order)
    seals = await queries.open_seals(conn, clock_offset)
    for seal in seals:
        await begin_again(conn, "SealWorkflow", sealing_messages.workflow_id(seal.kind, seal.document_id), seal)
    return len(rectifications) + len(freezes) + len(seals)
