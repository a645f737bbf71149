"""A stage for ApprovalWorkflow: the real server, the real workflow, and services that answer as a test tells them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from temporalio import activity, workflow
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from shared.glossary import ApplicationType, EntryKind, Role
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from shared.temporal import NOT_RECORDABLE
from workflows import approval_messages as messages
from workflows import roster
from workflows.approval import ApprovalWorkflow
from workflows.approval_steps import Case, Decider, Decision, Phase, Step
from workflows.tries import ASK_AGAIN

CALENDAR = load_calendar()
CHAIN = (
    Step(code="unit_head", label="单位负责人审签", role=Role.UNIT_HEAD, budget_days=2, reminders=(0, 2)),
    Step(code="business_review", label="业务科审核", role=Role.BUSINESS_OFFICER, budget_days=5, reminders=(-1, 0)),
    Step(code="director_approval", label="编办主任核准", role=Role.OFFICE_DIRECTOR, budget_days=3),
)
CLERK = Decider(actor="clerk", roles=(Role.UNIT_CLERK,))
HEAD = Decider(actor="head", roles=(Role.UNIT_HEAD,))
OFFICER = Decider(actor="officer", roles=(Role.BUSINESS_OFFICER,))
DIRECTOR = Decider(actor="director", roles=(Role.OFFICE_DIRECTOR,))
SEALER = Decider(actor="sealer", roles=(Role.SEAL_OPERATOR,))
BY_STEP = {"unit_head": HEAD, "business_review": OFFICER, "director_approval": DIRECTOR}
ORDER = UUID(int=77)
BLOCK = messages.Block(order_id=ORDER)
FRIDAY = date(2026, 9, 18)
ENTRY: dict[str, Any] = {"person_id": uuid.UUID(int=3), "reservation_id": uuid.UUID(int=9), "reason_code": "open_recruitment"}
CHANGE: dict[str, Any] = {"person_id": uuid.UUID(int=3), "change_id": uuid.UUID(int=5)}
ACCEPTED = roster.Verdict(accepted=True)


@dataclass
class Services:
    """What the services heard of one application, and what they shall answer."""

    entries: list[messages.Entry] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)
    given_back_on: list[roster.Evidence] = field(default_factory=list)
    takes_back: bool = True
    effects: list[roster.Effect] = field(default_factory=list)
    claimed: list[roster.PostRequest] = field(default_factory=list)
    recalled: list[roster.Recall] = field(default_factory=list)
    claims: list[roster.Verdict] = field(default_factory=list)
    hold: roster.Verdict = ACCEPTED
    checking: asyncio.Event = field(default_factory=asyncio.Event)
    may_check: asyncio.Event = field(default_factory=asyncio.Event)
    may_claim: asyncio.Event = field(default_factory=asyncio.Event)
    may_record: asyncio.Event = field(default_factory=asyncio.Event)
    refuses: bool = False
    held: list[str] = field(default_factory=list)
    holds: list[int] = field(default_factory=list)
    checks: list[int] = field(default_factory=list)
    seals: int = 0
    seal_down: bool = False

    def kinds(self) -> list[EntryKind]:
        return [entry.kind for entry in self.entries]


class Stage:
    """A server, a strict workflow worker, and services that answer for each application as its test wants."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        self.environment = environment
        self.services: dict[UUID, Services] = {}

    @asynccontextmanager
    async def open(self, cached: int, runner: WorkflowRunner | None = None) -> AsyncIterator["Stage"]:
        strict = SandboxRestrictions.default.with_import_notification_policy(
            workflow.SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
        )
        client = self.environment.client
        async with (
            Worker(
                client,
                task_queue="workflows",
                workflows=[ApprovalWorkflow],
                max_cached_workflows=cached,
                workflow_runner=runner or SandboxedWorkflowRunner(restrictions=strict),
            ),
            Worker(client, task_queue="roster", activities=[self.check, self.hold, self.claim, self.effect, self.give_back, self.recall]),
            Worker(
                client,
                task_queue="approval",
                activities=[self.record, self.mark_held, self.number, self.render, self.request_seal, self.file],
            ),
        ):
            yield self

    async def play(self, begin: messages.ApprovalStart, services: Services | None = None, *, checked: bool = True) -> "Played":
        """Submit an application; its time passes by `fast_forward` only. Not `checked`: its checks last until they may end."""
        services = services or Services()
        if checked:
            services.may_check.set()
        services.may_claim.set()
        services.may_record.set()
        self.services[begin.application_id] = services
        with self.environment.with_time_skipping_disabled():
            handle = await self.environment.client.start_workflow(
                "ApprovalWorkflow", begin, id=messages.workflow_id(begin.application_id), task_queue="workflows"
            )
        return Played(self.environment, handle, services)

    @activity.defn(name=roster.CHECK_APPLICATION)
    async def check(self, request: roster.PostRequest) -> list[roster.Check]:
        self.services[request.application_id].checks.append(request.revision)
        self.services[request.application_id].checking.set()
        await self.services[request.application_id].may_check.wait()
        return [roster.Check(code="available", passed=True, sentence="可用编制充足", clause="§2.3")]

    @activity.defn(name=roster.HOLD_RESERVATION)
    async def hold(self, request: roster.PostRequest) -> roster.Verdict:
        services = self.services[request.application_id]
        services.holds.append(request.revision)
        return services.hold

    @activity.defn(name=roster.CLAIM_POST)
    async def claim(self, request: roster.PostRequest) -> roster.Verdict:
        services = self.services[request.application_id]
        services.claimed.append(request)
        await services.may_claim.wait()
        return services.claims.pop(0) if services.claims else ACCEPTED

    @activity.defn(name=roster.TAKE_EFFECT)
    async def effect(self, what: roster.Effect) -> roster.Done:
        self.services[what.request.application_id].effects.append(what)
        return roster.Done(reservation_id=UUID(int=9), expires_on=date(2027, 9, 18))

    @activity.defn(name=roster.GIVE_BACK)
    async def give_back(self, what: roster.GiveBack) -> None:
        self.services[what.application_id].given_back.append(what.revision)
        self.services[what.application_id].given_back_on.append(what.evidence)
        if not self.services[what.application_id].takes_back:
            raise ApplicationError(NOT_RECORDABLE, type=NOT_RECORDABLE, non_retryable=True)

    @activity.defn(name=roster.RECALL_RESERVATION)
    async def recall(self, what: roster.Recall) -> None:
        self.services[what.application_id].recalled.append(what)
        if not self.services[what.application_id].takes_back:
            raise ApplicationError(NOT_RECORDABLE, type=NOT_RECORDABLE, non_retryable=True)

    @activity.defn(name=messages.RECORD_ENTRY)
    async def record(self, entry: messages.Entry) -> None:
        if self.services[entry.application_id].refuses:
            raise ApplicationError(NOT_RECORDABLE, type=NOT_RECORDABLE, non_retryable=True)
        self.services[entry.application_id].entries.append(entry)
        await self.services[entry.application_id].may_record.wait()

    @activity.defn(name=messages.MARK_HELD)
    async def mark_held(self, held: messages.Held) -> None:
        self.services[held.application_id].held.append(f"{held.sequence} {held.code}{' over' if held.over else ''}")

    @activity.defn(name=messages.NUMBER_DOCUMENT)
    async def number(self, what: messages.NumberDocument) -> messages.Numbered:
        return messages.Numbered(document_id=what.application_id, document_no="编核〔2026〕1号")

    @activity.defn(name=messages.RENDER_DOCUMENT)
    async def render(self, what: messages.RenderDocument) -> messages.Rendered:
        return messages.Rendered(document_id=what.document_id, sha256="0" * 64)

    @activity.defn(name=messages.REQUEST_SEAL)
    async def request_seal(self, what: messages.SealRequest) -> messages.SealProgress:
        services = self.services[what.document_id]
        if services.seal_down:
            raise RuntimeError("the platform is away")
        services.seals += 1
        return messages.SealProgress(completed=False)

    @activity.defn(name=messages.FILE_DOCUMENT)
    async def file(self, _: messages.SealRequest) -> messages.Filed:
        return messages.Filed(document_no="编核〔2026〕1号", sha256="1" * 64)


class Played:
    """One application on the stage."""

    def __init__(self, environment: WorkflowEnvironment, handle: "WorkflowHandle[Any, Any]", services: Services) -> None:
        self.environment, self.handle, self.services = environment, handle, services

    async def pass_time(self, time: timedelta) -> None:
        """Let this application's clock run."""
        await self.environment.fast_forward(self.handle, time)

    async def tell(self, update: str, what: Any, update_id: str | None = None) -> Any:
        """Send an update; the answer as a model where there is one."""
        answer = await self.handle.execute_update(update, what, id=update_id or str(uuid.uuid4()))
        return messages.Answer.model_validate(answer) if answer else None

    async def refused(self, update: str, what: Any) -> str:
        """The code of the refusal."""
        with pytest.raises(WorkflowUpdateFailedError) as failed:
            await self.tell(update, what)
        assert isinstance(failed.value.cause, ApplicationError)
        return str(failed.value.cause.type)

    async def until(self, kind: EntryKind, count: int = 1) -> messages.Entry:
        """The count-th entry of a kind, once it is recorded."""
        async with asyncio.timeout(30):
            while self.services.kinds().count(kind) < count:  # noqa: ASYNC110  what is awaited happens in Temporal
                await asyncio.sleep(0.02)
        return [entry for entry in self.services.entries if entry.kind is kind][count - 1]

    async def decide(self, verdict: str = "approve", **changes: Any) -> messages.Answer:
        """The right person decides the step that waits."""
        return await self.tell("decide", self.decision(verdict, **changes))  # type: ignore[no-any-return]

    def decision(self, verdict: str = "approve", **changes: Any) -> Decision:
        standing = self.services.entries[-1].standing
        reasons = ("material_missing", "ground_missing") if verdict == "return" else ()
        fields = {
            "by": BY_STEP[standing.step or "unit_head"],
            "verdict": verdict,
            "revision": standing.revision,
            "step": standing.step or "",
        }
        return Decision.model_validate(fields | {"reason_codes": reasons, "opinion": "同意"} | changes)

    async def approve_all(self) -> None:
        for _ in CHAIN:
            await self.decide()

    async def release(self) -> messages.Answer:
        document = (await self.until(EntryKind.RENDERED)).document_id
        assert document is not None
        return await self.tell("release_document", messages.Release(by=SEALER, document_id=document))  # type: ignore[no-any-return]

    async def seal(self) -> None:
        document = (await self.until(EntryKind.RENDERED)).document_id
        await self.tell("seal_completed", messages.SealCompleted(document_id=document or UUID(int=0)))

    async def until_asked_for_its_seal(self, times: int) -> None:
        """Wait until the platform was asked so often."""
        async with asyncio.timeout(30):
            while self.services.seals < times:  # noqa: ASYNC110  as above
                await asyncio.sleep(0.02)

    async def until_given_back(self, times: int) -> None:
        """Wait until the roster was told so often."""
        async with asyncio.timeout(30):
            while len(self.services.given_back) + len(self.services.recalled) < times:  # noqa: ASYNC110  as above
                await asyncio.sleep(0.02)

    async def until_held(self, said: str) -> None:
        """Wait until the tables were told so last; its clock runs meanwhile."""
        async with asyncio.timeout(30):
            while self.services.held[-1:] != [said]:
                await self.pass_time(ASK_AGAIN)

    async def while_it_asks_again(self, kind: EntryKind, count: int = 1) -> None:
        """Let its clock run until this is recorded."""
        async with asyncio.timeout(30):
            while self.services.kinds().count(kind) < count:
                await self.pass_time(ASK_AGAIN)

    async def until_run_after(self, run_id: str | None) -> None:
        """Wait until the case goes on in another run."""
        async with asyncio.timeout(30):
            while (await self.handle.describe()).run_id == run_id:  # noqa: ASYNC110  as above
                await asyncio.sleep(0.05)

    def mended(self, revision: int) -> messages.Resubmission:
        return messages.Resubmission(by=CLERK, revision=revision, content=content(), title="用编", justification="补正")


def content(**changes: Any) -> messages.Content:
    return messages.Content.model_validate({"unit_id": UUID(int=1), "kind": "SY", "funding": "full"} | changes)


def excepted(*orders: UUID, **changes: Any) -> messages.Content:
    """What claims an exception to these orders."""
    told = {"ground": "policy_placement", "document_no": "安置1号", "why": "安置退役士兵", "orders": orders or (ORDER,)}
    return content(exception=told, **changes)


def start(application_type: ApplicationType = ApplicationType.POST_USE, **changes: Any) -> messages.ApprovalStart:
    fields: dict[str, Any] = {
        "application_id": uuid.uuid4(),
        "application_type": application_type,
        "content": content(),
        "applicant": "clerk",
    }
    return messages.ApprovalStart.model_validate(fields | {"chain": CHAIN, "calendar": CALENDAR} | changes)


def revocation(application_type: ApplicationType = ApplicationType.POST_USE) -> messages.ApprovalStart:
    """A filed notice is revoked by the director: the case begins where the notice of that is written."""
    begun, document = start(application_type, applicant="director"), UUID(int=8)
    case = Case(application_type=application_type, chain=CHAIN, applicant="director", phase=Phase.DOCUMENT)
    number = messages.Numbered(document_id=begun.application_id, document_no="编撤〔2026〕1号")
    carried = messages.Carried(
        case=case, content=begun.content, decided_on=date(2026, 9, 18), done=roster.Done(), document=number, recorded=9
    )
    return begun.model_copy(update={"revokes": document, "carried": carried})


def at(day: date, hour: int = 9) -> timedelta:
    """The clock offset that makes it this hour (Shanghai) of a day now."""
    return datetime(day.year, day.month, day.day, hour - 8 if hour >= 8 else 0, tzinfo=UTC) - datetime.now(UTC)


def deadline_of(entry: messages.Entry) -> Deadline:
    assert entry.standing.deadline is not None
    return entry.standing.deadline
