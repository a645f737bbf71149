"""Whose move it is, why, and what he may do: advice for whoever looks; the running case decides all the same."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.approval.models.tasks import Action, Stage, Standing, Tab
from shared.glossary import LABELS, ApplicationState, EntryKind, Role
from workflows.approval_steps import Step

_OPEN = frozenset({ApplicationState.IN_REVIEW, ApplicationState.PAUSED, ApplicationState.RETURNED})
_WHY_READ = {
    ApplicationState.FILED: "已办结，请知悉",
    ApplicationState.WITHDRAWN: "申请单位已撤回，请知悉",
    ApplicationState.PAUSED: "因单位被冻结暂停办理，请知悉",
    ApplicationState.RETURNED: "您通过后系统核验未通过，已退回申请单位，请知悉",
}
_TO_RELEASE = {
    ApplicationState.AWAITING_RELEASE: "通知单已生成，由用印管理员登记用印",
    ApplicationState.FILED: "撤销通知单已生成，由用印管理员登记用印",
}
_WITHHELD = (
    "本件与您本人有关（由您提出、填报、补充材料，所载变更由您登记，或者涉及您），或您已办理过同一申请的其他环节，须由具有“{role}”角色的其他人员办理，也不能由他人代您办理。"
    "没有其他人员的，请安全管理员将该角色授予与此事无关的人员。"
)
_LAST = (("effect", "落编", "系统办理"), ("release", "用印登记", LABELS[Role.SEAL_OPERATOR]), ("filing", "签章归档", "签章平台"))
_BEYOND = {
    ApplicationState.EFFECTING: 0,
    ApplicationState.AWAITING_RELEASE: 1,
    ApplicationState.AWAITING_SEAL: 2,
    ApplicationState.FILED: 3,
}


def why(tab: Tab, state: ApplicationState, step: str | None, holder: Role | None, *, revoked: bool) -> str:
    """Why an application stands in somebody's list. `revoked`: it was decided that its notice holds no more."""
    if tab == "started":
        return "由您提交"
    if tab == "done":
        return "您办理过"
    if tab == "to_read":
        return "已决定撤销文书，请知悉" if revoked else _WHY_READ[state]
    if state is ApplicationState.RETURNED:
        return "已退回，由申请单位补正后重新提交"
    if state in _TO_RELEASE:
        return _TO_RELEASE[state]
    return f"“{step}”环节由{LABELS[holder] if holder else '—'}办理"


def actions(
    state: ApplicationState,
    holder: Role | None,
    roles: Collection[Role],
    *,
    impartial: bool,
    urged_today: bool,
    unrecorded: bool = False,
    revocable: bool = False,
    awaits_day: bool = False,
) -> tuple[Action, ...]:
    """What somebody with these roles may do. `impartial`: it is not his own case, and he did not decide before what forbids it. `unrecorded`: it stands still
    because a line of its timeline was refused. `revocable`: its notice is filed, and none revokes it. `awaits_day`: approved, it takes effect on a day
    to come.
    """
    found: list[Action] = []
    if holder in roles and impartial:
        found += [Action.APPROVE, Action.RETURN] if state is ApplicationState.IN_REVIEW else []
        found += [Action.RELEASE] if state in _TO_RELEASE else []
    if Role.BUSINESS_OFFICER in roles and unrecorded:
        found.append(Action.RECORD_AGAIN)
    if Role.OFFICE_DIRECTOR in roles and revocable and impartial:
        found.append(Action.REVOKE)
    if Role.UNIT_CLERK in roles:
        found += [Action.RESUBMIT] if state is ApplicationState.RETURNED else []
        found += [Action.URGE] if state is ApplicationState.IN_REVIEW and holder and not urged_today else []
        found += [Action.WITHDRAW] if state in _OPEN or (state is ApplicationState.EFFECTING and awaits_day) else []
    return tuple(found)


def withheld(state: ApplicationState, holder: Role | None, roles: Collection[Role], *, impartial: bool) -> str:
    """Why somebody whose role's move it is may not make it, in a sentence; nothing where he may, or where it is not his role's."""
    waits = state is ApplicationState.IN_REVIEW or state in _TO_RELEASE
    return _WITHHELD.format(role=LABELS[holder]) if waits and holder and holder in roles and not impartial else ""


def stages(
    chain: Sequence[Step],
    state: ApplicationState,
    step: str | None,
    decided: Mapping[str, tuple[str, datetime]],
    submitted: tuple[str, datetime],
) -> tuple[Stage, ...]:
    """The whole way: received (or put right, where it was sent back), each step of the chain, and what follows the last.

    `decided`: who approved a step of this revision, and when.
    """
    codes = [each.code for each in chain]
    place = 1 + codes.index(step) if step in codes else 1 + len(chain) + _BEYOND[state] if state in _BEYOND else 0
    first = "单位补正" if state is ApplicationState.RETURNED else "提交受理"
    way = [Stage("received", first, LABELS[Role.UNIT_CLERK], "future", None, *submitted)]
    way += [
        Stage(each.code, each.label, LABELS[each.role], "future", each.budget_days, *decided.get(each.code, (None, None))) for each in chain
    ]
    way += [Stage(*each, "future") for each in _LAST]
    return tuple(_standing(each, number, place, state) for number, each in enumerate(way))


def _standing(stage: Stage, number: int, place: int, state: ApplicationState) -> Stage:
    withdrawn = state is ApplicationState.WITHDRAWN
    standing: Standing = "done" if number < place + withdrawn else "future"
    if number == place and not withdrawn:
        standing = "paused" if state is ApplicationState.PAUSED else "current"
    kept = standing == "done" or number == 0
    return replace(stage, standing=standing, actor=stage.actor if kept else None, at=stage.at if kept else None)


DECIDING = (EntryKind.APPROVED, EntryKind.SENT_BACK, EntryKind.RELEASED, EntryKind.REVOKED)
"""The lines of a timeline that are somebody's deed at his place in the chain."""
