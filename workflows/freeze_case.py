"""The pure part of a freeze order: its messages, its states and the sentences of its refusals. No clock, no I/O; safe inside the sandbox."""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from shared.glossary import FreezeScope, FreezeState, Role
from workflows.roster import Evidence, FrozenPosts

POLICY = "policy"
OVER = frozenset({FreezeState.DECLINED, FreezeState.RELEASED})
FREEZES = frozenset({FreezeState.IN_FORCE, FreezeState.RELEASE_PROPOSED})
"""States in which the roster holds the unit."""

SENTENCES = {
    "wrong_role": "冻结与解冻由编办主任决定。",
    "wrong_state": "该冻结令当前所处的环节不能这样办理。请从冻结列表重新打开，核对后再办。",
    "document_missing": "同意冻结或解冻须填写文号。",
    "release_not_proposed": "所涉问题尚未全部销号，未提出解冻建议。编委决定提前解冻的，按“提前解冻”办理，填写编委文号。",
    "own_case": "冻结建议由您提出，须由其他人员决定。",
}


def workflow_id(order_id: UUID) -> str:
    """`freeze:<order>`."""
    return f"freeze:{order_id}"


class FreezeAct(StrEnum):
    """What happened to an order."""

    APPROVE = "approve"
    DECLINE = "decline"
    APPLY = "apply"
    REFUSED = "refused"
    LAPSE = "lapse"
    PROPOSE_RELEASE = "propose_release"
    DECLINE_RELEASE = "decline_release"
    APPROVE_RELEASE = "approve_release"
    RELEASE_EARLY = "release_early"
    RELEASE = "release"


RELEASING = (FreezeAct.APPROVE_RELEASE, FreezeAct.RELEASE_EARLY)
"""By which a release is signed."""


class Message(BaseModel):
    """A message between service and workflow; new fields are optional."""

    model_config = ConfigDict(frozen=True)


class Decision(Message):
    """The director's word on the freeze, or on its release. `early`: the commission (编委) decided it, though issues are still open."""

    evidence: Evidence
    approve: bool
    early: bool = False


class IssueAccepted(Message):
    """A linked issue was struck off."""

    issue_id: UUID


class FreezeEntry(Message):
    """One line of the order's journal."""

    order_id: UUID
    sequence: int
    act: FreezeAct
    state: FreezeState
    at: AwareDatetime
    evidence: Evidence


class FreezeHeld(Message):
    """A line of the journal that the tables do not take; the code says why."""

    order_id: UUID
    sequence: int
    code: str
    at: AwareDatetime


class FreezeAnswer(Message):
    """What a decider is told."""

    state: FreezeState
    sequence: int = 0


class FreezeCase(Message):
    """Where an order stands."""

    roles: ClassVar[frozenset[Role]] = frozenset({Role.OFFICE_DIRECTOR})

    state: FreezeState = FreezeState.PROPOSED
    open_issues: tuple[UUID, ...] = Field(())
    approval: Evidence | None = None
    release: Evidence | None = None
    refused: bool = Field(False, description="The roster did not take a release that was signed.")

    def without(self, issue_id: UUID) -> "FreezeCase":
        """An issue was struck off."""
        return self.model_copy(update={"open_issues": tuple(each for each in self.open_issues if each != issue_id)})

    def then(self, **changes: object) -> "FreezeCase":
        """The order after a change."""
        return self.model_copy(update=changes)


class FreezeStart(Message):
    """What is pinned when the order is proposed, or what one run hands to the next.

    The two document numbers are the policies that decide instead of a person, where set.
    """

    order_id: UUID
    unit_id: UUID
    scopes: tuple[FreezeScope, ...]
    posts: tuple[FrozenPosts, ...] = ()
    issue_ids: tuple[UUID, ...]
    proposed_by: str
    decide_by_policy: str | None = None
    release_by_policy: str | None = None
    clock_offset: timedelta | None = None
    case: FreezeCase | None = None
    unwritten: tuple[FreezeEntry, ...] = ()
    recorded: int = 0
    answers: dict[str, FreezeAnswer] = Field(default_factory=dict)
