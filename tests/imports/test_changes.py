"""What a row would change: only what the file says, compared as what it means."""

import pytest

from services.roster.models.fields import PERSONS, UNITS
from services.roster.models.imports import JudgedRow, Verdict
from services.roster.rules.imports.changes import Changed, differences, in_force


def test_what_the_file_leaves_empty_stays() -> None:
    assert differences(PERSONS, {"title": None, "school": "某校"}, {"title": "局长", "school": "某校"}) == []


def test_a_difference_is_named_in_the_order_of_the_sheet() -> None:
    assert differences(PERSONS, {"school": "b", "education": "20"}, {"school": None, "education": "30"}) == ["education", "school"]


def test_what_the_roster_does_not_tell_is_no_difference() -> None:
    assert differences(PERSONS, {"school": "b"}, {}) == []


def test_of_a_month_the_day_does_not_count_and_a_list_is_its_parts() -> None:
    assert differences(PERSONS, {"work_began_on": "2010-07-15"}, {"work_began_on": "2010-07-01"}) == []
    assert differences(UNITS, {"plates": ("a", "b")}, {"plates": ["a", "b"]}) == []


def test_of_a_key_item_the_form_of_its_brackets_does_not_count() -> None:
    written = {"entry_document_no": "测编[2020]1号", "major": "会计(电算化)"}

    assert differences(PERSONS, written, {"entry_document_no": "测编〔2020〕1号", "major": "会计（电算化）"}) == ["major"]
    assert differences(PERSONS, {"entry_document_no": "测编〔2021〕1号"}, {"entry_document_no": "测编〔2020〕1号"}) == ["entry_document_no"]


@pytest.mark.parametrize(
    ("approved", "verdict", "changed", "outcome"),
    [
        (2, Verdict.CHANGED, {"approved": 1}, Verdict.WRONG),
        (0, Verdict.CHANGED, {"approved": 1}, Verdict.CHANGED),
        (2, Verdict.ADDED, {}, Verdict.WRONG),
        (2, Verdict.SAME, {}, Verdict.SAME),
    ],
)
def test_a_number_of_leaders_is_not_raised_at_a_level_that_has_ended(
    approved: int, verdict: Verdict, changed: Changed, outcome: Verdict
) -> None:
    """Lowered to none it may be: so an ended level is cleared away."""
    row = JudgedRow("seats", 7, {"level": "old", "approved": approved})

    assert in_force(row, verdict, changed, {"level": {"old"}})[0] is outcome
    assert bool(row.problems) is (outcome is Verdict.WRONG)
