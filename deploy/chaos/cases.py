"""What the tables say of open cases: each has a workflow that runs, no seal is waited for, and no deadline has passed unnoticed."""

from datetime import datetime

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from shared.db import Connection

_OPEN = """
    SELECT 'approval:' || id AS case, state FROM approval.applications WHERE state NOT IN ('filed', 'withdrawn')
    UNION ALL SELECT 'revocation:' || id, 'revokes' FROM approval.documents
        WHERE revokes IS NOT NULL AND NOT EXISTS (SELECT FROM approval.filing_ledger WHERE document_id = documents.id)
    UNION ALL SELECT 'rectification:' || id || ':' || round, state FROM monitoring.issues
        WHERE has_case AND state NOT IN ('closed', 'dismissed', 'baseline')
    UNION ALL SELECT 'freeze:' || id, state FROM monitoring.freeze_orders WHERE state NOT IN ('freeze_declined', 'released')
    UNION ALL SELECT 'seal:notice:' || id, 'released' FROM monitoring.notice_seals WHERE sealed_at IS NULL
    UNION ALL SELECT 'seal:list:' || id, 'released' FROM monitoring.supervision_lists WHERE released_at IS NOT NULL AND sealed_at IS NULL
    ORDER BY 1
"""
"""As the queries of approval and monitoring list them for a restore."""
_UNSEALED = """
    SELECT 'application ' || id AS what FROM approval.applications WHERE state = 'awaiting_seal'
    UNION ALL SELECT 'document ' || document_id FROM approval.seal_register
        WHERE NOT EXISTS (SELECT FROM approval.filing_ledger WHERE document_id = seal_register.document_id)
    UNION ALL SELECT 'notice ' || id FROM monitoring.notice_seals WHERE sealed_at IS NULL
    UNION ALL SELECT 'list ' || id FROM monitoring.supervision_lists WHERE released_at IS NOT NULL AND sealed_at IS NULL
    ORDER BY 1
"""
_PAST = """
    SELECT 'rectification:' || id || ':' || round AS case, due_at FROM monitoring.issues WHERE state = 'rectifying' AND due_at <= $1
    UNION ALL SELECT 'approval:' || id, due_at FROM approval.applications
        WHERE state = 'in_review' AND due_at <= $1 AND NOT EXISTS (
            SELECT FROM approval.entries WHERE application_id = applications.id AND kind = 'reminded' AND at >= applications.due_at)
    ORDER BY 1
"""


async def without_a_workflow(owner: Connection, client: Client) -> list[str]:
    """Open cases whose workflow does not run."""
    rows = await owner.fetch(_OPEN)
    return [f"{row['case']}: {row['state']}, no workflow runs" for row in rows if not await _runs(client, row["case"])]


async def _runs(client: Client, case: str) -> bool:
    try:
        return (await client.get_workflow_handle(case).describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise


async def unsealed(owner: Connection) -> list[str]:
    """What was released to be sealed, and is not."""
    return [f"{row['what']} waits for its seal" for row in await owner.fetch(_UNSEALED)]


async def past_their_term(owner: Connection, now: datetime) -> dict[str, datetime]:
    """Cases that the tables show within their term although it has ended, and steps whose last reminder is missing."""
    return {row["case"]: row["due_at"] for row in await owner.fetch(_PAST, now)}
