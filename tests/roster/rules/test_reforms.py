"""The balance of a reform: posts and leaders are never netted, and a surplus has its cause."""

from uuid import UUID

import pytest

from services.roster.models.facts import RowWords
from services.roster.rules.reforms import Stand, overfills, overfills_seats, settled_causes
from shared.events.roster import EstablishmentState, SeatsState
from shared.glossary import OverQuotaCause

V, P = OverQuotaCause.VIOLATION, OverQuotaCause.POLICY
UNITS = {UUID(int=number): name for number, name in enumerate(("甲局", "乙局", "丙局"))}
WORDS = RowWords({("kind", "SY"): "事业编制", ("funding", "full"): "全额拨款"})


def holding(*figures: tuple[int, int, int], funding: str = "full") -> Stand:
    """甲局, 乙局, 丙局, each with quota, people and promised posts of one row."""
    rows = {
        (unit_id, "SY", funding): EstablishmentState(kind="SY", funding=funding, quota=quota, headcount=people, reserved=reserved)
        for unit_id, (quota, people, reserved) in zip(UNITS, figures, strict=False)
    }
    return Stand(rows, {}, UNITS)


def led(*figures: tuple[int, int], code: str = "deputy") -> Stand:
    """The same of leaders: approved and used."""
    seats = {
        (unit_id, code): SeatsState(level=code, level_label="副职", approved=approved, used=used)
        for unit_id, (approved, used) in zip(UNITS, figures, strict=False)
    }
    return Stand({}, seats, UNITS)


def test_a_reform_nets_no_unit_with_another_counts_what_is_promised_and_names_who_holds_more_than_before() -> None:
    before, after = holding((5, 5, 0), (9, 9, 0), (2, 4, 0)), holding((5, 5, 1), (9, 1, 0), (2, 5, 0))

    (refusal,) = overfills(before, after, WORDS)

    assert str(refusal) == (
        "改革后 事业编制（全额拨款）将超出编制 4 名，改革前为 2 名：甲局核定 5 名、实有 5 名、已核未用 1 名，超出 1 名；"
        "丙局核定 2 名、实有 5 名，超出 3 名。请在方案中为所列单位一并划转编制，或注明超编原因并附批准文件。"
    )


@pytest.mark.parametrize(("before", "after", "refused"), [(5, 6, True), (6, 7, True), (7, 7, False), (7, 6, False), (4, 5, False)])
def test_a_reform_makes_no_greater_surplus(before: int, after: int, refused: bool) -> None:
    rows = overfills(holding((5, before, 0)), holding((5, after, 0)), WORDS)
    seats = overfills_seats(led((5, before)), led((5, after)))

    assert ([each.code for each in rows], [each.code for each in seats]) == (
        (["reform_overfills"], ["reform_overfills_seats"]) if refused else ([], [])
    )


def test_a_surplus_that_goes_to_another_unit_is_not_a_greater_one_and_one_of_another_funding_is() -> None:
    assert list(overfills(holding((1, 2, 0), (1, 1, 0)), holding((1, 1, 0), (1, 2, 0)), WORDS)) == []
    assert len(list(overfills(holding((1, 2, 0)), holding((1, 2, 0), funding="partial"), WORDS))) == 1


def test_a_reform_that_fills_one_level_and_empties_another_of_the_same_name_is_refused() -> None:
    """Levels are told apart by their codes; an office's own may be called as one that ended. 乙局 has room, and makes none for 甲局."""
    (refusal,) = overfills_seats(led((1, 3), code="d1"), led((1, 3), (5, 1), code="d2"))

    assert str(refusal).startswith("改革后副职将超出领导职数 2 名，改革前为 0 名：甲局核定 1 名、实配 3 名。请先")
    assert "超职数的原因" in str(refusal)


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
