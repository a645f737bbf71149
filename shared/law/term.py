"""How a term stands at an instant, in working days: what lists and pages show of a deadline."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.law.deadline import Deadline


@dataclass(frozen=True)
class Term:
    """In working days. `next_reminder_at`: when the holder is reminded next."""

    used: int
    total: int
    remaining: int
    overdue: int
    paused: bool
    provisional: bool
    due_at: datetime | None
    next_reminder_at: datetime | None


def term_of(deadline: Deadline | None, reminders: Sequence[int], now: datetime) -> Term | None:
    """How a term stands now; none before there is one. `reminders`: working days before (−) and after (+) its end."""
    if deadline is None:
        return None
    used, rungs = deadline.used(now), [deadline.rung_at(offset) for offset in reminders]
    return Term(
        used=min(used, deadline.total),
        total=deadline.total,
        remaining=deadline.remaining(now),
        overdue=max(0, used - deadline.total) if deadline.has_ended(now) else 0,
        paused=deadline.is_paused,
        provisional=deadline.provisional,
        due_at=deadline.due_at,
        next_reminder_at=min((at for at in rungs if at and at > now), default=None),
    )
