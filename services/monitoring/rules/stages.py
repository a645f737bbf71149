"""How far an issue or a freeze order is on its way, for whoever looks."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.monitoring.models.tasks import Stage
from shared.glossary import LABELS, FreezeState, IssueState, Role
from workflows import freeze_case
from workflows.freeze_case import FreezeAct

_OFFICER, _CLERK, _DIRECTOR = LABELS[Role.SUPERVISION_OFFICER], LABELS[Role.UNIT_CLERK], LABELS[Role.OFFICE_DIRECTOR]
ISSUE_WAY = (
    Stage("found", "发现", "规则"),
    Stage("confirm", "核实签发", _OFFICER),
    Stage("seal", "用印签章", LABELS[Role.SEAL_OPERATOR]),
    Stage("serve", "送达", _OFFICER),
    Stage("submit_evidence", "整改", _CLERK),
    Stage("accept_evidence", "验收销号", _OFFICER),
)
ORDER_WAY = (
    Stage("propose", "提出冻结", _OFFICER),
    Stage("approve", "决定冻结", _DIRECTOR),
    Stage("apply", "冻结生效", "编制台账"),
    Stage("propose_release", "所涉问题销号", _OFFICER),
    Stage("approve_release", "决定解冻", _DIRECTOR),
    Stage("release", "解冻生效", "编制台账"),
)
_ISSUE_PLACES = {
    IssueState.BASELINE: 1,
    IssueState.WARNED: 1,
    IssueState.TO_VERIFY: 1,
    IssueState.NOTICE_SIGNED: 2,
    IssueState.RECTIFYING: 4,
    IssueState.OVERDUE: 4,
    IssueState.EVIDENCE_SUBMITTED: 5,
    IssueState.CLOSED: len(ISSUE_WAY),
    IssueState.DISMISSED: 2,
}
_ORDER_PLACES = {
    FreezeState.PROPOSED: 1,
    FreezeState.DECLINED: 2,
    FreezeState.IN_FORCE: 3,
    FreezeState.RELEASE_PROPOSED: 4,
    FreezeState.RELEASED: len(ORDER_WAY),
}
Times = Mapping[str, datetime | None]


def issue_stages(state: IssueState, times: Times, *, sealed: bool, paused: bool) -> tuple[Stage, ...]:
    """`times`: when each stage was done last, by its code. `sealed`: the notice may be served."""
    place = _ISSUE_PLACES[state] + (state is IssueState.NOTICE_SIGNED and sealed)
    rests = state in {IssueState.DISMISSED, IssueState.BASELINE, IssueState.WARNED}
    stopped = paused and state in {IssueState.RECTIFYING, IssueState.OVERDUE}
    return _standing(ISSUE_WAY, place, times, rests=rests, paused=stopped)


def order_stages(state: FreezeState, acts: Sequence[str], times: Times) -> tuple[Stage, ...]:
    """`acts`: what happened, in its order. What was signed is on its way into the ledger, unless that did not take it; what is released early waits for no
    issue.
    """
    signed = is_signed(state, acts)
    early = "release_early" in acts[max((at for at, act in enumerate(acts) if act == FreezeAct.REFUSED), default=0) :]
    way = [stage for stage in ORDER_WAY if stage.code != "propose_release" or not early]
    return _standing(way, _ORDER_PLACES[state] + signed, times, rests=state is FreezeState.DECLINED, paused=False)


def is_signed(state: FreezeState, acts: Sequence[str]) -> bool:
    """Whether the freeze, or its release, was decided and the roster has yet to carry it out."""
    if state is FreezeState.PROPOSED:
        return "approve" in acts
    return state in freeze_case.FREEZES and not set(acts[-1:]).isdisjoint(freeze_case.RELEASING)


def _standing(way: Sequence[Stage], place: int, times: Times, *, rests: bool, paused: bool) -> tuple[Stage, ...]:
    done = [replace(each, standing="done", at=times.get(each.code)) for each in way[:place]]
    here = [] if rests else [replace(each, standing="paused" if paused else "current") for each in way[place : place + 1]]
    return (*done, *here, *way[place + len(here) :])
