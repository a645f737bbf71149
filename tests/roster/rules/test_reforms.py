"""The balance of a reform: posts and leaders are never netted, and a surplus has its cause."""

from collections import Counter

import pytest

from services.roster.models.facts import RowWords
from services.roster.models.units import ReformOverfills, ReformOverfillsSeats
from services.roster.rules.reforms import Level, ensure_no_more_over, ensure_no_more_over_seats, excess_of, seats_over, settled_causes
from shared.events.roster import EstablishmentState, SeatsState
from shared.glossary import OverQuotaCause
from tests.roster.rules.given import refused


def test_a_reform_that_fills_one_level_and_empties_another_of_the_same_name_is_refused() -> None:
    """Levels are told apart by their codes; an office's own may be called as one that ended."""

    def over(old: int, new: int) -> Counter[Level]:
        return seats_over(SeatsState(level=code, level_label="副职", approved=1, used=used) for code, used in (("d1", old), ("d2", new)))

    ensure_no_more_over_seats(over(3, 2), over(2, 2), None)
    with pytest.raises(ReformOverfillsSeats, match=r"改革后副职将超出领导职数 2 名，改革前为 0 名.*超职数的原因"):
        ensure_no_more_over_seats(over(3, 1), over(1, 3), None)


V, P = OverQuotaCause.VIOLATION, OverQuotaCause.POLICY


def figures(quota: int, headcount: int, reserved: int = 0) -> EstablishmentState:
    return EstablishmentState(kind="SY", funding="full", quota=quota, headcount=headcount, reserved=reserved)


def test_a_reform_nets_no_unit_with_another_and_counts_what_is_promised() -> None:
    assert excess_of([figures(5, 5, 1), figures(9, 1), figures(2, 4)]) == {("SY", "full"): 3}
    deputies = [SeatsState(level="deputy", level_label="单位副职", approved=approved, used=used) for approved, used in ((2, 3), (5, 1))]
    assert seats_over([*deputies, SeatsState(level="untold", approved=0, used=1)]) == {("deputy", "单位副职"): 1, ("untold", "untold"): 1}


@pytest.mark.parametrize(
    ("before", "after", "cause", "over"),
    [(0, 1, None, True), (1, 2, None, True), (2, 2, None, False), (2, 1, None, False), (0, 1, P, False)],
)
def test_a_reform_makes_no_greater_surplus_without_a_cause(before: int, after: int, cause: OverQuotaCause | None, over: bool) -> None:
    row, level = ("SY", "full"), ("deputy", "单位副职")
    with refused(ReformOverfills if over else None):
        ensure_no_more_over(Counter({row: before}), Counter({row: after}), cause, RowWords({}))
    with refused(ReformOverfillsSeats if over else None):
        ensure_no_more_over_seats(Counter({level: before}), Counter({level: after}), cause)


@pytest.mark.parametrize(
    ("arrived", "over", "explained", "cause", "settled"),
    [
        ((V, None), 0, 1, P, [None, None]),
        ((V, None, None), 3, 1, P, [V, P, P]),
        ((V, None, None), 2, 1, P, [V, None, P]),
        ((None, None), 1, 1, P, [None, None]),
        ((V, None), 2, 1, None, [V, None]),
        ((V, V), 2, 0, P, [V, V]),
    ],
)
def test_what_nothing_explains_of_a_surplus_is_the_reforms(
    arrived: tuple[OverQuotaCause | None, ...],
    over: int,
    explained: int,
    cause: OverQuotaCause | None,
    settled: list[OverQuotaCause | None],
) -> None:
    assert settled_causes(arrived, over, explained, cause) == settled
