"""Who puts a difference right: the register that leads, an officer, or the case."""

import pytest

from services.roster.commands.comparisons import accept_theirs, answer_difference, move_difference
from services.roster.commands.posts import change_post
from services.roster.models.comparisons import (
    AnswerDifference,
    CorrectionElsewhere,
    CorrectionNotTheirs,
    DifferenceMoveRefused,
    DifferenceReasonMissing,
    DifferenceSideMissing,
    MoveDifference,
)
from services.roster.queries.comparisons import standing_of
from shared.glossary import DifferenceState
from tests.roster import given
from tests.roster.comparing import ASK, NOTHING, THEIRS, Upper, by_name, only, told
from tests.roster.test_provincial import FULL

pytestmark = pytest.mark.asyncio


async def test_where_they_lead_an_officer_takes_it_over(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["民族"] = "02"
    await upper.compare()
    found = await only(upper, leads=THEIRS)
    by = given.by_saying("公安机关已更正")

    assert [await accept_theirs(upper.database, given.CIPHER, by, found.id) for _ in range(2)] == [None, None]

    assert (await only(upper)).state is DifferenceState.RECTIFIED
    sealed = await upper.database.pool.fetchval(
        "SELECT ethnicity FROM person_records WHERE person_id = $1 AND upper_inf(during) AND upper_inf(recorded)", found.person_id
    )
    assert given.CIPHER.decrypt(sealed, f"person_records.ethnicity.{found.person_id}") == "02"
    assert (await upper.compare()).outcome == NOTHING | {"closed": 1}


async def test_where_the_setting_asks_an_officer_says_and_a_key_item_waits_for_its_case(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["职务名称"] = "副主任"
    await upper.compare()
    found = await only(upper)

    with pytest.raises(DifferenceSideMissing):
        await move_difference(
            upper.database, given.by_saying("已经改了"), MoveDifference(difference_id=found.id, to=DifferenceState.RECTIFIED)
        )
    with pytest.raises(CorrectionNotTheirs):
        await accept_theirs(upper.database, given.CIPHER, given.by_saying("以上级为准"), found.id)
    review = MoveDifference(difference_id=found.id, to=DifferenceState.IN_REVIEW, side=THEIRS)
    await move_difference(upper.database, given.by_saying("以任免文件为准"), review)
    change_id = await accept_theirs(upper.database, given.CIPHER, given.by_saying("以任免文件为准"), found.id)

    (pending,) = await upper.database.pool.fetch("SELECT id, state, record FROM pending_changes")
    assert (pending["id"], pending["state"], pending["record"]) == (change_id, "open", {"title": "副主任"})
    title = await upper.database.pool.fetchval("SELECT title FROM person_records WHERE person_id = $1", found.person_id)
    assert title == "主任"


async def test_an_internal_unit_that_was_left_since_the_post_began_stands_nowhere_today(upper: Upper) -> None:
    by_name(upper, FULL["姓名"])["所在内设机构"] = "财务科"
    await upper.compare()
    found = await only(upper)
    assert found.person_id
    async with upper.database.transaction() as conn:
        before = await standing_of(conn, given.CIPHER, found.id)
        await change_post(conn, given.by(), found.person_id, given.TODAY, {"internal_unit": None})
        after = await standing_of(conn, given.CIPHER, found.id)

    assert (before.today, after.today) == ("办公室", None)


async def test_what_cannot_be_taken_over_here_is_said(upper: Upper) -> None:
    upper.sheets["机构信息"][0]["机构规格"] = "副科"
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    await upper.compare()
    unit, school = await only(upper, sheet="units"), await only(upper, field="school")

    with pytest.raises(CorrectionElsewhere):
        await accept_theirs(upper.database, given.CIPHER, given.by_saying("以上级为准"), unit.id)
    with pytest.raises(CorrectionNotTheirs):
        await accept_theirs(upper.database, given.CIPHER, given.by_saying("以上级为准"), school.id)
    for none in ("改", "1234"):
        with pytest.raises(DifferenceReasonMissing):
            await answer_difference(upper.database, given.by_saying(none), AnswerDifference(difference_id=school.id))
    with pytest.raises(DifferenceMoveRefused):
        await move_difference(
            upper.database, given.by_saying("不再处理"), MoveDifference(difference_id=school.id, to=DifferenceState.CLOSED)
        )


async def test_a_sex_that_the_upper_level_does_not_know_is_a_difference_in_words(upper: Upper) -> None:
    by_name(upper, "李示例")["性别"] = "0"

    view = await upper.compare()

    assert view.problems == []
    assert await upper.found(told) == [("roster", "field_differs", "sex", "李示例", "女", "未知", ASK)]
