"""Two registers: what is the same in both, where a difference may go, and which unit is meant."""

from uuid import uuid4

import pytest

from services.roster.models.fields import SHEETS
from services.roster.rules.comparisons import MOVES, Compared, OurUnit, Units, found_again, may_be_answered
from shared.glossary import DifferenceState, LeadingSide


def test_registers_that_write_a_document_in_other_brackets_do_not_differ() -> None:
    number = Compared(SHEETS["roster"].by_name["entry_document_no"], LeadingSide.ASK, blank=False)

    assert number.same("测编〔2020〕1号", "测编[2020]1号")
    assert not number.same("测编〔2020〕1号", "测编[2020]11号")


@pytest.mark.parametrize("state", DifferenceState)
def test_a_difference_that_is_found_again_comes_back_unless_it_waits_or_was_explained_and_says_the_same(state: DifferenceState) -> None:
    waits = state in {DifferenceState.TO_VERIFY, DifferenceState.ANSWERED, DifferenceState.IN_REVIEW}

    assert found_again(state, explained=False, same_facts=True) is (None if waits else DifferenceState.TO_VERIFY)
    assert found_again(state, explained=True, same_facts=True) is None
    assert found_again(state, explained=False, same_facts=False) is DifferenceState.TO_VERIFY
    assert found_again(state, explained=True, same_facts=False) is DifferenceState.TO_VERIFY
    assert may_be_answered(state) is (state in {DifferenceState.TO_VERIFY, DifferenceState.ANSWERED})


def test_the_office_moves_a_difference_on_and_back_to_the_unit_and_one_that_is_struck_off_nowhere() -> None:
    ends = {DifferenceState.RECTIFIED, DifferenceState.EXPLAINED}

    assert {state: set(to) for state, to in MOVES.items()} == {
        DifferenceState.TO_VERIFY: {DifferenceState.IN_REVIEW, *ends},
        DifferenceState.ANSWERED: {DifferenceState.TO_VERIFY, DifferenceState.IN_REVIEW, *ends},
        DifferenceState.IN_REVIEW: {DifferenceState.TO_VERIFY, *ends},
        DifferenceState.RECTIFIED: {DifferenceState.TO_VERIFY, DifferenceState.CLOSED},
        DifferenceState.EXPLAINED: {DifferenceState.TO_VERIFY, DifferenceState.CLOSED},
        DifferenceState.CLOSED: set(),
    }


def test_a_unit_is_found_by_its_code_before_any_name_and_by_a_name_that_only_one_has() -> None:
    first, second, third = (
        OurUnit(uuid4(), name, (code,), (name, also))
        for name, code, also in (("甲局", "A1", "老名"), ("乙局", "B2", "老名"), ("A1", "C3", "丙局"))
    )
    units = Units([first, second, third])

    assert [units.find(called) for called in ("Ａ1", "乙局", "丙 局", "老名", "没有", None)] == [
        *(first.unit_id, second.unit_id, third.unit_id),
        *(None, None, None),
    ]
    assert [units.shown(called) for called in ("B2", "老名", None)] == ["乙局", "老名", None]
    assert units.coded(None, "没有", "C3", "B2") == third.unit_id
