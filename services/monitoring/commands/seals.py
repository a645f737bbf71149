"""The seal of a list or a notice: its bytes are fixed once, the platform's answer is stored before anything follows, what is filed stays."""

from uuid import uuid5

from services.monitoring.models.refusals import NotReleased, SealMismatch, SealTaskUnknown
from services.monitoring.models.requests import FileSealed, KeepAnswer, MarkSealHeld, PrepareSeal
from services.monitoring.queries.seals import SealTask, seal_task
from shared.db import By, Connection, command
from shared.outbox import update_workflow
from workflows.sealing_messages import SEAL_COMPLETED, Document, SealAnswered, workflow_id

_HOLDERS = {Document.LIST: "supervision_lists", Document.NOTICE: "notice_seals"}


@command
async def prepare_seal(conn: Connection, by: By, what: PrepareSeal) -> SealTask:  # noqa: ARG001  every command has this form
    """Fix the bytes that are sealed, and the task for them, which is named by both document and bytes: a restore forgets the bytes, the platform
    does not. The first preparation stays. Raises NotReleased.
    """
    released = f"SELECT released_at IS NOT NULL FROM {_HOLDERS[what.kind]} WHERE id = $1 FOR UPDATE"
    if not await conn.fetchval(released, what.document_id):
        raise NotReleased(document=what.document_id)
    await conn.execute(
        "INSERT INTO seal_tasks (document_id, kind, task_id, seal_code, certificate, placeholder, prepared_file, digest)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (document_id) DO NOTHING",
        what.document_id,
        what.kind,
        f"{what.kind}-{what.document_id}:{what.digest[:16]}",
        what.seal_code,
        what.certificate,
        what.placeholder,
        what.prepared_file,
        what.digest,
    )
    await conn.execute(f"UPDATE {_HOLDERS[what.kind]} SET held = NULL WHERE id = $1 AND held IS NOT NULL", what.document_id)
    task = await seal_task(conn, what.document_id)
    if task is None:
        raise SealTaskUnknown(document=what.document_id)
    return task


@command
async def mark_seal_held(conn: Connection, by: By, what: MarkSealHeld) -> None:  # noqa: ARG001  every command has this form
    """Show that a released document cannot be prepared or filed, and why; doing so takes the mark away."""
    await conn.execute(f"UPDATE {_HOLDERS[what.kind]} SET held = $2 WHERE id = $1 AND sealed_at IS NULL", what.document_id, what.code)


@command
async def keep_answer(conn: Connection, by: By, what: KeepAnswer) -> None:
    """Store the platform's answer, then have the workflow told. The first answer stays. Raises SealTaskUnknown, SealMismatch."""
    task = await conn.fetchrow("SELECT document_id, kind, digest, answer FROM seal_tasks WHERE task_id = $1 FOR UPDATE", what.task_id)
    if task is None:
        raise SealTaskUnknown(task=what.task_id)
    if task["digest"] != what.digest:
        raise SealMismatch(task=what.task_id)
    if task["answer"] is not None:
        return
    await conn.execute("UPDATE seal_tasks SET answer = $2, answered_at = $3 WHERE task_id = $1", what.task_id, what.answer, by.as_of)
    case = workflow_id(Document(task["kind"]), task["document_id"])
    told = SealAnswered(document_id=task["document_id"])
    await update_workflow(conn, SEAL_COMPLETED, case, told, uuid5(task["document_id"], what.digest))


@command
async def file_sealed(conn: Connection, by: By, what: FileSealed) -> str:  # noqa: ARG001  every command has this form
    """Keep which file is the sealed one; the first stays."""
    await conn.execute(
        f"UPDATE {_HOLDERS[what.kind]} SET sealed_file = $2, sealed_sha256 = $3, signer = $4, sealed_at = $5, held = NULL"
        " WHERE id = $1 AND sealed_at IS NULL",
        what.document_id,
        what.file,
        what.sha256,
        what.signer,
        what.sealed_at,
    )
    return what.sha256
