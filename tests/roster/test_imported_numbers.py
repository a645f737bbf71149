"""编制 and 领导职数 that a file would set otherwise than the roster's commands do: told by the check, at their rows, before anything is written."""

from datetime import date
from typing import Any

import pytest

from services.roster.models.imports import ImportState
from shared.glossary import FreezeScope
from tests.imports.rows import USCC, person, unit
from tests.roster import given
from tests.roster.importing import Office, with_posts

pytestmark = pytest.mark.asyncio

LATER = {"批准文号": "测编〔2026〕9号", "批准日期": "2026-05-01"}
POSTS = {"单位": "甲单位", "编制类型": "事业编制", "经费形式": "全额拨款"} | LATER
SEATS = {"单位": "甲单位", "职务层次": "单位正职"} | LATER
FIRST_SEATS = SEATS | {"批准文号": "测编〔2020〕2号", "批准日期": "2020-03-01"}


async def two_in_post(office: Office, **more: Any) -> None:
    """甲单位 with two people in three posts, 乙单位 with one in three."""
    people = [person(0, **more), person(1, **more), person(2, 单位="乙单位")]
    units = [with_posts(), with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])]
    await office.write("roster", {"单位": units, "人员": people, "领导职数": [FIRST_SEATS | {"核定职数": 2}]})


async def posts_of(office: Office) -> dict[str, int]:
    rows = await office.database.pool.fetch(
        "SELECT name, posts FROM quotas JOIN units ON units.id = unit_id WHERE upper_inf(during) AND upper_inf(recorded)"
    )
    return {row["name"]: row["posts"] for row in rows}


async def test_posts_below_what_is_in_use_are_told_at_their_row_and_keep_no_other_unit_out(office: Office) -> None:
    await two_in_post(office)

    view = await office.check("quotas", [POSTS | {"编制数": 1}, POSTS | {"单位": "乙单位", "编制数": 1}])
    done = await office.apply(view, accept_valid=True)

    [(sheet, row, column, sentence)] = await office.said(view)
    assert (sheet, row, column) == ("编制", 2, "编制数")
    assert "变更后的编制数 1 名低于实有和已核未用合计 2 名" in sentence
    assert "“核定编制”页面" in sentence
    assert (view.errors, view.sheets["quotas"].wrong, view.sheets["quotas"].changed) == (1, 1, 1)
    assert (done.state, await office.refused(done)) == (ImportState.APPLIED, [])
    assert await posts_of(office) == {"甲单位": 3, "乙单位": 1}


async def test_what_is_approved_and_not_yet_used_counts_too(office: Office) -> None:
    await two_in_post(office)
    await given.reservation(office.database, given.Row(await office.unit_id("甲单位")))

    view = await office.check("quotas", [POSTS | {"编制数": 2}])

    assert ["合计 3 名" in sentence for *_, sentence in await office.said(view)] == [True]


async def test_seats_below_the_leaders_in_post_are_told_at_their_row(office: Office) -> None:
    await two_in_post(office, 占用职数="单位正职")

    view = await office.check("seats", [SEATS | {"核定职数": 1}])

    [(sheet, row, column, sentence)] = await office.said(view)
    assert (sheet, row, column, view.errors) == ("领导职数", 2, "核定职数", 1)
    assert "单位正职的领导职数 1 名低于实配 2 名" in sentence
    assert "核定领导职数" in sentence


async def test_the_people_whom_the_same_file_brings_count_too(office: Office) -> None:
    await two_in_post(office)

    posts = {"编制": [POSTS | {"编制数": 2}], "人员": [person(3)]}
    view = await office.check("roster", posts)
    wrong = await office.check("roster", posts | {"人员": [person(3, 性别="男")]})

    assert [(sheet, row, column) for sheet, row, column, _ in await office.said(view)] == [("编制", 2, "编制数")]
    assert (view.errors, view.sheets["roster"].added) == (1, 1)
    assert [(sheet, row, column) for sheet, row, column, _ in await office.said(wrong)] == [("人员", 2, "性别")]


async def test_the_good_rows_of_the_unit_wait_for_the_one_that_is_refused(office: Office) -> None:
    await two_in_post(office)

    file = {"编制": [POSTS | {"编制数": 1}], "领导职数": [SEATS | {"核定职数": 3}], "人员": [person(0, 学历="本科")]}
    view = await office.check("roster", file)
    done = await office.apply(view, accept_valid=True)

    assert [(sheet, column) for sheet, _, column, _ in await office.said(view)] == [("编制", "编制数"), ("领导职数", "单位")]
    assert (view.sheets["seats"].wrong, view.sheets["roster"].changed) == (1, 1)
    assert (await office.refused(done), done.written["changed"]) == ([], 1)


async def test_more_posts_and_seats_of_a_frozen_unit_are_told_at_their_rows(office: Office) -> None:
    await two_in_post(office)
    scopes = (FreezeScope.ORGANISATION, FreezeScope.LEADERSHIP)
    await given.frozen(office.database, await office.unit_id("甲单位"), *scopes)

    file = {"单位": [with_posts(4, **LATER)], "领导职数": [SEATS | {"核定职数": 3}]}
    view = await office.check("roster", file | {"人员": [person(0)]})
    fewer = await office.check("quotas", [POSTS | {"编制数": 2}])

    said = [(sheet, column, "已被冻结" in sentence) for sheet, _, column, sentence in await office.said(view)]
    assert (said, view.errors) == ([("单位", "编制数", True), ("领导职数", "核定职数", True)], 2)
    assert fewer.errors == 0


async def test_a_number_that_rises_or_stays_is_written_though_more_are_in_use(office: Office) -> None:
    loan = {"编制类型": "周转编制"}
    people = [person(each, **loan) for each in range(3)]
    await office.write("roster", {"单位": [with_posts(1, **loan)], "人员": people})

    term = await office.write("quotas", [POSTS | loan | {"编制数": 1, "使用期限": "2027-05-01"}])
    more = await office.write("quotas", [POSTS | loan | {"编制数": 2, "批准文号": "测编〔2026〕10号", "批准日期": "2026-06-01"}])

    assert (term.errors, await office.refused(term), more.errors, await office.refused(more)) == (0, [], 0, [])
    row = await office.database.pool.fetchrow("SELECT posts, use_until FROM quotas WHERE upper_inf(during) AND upper_inf(recorded)")
    assert tuple(row or ()) == (2, date(2027, 5, 1))


async def test_a_term_that_is_over_before_its_document_is_told_at_its_row(office: Office) -> None:
    loan = {"编制类型": "周转编制", "批准日期": "2020-03-01", "使用期限": "2019-12-31"}
    await office.write("units", [unit()])

    view = await office.check("quotas", [POSTS | loan | {"编制数": 1}])

    assert [(row, column) for _, row, column, _ in await office.said(view)] == [(2, "使用期限")]
    assert view.errors == 1
