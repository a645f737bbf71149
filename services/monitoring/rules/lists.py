"""The lines of a weekly list (督办清单): what is new, carried over, overdue, and what was cleared since the edition before. Pure."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.monitoring.rules import SETTLED
from shared.glossary import IssueState, Light, LineKind
from shared.law.deadline import Deadline

_ORDER = (LineKind.OVERDUE, LineKind.NEW, LineKind.CARRIED, LineKind.CLEARED)


@dataclass(frozen=True)
class Listed:
    """An issue as the list sees it. `key` tells one round from the next."""

    issue_id: UUID
    round: int
    rule: str
    level: Light
    state: IssueState
    matter: str
    document_no: str | None
    measure: str | None
    found_on: date
    due_at: datetime | None
    deadline: Deadline | None

    @property
    def key(self) -> tuple[UUID, int]:
        """Which issue in which round."""
        return self.issue_id, self.round


@dataclass(frozen=True)
class Line:
    """One line: how the issue stands to the edition before, and the working days that are left of its term."""

    kind: LineKind
    issue: Listed
    remaining: int | None


def lines(issues: Iterable[Listed], before: Collection[tuple[UUID, int]], at: datetime) -> list[Line]:
    """The lines of an edition at the instant it is made. `before` are the open issues of the last edition; `issues` are all open and newly settled."""
    kinds = [(kind, issue) for issue in issues if (kind := _kind(issue, before, at)) is not None]
    kinds.sort(key=lambda pair: (_ORDER.index(pair[0]), pair[1].found_on, pair[1].issue_id))
    return [Line(kind, issue, _remaining(issue, kind, at)) for kind, issue in kinds]


def _kind(issue: Listed, before: Collection[tuple[UUID, int]], at: datetime) -> LineKind | None:
    if issue.state in SETTLED:
        return None if issue.state is IssueState.BASELINE else LineKind.CLEARED
    if issue.state is IssueState.OVERDUE or (issue.deadline is not None and issue.deadline.has_ended(at)):
        return LineKind.OVERDUE
    return LineKind.CARRIED if issue.key in before else LineKind.NEW


def _remaining(issue: Listed, kind: LineKind, at: datetime) -> int | None:
    return issue.deadline.remaining(at) if issue.deadline is not None and kind is not LineKind.CLEARED else None
