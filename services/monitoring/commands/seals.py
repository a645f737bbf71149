"""The seal of an edition: its bytes are fixed once, the platform's answer is stored before anything follows, what is filed stays."""

from uuid import uuid5

from services.monitoring.models.refusals import ListNotReleased, SealMismatch, SealTaskUnknown
from services.monitoring.models.requests import FileList, KeepAnswer, PrepareListSeal
from services.monitoring.queries.lists import SealTask, seal_task
from shared.db import By, Connection, command
from shared.outbox import update_workflow
from workflows.supervision import SEAL_COMPLETED, ListAnswered, seal_workflow_id


@command
async def prepare_list_seal(conn: Connection, by: By, what: PrepareListSeal) -> SealTask:  # noqa: ARG001  every command has this form
    """Fix the bytes that are sealed, and the task for them; the first preparation stays. Raises ListNotReleased."""
    if not await conn.fetchval("SELECT released_at IS NOT NULL FROM supervision_lists WHERE id = $1 FOR UPDATE", what.list_id):
        raise ListNotReleased(list=what.list_id)
    await conn.execute(
        "INSERT INTO seal_tasks (list_id, task_id, seal_code, certificate, placeholder, prepared_file, digest) VALUES ($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT (list_id) DO NOTHING",
        what.list_id,
        f"list-{what.list_id}",
        what.seal_code,
        what.certificate,
        what.placeholder,
        what.prepared_file,
        what.digest,
    )
    task = await seal_task(conn, what.list_id)
    if task is None:
        raise SealTaskUnknown(list=what.list_id)
    return task


@command
async def keep_answer(conn: Connection, by: By, what: KeepAnswer) -> None:
    """Store the platform's answer, then have the workflow told. The first answer stays. Raises SealTaskUnknown, SealMismatch."""
    task = await conn.fetchrow("SELECT list_id, digest, answer FROM seal_tasks WHERE task_id = $1 FOR UPDATE", what.task_id)
    if task is None:
        raise SealTaskUnknown(task=what.task_id)
    if task["digest"] != what.digest:
        raise SealMismatch(task=what.task_id)
    if task["answer"] is not None:
        return
    await conn.execute("UPDATE seal_tasks SET answer = $2, answered_at = $3 WHERE task_id = $1", what.task_id, what.answer, by.as_of)
    told = ListAnswered(list_id=task["list_id"])
    await update_workflow(conn, SEAL_COMPLETED, seal_workflow_id(task["list_id"]), told, uuid5(task["list_id"], what.digest))


@command
async def file_list(conn: Connection, by: By, what: FileList) -> str:  # noqa: ARG001  every command has this form
    """Keep which file is the sealed one; the first stays."""
    await conn.execute(
        "UPDATE supervision_lists SET sealed_file = $2, sealed_sha256 = $3, signer = $4, sealed_at = $5 WHERE id = $1 AND sealed_at IS NULL",
        what.list_id,
        what.file,
        what.sha256,
        what.signer,
        what.sealed_at,
    )
    return what.sha256
