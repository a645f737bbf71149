"""The balance of a reform: a surplus may be carried over with its cause, never made in passing (486号令: posts and people of one kind are never netted)."""

from collections import Counter
from collections.abc import Iterable, Sequence

from services.roster.models.facts import RowWords
from services.roster.models.units import ReformOverfills, ReformOverfillsSeats
from shared.events.roster import EstablishmentState, SeatsState
from shared.glossary import OverQuotaCause

Row = tuple[str, str]
Level = tuple[str, str]


def excess_of(rows: Iterable[EstablishmentState]) -> Counter[Row]:
    """People and promised posts beyond the quota, per (kind, funding), each unit's row for itself."""
    excess: Counter[Row] = Counter()
    for row in rows:
        excess[row.kind, row.funding] += max(0, row.headcount + row.reserved - row.quota)
    return excess


def ensure_no_more_over(before: Counter[Row], after: Counter[Row], cause: OverQuotaCause | None, words: RowWords) -> None:
    """A greater surplus than there was needs the office's recorded cause."""
    for kind, funding in sorted(after - before):
        if cause is None:
            raise ReformOverfills(**words(kind=kind, funding=funding), before=before[kind, funding], after=after[kind, funding])


def seats_over(levels: Iterable[SeatsState]) -> Counter[Level]:
    """Leaders beyond 领导职数, per level (code and name), each unit for itself."""
    over: Counter[Level] = Counter()
    for seats in levels:
        over[seats.level, seats.level_label or seats.level] += max(0, seats.used - seats.approved)
    return over


def ensure_no_more_over_seats(before: Counter[Level], after: Counter[Level], cause: OverQuotaCause | None) -> None:
    """The same of leaders: more beyond 领导职数 than there were need the office's recorded cause."""
    for level in sorted(after - before):
        if cause is None:
            raise ReformOverfillsSeats(level=level[1], before=before[level], after=after[level])


def settled_causes(
    arrived: Sequence[OverQuotaCause | None], over: int, explained: int, cause: OverQuotaCause | None
) -> list[OverQuotaCause | None]:
    """As what each who arrives in one row stands there. `over`: its surplus; `explained`: people in it with a recorded cause, these included.

    In a row with room nobody is over quota any more; in one that is over, each keeps the cause recorded for him, and what nothing explains is
    the reform's, where it names a cause.
    """
    if over == 0:
        return [None] * len(arrived)
    settled, left = list(arrived), over - explained
    for place in reversed(range(len(settled))):
        if settled[place] is None and left > 0:
            settled[place], left = cause, left - 1
    return settled
