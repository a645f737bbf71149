"""Door 3: what workflows may ask of monitoring. Each is one command (the sweep and the lists: one per unit), harmless when repeated."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio import activity

from services.monitoring.commands import lists, seals
from services.monitoring.commands.cases import ENGINE, mark_case_held, record_case_entry
from services.monitoring.commands.freezes import mark_freeze_held, record_freeze_entry
from services.monitoring.commands.sweeps import sweep_unit
from services.monitoring.models.facts import Surroundings
from services.monitoring.models.refusals import ListDamaged, ListNotDrawable, NoticeDamaged
from services.monitoring.models.requests import FileSealed, IssueList, KeepAnswer, MarkSealHeld, PrepareSeal, SweepUnit
from services.monitoring.queries import lists as queries
from services.monitoring.queries.facts import units_to_sweep
from services.monitoring.queries.notices import released_notice
from services.monitoring.queries.seals import SealTask, seal_task
from shared import seal
from shared.clock import business_day
from shared.db import By, Database
from shared.documents import MissingGlyphs, Renderer, intact_file, keep_file, named_file
from shared.seal import Placeholder, SealPlatform, SealResult
from shared.temporal import refusals_are_final
from shared.unit_runs import TRIES, unit_by_unit
from workflows import freeze, freeze_case, rectification, supervision, sweep
from workflows.freeze_case import FreezeEntry, FreezeHeld
from workflows.rectification_case import Entry, Held
from workflows.roster import Evidence
from workflows.schedules import Due, nominal_at
from workflows.sealing_messages import SEAL_DOCUMENT, Document, SealStart

TEMPLATE = Path(__file__).parent / "templates" / "supervision_list.typ"


@dataclass(frozen=True)
class Sealing:
    """What sealing needs: the folder of each kind's files, the form of the lists, and the platform."""

    folders: Mapping[Document, Path]
    issuer: str
    renderer: Renderer
    platform: SealPlatform
    callback_url: str
    seal_code: str | None = None


@dataclass(frozen=True)
class MonitoringActivities:
    """The activities with what they need."""

    database: Database
    surroundings: Surroundings
    sealing: Sealing

    def all(self) -> Sequence[Callable[..., Any]]:
        """What the worker registers."""
        return [
            *(self.record_case_entry, self.mark_case_held, self.record_freeze_entry, self.mark_freeze_held),
            *(self.sweep_day, self.sweep, self.issue_weekly_lists, self.seal_document),
        ]

    @activity.defn(name=rectification.RECORD_ENTRY)
    async def record_case_entry(self, entry: Entry) -> int:
        """Record one entry of a rectification."""
        case_id = rectification.workflow_id(entry.issue_id, entry.round)
        with refusals_are_final():
            return await record_case_entry(self.database, _by(entry.evidence, case_id, entry.sequence, entry.at), entry)

    @activity.defn(name=freeze.RECORD_ENTRY)
    async def record_freeze_entry(self, entry: FreezeEntry) -> int:
        """Record one entry of a freeze order."""
        case_id = freeze_case.workflow_id(entry.order_id)
        with refusals_are_final():
            return await record_freeze_entry(self.database, _by(entry.evidence, case_id, entry.sequence, entry.at), entry)

    @activity.defn(name=rectification.MARK_HELD)
    async def mark_case_held(self, held: Held) -> None:
        """Show that a rectification stands still, and why."""
        case_id = rectification.workflow_id(held.issue_id, held.round)
        await mark_case_held(self.database, _by(None, case_id, held.sequence, held.at).part(f"held:{held.at.isoformat()}"), held)

    @activity.defn(name=freeze.MARK_HELD)
    async def mark_freeze_held(self, held: FreezeHeld) -> None:
        """Show that a freeze order stands still, and why."""
        case_id = freeze_case.workflow_id(held.order_id)
        await mark_freeze_held(self.database, _by(None, case_id, held.sequence, held.at).part(f"held:{held.at.isoformat()}"), held)

    @activity.defn(name=sweep.SWEEP_DAY)
    async def sweep_day(self, due: Due) -> Due:
        """The business instant of a sweep."""
        return Due(at=nominal_at(due, self.surroundings.clock_offset() or timedelta(0)))

    @activity.defn(name=sweep.SWEEP)
    async def sweep(self, due: Due) -> int:
        """Judge every unit that time alone may have changed. Answers how many."""
        day, at = business_day(due.at), due.at
        async with self.database.reading() as conn:
            units = await units_to_sweep(conn, day)

        async def judge(unit_id: UUID) -> int:
            what = SweepUnit(unit_id=unit_id, on=day, calendar=self.surroundings.calendar, clock_offset=self.surroundings.clock_offset())
            await sweep_unit(self.database, By(ENGINE, at, f"sweep:{day}:{unit_id}"), what)
            return 1

        return await unit_by_unit(units, judge, give_up_at=TRIES)

    @activity.defn(name=supervision.ISSUE_LISTS)
    async def issue_weekly_lists(self, due: Due) -> int:
        """Issue the editions of the ISO week, if this day is its first working day. Answers how many there are."""
        nominal = nominal_at(due, self.surroundings.clock_offset() or timedelta(0))
        day = business_day(nominal)
        if self.surroundings.calendar.first_working_day_of_iso_week(day) != day:
            return 0
        week = lists.iso_week(day)
        async with self.database.reading() as conn:
            units = await queries.units_to_list(conn)

        async def issue(unit_id: UUID) -> bool:
            by, what = (
                By(ENGINE, nominal, f"supervision:{nominal.isoformat()}:{unit_id}"),
                IssueList(unit_id=unit_id, iso_week=week, nominal=nominal, made_at=self.surroundings.now()),
            )
            return await lists.issue_list(self.database, by, what) is not None

        return await unit_by_unit(units, issue)

    @activity.defn(name=SEAL_DOCUMENT)
    async def seal_document(self, what: SealStart) -> bool:
        """One step towards the sealed document: prepare once, ask, file what was answered. True when it is filed."""
        task = await self._task(what.document_id) or await self._prepare(what)
        if task.answer is None:
            await self._ask(task, what)
            task = await self._task(what.document_id) or task
        if task.answer is None:
            return False
        await self._file(task, what)
        return True

    async def _task(self, document_id: UUID) -> SealTask | None:
        async with self.database.reading() as conn:
            return await seal_task(conn, document_id)

    async def _prepare(self, what: SealStart) -> SealTask:
        offered = await self.sealing.platform.list_seals()
        chosen = next(each for each in offered if self.sealing.seal_code in {None, each.code})
        number, pdf = await self._written(what, chosen)
        prepared = await asyncio.to_thread(seal.prepare, pdf, chosen, number, what.released_at)
        preparing = PrepareSeal(
            kind=what.kind,
            document_id=what.document_id,
            prepared_file=await asyncio.to_thread(keep_file, self.sealing.folders[what.kind], what.document_id, prepared.pdf),
            placeholder=prepared.placeholder.model_dump(),
            digest=prepared.placeholder.digest,
            seal_code=chosen.code,
            certificate=chosen.certificate,
        )
        by = By(ENGINE, what.released_at, f"{what.kind}:{what.document_id}/prepared/{prepared.placeholder.digest}")
        return await seals.prepare_seal(self.database, by, preparing)

    async def _written(self, what: SealStart, chosen: seal.Seal) -> tuple[str, bytes]:
        """Number and bytes. Where there are none, the document says why, and goes on by itself once there are. Raises MissingGlyphs, NoticeDamaged."""
        try:
            return await (self._written_list(what, chosen) if what.kind is Document.LIST else self._written_notice(what))
        except (MissingGlyphs, NoticeDamaged) as why:
            code = NoticeDamaged.code if isinstance(why, NoticeDamaged) else ListNotDrawable.code
            await self._hold(what, code, "released")
            raise

    async def _hold(self, what: SealStart, code: str, which: str) -> None:
        by = By(ENGINE, what.released_at, f"{what.kind}:{what.document_id}/held/{which}/{code}")
        await seals.mark_seal_held(self.database, by, MarkSealHeld(kind=what.kind, document_id=what.document_id, code=code))

    async def _written_list(self, what: SealStart, chosen: seal.Seal) -> tuple[str, bytes]:
        async with self.database.reading() as conn:
            edition = await queries.supervision_list(conn, None, what.document_id)
        words = queries.words(edition, self.sealing.issuer, demo_seal=chosen.simulated)
        return edition.number, await asyncio.to_thread(self.sealing.renderer.pdf, TEMPLATE, words, edition.as_of)

    async def _written_notice(self, what: SealStart) -> tuple[str, bytes]:
        """The bytes that the operator released, not others."""
        async with self.database.reading() as conn:
            kept = await released_notice(conn, what.document_id)
        pdf = await asyncio.to_thread(intact_file, self.sealing.folders[Document.NOTICE], kept.file, kept.sha256)
        if pdf is None:
            raise NoticeDamaged(number=kept.number)
        return kept.number, pdf

    async def _ask(self, task: SealTask, what: SealStart) -> None:
        """The answer to a repeat may be the seal itself, when its callback got lost: it is kept as a callback would be."""
        asked = seal.SealTask(
            task_id=task.task_id,
            seal_code=task.seal_code,
            digest=task.digest,
            operator=task.operator,
            document_title=task.number,
            callback_url=self.sealing.callback_url,
        )
        result = await self.sealing.platform.create_task(asked)
        if result.state == "sealed":
            answer = KeepAnswer(task_id=result.task_id, digest=result.digest, answer=result.model_dump(mode="json"))
            await seals.keep_answer(self.database, By(ENGINE, what.released_at, f"seal:{task.task_id}/asked"), answer)

    async def _file(self, task: SealTask, what: SealStart) -> None:
        folder, result = self.sealing.folders[what.kind], SealResult.model_validate(task.answer)
        prepared = await asyncio.to_thread(named_file, folder, task.prepared_file)
        if prepared is None:
            damaged = ListDamaged(number=task.number) if what.kind is Document.LIST else NoticeDamaged(number=task.number)
            await self._hold(what, damaged.code, "prepared")
            raise damaged
        pdf = await seal.completed(self.sealing.platform, task.seal_code, prepared, Placeholder.model_validate(task.placeholder), result)
        verdict = await asyncio.to_thread(seal.verify, pdf)
        filing = FileSealed(
            kind=what.kind,
            document_id=what.document_id,
            file=await asyncio.to_thread(keep_file, folder, what.document_id, pdf),
            sha256=verdict.sha256,
            signer=verdict.signer or "—",
            sealed_at=result.signed_at or what.released_at,
        )
        await seals.file_sealed(self.database, By(ENGINE, what.released_at, f"{what.kind}:{what.document_id}/{verdict.sha256}"), filing)


def _by(evidence: Evidence | None, case_id: str, sequence: int, at: datetime) -> By:
    """The mandate of an entry: the person who decided, or the engine; the key is (case, sequence)."""
    if evidence is None:
        return By(actor=ENGINE, as_of=at, key=f"{case_id}:{sequence}", case_id=case_id)
    return By(
        actor=evidence.actor,
        as_of=at,
        key=f"{case_id}:{sequence}",
        reason=evidence.reason,
        document_no=evidence.document_no,
        case_id=case_id,
    )
