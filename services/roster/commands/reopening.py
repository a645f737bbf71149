"""Imports and comparisons begin again where the tables left them, when Temporal has lost them (docs/decisions/0090)."""

from datetime import timedelta
from uuid import UUID

from services.roster.models.comparisons import UNDER_WAY
from services.roster.models.imports import ImportState
from shared.db import Connection
from shared.events.envelope import uuid7
from shared.outbox import update_workflow
from shared.recovery import begin_again
from workflows import comparison, imports

_KEPT = "SELECT id, state, keep_until FROM imports WHERE EXISTS (SELECT FROM import_files WHERE import_id = imports.id) ORDER BY id"


async def reopen_cases(conn: Connection, clock_offset: timedelta | None) -> int:
    """Every import whose file is kept (what is checked stays checked), and every comparison under way; how many."""
    kept = await conn.fetch(_KEPT)
    for row in kept:
        start = imports.ImportStart(import_id=row["id"], keep_until=row["keep_until"], clock_offset=clock_offset)
        await begin_again(conn, "ImportWorkflow", imports.workflow_id(row["id"]), start)
        if row["state"] == ImportState.APPLYING:
            await _tell_apply(conn, row["id"])
    running = await conn.fetch("SELECT id FROM comparison_runs WHERE state = ANY($1) ORDER BY id", list(UNDER_WAY))
    for row in running:
        what = comparison.ComparisonStart(run_id=row["id"])
        await begin_again(conn, "ComparisonWorkflow", comparison.workflow_id(row["id"]), what)
    return len(kept) + len(running)


async def _tell_apply(conn: Connection, import_id: UUID) -> None:
    told = imports.ImportTold(import_id=import_id)
    await update_workflow(conn, imports.APPLY, imports.workflow_id(import_id), told, uuid7())
