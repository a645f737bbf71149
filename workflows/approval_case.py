"""The open case of one application inside its workflow: state, journal, deadline of the step, answers given; how it is recorded and handed over."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

    import workflows.approval_messages as messages
    import workflows.approval_steps as steps
    from shared.clock import business_day
    from shared.glossary import EntryKind, Role
    from shared.law.deadline import Deadline
    from shared.law.working_days import Calendar
    from workflows.approval_messages import Answer, ApprovalStart, Carried, Content, Entry, Recent, Standing
    from workflows.approval_steps import Case, Decider, Refusal
    from workflows.clock import BusinessClock, Timed
    from workflows.guard import refuse
    from workflows.journal import Journal, Recorded
    from workflows.roster import Evidence
    from workflows.shown import Shown
    from workflows.tries import AGAIN, TRANSACTION

R = TypeVar("R")
ANSWERS_KEPT = 50
UNIT_FROZEN = "单位被冻结"
"""Why the clock of a step stands still, in the words of its certificate."""
SHOWN = "approval-shown"
"""Patch: cases begun before it are not shown to operations."""
EXCEPTED = "approval-freeze-excepted"
"""Patch: a revision submitted before it knew of no exception to a freeze."""
_ENGINE = Decider(actor="system", roles=(Role.SERVICE,))


class OpenCase(Timed, Recorded):
    """What `run` and the updates of ApprovalWorkflow share. Changes happen in one go, without awaiting; recording is left to `run`."""

    def __init__(self, start: ApprovalStart) -> None:
        self.start, self.clock = start, BusinessClock(start.clock_offset)
        carried = start.carried or _first(start)
        self.case, self.content, self.deadline = carried.case, carried.content, carried.deadline
        self.armed_at, self.reminded = carried.armed_at, set(carried.reminded)
        self.held, self.decided_on, self.evidence = carried.held, carried.decided_on, carried.evidence
        self.done, self.document, self.untaken = carried.done, carried.document, bool(carried.untaken)
        self.journal: Journal[Entry] = Journal(recorded=carried.recorded)
        self.answers = {recent.update_id: recent.answer for recent in carried.answers}
        self._first_of_run = carried.recorded
        self.shown = Shown(self.content.unit_id, steps.state_of(self.case), self._due_at())

    async def accept(self, change: Callable[[], Case], kind: EntryKind, by: Decider, **about: Any) -> Answer:
        """Carry a person's request out, and answer when it is recorded. A repeat of one answered before is not carried out again."""
        answer = self._given_before()
        if answer is None:
            step = self.case.step
            self.move(_refusing(change))
            self.evidence = Evidence(
                actor=by.actor,
                role=step.role if step and step.role in by.roles else by.roles[0],
                update_id=_update_id(),
                reason=about.get("text", ""),
            )
            answer = self.enter(kind, by, role=self.evidence.role, step=step.code if step else None, **about)
            self.answers[_update_id()] = answer
        await self.journal.until_recorded(answer.sequence)
        return answer

    def check(self, change: Callable[[], Case]) -> None:
        """A validator's question: would it be refused? Changes nothing."""
        if self._given_before() is None:
            self.journal.ensure_not_held()
            _refusing(change)

    def enter(self, kind: EntryKind, by: Decider = _ENGINE, **about: Any) -> Answer:
        """Write down what happened and where the case stands now."""
        standing = self.standing()
        entry = Entry(
            application_id=self.start.application_id,
            sequence=self.journal.next_sequence,
            kind=kind,
            at=self.clock.now(),
            standing=standing,
            actor=by.actor,
            on_behalf_of=by.on_behalf_of,
            request_hash=by.request_hash,
            revocation=self.start.revokes is not None,
            **{"role": by.roles[0], "update_id": _update_id()} | about,
        )
        sequence = self.journal.append(entry)
        return Answer(sequence=sequence, **standing.model_dump(exclude={"blocked_by", "deadline"}))

    def standing(self) -> Standing:
        """Where it stands, for the record."""
        return Standing(
            state=steps.state_of(self.case),
            revision=self.case.revision,
            step=self.case.step.code if self.case.step else None,
            holder=steps.holder_of(self.case),
            blocked_by=self.case.blocked_by,
            deadline=self.deadline,
        )

    def move(self, case: Case) -> None:
        """The only place where the state changes: a new step gets a new deadline, a freeze stops it, the end of the freeze lets it go on."""
        before, self.case = self.case, case
        if (before.phase, before.position, before.revision) != (case.phase, case.position, case.revision):
            self._arm()
        if self.deadline and case.is_paused and not self.deadline.is_paused:
            self.deadline = self.deadline.paused(self.clock.now(), str(case.blocked_by[0]), UNIT_FROZEN)
        elif self.deadline and not case.is_paused and self.deadline.is_paused:
            self.deadline = self.deadline.resumed(self.clock.now())

    def change_blocks(self, case: Case, kind: EntryKind, orders: tuple[Any, ...]) -> None:
        """Take over what an order's beginning or end makes of the case; it is an entry only where it holds or frees something."""
        held_before = self.case.blocked_by
        self.move(case)
        if case.blocked_by != held_before:
            self.enter(kind, order_ids=orders)

    def count_by(self, calendar: Calendar) -> None:
        """Every term from now on counts by this calendar; the one that runs is counted again, and no reminder of it is sent twice."""
        self.start = self.start.model_copy(update={"calendar": calendar})
        if self.deadline is None:
            return
        before, self.deadline = self.deadline, self.deadline.counted_by(calendar)
        ends = f"原期限 {_written(before)}，现期限 {_written(self.deadline)}"
        self.enter(
            EntryKind.RECOUNTED,
            text=f"节假日安排已更新，按日历版本 {calendar.version} 重新计算（原版本 {before.calendar.version}）：{ends}",
        )

    def next_reminder(self) -> tuple[int, datetime] | None:
        """The next reminder of this step that was not sent: its offset and instant. None while the clock stands still."""
        if self.case.step is None or self.deadline is None or self.deadline.is_paused or self.armed_at is None:
            return None
        instants = [(offset, self.deadline.rung_at(offset)) for offset in self.case.step.reminders if offset not in self.reminded]
        ahead = [(at, offset) for offset, at in instants if at is not None and at > self.armed_at]
        return (min(ahead)[1], min(ahead)[0]) if ahead else None

    async def ask(
        self, activity: str, argument: BaseModel, answer: type[R], task_queue: str = messages.TASK_QUEUE, within: timedelta = TRANSACTION
    ) -> R:
        """Ask a service until it answers; `within` is the time of one try. The journal goes on meanwhile: a service that is away holds nobody's decision up."""
        asked = workflow.start_activity(
            activity, argument, task_queue=task_queue, result_type=answer, start_to_close_timeout=within, retry_policy=AGAIN
        )
        while not asked.done():
            await workflow.wait_condition(lambda: asked.done() or self.stirred())
            await self.record()
        result: R = await asked
        return result

    async def record(self) -> None:
        """Write the journal, and show operations where the case stands. Only `run` comes here."""
        await self.journal.write(self._record_entry, self._tell_held)
        if workflow.patched(SHOWN):
            self.shown.tell(steps.state_of(self.case), self._due_at())

    async def drain(self) -> None:
        """Record what is left until every handler has its answer."""
        while self.journal.unwritten or not workflow.all_handlers_finished():
            await self.record()
            await workflow.wait_condition(lambda: workflow.all_handlers_finished() or self.stirred())

    def stirred(self) -> bool:
        """Whether something happened that `run` has to look at."""
        return bool(self.journal.unwritten)

    def is_long(self) -> bool:
        """Whether this run should end and the next one go on."""
        return workflow.info().is_continue_as_new_suggested() or self.journal.recorded - self._first_of_run >= self.start.entries_per_run

    def carried(self) -> Carried:
        """The state for the next run."""
        return Carried(
            case=self.case,
            content=self.content,
            deadline=self.deadline,
            armed_at=self.armed_at,
            reminded=tuple(sorted(self.reminded)),
            held=self.held,
            decided_on=self.decided_on,
            done=self.done,
            document=self.document,
            untaken=self.untaken or None,
            evidence=self.evidence,
            recorded=self.journal.recorded,
            answers=tuple(Recent(update_id=key, answer=answer) for key, answer in list(self.answers.items())[-ANSWERS_KEPT:]),
        )

    def today(self) -> date:
        """The business day."""
        return business_day(self.clock.now())

    def _arm(self) -> None:
        step = self.case.step
        self.armed_at, self.reminded = self.clock.now(), set()
        start_on = self.start.calendar.day_of_submission(self.armed_at)
        self.deadline = Deadline.start(start_on, step.budget_days, self.start.calendar) if step else None

    def _due_at(self) -> datetime | None:
        return self.deadline.due_at if self.deadline else None

    def _given_before(self) -> Answer | None:
        return self.answers.get(_update_id())

    async def mark_held(self, sequence: int, code: str, *, over: bool | None = None) -> None:
        """Show that the case stands still, and why; `over`: that it goes on."""
        held = messages.Held(application_id=self.start.application_id, sequence=sequence, code=code, at=self.clock.now(), over=over)
        await workflow.execute_activity(
            messages.MARK_HELD, held, task_queue=messages.TASK_QUEUE, start_to_close_timeout=TRANSACTION, retry_policy=AGAIN
        )

    async def _tell_held(self, entry: Entry, code: str) -> None:
        await self.mark_held(entry.sequence, code)

    async def _record_entry(self, entry: Entry) -> None:
        await workflow.execute_activity(
            messages.RECORD_ENTRY, entry, task_queue=messages.TASK_QUEUE, start_to_close_timeout=TRANSACTION, retry_policy=AGAIN
        )


def known(value: R | None) -> R:
    """What an earlier phase has left behind."""
    if value is None:
        raise RuntimeError("the phases ran out of order")
    return value


def _written(deadline: Deadline) -> str:
    return str(deadline.due_on or "中止中，未定")


def _first(start: ApprovalStart) -> Carried:
    case = Case(application_type=start.application_type, chain=start.chain, applicant=start.applicant, concerned=start.concerned)
    return Carried(case=excepting(steps.block(case, start.blocked_by), start.content), content=start.content)


def excepting(case: Case, content: Content) -> Case:
    """The orders that the revision is excepted from do not hold it. The SDK remembers one answer to one name for a whole run."""
    known_of = not content.excepted or workflow.patched(f"{EXCEPTED}-{case.revision}")
    return steps.excepting(case, content.excepted if known_of else ())


def _refusing(change: Callable[[], Case]) -> Case:
    try:
        return change()
    except Refusal as refusal:
        raise refuse(refusal.code, refusal.sentence) from None


def _update_id() -> str:
    info = workflow.current_update_info()
    return info.id if info else ""
