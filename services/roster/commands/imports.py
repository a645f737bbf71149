"""A file that somebody brought: taken in and kept encrypted, written when told to, cancelled, and forgotten when its retention is over."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

import structlog

from services.roster.commands.brought import IMPORTED
from services.roster.models.imports import (
    BeginApplying,
    CancelImport,
    ErrorsLeft,
    FileForgotten,
    ImportOver,
    ImportState,
    ImportUnknown,
    NotChecked,
    ReceiveImport,
)
from shared import outbox
from shared.clock import Clock
from shared.db import TROUBLE, By, Connection, Database, command
from workflows.imports import APPLY, CANCEL, ImportStart, ImportTold, workflow_id

SWEEP = 3600.0
_OVER = (ImportState.APPLIED, ImportState.CANCELLED, ImportState.UNREADABLE, ImportState.FORGOTTEN)
_log = structlog.get_logger()


@command
async def receive_import(conn: Connection, by: By, what: ReceiveImport) -> UUID:
    """Keep the file and have it checked."""
    keep_until = by.as_of + timedelta(days=what.keep_days)
    await conn.execute(
        "INSERT INTO imports (id, kind, state, file_name, file_bytes, file_hash, plain, mapping, political_legal, actor, scope,"
        " received_at, keep_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        *(what.import_id, what.kind, ImportState.RECEIVED, what.file_name, what.file_bytes, what.file_hash, what.plain),
        what.mapping.model_dump(mode="json", by_alias=True) if what.mapping else None,
        *(what.political_legal, by.actor, what.scope, by.as_of, keep_until),
    )
    await IMPORTED.keep(conn, what.import_id, what.pieces())
    start = ImportStart(import_id=what.import_id, keep_until=keep_until, clock_offset=what.clock_offset)
    await outbox.start_workflow(conn, "ImportWorkflow", workflow_id(what.import_id), start)
    return what.import_id


@command
async def begin_applying(conn: Connection, by: By, what: BeginApplying) -> None:
    """Have a checked file written. Raises NotChecked; FileForgotten when its retention is over; ErrorsLeft unless only the good rows are asked for."""
    row = await conn.fetchrow("SELECT state, errors, file_hash, keep_until FROM imports WHERE id = $1 FOR UPDATE", what.import_id)
    if row is None:
        raise ImportUnknown
    checked = row["state"] == ImportState.CHECKED
    if row["state"] == ImportState.FORGOTTEN or (checked and row["keep_until"] <= by.as_of):  # its workflow would not hear of it any more
        raise FileForgotten
    if not checked:
        raise NotChecked
    if row["errors"] and not what.accept_valid:
        raise ErrorsLeft(errors=row["errors"])
    await conn.execute(
        "UPDATE imports SET state = $2, accept_valid = $3, document_no = $4, step = step + 1 WHERE id = $1",
        what.import_id,
        ImportState.APPLYING,
        what.accept_valid,
        by.document_no or f"期初建账-{row['file_hash'][:12]}",
    )
    await _tell(conn, by, APPLY, what.import_id)


@command
async def cancel_import(conn: Connection, by: By, what: CancelImport) -> None:
    """Stop it. What is being written is finished up to the unit at hand. Raises ImportOver."""
    state = await conn.fetchval("SELECT state FROM imports WHERE id = $1 FOR UPDATE", what.import_id)
    if state is None:
        raise ImportUnknown
    if state in _OVER:
        raise ImportOver
    if state == ImportState.APPLYING:
        await conn.execute("UPDATE imports SET cancel_asked = true, step = step + 1 WHERE id = $1", what.import_id)
        return
    await conn.execute(
        "UPDATE imports SET state = $2, cancel_asked = true, ended_at = $3, step = step + 1 WHERE id = $1",
        what.import_id,
        ImportState.CANCELLED,
        by.as_of,
    )
    await _tell(conn, by, CANCEL, what.import_id)


async def _tell(conn: Connection, by: By, update: str, import_id: UUID) -> None:
    """The update has the id of the request, so that a repeat is none."""
    request_id = UUID(bytes=sha256(f"{by.key}:{update}".encode()).digest()[:16])
    await outbox.update_workflow(conn, update, workflow_id(import_id), ImportTold(import_id=import_id), request_id)


@command
async def forget_import(conn: Connection, by: By, what: CancelImport) -> None:  # noqa: ARG001  a command has its mandate
    """Delete the file and the values of its rows; what was found and written stays readable.

    Nobody asks for it while something is being written: the workflow does so before or after, the hourly sweep leaves out what was told to be
    written. So one that was told too late for its workflow is forgotten as well.
    """
    await conn.execute("DELETE FROM import_files WHERE import_id = $1", what.import_id)
    await conn.execute("UPDATE import_rows SET sealed = NULL, mark = NULL WHERE import_id = $1", what.import_id)
    await conn.execute(
        "UPDATE imports SET state = CASE WHEN state = ANY($3) THEN $2 ELSE state END, step = step + 1 WHERE id = $1",
        what.import_id,
        ImportState.FORGOTTEN,
        [ImportState.CHECKED, ImportState.APPLYING],
    )


async def serve_upkeep(*sweeps: Callable[[], Awaitable[int]]) -> None:
    """At the start and once an hour, for ever: delete what is kept beyond its time, write what is missing."""
    while True:
        for sweep in sweeps:
            try:
                await sweep()
            except TROUBLE as error:
                _log.warning("a sweep waits for the next hour", error=type(error).__name__)
        await asyncio.sleep(SWEEP)


def of_retention(import_id: UUID, now: datetime) -> By:
    """The mandate of one look. A later one is no repeat: a check may have written on meanwhile."""
    return By("system", now, f"import:{import_id}:forget:{now.isoformat()}", "上传文件保存期满")


async def forget_overdue(database: Database, clock: Clock) -> int:
    """Files whose retention is over, whatever became of the workflow that was to delete them; how many. One that is being written waits."""
    now = clock.now()
    async with database.reading() as conn:
        rows = await conn.fetch(_OVERDUE, now, ImportState.APPLYING)
    for row in rows:
        await forget_import(database, of_retention(row["id"], now), CancelImport(import_id=row["id"]))
    return len(rows)


_OVERDUE = """
    SELECT id FROM imports WHERE keep_until < $1 AND state <> $2 AND (
        EXISTS (SELECT FROM import_files WHERE import_id = imports.id) OR EXISTS (SELECT FROM import_rows WHERE import_id = imports.id AND sealed IS NOT NULL)
    ) ORDER BY id
"""
