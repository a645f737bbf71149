"""Door 3: Temporal. What ApprovalWorkflow may ask of this service; each is harmless when repeated.

The notice and its seal are never refused for good here: an error is tried again, and until then the case stays where it is. A line of the journal
that the tables do not take holds the case, for everybody to see.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio import activity

from services.approval.commands import applications, documents
from services.approval.models.facts import Released, SealTask
from services.approval.models.refusals import DocumentDamaged, DocumentNotDrawable, NotReleased
from services.approval.models.requests import FileDocument, KeepAnswer, KeepRendered, PrepareSeal
from services.approval.queries import documents as queries
from services.approval.queries.notices import TEMPLATES, RosterReader
from shared import seal
from shared.clock import at_hour
from shared.db import By, Database
from shared.documents import MissingGlyphs, Renderer, intact_file, keep_file, named_file, sha256_hex
from shared.seal import Placeholder, SealPlatform, SealResult
from shared.temporal import refusals_are_final
from workflows import approval_messages as messages

ENGINE = "approval"


@dataclass(frozen=True)
class ApprovalActivities:
    """What the activities need: the tables, the folder of files, and the two neighbours."""

    database: Database
    folder: Path
    issuer: str
    renderer: Renderer
    roster: RosterReader
    platform: SealPlatform
    callback_url: str
    seal_code: str | None = None
    demo_seal: bool = True

    def all(self) -> Sequence[Callable[..., Any]]:
        """Everything to be served."""
        return [self.record_entry, self.mark_held, self.number_document, self.render_document, self.request_seal, self.file_document]

    @activity.defn(name=messages.RECORD_ENTRY)
    async def record_entry(self, entry: messages.Entry) -> None:
        """Record one line of the journal."""
        case = messages.workflow_id(entry.application_id)
        by = By(entry.actor, entry.at, f"{case}/{entry.sequence}", entry.text, case_id=case)
        with refusals_are_final():
            await applications.record_entry(self.database, by, entry)

    @activity.defn(name=messages.MARK_HELD)
    async def mark_held(self, held: messages.Held) -> None:
        """Show that the case stands still, and why."""
        case = messages.workflow_id(held.application_id)
        by = By(ENGINE, held.at, f"{case}/{held.sequence}/{'over' if held.over else 'held'}/{held.at.isoformat()}", case_id=case)
        await applications.mark_held(self.database, by, held)

    @activity.defn(name=messages.NUMBER_DOCUMENT)
    async def number_document(self, what: messages.NumberDocument) -> messages.Numbered:
        """Give the notice its number; what was sent back and is approved on another day asks again."""
        case = messages.workflow_id(what.application_id)
        by = By(ENGINE, at_hour(what.on, 0), f"{case}/number/{what.on}", case_id=case)
        return await documents.number_document(self.database, by, what)

    @activity.defn(name=messages.RENDER_DOCUMENT)
    async def render_document(self, what: messages.RenderDocument) -> messages.Rendered:
        """Write the notice and lock its bytes; a repeat never writes them anew."""
        async with self.database.reading() as conn:
            notice = await queries.notice(conn, what.document_id, what.revision)
        if notice.sha256:
            return messages.Rendered(document_id=what.document_id, sha256=notice.sha256)
        words = await self.roster.words(notice, what.done, what.on, self.issuer, demo_seal=self.demo_seal)
        try:
            pdf = await asyncio.to_thread(self.renderer.pdf, TEMPLATES / notice.template, words, at_hour(what.on, 9))
        except MissingGlyphs:  # until the office has a font for it, the case stands still and says so
            code, at = DocumentNotDrawable.code, at_hour(what.on, 9)
            await self.mark_held(messages.Held(application_id=what.application_id, sequence=what.revision, code=code, at=at))
            raise
        file = await asyncio.to_thread(keep_file, self.folder, what.document_id, pdf)
        by = By(ENGINE, at_hour(what.on, 9), f"document:{what.document_id}/rendered/{sha256_hex(pdf)}")
        return await documents.keep_rendered(
            self.database, by, KeepRendered(document_id=what.document_id, file=file, sha256=sha256_hex(pdf))
        )

    @activity.defn(name=messages.REQUEST_SEAL)
    async def request_seal(self, what: messages.SealRequest) -> messages.SealProgress:
        """Have the released bytes sealed: prepared once, one task for them, asked for until the answer is there."""
        task = await self._task(what.document_id) or await self._prepare(what)
        if task.answer is None:
            await self._ask(task, what.at)
        return messages.SealProgress(completed=task.answer is not None)

    @activity.defn(name=messages.FILE_DOCUMENT)
    async def file_document(self, what: messages.SealRequest) -> messages.Filed:
        """Put the signature into the prepared bytes, verify the whole, file it. Until that is the platform's seal on these bytes, it stays 待签章."""
        task = await self._task(what.document_id)
        if task is None or task.answer is None:
            raise NotReleased(document=what.document_id)
        result = SealResult.model_validate(task.answer)
        placeholder = Placeholder.model_validate(task.prepared)
        sealed = await seal.completed(self.platform, task.seal_code, await self._prepared(task, what), placeholder, result)
        verdict = await asyncio.to_thread(seal.verify, sealed)
        filing = FileDocument(
            document_id=what.document_id,
            file=await asyncio.to_thread(keep_file, self.folder, what.document_id, sealed),
            sha256=verdict.sha256,
            signer=verdict.signer or "—",
            sealed_at=result.signed_at or what.at,
        )
        return await documents.file_document(self.database, By(ENGINE, what.at, f"document:{what.document_id}/{verdict.sha256}"), filing)

    async def _task(self, document_id: UUID) -> SealTask | None:
        async with self.database.reading() as conn:
            return await queries.seal_task(conn, document_id)

    async def _prepare(self, what: messages.SealRequest) -> SealTask:
        document_no, original = await self._released(what)
        offered = await self.platform.list_seals()
        chosen = next(each for each in offered if self.seal_code in {None, each.code})
        prepared = await asyncio.to_thread(seal.prepare, original, chosen, document_no, what.at)
        preparing = PrepareSeal(
            document_id=what.document_id,
            prepared=prepared.placeholder.model_dump(),
            prepared_file=await asyncio.to_thread(keep_file, self.folder, what.document_id, prepared.pdf),
            seal_code=chosen.code,
        )
        by = By(ENGINE, what.at, f"document:{what.document_id}/prepared/{prepared.placeholder.digest}")
        return await documents.prepare_seal(self.database, by, preparing)

    async def _prepared(self, task: SealTask, what: messages.SealRequest) -> bytes:
        """The bytes that the platform was asked to seal, not others. Raises DocumentDamaged."""
        prepared = await asyncio.to_thread(named_file, self.folder, task.prepared_file)
        if prepared is None:
            async with self.database.reading() as conn:
                kept = await queries.released(conn, what.document_id)
            raise await self._damaged(kept, what)
        return prepared

    async def _released(self, what: messages.SealRequest) -> tuple[str, bytes]:
        """The bytes that the operator released, not others. Raises DocumentDamaged."""
        async with self.database.reading() as conn:
            kept = await queries.released(conn, what.document_id)
        original = await asyncio.to_thread(intact_file, self.folder, kept.file, kept.sha256)
        if original is None:
            raise await self._damaged(kept, what)
        return kept.document_no, original

    async def _damaged(self, kept: Released, what: messages.SealRequest) -> DocumentDamaged:
        """Until the bytes are back, the case stands still and says so."""
        held = messages.Held(application_id=kept.application_id, sequence=kept.revision, code=DocumentDamaged.code, at=what.at)
        await self.mark_held(held)
        return DocumentDamaged(document=what.document_id)

    async def _ask(self, task: SealTask, at: datetime) -> None:
        """The answer to a repeat may be the seal itself, when its callback got lost: it is kept as a callback would be."""
        asked = seal.SealTask(
            task_id=task.task_id,
            seal_code=task.seal_code,
            digest=task.digest,
            operator=task.operator,
            document_title=task.document_no,
            callback_url=self.callback_url,
        )
        result = await self.platform.create_task(asked)
        if result.state == "sealed":
            answer = KeepAnswer(task_id=result.task_id, digest=result.digest, answer=result.model_dump(mode="json"))
            await documents.keep_answer(self.database, By(ENGINE, at, f"seal:{task.task_id}/asked"), answer)
