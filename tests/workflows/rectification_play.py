"""A stage for the monitoring workflows: the real server with time skipping, the real classes, and services that write down what they are asked."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from shared.clock import at_hour
from shared.glossary import FreezeScope, Role, Rung
from shared.law.notices import load_calendar
from shared.temporal import NOT_RECORDABLE
from workflows import freeze, freeze_case, rectification, roster
from workflows.freeze import FreezeWorkflow
from workflows.freeze_case import FreezeEntry, FreezeHeld, FreezeStart
from workflows.rectification import RectificationStart, RectificationWorkflow
from workflows.rectification_case import Act, Case, Entry, Held, LadderStep
from workflows.rectification_orders import Acceptance, Confirmation, Service, Submission
from workflows.roster import Evidence
from workflows.worker import worker

CALENDAR = load_calendar()
LADDER = tuple(
    LadderStep(rung=rung, offset=offset)
    for rung, offset in (
        (Rung.REMINDER, -3),
        (Rung.OVERDUE, 0),
        (Rung.FREEZE_PROPOSAL, 0),
        (Rung.INTERVIEW, 10),
        (Rung.CIRCULAR, 20),
    )
)
NOT_FROZEN = roster.Verdict(accepted=False, code="kind_unknown", sentence="没有这一编制类型。请核对冻结名额。")
FRIDAY = date(2026, 9, 18)
MORNING = at_hour(FRIDAY, 10)


def by(role: Role = Role.SUPERVISION_OFFICER, actor: str = "officer-shen", document_no: str | None = None) -> Evidence:
    return Evidence(actor=actor, role=role, update_id=str(uuid.uuid4()), reason="按规定", document_no=document_no)


CLERK = by(Role.UNIT_CLERK, "clerk-zhu")


@dataclass
class Services:
    """Monitoring and the roster, as far as a workflow sees them."""

    entries: list[Entry] = field(default_factory=list)
    order_entries: list[FreezeEntry] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    freezes: bool = True
    lifts: list[roster.Verdict] = field(default_factory=list)
    dies_at: int = 0
    refuses: bool = False
    held: list[str] = field(default_factory=list)

    @activity.defn(name=rectification.RECORD_ENTRY)
    async def record_case_entry(self, entry: Entry) -> int:
        if self.dies_at == entry.sequence and activity.info().attempt == 1:
            await asyncio.Event().wait()  # as a worker that was killed: no answer ever comes
        self.ensure_taken()
        self.entries.append(entry)
        return entry.sequence

    @activity.defn(name=freeze.RECORD_ENTRY)
    async def record_freeze_entry(self, entry: FreezeEntry) -> int:
        self.ensure_taken()
        self.order_entries.append(entry)
        return entry.sequence

    def ensure_taken(self) -> None:
        if self.refuses:
            raise ApplicationError(NOT_RECORDABLE, type=NOT_RECORDABLE, non_retryable=True)

    @activity.defn(name=rectification.MARK_HELD)
    async def mark_case_held(self, held: Held) -> None:
        self.held.append(f"{held.sequence} {held.code}")

    @activity.defn(name=freeze.MARK_HELD)
    async def mark_freeze_held(self, held: FreezeHeld) -> None:
        self.held.append(f"{held.sequence} {held.code}")

    @activity.defn(name=roster.FREEZE_UNIT)
    async def freeze_unit(self, request: roster.FreezeRequest) -> roster.Verdict:
        self.asked.append(f"freeze {request.document_no}")
        return roster.Verdict(accepted=True) if self.freezes else NOT_FROZEN

    @activity.defn(name=roster.UNFREEZE_UNIT)
    async def unfreeze_unit(self, request: roster.UnfreezeRequest) -> roster.Verdict:
        self.asked.append(f"unfreeze {request.document_no}")
        return self.lifts.pop(0) if self.lifts else roster.Verdict(accepted=True)

    @property
    def rungs(self) -> list[tuple[Rung, datetime]]:
        return [(entry.rung, entry.planned_at) for entry in self.entries if entry.rung and entry.planned_at]


@dataclass
class Play:
    """One case on stage."""

    environment: WorkflowEnvironment
    handle: WorkflowHandle[Any, Any]
    services: Services
    offset: timedelta

    async def order(self, update: str, order: Any, update_id: str | None = None) -> Any:
        return await self.handle.execute_update(update, order, id=update_id, rpc_timeout=timedelta(seconds=20))

    async def until(self, at: datetime) -> None:
        """Let business time pass up to an instant."""
        now = await self.environment.get_current_time(self.handle) + self.offset
        if at > now:
            await self.environment.fast_forward(self.handle, at - now)

    async def serve(self, budget_days: int = 10, served_on: date = FRIDAY) -> Any:
        await self.order("confirm", Confirmation(evidence=by(), title="整改通知书", demand="限期整改", budget_days=budget_days))
        return await self.serve_signed(served_on)

    async def serve_signed(self, served_on: date = FRIDAY) -> Any:
        return await self.order("serve", Service(evidence=by(), served_on=served_on, calendar=CALENDAR.since(served_on)))

    async def accept(self) -> Any:
        await self.order("submit_evidence", Submission(evidence=CLERK, description="已整改"))
        return await self.order("accept_evidence", Acceptance(evidence=by(document_no="编验〔2026〕1号")))

    def acts(self) -> list[Act]:
        return [entry.act for entry in self.services.entries]


@asynccontextmanager
async def workers(environment: WorkflowEnvironment, services: Services, cached: int) -> AsyncIterator[None]:
    ours: list[Callable[..., Any]] = [
        *(services.record_case_entry, services.record_freeze_entry),
        *(services.mark_case_held, services.mark_freeze_held),
    ]
    theirs: list[Callable[..., Any]] = [services.freeze_unit, services.unfreeze_unit]
    async with (
        worker(environment.client, "stage", cached),
        Worker(environment.client, task_queue="monitoring", activities=ours),
        Worker(environment.client, task_queue="roster", activities=theirs),
    ):
        yield


@asynccontextmanager
async def rectification_on_stage(
    environment: WorkflowEnvironment,
    cached: int = 1000,
    now: datetime = MORNING,
    moved: bool = True,
    ladder: tuple[LadderStep, ...] = LADDER,
) -> AsyncIterator[Play]:
    """A case 待核实 at a business instant."""
    services, issue_id = Services(), uuid.uuid4()
    offset = now - datetime.now(UTC) if moved else timedelta(0)
    start = RectificationStart(
        issue_id=issue_id, unit_id=UUID(int=1), case=Case(budget_days=30, ladder=ladder), clock_offset=offset if moved else None
    )
    async with workers(environment, services, cached):
        with environment.with_time_skipping_disabled():
            handle = await environment.client.start_workflow(
                RectificationWorkflow.run, start, id=rectification.workflow_id(issue_id, 1), task_queue="stage"
            )
        yield Play(environment, handle, services, offset)


def freeze_start(order_id: UUID, **pinned: Any) -> FreezeStart:
    return FreezeStart(
        order_id=order_id,
        unit_id=UUID(int=1),
        scopes=(FreezeScope.POST_USE, FreezeScope.ENTRY),
        issue_ids=(UUID(int=11), UUID(int=12)),
        proposed_by="officer-shen",
        **pinned,
    )


@asynccontextmanager
async def freeze_on_stage(environment: WorkflowEnvironment, cached: int = 1000, **pinned: Any) -> AsyncIterator[Play]:
    """A proposed order that hangs on two issues."""
    services, order_id = Services(), uuid.uuid4()
    start = freeze_start(order_id, **pinned)
    async with workers(environment, services, cached):
        with environment.with_time_skipping_disabled():
            handle = await environment.client.start_workflow(
                FreezeWorkflow.run, start, id=freeze_case.workflow_id(order_id), task_queue="stage"
            )
        yield Play(environment, handle, services, timedelta(0))
