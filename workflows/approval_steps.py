"""The step machine of an application: a frozen state and pure functions. A refusal leaves the state as it was and has a code.

`position` is the one step that waits; counter-signing will make it a set. Everything here may run in a workflow: no clock, no I/O.
"""

from collections.abc import Collection, Iterable
from datetime import date
from enum import StrEnum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from shared.glossary import ApplicationState, ApplicationType, Role

SENTENCES = {
    "not_ready": "申请正在受理核对，请稍后再办理。",
    "wrong_state": "申请当前所处的环节不能这样办理。请重新打开该申请，核对后再办。",
    "already_withdrawn": "申请已经撤回。",
    "already_filed": "申请已经办结，不能再改动；如有错误，只能另发文件撤销。",
    "effect_requested": "申请已进入落编，不能再撤回；如有错误，只能另发文件撤销。",
    "paused": "该单位正被冻结，申请暂停办理；解冻后继续计时。",
    "stale_version": "申请已有变动，您看到的不是最新情况。请重新打开该申请，核对后再办。",
    "unit_fixed": "补正时不能更换申请单位或调出单位。如需更换，请撤回后另行申请。",
    "own_case": "不能办理与本人有关的申请，也不能由他人代本人办理。请由同一角色的其他人员办理；没有的，请安全管理员为与此事无关的人员授权。",
    "decided_before": "同一申请的不同环节不能由同一人办理。",
    "wrong_person": "当前环节不由您办理。",
    "reason_missing": "退回时须一次性列明全部退回原因。",
    "urged_today": "今天已经催办过，请明天再催。",
    "document_mismatch": "该文件不是本申请待用印的文件。",
    "effect_refused": "落编时核验未通过，申请退回；请按所列原因补正后重新提交。",
    "seal_mismatch": "签章结果与待签章的文件不符。",
    "calendar_known": "办理期限已按此节假日安排计算。",
}


class Refusal(Exception):  # noqa: N818  named as the fact it states
    """The machine says no; `code` tells why and `sentence` tells people."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code, self.sentence = code, SENTENCES[code]


class Phase(StrEnum):
    """Where the machine stands; finer than what people are shown (`state_of`)."""

    SUBMITTED = "submitted"
    REVIEW = "review"
    RETURNED = "returned"
    CLAIM = "claim"
    CLAIMED = "claimed"
    EFFECT = "effect"
    DOCUMENT = "document"
    RELEASE = "release"
    SEAL = "seal"
    FILING = "filing"
    FILED = "filed"
    WITHDRAWN = "withdrawn"


OVER = frozenset({Phase.FILED, Phase.WITHDRAWN})
BLOCKABLE = frozenset({Phase.SUBMITTED, Phase.REVIEW, Phase.RETURNED, Phase.CLAIM})
NEVER_STOPPED = frozenset({ApplicationType.EXIT, ApplicationType.CHANGE})
"""No freeze holds an exit or a correction of what is known (domain §4.4)."""
WITHDRAWABLE = BLOCKABLE | {Phase.CLAIMED}
_SHOWN = {
    Phase.SUBMITTED: ApplicationState.IN_REVIEW,
    Phase.REVIEW: ApplicationState.IN_REVIEW,
    Phase.RETURNED: ApplicationState.RETURNED,
    Phase.CLAIM: ApplicationState.EFFECTING,
    Phase.CLAIMED: ApplicationState.EFFECTING,
    Phase.EFFECT: ApplicationState.EFFECTING,
    Phase.DOCUMENT: ApplicationState.EFFECTING,
    Phase.RELEASE: ApplicationState.AWAITING_RELEASE,
    Phase.SEAL: ApplicationState.AWAITING_SEAL,
    Phase.FILING: ApplicationState.AWAITING_SEAL,
    Phase.FILED: ApplicationState.FILED,
    Phase.WITHDRAWN: ApplicationState.WITHDRAWN,
}


class Frozen(BaseModel):
    """State and messages are values."""

    model_config = ConfigDict(frozen=True)


class Step(Frozen):
    """One step of a chain, as pinned at the start. Budget in working days; reminders are offsets to its end (0 = the end, -1 = a day before)."""

    code: str
    label: str
    role: Role
    budget_days: int = Field(ge=1)
    reminders: tuple[int, ...] = (-1, 0)


class Decider(Frozen):
    """Who acts, by name and roles; `on_behalf_of` is the absent colleague he stands in for. Both names count as deciding."""

    actor: str
    roles: tuple[Role, ...]
    on_behalf_of: str | None = None
    request_hash: str = Field("", description="Hash of the request, so that a repeat with another body is recognised.")

    @property
    def names(self) -> tuple[str, ...]:
        """Everybody in whose name this is done."""
        return (self.actor, self.on_behalf_of) if self.on_behalf_of else (self.actor,)


class Decision(Frozen):
    """A decision on the step that waits, about the revision the decider has read."""

    by: Decider
    verdict: Literal["approve", "return"]
    revision: int = Field(ge=1)
    step: str
    opinion: str = ""
    reason_codes: tuple[str, ...] = Field((), description="All reasons of a return at once (一次性告知); the codes are data.")


class Case(Frozen):
    """The state of one application. `lifted` remembers freeze orders whose end is known, so that adding and removing commute."""

    application_type: ApplicationType
    chain: tuple[Step, ...] = Field(min_length=1)
    applicant: str
    concerned: tuple[str, ...] = ()
    authors: tuple[str, ...] = Field((), description="Who wrote a revision after the first, whoever applied.")
    phase: Phase = Phase.SUBMITTED
    revision: int = 1
    position: int = 0
    decided_by: tuple[str, ...] = ()
    blocked_by: tuple[UUID, ...] = ()
    lifted: tuple[UUID, ...] = ()
    excepted: tuple[UUID, ...] = Field((), description="Freeze orders that this revision claims an exception to.")
    urged_on: date | None = None
    document_id: UUID | None = None
    sha256: str | None = None

    @property
    def step(self) -> Step | None:
        """The step somebody has to decide now."""
        return self.chain[self.position] if self.phase is Phase.REVIEW else None

    @property
    def is_paused(self) -> bool:
        """Whether a freeze holds it where it stands."""
        return bool(self.blocked_by) and self.phase in BLOCKABLE - {Phase.RETURNED}


def state_of(case: Case) -> ApplicationState:
    """What people are shown."""
    return ApplicationState.PAUSED if case.is_paused else _SHOWN[case.phase]


def holder_of(case: Case) -> Role | None:
    """Whose move it is (办理人)."""
    if case.step:
        return case.step.role
    return {Phase.RETURNED: Role.UNIT_CLERK, Phase.RELEASE: Role.SEAL_OPERATOR}.get(case.phase)


def received(case: Case) -> Case:
    """The checks are done and what it needs is held: the first step begins."""
    _ensure(case, Phase.SUBMITTED)
    return _with(case, phase=Phase.REVIEW, position=0, decided_by=())


def decide(case: Case, decision: Decision) -> Case:
    """Approve or return the step that waits. Nobody decides his own case, nor two steps of one revision (domain §11, trap 36)."""
    _ensure(case, Phase.REVIEW)
    if case.blocked_by:
        raise Refusal("paused")
    step = case.chain[case.position]
    if (decision.revision, decision.step) != (case.revision, step.code):
        raise Refusal("stale_version")
    _ensure_impartial(case, decision.by)
    if step.role not in decision.by.roles:
        raise Refusal("wrong_person")
    return _returned(case, decision) if decision.verdict == "return" else _approved(case, decision)


def _approved(case: Case, decision: Decision) -> Case:
    decided = (*case.decided_by, *decision.by.names)
    if case.position + 1 < len(case.chain):
        return _with(case, position=case.position + 1, decided_by=decided, urged_on=None)
    return _with(case, phase=Phase.CLAIM, decided_by=decided, urged_on=None)


def _returned(case: Case, decision: Decision) -> Case:
    if not decision.reason_codes:
        raise Refusal("reason_missing")
    return sent_back(case)


def sent_back(case: Case) -> Case:
    """To the applicant, by a decider or because the roster refused what it asks for."""
    return _with(case, phase=Phase.RETURNED, urged_on=None)


def resubmit(case: Case, revision: int, by: Decider, *, excepted: bool = False) -> Case:
    """The applicant has mended it, or a colleague: a new revision, and the chain starts again. One that a freeze pauses is mended by claiming an
    exception alone.
    """
    if not case.is_paused:
        _ensure(case, Phase.RETURNED)
    elif not excepted:
        raise Refusal("paused")
    if revision != case.revision:
        raise Refusal("stale_version")
    authors = tuple(dict.fromkeys((*case.authors, *by.names)))
    return _with(case, phase=Phase.SUBMITTED, revision=case.revision + 1, position=0, decided_by=(), authors=authors)


def concerning(case: Case, names: Iterable[str]) -> Case:
    """It is about these people too. Nobody who was named comes off: the application had been about him."""
    return _with(case, concerned=tuple(dict.fromkeys((*case.concerned, *names))))


def withdraw(case: Case) -> Case:
    """The applicant takes it back; too late once the effect was asked for."""
    if case.phase not in WITHDRAWABLE:
        raise Refusal({Phase.WITHDRAWN: "already_withdrawn", Phase.FILED: "already_filed"}.get(case.phase, "effect_requested"))
    return _with(case, phase=Phase.WITHDRAWN)


def urge(case: Case, on: date) -> Case:
    """The applicant asks the holder to hurry (催办): once a day."""
    _ensure(case, Phase.REVIEW)
    if case.blocked_by:
        raise Refusal("paused")
    if case.urged_on == on:
        raise Refusal("urged_today")
    return _with(case, urged_on=on)


def block(case: Case, orders: Iterable[UUID]) -> Case:
    """Freeze orders hold it. An exit or a change is never held, an order lifted or excepted does not count, and after the claim none comes too late."""
    if case.application_type in NEVER_STOPPED or case.phase not in BLOCKABLE:
        return case
    new = [order for order in orders if order not in {*case.lifted, *case.excepted, *case.blocked_by}]
    return _with(case, blocked_by=(*case.blocked_by, *new)) if new else case


def unblock(case: Case, order: UUID) -> Case:
    """A freeze order ended; it is remembered, should its beginning be heard of later."""
    if order in case.lifted or case.application_type in NEVER_STOPPED:
        return case
    return _with(case, blocked_by=tuple(each for each in case.blocked_by if each != order), lifted=(*case.lifted, order))


def frozen_again(case: Case, orders: Collection[UUID]) -> Case:
    """These orders are in force though their end was heard of: the unit left what they freeze, and came back."""
    return _with(case, lifted=tuple(order for order in case.lifted if order not in orders))


def excepting(case: Case, orders: Collection[UUID]) -> Case:
    """These orders do not hold this revision; those that an earlier one was excepted from do again."""
    blocked = tuple(order for order in case.blocked_by if order not in orders)
    return block(_with(case, blocked_by=blocked, excepted=tuple(orders)), case.excepted)


def claimed(case: Case) -> Case:
    """The roster granted the post."""
    _ensure(case, Phase.CLAIM)
    return _with(case, phase=Phase.CLAIMED, blocked_by=())


def effect_asked(case: Case) -> Case:
    """The point of no return."""
    _ensure(case, Phase.CLAIMED)
    return _with(case, phase=Phase.EFFECT)


def effected(case: Case) -> Case:
    """The roster carried it out."""
    _ensure(case, Phase.EFFECT)
    return _with(case, phase=Phase.DOCUMENT)


def rendered(case: Case, document_id: UUID, sha256: str) -> Case:
    """The notice is written; its bytes are locked by their hash."""
    _ensure(case, Phase.DOCUMENT)
    return _with(case, phase=Phase.RELEASE, document_id=document_id, sha256=sha256)


def release(case: Case, by: Decider, document_id: UUID) -> Case:
    """A named operator releases the notice to be sealed (用印登记); the engine alone never does."""
    _ensure(case, Phase.RELEASE)
    if document_id != case.document_id:
        raise Refusal("document_mismatch")
    if set(by.names) & {case.applicant, *case.concerned}:
        raise Refusal("own_case")
    if Role.SEAL_OPERATOR not in by.roles:
        raise Refusal("wrong_person")
    return _with(case, phase=Phase.SEAL)


def seal_completed(case: Case, document_id: UUID) -> Case:
    """The platform answered for this document; the answer is stored."""
    _ensure(case, Phase.SEAL)
    if document_id != case.document_id:
        raise Refusal("seal_mismatch")
    return _with(case, phase=Phase.FILING)


def filed(case: Case) -> Case:
    """The sealed notice stands in the filing ledger."""
    _ensure(case, Phase.FILING)
    return _with(case, phase=Phase.FILED)


def _ensure(case: Case, phase: Phase) -> None:
    if case.phase is phase:
        return
    early = "not_ready" if case.phase is Phase.SUBMITTED else "wrong_state"
    raise Refusal({Phase.WITHDRAWN: "already_withdrawn", Phase.FILED: "already_filed"}.get(case.phase, early))


def _ensure_impartial(case: Case, by: Decider) -> None:
    if set(by.names) & {case.applicant, *case.concerned}:
        raise Refusal("own_case")
    if set(by.names) & set(case.decided_by):
        raise Refusal("decided_before")


def unless_written_by(case: Case, by: Decider) -> Case:
    """The case, unless he wrote a revision of it: that is his own case too. Asked by validators alone, so that a history from before is replayed as it was."""
    if set(by.names) & set(case.authors):
        raise Refusal("own_case")
    return case


def _with(case: Case, **changes: Any) -> Case:
    return case.model_copy(update=changes)
