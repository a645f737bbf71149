"""ApprovalWorkflow, one per application: checks, steps, claim, effect, document, seal, filing.

Decisions change the pure state of `approval_steps` at once; `run` alone records them and asks the services, one phase after the other.
"""

from contextlib import suppress
from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from uuid import UUID

    import workflows.approval_messages as messages
    import workflows.approval_steps as steps
    import workflows.roster as posts
    from shared.clock import at_hour
    from shared.glossary import ApplicationType, EntryKind, Role
    from workflows.approval_case import OpenCase, excepting, known
    from workflows.approval_messages import Answer, ApprovalStart
    from workflows.approval_steps import Decision, Phase
    from workflows.guard import guarded, refuse
    from workflows.roster import RECALLED, Check, Done, Effect, Evidence, GiveBack, PostRequest, Recall, Verdict
    from workflows.runs import is_to_continue
    from workflows.tries import ASK_AGAIN, PAPER, until_asked

_PAUSE = timedelta(seconds=10)
FROZEN_AGAIN = "approval-frozen-again"
"""Patch: cases begun before it do not take the roster's word on an order whose end they heard of."""
CONTINUES = "approval-claim-continues"
"""Patch: a claim begun before it asked on in one run."""
WITHDRAWN_UNHELD = "approval-withdrawn-unheld"
"""Patch: what was withdrawn while its checks ran asked for its hold all the same, until no freeze refused it."""
SOONER = "approval-seal-sooner"
"""Patch: cases begun before it asked for their seal every five minutes from the first time on."""
HOLDS_CHANGE = "approval-change-held"
"""Patch: of a registered change the roster heard at the claim, not while its case was decided."""
RECALLS = "approval-revocation-recalls"
"""Patch: of a revoked authorisation the roster did not hear."""

SHOWS_UNTAKEN = "approval-untaken-shown"
"""Patch: what the roster did not take back was asked again, and nobody was shown it."""


@workflow.defn
class ApprovalWorkflow(OpenCase):
    """One application from its submission to the filing ledger, or to its withdrawal."""

    @workflow.init
    def __init__(self, start: ApprovalStart) -> None:
        super().__init__(start)
        self._ended_meanwhile: set[UUID] = set()
        self._asked = 0

    @workflow.run
    async def run(self, _: ApprovalStart) -> messages.Outcome:
        """Phase after phase, until it is filed or withdrawn and nothing is held."""
        phases = {
            Phase.SUBMITTED: self._receive,
            Phase.REVIEW: self._review,
            Phase.RETURNED: self._rest,
            Phase.CLAIM: self._claim,
            Phase.CLAIMED: self._wait_for_the_day,
            Phase.EFFECT: self._take_effect,
            Phase.DOCUMENT: self._render,
            Phase.RELEASE: self._rest,
            Phase.SEAL: self._seal,
            Phase.FILING: self._file,
        }
        await self.record()
        while self.case.phase not in steps.OVER or self.held:  # nothing is awaited from here to the phase's own method
            if self.held and (self.held < self.case.revision or self.case.phase in {Phase.RETURNED, Phase.WITHDRAWN}):
                await self._give_back(self.held)
            elif self.is_long():
                await self._go_on_anew()
            else:
                await phases[self.case.phase]()
            await self.record()
        await self.drain()
        return "filed" if self.case.phase is Phase.FILED else "withdrawn"

    @workflow.update
    @guarded
    async def decide(self, decision: Decision) -> Answer:
        """A person decides the step that waits."""
        kind = EntryKind.APPROVED if decision.verdict == "approve" else EntryKind.SENT_BACK
        about = {"text": decision.opinion, "reason_codes": decision.reason_codes, "order_ids": self.case.excepted}
        return await self.accept(lambda: steps.decide(self.case, decision), kind, decision.by, **about)

    @decide.validator
    def _may_decide(self, decision: Decision) -> None:
        self.check(lambda: steps.unless_written_by(steps.decide(self.case, decision), decision.by))

    @workflow.update
    @guarded
    async def resubmit(self, mended: messages.Resubmission) -> Answer:
        """The applicant submits the next revision; the chain starts again."""
        accepted = self.accept(lambda: self._mended(mended), EntryKind.RESUBMITTED, mended.by, resubmission=mended)
        return await accepted

    @resubmit.validator
    def _may_resubmit(self, mended: messages.Resubmission) -> None:
        self.check(lambda: self._mendable(mended))

    @workflow.update
    @guarded
    async def withdraw(self, withdrawal: messages.Withdrawal) -> Answer:
        """The applicant takes it back."""
        return await self.accept(lambda: steps.withdraw(self.case), EntryKind.WITHDREW, withdrawal.by, text=withdrawal.reason)

    @withdraw.validator
    def _may_withdraw(self, withdrawal: messages.Withdrawal) -> None:  # noqa: ARG002  a validator has its update's parameters
        self.check(lambda: steps.withdraw(self.case))

    @workflow.update
    @guarded
    async def urge(self, urging: messages.Urging) -> Answer:
        """The applicant asks the holder to hurry (催办)."""
        return await self.accept(lambda: steps.urge(self.case, self.today()), EntryKind.URGED, urging.by)

    @urge.validator
    def _may_urge(self, urging: messages.Urging) -> None:  # noqa: ARG002  as above
        self.check(lambda: steps.urge(self.case, self.today()))

    @workflow.update
    @guarded
    async def release_document(self, release: messages.Release) -> Answer:
        """The seal operator releases the notice to be sealed (用印登记)."""
        about = {"text": release.reason, "document_id": release.document_id}
        return await self.accept(lambda: steps.release(self.case, release.by, release.document_id), EntryKind.RELEASED, release.by, **about)

    @release_document.validator
    def _may_release(self, release: messages.Release) -> None:
        self.check(lambda: steps.unless_written_by(steps.release(self.case, release.by, release.document_id), release.by))

    @workflow.update
    @guarded
    async def block(self, block: messages.Block) -> None:
        """A freeze order is in force for the unit."""
        self.change_blocks(steps.block(self.case, (block.order_id,)), EntryKind.BLOCKED, (block.order_id,))

    @workflow.update
    @guarded
    async def unblock(self, block: messages.Block) -> None:
        """A freeze order of the unit ended."""
        self._ended_meanwhile.add(block.order_id)
        self.change_blocks(steps.unblock(self.case, block.order_id), EntryKind.UNBLOCKED, (block.order_id,))

    @workflow.update
    @guarded
    async def recount(self, change: messages.Recount) -> None:
        """A holiday notice was loaded; approval sends it, no person."""
        self.count_by(change.calendar)

    @recount.validator
    def _may_recount(self, change: messages.Recount) -> None:
        if self.start.calendar.version == change.calendar.version:
            raise refuse("calendar_known", steps.SENTENCES["calendar_known"])

    @workflow.update
    @guarded
    async def seal_completed(self, completed: messages.SealCompleted) -> None:
        """The platform's answer is stored; what is told twice changes nothing."""
        if self.case.phase is Phase.SEAL and completed.document_id == self.case.document_id:
            self._answered()

    async def _receive(self) -> None:
        """Advice first; an entry then takes hold of its reservation, a change of what was registered, or goes back to the applicant with the roster's reason."""
        revision = self.case.revision
        checks = tuple(await self.ask(posts.CHECK_APPLICATION, self._request(), list[Check], posts.TASK_QUEUE))
        if self.case.revision != revision or (self.case.phase is not Phase.SUBMITTED and workflow.patched(WITHDRAWN_UNHELD)):
            return
        verdict = await self._granted(posts.HOLD_RESERVATION) if self._needs_hold() else Verdict(accepted=True)
        if verdict is None or self._has_moved(Phase.SUBMITTED, revision):
            return
        if verdict.accepted:
            self.move(steps.received(self.case))
            self.enter(EntryKind.RECEIVED, checks=checks)
        else:
            self._send_back(verdict.code or "refused", verdict.sentence, checks)

    async def _review(self) -> None:
        """Wait for a decision; remind whoever has to make it, once per reminder and step."""
        reminder = self.next_reminder()
        due = await self.clock.wait_until(reminder[1] if reminder else None, self.stirred, "reminder")
        if due and reminder:
            self.reminded.add(reminder[0])
            self.enter(EntryKind.REMINDED, step=self.case.step.code if self.case.step else None)

    async def _rest(self) -> None:
        await self.clock.wait_until(None, self.stirred)

    async def _claim(self) -> None:
        """All checks once more, as law, where the post is taken."""
        verdict = await self._granted(posts.CLAIM_POST)
        if verdict is None or self.case.phase is not Phase.CLAIM:
            return
        if verdict.accepted:
            self.decided_on = self.today()
            self.move(steps.claimed(self.case))
            self.enter(EntryKind.CLAIMED, order_ids=self.case.excepted)
        else:
            self._send_back(verdict.code or "refused", verdict.sentence)

    async def _granted(self, activity: str) -> Verdict | None:
        """Ask for a hold or a claim until the answer is no freeze. None when somebody moved the case meanwhile, or this run is too long to ask on."""
        phase, revision = self.case.phase, self.case.revision
        while not self._has_moved(phase, revision):
            self.held = self.case.revision
            self._ended_meanwhile.clear()
            verdict = await self.ask(activity, self._request(), Verdict, posts.TASK_QUEUE)
            if verdict.accepted or verdict.code != "frozen":
                return verdict
            self.change_blocks(steps.block(self._frozen_again(verdict.frozen_by), verdict.frozen_by), EntryKind.BLOCKED, verdict.frozen_by)
            await self._until_unblocked(phase, revision)
            if is_to_continue(CONTINUES):
                break
        return None

    def _frozen_again(self, orders: tuple[UUID, ...]) -> steps.Case:
        """The roster's word on an order counts more than an end heard of before it was asked, and less than one heard of since."""
        again = set(orders) & set(self.case.lifted) - self._ended_meanwhile
        return steps.frozen_again(self.case, again) if again and workflow.patched(FROZEN_AGAIN) else self.case

    def _has_moved(self, phase: Phase, revision: int) -> bool:
        """Whether somebody moved the case, or claimed an exception to the freeze that paused it, while the roster was asked."""
        return (self.case.phase, self.case.revision) != (phase, revision)

    async def _until_unblocked(self, phase: Phase, revision: int) -> None:
        if not self.case.blocked_by:  # the roster is ahead of its events: ask again, but not at once
            await self.record()
            with suppress(TimeoutError):
                await workflow.wait_condition(self.stirred, timeout=_PAUSE, timeout_summary="ask again")
        while self.case.blocked_by and not self._has_moved(phase, revision):
            await self._rest()
            await self.record()

    async def _wait_for_the_day(self) -> None:
        """A later effective date is kept here; the roster is asked on the day."""
        day = self.content.effective_on
        if day is None or await self.clock.wait_until(at_hour(day, 0), self.stirred, "effective date"):
            self.move(steps.effect_asked(self.case))

    async def _take_effect(self) -> None:
        """The notice gets its number, the roster acts on the strength of it; what was claimed is held no longer."""
        number = messages.NumberDocument(application_id=self.start.application_id, on=known(self.decided_on))
        self.document = await self.ask(messages.NUMBER_DOCUMENT, number, messages.Numbered)
        try:
            self.done = await self._effect()
        except ActivityError as failed:
            if not isinstance(failed.cause, ApplicationError):
                raise
            self._send_back(failed.cause.type or "refused", steps.SENTENCES["effect_refused"])
            return
        self.held = None
        self.move(steps.effected(self.case))
        self.enter(EntryKind.EFFECTED)

    async def _effect(self) -> Done:
        """The roster's answer, which is the same however often it is asked."""
        effect = Effect(
            request=self._request(),
            evidence=known(self.evidence),
            authorisation_no=known(self.document).document_no,
            authorised_on=known(self.decided_on),
            submitted_at=self.start.submitted_at,
        )
        return await self.ask(posts.TAKE_EFFECT, effect, Done, posts.TASK_QUEUE)

    async def _render(self) -> None:
        """Write the notice. A case that was taken up again from the tables asks anew what the effect left."""
        self.done = self.done or await self._effect()
        rendering = messages.RenderDocument(
            application_id=self.start.application_id,
            document_id=known(self.document).document_id,
            revision=self.case.revision,
            done=self.done,
            on=known(self.decided_on),
        )
        rendered = await self.ask(messages.RENDER_DOCUMENT, rendering, messages.Rendered, within=PAPER)
        self.move(steps.rendered(self.case, rendered.document_id, rendered.sha256))
        self.enter(EntryKind.RENDERED, document_id=rendered.document_id)

    async def _seal(self) -> None:
        """Ask for the seal, wait for the answer, ask again: the task is the same, so nothing is sealed twice. While the platform is away it stays 待签章."""
        self._asked += 1
        progress = await self.ask(messages.REQUEST_SEAL, self._seal_request(), messages.SealProgress, within=PAPER)
        if progress.completed and self.case.phase is Phase.SEAL:
            self._answered()
        pause = until_asked(self._asked) if workflow.patched(SOONER) else ASK_AGAIN
        with suppress(TimeoutError):  # no answer came: ask what became of the task
            await workflow.wait_condition(lambda: self.case.phase is not Phase.SEAL, timeout=pause, timeout_summary="seal")

    async def _file(self) -> None:
        await self.ask(messages.FILE_DOCUMENT, self._seal_request(), messages.Filed, within=PAPER)
        if self.start.revokes and self.start.application_type is ApplicationType.POST_USE and workflow.patched(RECALLS):
            await self._recall()
        self.move(steps.filed(self.case))
        self.enter(EntryKind.RECORDED, document_id=self.case.document_id)

    async def _recall(self) -> None:
        """What nobody has used of the revoked authorisation is taken back; whoever decided the revocation answers for it."""
        evidence = Evidence(actor=self.case.applicant, role=Role.OFFICE_DIRECTOR, update_id="", reason=RECALLED)
        request = Recall(application_id=self.start.application_id, document_no=known(self.document).document_no, evidence=evidence)
        await self._hand_back(posts.RECALL_RESERVATION, request)

    async def _give_back(self, revision: int) -> None:
        """Hand back all this revision holds; its tombstone refuses a claim that comes late."""
        evidence = self.evidence or Evidence(actor="system", role="service", update_id="")
        request = GiveBack(application_id=self.start.application_id, revision=revision, unit_id=self.content.unit_id, evidence=evidence)
        await self._hand_back(posts.GIVE_BACK, request)
        if self.held == revision:
            self.held = None

    async def _hand_back(self, activity: str, request: GiveBack | Recall) -> None:
        """Nothing else may come of it: where the roster's tables do not take it, it is asked again until somebody has mended them."""
        while not await self._is_taken_back(activity, request):
            await self.record()
            await self._show_untaken()
            if self.is_long():
                await self._go_on_anew()
            with suppress(TimeoutError):
                await workflow.wait_condition(self.stirred, timeout=ASK_AGAIN, timeout_summary="ask again")
        if self.untaken:
            self.untaken = False
            await self.mark_held(self.journal.recorded, messages.NOT_TAKEN_BACK, over=True)

    async def _show_untaken(self) -> None:
        """At each refused try: a line that was recorded meanwhile has taken the mark away."""
        if workflow.patched(SHOWS_UNTAKEN):
            self.untaken = True
            await self.mark_held(self.journal.recorded, messages.NOT_TAKEN_BACK)

    async def _is_taken_back(self, activity: str, request: GiveBack | Recall) -> bool:
        try:
            await self.ask(activity, request, type(None), posts.TASK_QUEUE)
        except ActivityError as failed:
            if isinstance(failed.cause, ApplicationError):
                return False
            raise
        return True

    async def _go_on_anew(self) -> None:
        await self.drain()
        workflow.continue_as_new(self.start.model_copy(update={"carried": self.carried(), "clock_offset": self.clock.offset}))

    def _mendable(self, mended: messages.Resubmission) -> steps.Case:
        """Asked by the validator alone: no history of a case was written under it, and a replay does not ask."""
        case = steps.resubmit(self.case, mended.revision, mended.by, excepted=bool(mended.content.excepted))
        if mended.content.units != self.start.content.units:
            raise steps.Refusal("unit_fixed")
        return case

    def _mended(self, mended: messages.Resubmission) -> steps.Case:
        case = steps.resubmit(self.case, mended.revision, mended.by, excepted=bool(mended.content.excepted))
        self.content = mended.content
        return steps.concerning(excepting(case, mended.content), mended.concerned or ())

    def _send_back(self, code: str, sentence: str, checks: tuple[Check, ...] = ()) -> None:
        """The roster's word, not a decider's: what is given back is given back on it."""
        self.move(steps.sent_back(self.case))
        self.evidence = Evidence(actor="system", role="service", update_id="", reason=sentence)
        self.enter(EntryKind.REFUSED, text=sentence, reason_codes=(code,), checks=checks)

    def _answered(self) -> None:
        self.move(steps.seal_completed(self.case, known(self.case.document_id)))
        self.enter(EntryKind.SEALED, document_id=self.case.document_id)

    def _seal_request(self) -> messages.SealRequest:
        return messages.SealRequest(document_id=known(self.case.document_id), at=self.clock.now())

    def _request(self) -> PostRequest:
        asked = self.content.request(self.start.application_id, self.case.revision, self.start.application_type)
        if asked.exception is None or self.evidence is None or self.case.phase is not Phase.CLAIM:
            return asked
        return asked.model_copy(update={"exception": asked.exception.model_copy(update={"decided_by": self.evidence.actor})})

    def _needs_hold(self) -> bool:
        if self.start.application_type is ApplicationType.CHANGE:
            # the SDK remembers one answer for a whole run: a revision that is submitted after the patch has a name of its own
            return workflow.patched(HOLDS_CHANGE) or workflow.patched(f"{HOLDS_CHANGE}-{self.case.revision}")
        return self.start.application_type is ApplicationType.ENTRY and self.content.reservation_id is not None
