"""The quantities of domain §1.6 for a group of rows: per row first, then summed, never netted; nothing is divided by zero."""

from collections.abc import Sequence

from shared.events.roster import EstablishmentState


def vacancy(rows: Sequence[EstablishmentState]) -> int:
    """空编 = Σ max(0, 编制数 − 实有数)."""
    return sum(max(0, row.quota - row.headcount) for row in rows)


def overstaffing(rows: Sequence[EstablishmentState]) -> int:
    """超编 = Σ max(0, 实有数 − 编制数)."""
    return sum(row.overstaffing for row in rows)


def ratio(part: int, whole: int) -> float | None:
    """使用率, 空编率, 编外占比 to four places; none where the whole is zero: neither 0 nor 100 %."""
    return round(part / whole, 4) if whole else None
