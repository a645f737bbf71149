"""A difference at the next comparison: silent, closed by itself, or back."""

from collections.abc import Callable
from copy import deepcopy

import pytest

from services.roster.commands.comparisons import answer_difference, move_difference
from services.roster.models.comparisons import AnswerDifference, MoveDifference
from shared.glossary import DifferenceState
from tests.roster import given
from tests.roster.comparing import NOTHING, Upper, by_name, only

pytestmark = pytest.mark.asyncio


async def test_the_same_file_again_finds_nothing_new(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"

    first, second = await upper.compare(), await upper.compare()

    assert (first.outcome, second.outcome) == (NOTHING | {"new": 1}, NOTHING | {"same": 1})
    found = await only(upper)
    assert (found.first_run, found.last_run) == (first.id, second.id)


async def test_explained_it_stays_silent_until_its_facts_change(upper: Upper) -> None:
    li = by_name(upper, "李示例")
    li["民族"] = "02"
    await upper.compare()
    found = await only(upper)
    await answer_difference(upper.database, given.by_saying("以户籍证明为准"), AnswerDifference(difference_id=found.id))
    for to in (DifferenceState.EXPLAINED, DifferenceState.CLOSED):
        await move_difference(upper.database, given.by_saying("民族待公安更正"), MoveDifference(difference_id=found.id, to=to))

    silent = await upper.compare()
    li["民族"] = "03"
    changed = await upper.compare()

    assert (silent.outcome, changed.outcome) == (NOTHING | {"silent": 1}, NOTHING | {"again": 1})
    back = await only(upper)
    assert (back.id, back.state, back.explained) == (found.id, DifferenceState.TO_VERIFY, False)
    assert [(each.action, each.state, each.run_id) for each in await upper.steps(found.id)] == [
        ("comparison", DifferenceState.TO_VERIFY, found.first_run),
        ("answer", DifferenceState.ANSWERED, None),
        ("move", DifferenceState.EXPLAINED, None),
        ("move", DifferenceState.CLOSED, None),
        ("comparison", DifferenceState.TO_VERIFY, changed.id),
    ]


def _without_the_column(upper: Upper) -> None:
    for row in upper.people:
        del row["民族"]


def _unreadable(column: str) -> Callable[[Upper], None]:
    def spoil(upper: Upper) -> None:
        for name in ("李示例", "王示例"):
            by_name(upper, name)[column] = "#REF!"

    return spoil


@pytest.mark.parametrize(
    ("differs", "spoil", "outcome"),
    [
        pytest.param({"民族": "02"}, _without_the_column, {}, id="no column"),
        pytest.param({"民族": "02"}, _unreadable("民族"), {}, id="no cell"),
        pytest.param({"民族": "02"}, _unreadable("公民身份号码"), {"new": 2}, id="no row"),
        pytest.param({"所在机构": "乙单位"}, _unreadable("所在机构"), {}, id="no unit"),
    ],
)
async def test_what_was_not_compared_stays_as_it_is(
    upper: Upper, differs: dict[str, str], spoil: Callable[[Upper], None], outcome: dict[str, int]
) -> None:
    for name in ("李示例", "王示例"):
        by_name(upper, name).update(differs)
    await upper.compare()
    found = next(each for each in await upper.differences() if each.name == "李示例")
    for to in (DifferenceState.EXPLAINED, DifferenceState.CLOSED):
        await move_difference(upper.database, given.by_saying("上级系统待更正"), MoveDifference(difference_id=found.id, to=to))
    whole = deepcopy(upper.sheets)

    spoil(upper)
    less = await upper.compare()
    upper.sheets = whole
    again = await upper.compare()

    assert less.outcome == NOTHING | outcome
    assert again.outcome == NOTHING | {"same": 1, "silent": 1, "closed": outcome.get("new", 0)}


async def test_what_somebody_was_who_left_both_registers_is_struck_off(upper: Upper) -> None:
    wang = by_name(upper, "王示例")
    wang["民族"] = "02"
    await upper.compare()
    found = await only(upper)
    placement_id = await upper.database.pool.fetchval("SELECT placement_id FROM placements WHERE person_id = $1", found.person_id)
    await given.release(upper.database, placement_id)
    upper.people.remove(wang)

    assert (await upper.compare()).outcome == NOTHING | {"closed": 1}


async def test_gone_it_closes_itself_and_rectified_in_words_only_it_comes_back(upper: Upper) -> None:
    li = by_name(upper, "李示例")
    before, li["毕业院校"] = li["毕业院校"], "另一大学"
    await upper.compare()
    found = await only(upper)
    await move_difference(
        upper.database, given.by_saying("已报上级更正"), MoveDifference(difference_id=found.id, to=DifferenceState.RECTIFIED)
    )

    still = await upper.compare()
    li["毕业院校"] = before
    gone = await upper.compare()

    assert (still.outcome, gone.outcome) == (NOTHING | {"again": 1}, NOTHING | {"closed": 1})
    assert (await only(upper)).state is DifferenceState.CLOSED
    assert [each.reason for each in await upper.steps(found.id)][2:] == ["处理后比对仍不一致", "比对一致，自动销号"]
    li["毕业院校"] = "另一大学"
    assert (await upper.compare()).outcome == NOTHING | {"again": 1}
