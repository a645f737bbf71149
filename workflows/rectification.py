"""RectificationWorkflow: one round of an issue from 待核实 to 销号, with its deadline and its ladder.

A person's order changes the case at once, before any await, and stands in the journal; `run` alone records it. So of two deciders at the
same instant one is refused, and whoever gets an answer can read it. Rungs are entries like any other: each fires once per revision.
"""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from uuid import UUID

    from pydantic import Field

    from shared.glossary import IssueState
    from workflows.clock import BusinessClock, Timed
    from workflows.guard import guarded, refuse, update_id
    from workflows.journal import Journal, Recorded
    from workflows.rectification_case import OVER, Act, Answer, Case, Entry, Held, LadderStep, Message
    from workflows.rectification_orders import (
        Acceptance,
        Confirmation,
        Dismissal,
        ExtensionOrder,
        ExtensionRefusal,
        ExtensionRequest,
        Order,
        Pause,
        Recount,
        Refusal,
        Resumption,
        Return,
        Service,
        Submission,
    )
    from workflows.shown import Shown
    from workflows.tries import AGAIN, TRANSACTION

TASK_QUEUE = "monitoring"
RECORD_ENTRY = "monitoring.record_case_entry"
MARK_HELD = "monitoring.mark_case_held"
RECOUNT = "recount"
ANSWERS_KEPT = 100


def workflow_id(issue_id: UUID, round_: int) -> str:
    """`rectification:<issue>:<round>`."""
    return f"rectification:{issue_id}:{round_}"


class RectificationStart(Message):
    """What is pinned when the case opens, or what one run hands to the next. `clock_offset` is None where time is real."""

    issue_id: UUID
    unit_id: UUID
    round: int = 1
    case: Case
    clock_offset: timedelta | None = None
    unwritten: tuple[Entry, ...] = ()
    recorded: int = 0
    answers: dict[str, Answer] = Field(default_factory=dict)


@workflow.defn
class RectificationWorkflow(Timed, Recorded):
    """Waits for orders and for the next rung, whichever comes first."""

    @workflow.init
    def __init__(self, start: RectificationStart) -> None:
        self.start, self.case = start, start.case
        self.clock = BusinessClock(start.clock_offset)
        self.journal = Journal[Entry](start.unwritten, start.recorded)
        self.answers = dict(start.answers)
        self.shown = Shown(start.unit_id, start.case.state, start.case.due_at)

    @workflow.run
    async def run(self, start: RectificationStart) -> IssueState:  # noqa: ARG002  the state is made in __init__: an update may come before `run`
        while self.case.state not in OVER:
            step, at = self.case.next_rung() or (None, None)
            if await self.clock.wait_until(at, self._has_other_work, step.rung.value if step else "") and step and at:
                self._fire(step, at)
            self.shown.tell(self.case.state, self.case.due_at)
            await self.journal.write(self._record, self._tell_held)
            if self._must_continue():
                await self._settle()
                workflow.continue_as_new(self._carried())
        self.shown.tell(self.case.state)
        await self._settle()
        return self.case.state

    def _has_other_work(self) -> bool:
        return bool(self.journal.unwritten) or self._must_continue()

    def _must_continue(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    def _carried(self) -> RectificationStart:
        return self.start.model_copy(
            update={
                "case": self.case,
                "clock_offset": self.clock.offset,
                "unwritten": self.journal.unwritten,
                "recorded": self.journal.recorded,
                "answers": dict(list(self.answers.items())[-ANSWERS_KEPT:]),
            }
        )

    def _fire(self, step: LadderStep, at: datetime) -> None:
        again, self.case = step.rung in self.case.fired, self.case.after_rung(step.rung)
        fired = {} if again else {"rung": step.rung, "planned_at": at}
        self.journal.append(self._entry(Act.END_TERM if again else Act.FIRE_RUNG).model_copy(update=fired))

    async def _record(self, entry: Entry) -> None:
        await workflow.execute_activity(RECORD_ENTRY, entry, task_queue=TASK_QUEUE, start_to_close_timeout=TRANSACTION, retry_policy=AGAIN)

    async def _tell_held(self, entry: Entry, code: str) -> None:
        held = Held(issue_id=entry.issue_id, round=entry.round, sequence=entry.sequence, code=code, at=self.clock.now())
        await workflow.execute_activity(MARK_HELD, held, task_queue=TASK_QUEUE, start_to_close_timeout=TRANSACTION, retry_policy=AGAIN)

    async def _settle(self) -> None:
        """Record on until every decider has his answer."""
        while not workflow.all_handlers_finished() or self.journal.unwritten:
            await self.journal.write(self._record, self._tell_held)
            await workflow.wait_condition(lambda: workflow.all_handlers_finished() or bool(self.journal.unwritten))

    def _entry(self, act: Act) -> Entry:
        return Entry(
            issue_id=self.start.issue_id,
            round=self.start.round,
            sequence=self.journal.next_sequence,
            act=act,
            at=self.clock.now(),
            state=self.case.state,
            revision=self.case.revision,
            deadline=self.case.deadline,
            due_at=self.case.due_at,
            clock_offset=self.clock.offset,
        )

    async def _decide(self, order: Order) -> Answer:
        request = update_id()
        if request not in self.answers:
            before, self.case = self.case, order.apply(self.case, self.clock.now())
            details = order.details(before, self.case)
            entry = self._entry(order.act).model_copy(update={"evidence": order.evidence, "details": details})
            sequence = self.journal.append(entry)
            self.answers[request] = Answer(state=self.case.state, due_at=self.case.due_at, sequence=sequence)
        answer = self.answers[request]
        await self.journal.until_recorded(answer.sequence)
        return answer

    def _ensure_allowed(self, order: Order) -> None:
        if update_id() in self.answers:
            return
        if order.act is not Act.RECOUNT:
            self.journal.ensure_not_held()
        try:
            order.check(self.case, self.clock.now())
        except Refusal as refusal:
            raise refuse(refusal.code, refusal.sentence) from None

    @workflow.update
    @guarded
    async def confirm(self, order: Confirmation) -> Answer:
        """核实并签发整改通知书."""
        return await self._decide(order)

    @confirm.validator
    def _may_confirm(self, order: Confirmation) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def dismiss(self, order: Dismissal) -> Answer:
        """核实不成立."""
        return await self._decide(order)

    @dismiss.validator
    def _may_dismiss(self, order: Dismissal) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def serve(self, order: Service) -> Answer:
        """送达."""
        return await self._decide(order)

    @serve.validator
    def _may_serve(self, order: Service) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def submit_evidence(self, order: Submission) -> Answer:
        """提交整改材料."""
        return await self._decide(order)

    @submit_evidence.validator
    def _may_submit(self, order: Submission) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def accept_evidence(self, order: Acceptance) -> Answer:
        """验收销号."""
        return await self._decide(order)

    @accept_evidence.validator
    def _may_accept(self, order: Acceptance) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def return_evidence(self, order: Return) -> Answer:
        """退回整改材料."""
        return await self._decide(order)

    @return_evidence.validator
    def _may_return(self, order: Return) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def pause(self, order: Pause) -> Answer:
        """中止期限."""
        return await self._decide(order)

    @pause.validator
    def _may_pause(self, order: Pause) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def resume(self, order: Resumption) -> Answer:
        """恢复期限."""
        return await self._decide(order)

    @resume.validator
    def _may_resume(self, order: Resumption) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def extend(self, order: ExtensionOrder) -> Answer:
        """延期."""
        return await self._decide(order)

    @extend.validator
    def _may_extend(self, order: ExtensionOrder) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def ask_extension(self, order: ExtensionRequest) -> Answer:
        """申请延期."""
        return await self._decide(order)

    @ask_extension.validator
    def _may_ask_extension(self, order: ExtensionRequest) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def decline_extension(self, order: ExtensionRefusal) -> Answer:
        """不予延期."""
        return await self._decide(order)

    @decline_extension.validator
    def _may_decline_extension(self, order: ExtensionRefusal) -> None:
        self._ensure_allowed(order)

    @workflow.update
    @guarded
    async def recount(self, order: Recount) -> Answer:
        """期限重算：a holiday notice was loaded; the service that owns the case sends it, no person."""
        return await self._decide(order)

    @recount.validator
    def _may_recount(self, order: Recount) -> None:
        self._ensure_allowed(order)
