"""Who has left comes in as history, where nothing of the roster speaks against it."""

from datetime import date
from typing import Any

import pytest

from services.roster.queries.establishments import Moment, establishments
from tests.imports.rows import USCC, person
from tests.roster import given
from tests.roster.importing import Office, with_posts

pytestmark = pytest.mark.asyncio


LEFT = {"人员状态": "已出编", "出编时间": "2019-05-01", "出编原因": "退休", "出编文号": "测编出〔2019〕1号"}


async def test_who_has_left_comes_in_as_history_and_counts_on_no_day_after_it(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts(1, 批准日期="2005-01-01")], "人员": [person(0, 入编时间="2019-06-01")]})
    file = [person(1, 入编时间="2010-08-01", **LEFT)]

    view = await office.write("roster", file)
    again = await office.write("roster", file)

    assert await office.said(view) == []
    assert (view.written["history"], view.written["persons"], view.written["over_quota"]) == (1, 0, 0)
    assert (again.sheets["roster"].same, again.errors, again.warnings) == (1, 0, 0)
    row = await office.database.pool.fetchrow(
        "SELECT during, exit_reason, document_no, duty_status, over_quota_cause FROM placements WHERE NOT upper_inf(during)"
    )
    assert row
    assert (row["during"].lower, row["during"].upper) == (date(2010, 8, 1), date(2019, 5, 1))
    assert tuple(row)[1:] == ("retirement", "测编出〔2019〕1号", "on_duty", None)
    unit_id = await office.database.pool.fetchval("SELECT id FROM units")
    async with office.database.reading() as conn:
        heads = [(await establishments(conn, unit_id, Moment(on)))[0].headcount for on in (date(2018, 9, 1), date(2019, 5, 1), given.TODAY)]
    assert heads == [1, 0, 1]
    told = await office.database.pool.fetchval(
        "SELECT body FROM event_log WHERE body->'history' <> '[]' AND type = 'roster.unit_loaded.v1'"
    )
    assert told["people"] == []
    assert [(each["started_on"], each["ended_on"], each["exit_reason"]) for each in told["history"]] == [
        ("2010-08-01", "2019-05-01", "retirement")
    ]


async def test_who_moved_within_the_city_has_both_posts_and_stays_where_he_is(office: Office) -> None:
    units = [with_posts(), with_posts(单位名称="乙单位", 单位简称="乙局", 统一社会信用代码=USCC[1])]
    await office.write("roster", {"单位": units, "人员": [person(0, 入编时间="2019-05-01")]})
    before = [person(0, 单位="乙局", 入编时间="2010-08-01", **LEFT | {"出编原因": "退休"})]

    views = [await office.write("roster", before) for _ in range(2)]

    assert [(view.sheets["roster"].added, view.sheets["roster"].same) for view in views] == [(1, 0), (0, 1)]
    found = await office.database.pool.fetch(
        "SELECT units.name, persons.unit_id = placements.unit_id AS his FROM placements JOIN units ON units.id = unit_id"
        " JOIN persons ON persons.id = person_id ORDER BY lower(during)"
    )
    assert [row["his"] for row in found] == [False, True]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"出编时间": "2009-05-01"}, "不晚于入编时间"),
        ({"出编原因": None}, "已出编的，须填出编原因"),
        ({"出编时间": None}, "已出编的，须填出编时间"),
        ({"人员状态": "在编在岗"}, "人员状态应为“已出编”"),
        ({"出编时间": "2030-05-01"}, "晚于今天"),
        ({"出编文号": None}, "没有出编文号"),
    ],
)
async def test_what_is_said_of_an_exit_must_agree(office: Office, change: dict[str, Any], said: str) -> None:
    view = await office.write(
        "roster", {"单位": [with_posts()], "人员": [person(1, 入编时间="2010-08-01", **LEFT | change)]}, accept_valid=True
    )

    assert said in "".join(sentence for _, _, _, sentence in await office.said(view))
    assert view.written.get("history", 0) == ("出编文号" in change)


async def test_an_earlier_post_of_somebody_who_is_in_post_gives_way_whatever_stands_first(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0, **LEFT), person(0)]})

    assert [(row, column, said[:30]) for _, row, column, said in await office.said(view) if column == "公民身份号码"] == [
        (2, "公民身份号码", "与第 3 行是同一人，同一文件中每人只取一行。以前的在编经历"),
        (3, "公民身份号码", "与第 2 行是同一人，只取本行，其余不导入。应以另一行为准的"),
    ]
    assert view.sheets["roster"].added == 1


async def test_who_left_a_kind_of_posts_that_the_unit_has_no_more_comes_in_all_the_same(office: Office) -> None:
    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0, 编制类型="行政编制", **LEFT), person(1)]})

    assert (view.written["history"], view.written["persons"]) == (1, 1)


async def test_history_that_the_roster_contradicts_stays_out(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0, 入编时间="2015-06-01")]})

    view = await office.write("roster", [person(0, 入编时间="2010-08-01", **LEFT)], accept_valid=True)

    assert "在这段时间另有在编记录" in (await office.said(view))[0][3]
    assert await office.database.pool.fetchval("SELECT count(*) FROM placements") == 1
