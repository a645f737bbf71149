"""The balance of a reform: a surplus may be carried over with its cause, never made in passing (486号令: posts and people of one kind are never netted)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from services.roster.models.facts import RowWords
from services.roster.models.units import ReformOverfills, ReformOverfillsSeats
from shared.events.roster import EstablishmentState, SeatsState
from shared.glossary import OverQuotaCause

T = TypeVar("T", EstablishmentState, SeatsState)


@dataclass(frozen=True)
class Stand:
    """What the units of a reform hold at one moment, by unit and row (kind, funding) and by unit and level, and what they are called then."""

    rows: Mapping[tuple[UUID, str, str], EstablishmentState]
    seats: Mapping[tuple[UUID, str], SeatsState]
    called: Mapping[UUID, str]


def overfills(before: Stand, after: Stand, words: RowWords) -> Iterator[ReformOverfills]:
    """Rows with a greater surplus than there was, of people and promised posts beyond the quota; each unit counts for itself, and those that hold
    more beyond it than before are named.
    """
    for kind, funding in sorted({(row[1], row[2]) for row in after.rows}):
        then, now = ({at[0]: each for at, each in stand.rows.items() if at[1:] == (kind, funding)} for stand in (before, after))
        if (more := _sum(now, _excess)) > (was := _sum(then, _excess)):
            units = "；".join(_told(after.called[at], now[at]) for at in _grown(then, now, _excess))
            yield ReformOverfills(**words(kind=kind, funding=funding), before=was, after=more, units=units)


def overfills_seats(before: Stand, after: Stand) -> Iterator[ReformOverfillsSeats]:
    """The same of leaders beyond 领导职数, level by level; levels are told apart by their codes."""
    for level in sorted({level for _, level in after.seats}):
        then, now = ({at[0]: each for at, each in stand.seats.items() if at[1] == level} for stand in (before, after))
        if (more := _sum(now, _beyond)) > (was := _sum(then, _beyond)):
            units = "；".join(f"{after.called[at]}核定 {now[at].approved} 名、实配 {now[at].used} 名" for at in _grown(then, now, _beyond))
            label = next(each.level_label or level for each in now.values())
            yield ReformOverfillsSeats(level=label, before=was, after=more, units=units)


def _excess(row: EstablishmentState) -> int:
    return max(0, row.headcount + row.reserved - row.quota)


def _beyond(seats: SeatsState) -> int:
    return max(0, seats.used - seats.approved)


def _sum(held: Mapping[UUID, T], over: Callable[[T], int]) -> int:
    return sum(map(over, held.values()))


def _grown(then: Mapping[UUID, T], now: Mapping[UUID, T], over: Callable[[T], int]) -> list[UUID]:
    return [at for at in sorted(now) if over(now[at]) > (over(then[at]) if at in then else 0)]


def _told(name: str, row: EstablishmentState) -> str:
    promised = f"、已核未用 {row.reserved} 名" if row.reserved else ""
    return f"{name}核定 {row.quota} 名、实有 {row.headcount} 名{promised}，超出 {_excess(row)} 名"


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
