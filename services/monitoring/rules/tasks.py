"""What somebody may do with an issue, a freeze order or an edition as it stands: advice for whoever looks; the running case decides all the same."""

from collections.abc import Collection
from dataclasses import dataclass

from services.monitoring.models.refusals import NoticeNotSealed, StillFound
from services.monitoring.models.tasks import Action
from shared.glossary import FreezeState, IssueState, Light, Role
from workflows import freeze_case, rectification_orders

RUNNING = frozenset({IssueState.RECTIFYING, IssueState.OVERDUE})
CONFIRMED = RUNNING | {IssueState.NOTICE_SIGNED, IssueState.EVIDENCE_SUBMITTED}
"""States in which a red issue may bring a freeze."""


@dataclass(frozen=True)
class Standing:
    """How an issue with a case stands. `sealed`: its notice may be served; `own_evidence`: the caller handed it in; `longer_asked`: the unit asked
    for an extension, `own_request`: the caller did; `freezing`: an order hangs on it.
    """

    state: IssueState
    level: Light
    released: bool
    sealed: bool
    paused: bool
    extendable: bool
    still_found: bool
    own_evidence: bool
    freezing: bool
    held: bool
    longer_asked: bool = False
    own_request: bool = False


def issue_actions(now: Standing, roles: Collection[Role]) -> tuple[Action, ...]:
    """What somebody with these roles may do with an issue."""
    found: list[Action] = []
    if Role.SUPERVISION_OFFICER in roles:
        found += _officers(now)
    if Role.UNIT_CLERK in roles and now.state in RUNNING:
        found += [Action.SUBMIT_EVIDENCE, *([Action.ASK_EXTENSION] if now.extendable and not now.longer_asked else [])]
    if Role.SEAL_OPERATOR in roles and now.state in CONFIRMED and not now.released:
        found.append(Action.RELEASE)
    return tuple(found)


def issue_withheld(now: Standing, roles: Collection[Role]) -> dict[Action, str]:
    """What an officer would do next, and may not: why, in a sentence."""
    if Role.SUPERVISION_OFFICER not in roles:
        return {}
    if now.state is IssueState.NOTICE_SIGNED and not now.sealed:
        return {Action.SERVE: NoticeNotSealed.sentence}
    if now.state in RUNNING and now.own_request:
        return {Action.EXTEND: rectification_orders.SENTENCES["own_extension"]}
    if now.state is not IssueState.EVIDENCE_SUBMITTED:
        return {}
    if now.own_evidence:
        return {Action.ACCEPT: rectification_orders.SENTENCES["own_case"]}
    return {Action.ACCEPT: StillFound.sentence} if now.still_found else {}


def _officers(now: Standing) -> list[Action]:
    asked = {
        Action.RECORD_AGAIN: now.held,
        Action.CONFIRM: now.state is IssueState.TO_VERIFY,
        Action.DISMISS: now.state is IssueState.TO_VERIFY,
        Action.SERVE: now.state is IssueState.NOTICE_SIGNED and now.sealed,
        Action.ACCEPT: now.state is IssueState.EVIDENCE_SUBMITTED and not now.own_evidence and not now.still_found,
        Action.RETURN: now.state is IssueState.EVIDENCE_SUBMITTED,
        Action.PAUSE: now.state in RUNNING and not now.paused,
        Action.RESUME: now.state in RUNNING and now.paused,
        Action.EXTEND: now.state in RUNNING and now.extendable and not now.own_request,
        Action.DECLINE_EXTENSION: now.state in RUNNING and now.longer_asked and not now.own_request,
        Action.PROPOSE_FREEZE: now.state in CONFIRMED and now.level is Light.RED and not now.freezing,
    }
    return [action for action, may in asked.items() if may]


def order_actions(state: FreezeState, roles: Collection[Role], *, own: bool, held: bool, signed: bool) -> tuple[Action, ...]:
    """What somebody may do with a freeze order; `own`: he proposed it himself. What is `signed` is not decided again."""
    found: list[Action] = []
    decides = Role.OFFICE_DIRECTOR in roles and not signed
    if decides and state is FreezeState.PROPOSED and not own:
        found.append(Action.DECIDE)
    if decides and state is FreezeState.RELEASE_PROPOSED:
        found.append(Action.DECIDE_RELEASE)
    if decides and state is FreezeState.IN_FORCE:
        found.append(Action.RELEASE_EARLY)
    if Role.SUPERVISION_OFFICER in roles and held:
        found.append(Action.RECORD_AGAIN)
    return tuple(found)


def order_withheld(state: FreezeState, roles: Collection[Role], *, own: bool) -> dict[Action, str]:
    """What a director would decide, and may not: why, in a sentence."""
    decides = Role.OFFICE_DIRECTOR in roles and state is FreezeState.PROPOSED
    return {Action.DECIDE: freeze_case.SENTENCES["own_case"]} if decides and own else {}


def list_standing(*, released: bool, sealed: bool, acknowledged: bool) -> str:
    """How far an edition is."""
    return "acknowledged" if acknowledged else "awaiting_acknowledgement" if sealed else "awaiting_seal" if released else "awaiting_release"


def list_actions(standing: str, roles: Collection[Role]) -> tuple[Action, ...]:
    """What somebody may do with an edition."""
    if standing == "awaiting_release" and Role.SEAL_OPERATOR in roles:
        return (Action.RELEASE,)
    if standing == "awaiting_acknowledgement" and not {Role.UNIT_CLERK, Role.UNIT_HEAD}.isdisjoint(roles):
        return (Action.ACKNOWLEDGE,)
    return ()
