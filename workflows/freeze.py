"""FreezeWorkflow: one freeze order from its proposal to its release.

The engine proposes; a person decides (or a policy row that the office has set, pinned at the start). The roster applies. When the last linked
issue is struck off the release is proposed, and again a person signs it; by decision of the commission (编委) he signs it before. Nothing is
frozen or released by itself (domain §14.8).
"""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from shared.glossary import FreezeState
    from workflows.clock import BusinessClock, Timed
    from workflows.freeze_case import (
        FREEZES,
        OVER,
        POLICY,
        SENTENCES,
        Decision,
        FreezeAct,
        FreezeAnswer,
        FreezeCase,
        FreezeEntry,
        FreezeHeld,
        FreezeStart,
        IssueAccepted,
    )
    from workflows.guard import guarded, refuse, update_id
    from workflows.journal import Journal, Recorded
    from workflows.roster import FREEZE_UNIT, UNFREEZE_UNIT, Evidence, FreezeRequest, UnfreezeRequest, Verdict
    from workflows.roster import TASK_QUEUE as ROSTER
    from workflows.shown import Shown
    from workflows.tries import AGAIN, PAPER, TRANSACTION

TASK_QUEUE = "monitoring"
RECORD_ENTRY = "monitoring.record_freeze_entry"
MARK_HELD = "monitoring.mark_freeze_held"
ISSUE_ACCEPTED = "issue_accepted"
ANSWERS_KEPT = 20
ENDED = frozenset({"order_ended", "key_reused"})
"""What the roster says of an order that is over there, by whichever release: what was signed is so."""
LIFT_HEARD = "freeze-lift-heard"
"""Patch: whatever the roster said of a release, it was taken as done."""


@workflow.defn
class FreezeWorkflow(Timed, Recorded):
    """Proposal, decision, freeze in the roster, proposal of the release, its decision, release in the roster."""

    @workflow.init
    def __init__(self, start: FreezeStart) -> None:
        self.start = start
        self.case = start.case or FreezeCase(open_issues=start.issue_ids)
        self.clock = BusinessClock(start.clock_offset)
        self.journal = Journal[FreezeEntry](start.unwritten, start.recorded)
        self.answers = dict(start.answers)
        self.shown = Shown(start.unit_id, self.case.state)

    @workflow.run
    async def run(self, start: FreezeStart) -> FreezeState:  # noqa: ARG002  the state is made in __init__: an update may come before `run`
        while self.case.state not in OVER:
            await self.clock.wait_until(None, self._has_work)
            await self._go_on()
            self.shown.tell(self.case.state)
            if self._must_continue():
                await self._settle()
                workflow.continue_as_new(self._carried())
        await self._settle()
        return self.case.state

    def _has_work(self) -> bool:
        unfinished = bool(self.journal.unwritten) or self._to_apply() or self._to_lift() or self._may_go_on_alone()
        return unfinished or self._must_continue()

    def _must_continue(self) -> bool:
        return workflow.info().is_continue_as_new_suggested()

    def _carried(self) -> FreezeStart:
        return self.start.model_copy(
            update={
                "case": self.case,
                "clock_offset": self.clock.offset,
                "unwritten": self.journal.unwritten,
                "recorded": self.journal.recorded,
                "answers": dict(list(self.answers.items())[-ANSWERS_KEPT:]),
            }
        )

    async def _settle(self) -> None:
        """Record on until every decider has his answer; an order declined before the first turn of the loop is recorded here."""
        while not workflow.all_handlers_finished() or self.journal.unwritten:
            await self.journal.write(self._record, self._tell_held)
            await workflow.wait_condition(lambda: workflow.all_handlers_finished() or bool(self.journal.unwritten))

    def _to_apply(self) -> bool:
        return self.case.state is FreezeState.PROPOSED and self.case.approval is not None

    def _to_lift(self) -> bool:
        return self.case.state in FREEZES and self.case.release is not None

    def _may_go_on_alone(self) -> bool:
        """Nothing left to freeze for, a release to propose, or a policy that decides."""
        if self.case.state is FreezeState.PROPOSED and self.case.approval is None:
            return not self.case.open_issues or self.start.decide_by_policy is not None
        if self.case.state is FreezeState.IN_FORCE:
            return not self.case.open_issues
        return self.case.state is FreezeState.RELEASE_PROPOSED and self.case.release is None and self._releases_by_policy()

    def _releases_by_policy(self) -> bool:
        """What the roster refused once is for a person to decide."""
        return self.start.release_by_policy is not None and not self.case.refused

    async def _go_on(self) -> None:
        """One step of the order. What a person decided is recorded before the roster is asked to carry it out."""
        await self.journal.write(self._record, self._tell_held)
        if self._to_apply():
            await self._apply()
        elif self._to_lift():
            await self._lift()
        elif self._may_go_on_alone():
            self._decide_alone()

    def _decide_alone(self) -> None:
        engine = Evidence(actor="engine", role="engine", update_id="")
        if self.case.state is FreezeState.PROPOSED and not self.case.open_issues:
            self._note(FreezeAct.LAPSE, engine, state=FreezeState.DECLINED)
        elif self.case.state is FreezeState.PROPOSED:
            policy = _policy(self.start.decide_by_policy)
            self._note(FreezeAct.APPROVE, policy, approval=policy)
        elif self.case.state is FreezeState.IN_FORCE:
            self._note(FreezeAct.PROPOSE_RELEASE, engine, state=FreezeState.RELEASE_PROPOSED)
        else:
            policy = _policy(self.start.release_by_policy)
            self._note(FreezeAct.APPROVE_RELEASE, policy, release=policy)

    async def _apply(self) -> None:
        evidence = self._signed(self.case.approval)
        request = FreezeRequest(
            order_id=self.start.order_id,
            unit_id=self.start.unit_id,
            scopes=self.start.scopes,
            posts=self.start.posts,
            document_no=evidence.document_no or "",
            evidence=evidence,
        )
        verdict = await workflow.execute_activity(
            FREEZE_UNIT, request, task_queue=ROSTER, start_to_close_timeout=PAPER, retry_policy=AGAIN, result_type=Verdict
        )
        if verdict.accepted:
            self._note(FreezeAct.APPLY, evidence, state=FreezeState.IN_FORCE)
        else:
            self._note(FreezeAct.REFUSED, _refusing(verdict), state=FreezeState.DECLINED)

    async def _lift(self) -> None:
        evidence = self._signed(self.case.release)
        request = UnfreezeRequest(
            order_id=self.start.order_id, unit_id=self.start.unit_id, document_no=evidence.document_no or "", evidence=evidence
        )
        verdict = await workflow.execute_activity(
            UNFREEZE_UNIT, request, task_queue=ROSTER, start_to_close_timeout=PAPER, retry_policy=AGAIN, result_type=Verdict
        )
        if verdict.accepted or verdict.code in ENDED or not workflow.patched(LIFT_HEARD):
            self._note(FreezeAct.RELEASE, evidence, state=FreezeState.RELEASED)
        else:
            self._note(FreezeAct.REFUSED, _refusing(verdict), release=None, refused=True)

    @staticmethod
    def _signed(evidence: Evidence | None) -> Evidence:
        if evidence is None:
            raise RuntimeError("nothing was signed")
        return evidence

    def _note(self, act: FreezeAct, evidence: Evidence, **changes: object) -> int:
        """Change the order and write it into the journal, at once."""
        self.case = self.case.then(**changes)
        entry = FreezeEntry(
            order_id=self.start.order_id,
            sequence=self.journal.next_sequence,
            act=act,
            state=self.case.state,
            at=self.clock.now(),
            evidence=evidence,
        )
        return self.journal.append(entry)

    async def _decided(self, act: FreezeAct, decision: Decision, **changes: object) -> FreezeAnswer:
        """Carry a decision out at once; a repeat of one carried out before gets the same answer, also in the next run."""
        request = update_id()
        if request not in self.answers:
            sequence = self._note(act, decision.evidence, **changes)
            self.answers[request] = FreezeAnswer(state=self.case.state, sequence=sequence)
        answer = self.answers[request]
        await self.journal.until_recorded(answer.sequence)
        return answer

    async def _record(self, entry: FreezeEntry) -> None:
        await workflow.execute_activity(RECORD_ENTRY, entry, task_queue=TASK_QUEUE, start_to_close_timeout=TRANSACTION, retry_policy=AGAIN)

    async def _tell_held(self, entry: FreezeEntry, code: str) -> None:
        held = FreezeHeld(order_id=entry.order_id, sequence=entry.sequence, code=code, at=self.clock.now())
        await workflow.execute_activity(MARK_HELD, held, task_queue=TASK_QUEUE, start_to_close_timeout=TRANSACTION, retry_policy=AGAIN)

    @workflow.update
    @guarded
    async def decide(self, decision: Decision) -> FreezeAnswer:
        """The decision on the freeze."""
        if decision.approve:
            return await self._decided(FreezeAct.APPROVE, decision, approval=decision.evidence)
        return await self._decided(FreezeAct.DECLINE, decision, state=FreezeState.DECLINED)

    @decide.validator
    def _may_decide(self, decision: Decision) -> None:
        if update_id() in self.answers:
            return
        self.journal.ensure_not_held()
        self._ensure_signed_by_director(decision)
        if self.case.state is not FreezeState.PROPOSED or self.case.approval is not None:
            raise _refusal("wrong_state")
        if decision.evidence.actor == self.start.proposed_by:
            raise _refusal("own_case")

    @workflow.update
    @guarded
    async def decide_release(self, decision: Decision) -> FreezeAnswer:
        """The decision on the release; a refused one may be decided again."""
        if decision.early and self.case.state is FreezeState.IN_FORCE:
            return await self._decided(FreezeAct.RELEASE_EARLY, decision, release=decision.evidence)
        if decision.approve:
            return await self._decided(FreezeAct.APPROVE_RELEASE, decision, release=decision.evidence)
        return await self._decided(FreezeAct.DECLINE_RELEASE, decision)

    @decide_release.validator
    def _may_decide_release(self, decision: Decision) -> None:
        if update_id() in self.answers:
            return
        self.journal.ensure_not_held()
        self._ensure_signed_by_director(decision)
        if self.case.release is not None:
            raise _refusal("wrong_state")
        before = decision.early and decision.approve and self.case.state is FreezeState.IN_FORCE
        if self.case.state is not FreezeState.RELEASE_PROPOSED and not before:
            raise _refusal("release_not_proposed")

    @workflow.update
    @guarded
    async def issue_accepted(self, accepted: IssueAccepted) -> int:
        """A linked issue was struck off. Answers how many are still open."""
        self.case = self.case.without(accepted.issue_id)
        return len(self.case.open_issues)

    def _ensure_signed_by_director(self, decision: Decision) -> None:
        if decision.evidence.role not in self.case.roles:
            raise _refusal("wrong_role")
        if decision.approve and not decision.evidence.document_no:
            raise _refusal("document_missing")


def _refusal(code: str) -> Exception:
    return refuse(code, SENTENCES[code])


def _refusing(verdict: Verdict) -> Evidence:
    return Evidence(actor="engine", role="engine", update_id="", reason=verdict.sentence)


def _policy(document_no: str | None) -> Evidence:
    return Evidence(actor=POLICY, role=POLICY, update_id="", document_no=document_no, reason="按政策规定自动办理")
