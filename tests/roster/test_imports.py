"""A file is checked whole, written unit by unit, and changes nothing the second time."""

import asyncio
import io
import os
import zipfile
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import date
from pathlib import Path
from types import NoneType
from typing import Any
from uuid import UUID

import pytest
from python_calamine import CalamineWorkbook

from deploy.city.invented import Inventor
from services.roster.commands import import_checks
from services.roster.commands.codes import add_codes, end_code
from services.roster.commands.import_checks import check_import
from services.roster.commands.import_gathered import Check
from services.roster.commands.import_writes import apply_import
from services.roster.commands.imports import begin_applying, cancel_import, forget_import, kept_file
from services.roster.commands.quotas import set_quota
from services.roster.commands.reforms import carry_out
from services.roster.commands.transfers import transfer_person
from services.roster.commands.unit_changes import change_unit
from services.roster.commands.unit_closing import close_unit
from services.roster.commands.units import set_seats
from services.roster.models.codes import AddCodes, CodeRow, EndCode
from services.roster.models.fields import SHEETS
from services.roster.models.imports import (
    BeginApplying,
    CancelImport,
    ErrorsLeft,
    FileForgotten,
    ImportOver,
    ImportState,
    NotChecked,
    Superseded,
)
from services.roster.models.refusals import DocumentMissing, PersonElsewhere, PersonUnknown, SeatsChangedLater
from services.roster.models.requests import SetQuota, SetSeats, TransferPerson
from services.roster.models.units import ChangeUnit, CloseUnit, Reform
from services.roster.queries import imports as queries
from services.roster.queries.codes import codes
from services.roster.queries.establishments import Moment, establishments
from services.roster.queries.imports import ImportView
from services.roster.queries.templates import template
from shared.db import Database
from shared.law.citizen_id import InvalidCitizenId, parse_citizen_id
from shared.sheets.returned import annotated
from tests.imports.rows import NUMBERS, USCC, person, unit
from tests.roster import dirt, given
from tests.roster.importing import Office, book, coloured

pytestmark = pytest.mark.asyncio


@pytest.fixture
def office(roster_db: Database, tmp_path: Path) -> Office:
    return Office(roster_db, tmp_path)


def with_posts(posts: Any = 3, **changes: Any) -> dict[str, Any]:
    return unit(编制类型="事业编制", 经费形式="全额拨款", 编制数=posts) | changes


async def test_the_older_workbook_goes_in_and_again_changes_nothing(office: Office) -> None:
    file = {"单位": [with_posts()], "人员": [person(0, 学历="大学", 民族="汉"), person(1)]}

    first = await office.write("roster", file)
    again = await office.write("roster", file)

    assert await office.said(first) == []
    assert await office.refused(first) == []
    assert (first.state, first.written) == (
        ImportState.APPLIED,
        {"units": 1, "quotas": 1, "seats": 0, "persons": 2, "history": 0, "over_quota": 0, "changed": 0, "loans": 0},
    )
    assert {kind: (each.added, each.changed, each.same) for kind, each in again.sheets.items()} == {
        "units_with_posts": (0, 0, 1),
        "roster": (0, 0, 2),
    }
    assert (again.written, again.units_total) == ({}, 0)


async def test_five_files_one_after_the_other_make_a_county(office: Office) -> None:
    lower = unit(单位名称="乙单位", 统一社会信用代码=USCC[1], 主管部门="甲单位", 单位性质="事业单位", 内设机构="办公室、财务科")
    quota = {
        "单位": "乙单位",
        "编制类型": "事业编制",
        "经费形式": "全额拨款",
        "编制数": 2,
        "批准文号": "测编〔2020〕2号",
        "批准日期": "2020.3.1",
    }
    ceiling = quota | {"编制类型": "编外用工控制数", "编制数": 1}
    seats = {"单位": "乙单位", "职务层次": "单位正职", "核定职数": 1, "批准文号": "测编〔2020〕2号", "批准日期": "2020年3月1日"}
    outside = {name: value for name, value in person(1, 单位="乙单位").items() if name not in {"编制类型", "经费形式", "入编时间"}}
    outside |= {"编外岗位类别": "窗口服务", "用工方式": "劳务派遣", "用工起始": "2021-05-01", "人员身份": "编外人员", "派遣单位": "某公司"}

    written = [
        await office.write("units", [unit(), lower]),
        await office.write("quotas", [quota, ceiling]),
        await office.write("seats", [seats]),
        await office.write("roster", [person(0, 单位="乙单位", 占用职数="单位正职", 所在内设机构="办公室")]),
        await office.write("offestablishment", [outside]),
    ]

    assert [await office.said(each) for each in written] == [[]] * 5
    assert [await office.refused(each) for each in written] == [[]] * 5
    totals = [{name: number for name, number in each.written.items() if number} for each in written]
    assert totals == [{"units": 2}, {"quotas": 2}, {"seats": 1}, {"persons": 1}, {"persons": 1}]


async def test_after_a_file_the_planner_knows_how_much_there_is(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(number) for number in range(3)]})

    known = await office.database.pool.fetch(
        "SELECT relname, reltuples FROM pg_class WHERE relname IN ('placements', 'persons', 'units') AND relnamespace = 'roster'::regnamespace"
    )

    assert {row["relname"]: row["reltuples"] for row in known} == {"placements": 3, "persons": 3, "units": 1}


async def test_fifty_kinds_of_dirt_go_in_or_are_named(office: Office) -> None:
    file = dirt.workbook([with_posts(60), with_posts(1, 编制类型="周转编制")])

    view = await office.check("roster", file)
    said = [(row, column, sentence) for sheet, row, column, sentence in await office.said(view) if sheet == "人员"]

    assert len(dirt.ALL) >= 50
    unsaid = []
    for place, each in enumerate(dirt.ALL):
        mine = [(column, sentence) for row, column, sentence in said if row == dirt.FIRST_ROW + place]
        if not (any(column == each.column and each.said in sentence for column, sentence in mine) if each.column else mine == []):
            unsaid.append((each.what, mine))
    assert unsaid == []
    assert (view.sheets["roster"].added, view.sheets["roster"].wrong) == (len(dirt.TAKEN), len(dirt.REFUSED))
    last = dirt.FIRST_ROW + len(dirt.ALL) + 1
    assert [(row, sentence[:10]) for row, _, sentence in said if row >= last] == [(last, f"“合计”写的是 {len(dirt.ALL) - 1}"[:10])]


async def test_the_good_rows_of_a_dirty_file_are_written_and_nobody_is_lost(office: Office) -> None:
    view = await office.write("roster", dirt.workbook([with_posts(60)]), accept_valid=True)

    assert await office.refused(view) == []
    assert view.written["persons"] == len(dirt.TAKEN)
    names = {row["name"] for row in await office.database.pool.fetch("SELECT name FROM person_records")}
    assert {"张三", "阿依古丽·买买提", "𠮷𬭎", "文一"} <= names


async def test_a_file_with_errors_is_not_written_unless_asked(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0), person(1, 性别="男")]})

    with pytest.raises(ErrorsLeft):
        await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))
    assert (await office.view(view.id)).state == ImportState.CHECKED


async def test_a_person_twice_in_the_file_is_told_with_the_other_row(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0), person(1), person(0)]})

    assert await office.said(view) == [("人员", 4, "公民身份号码", "与第 2 行是同一人，一人只能占一个编制，请核对")]


async def test_leaders_above_their_rank_come_in_with_their_document_and_are_filled_in_later(office: Office) -> None:
    above = {"单位领导高配": "主任高配副科级", "高配批准文号": "测组〔2019〕3号"}
    await office.write("units", [unit(**above), unit(单位名称="乙单位", 统一社会信用代码=USCC[1])])
    await office.write("units", [unit(**above), unit(单位名称="乙单位", 统一社会信用代码=USCC[1], **above)])

    rows = await office.database.pool.fetch(
        "SELECT leaders_above_rank, leaders_above_rank_no FROM unit_records WHERE upper_inf(during) AND upper_inf(recorded)"
    )
    assert [tuple(row) for row in rows] == [tuple(above.values())] * 2


async def test_people_beyond_posts_and_seats_are_warned_of_and_stay_in(office: Office) -> None:
    leaders = [person(each, 占用职数="单位正职") for each in range(2)]

    view = await office.check("roster", {"单位": [with_posts(1)], "人员": leaders})

    assert [(sheet, row, column) for sheet, row, column, _ in await office.said(view)] == [("单位", 2, "编制数"), ("人员", 2, "占用职数")]
    assert (view.errors, view.sheets["roster"].added) == (0, 2)


async def test_the_people_of_a_wrong_unit_wait_for_it_and_are_told_once(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts("x")], "人员": [person(0), person(1)]})

    said = await office.said(view)
    assert [(sheet, row, column) for sheet, row, column, _ in said] == [("单位", 2, "编制数"), ("人员", 2, "单位")]
    assert "等 2 行本身无误" in said[1][3]
    assert view.units_total == 0


async def test_a_changed_field_is_shown_and_written_and_a_key_item_is_only_told(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0, 学历="本科"), person(1)]})

    view = await office.write("roster", [person(0, 学历="硕士研究生毕业", 民族="回族", 姓名="测试别名"), person(1)])

    async with office.database.reading() as conn:
        changes = await queries.changes(conn, view.id, 10)
    assert [(each.row, each.columns) for each in changes] == [(2, ["民族", "学历"])]
    assert [(row, column) for _, row, column, _ in await office.said(view)] == [(2, "姓名")]
    content = await _returned(office, view)
    beside = [str(row[-1]) for row in CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).iter_rows()]
    assert "变更·民族、学历：" in beside[1]
    assert (len(coloured(content, 1, "FFEB9C")), beside[2]) == (3, "")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert b'<pane ySplit="1"' in archive.read("xl/worksheets/sheet1.xml")  # the header stays in sight
    assert view.written["changed"] == 1
    lines = await office.database.pool.fetch("SELECT field FROM person_changes ORDER BY field")
    assert [line["field"] for line in lines] == ["education", "ethnicity"]
    again = await office.check("roster", [person(0, 学历="硕士研究生毕业", 民族="回族"), person(1)])
    assert (again.sheets["roster"].same, again.errors, again.warnings) == (2, 0, 0)


async def test_studies_titles_and_choices_come_in_are_shown_and_change_only_where_the_file_says_so(office: Office) -> None:
    told: dict[str, Any] = {
        "全日制学历": "专科毕业", "全日制学位": None, "在职学历": "本科毕业", "在职学位": "学士", "专业技术职务": "高级教师",
        "进入时间": "2015-07-01", "弹性选择": "弹性提前",
    }  # fmt: skip
    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0, **told), person(1, 专业技术职务="自学成才")]})
    kept = await office.database.pool.fetch(
        "SELECT full_time_degree, in_service_education, in_service_degree, professional_title_level, flexible_retirement, pension_status,"
        " entered_on FROM person_records JOIN placements USING (person_id) ORDER BY in_service_degree NULLS LAST"
    )

    changed = told | {"全日制学位": "学士", "职称级别": "副高", "弹性选择": "弹性延迟", "进入时间": "2015-08-01", "参保状态": "死亡"}
    again = await office.check("roster", [person(0, **told), person(1, 专业技术职务="自学成才")])
    view = await office.write("roster", [person(0, **changed), person(1)])

    assert [tuple(row) for row in kept] == [
        (None, "21", "4", "title_associate_senior", "flexible_early", None, date(2015, 7, 1)),
        (None, None, None, None, None, None, None),
    ]
    assert (again.sheets["roster"].same, again.warnings) == (2, 0)
    async with office.database.reading() as conn:
        shown = await queries.changes(conn, view.id, 10)
    assert [(each.row, each.columns) for each in shown] == [(2, ["全日制学位", "弹性选择"])]
    said = {(column, sentence[:8]) for _, _, column, sentence in await office.said(view)}
    assert said == {("进入时间", "系统中该项与文件"), ("", "不认识的列未导入")}
    now = await office.database.pool.fetchrow(
        "SELECT full_time_degree, flexible_retirement, pension_status FROM person_records WHERE upper_inf(during) AND upper_inf(recorded)"
        " ORDER BY full_time_degree NULLS LAST LIMIT 1"
    )
    assert now is not None
    assert tuple(now) == ("4", "flexible_late", None)


async def own_code(database: Database, set_: str, code: str, label: str, alias: str) -> None:
    """A code that the office adds, in force since the beginning of the month."""
    row = CodeRow(set=set_, code=code, label=label, aliases=(alias,), since="2026-09-01")
    await add_codes(database, given.by(), AddCodes(codes=(row,)))


async def test_who_holds_a_code_that_has_ended_keeps_it_and_nobody_gets_it(office: Office) -> None:
    await own_code(office.database, "岗位等级", "HN-1", "特设岗位", "特岗")
    await own_code(office.database, "行业", "port", "港航", "港口")
    holder, other, new = person(0, 岗位等级="特设岗位"), person(1), person(2, 岗位等级="特岗")
    await office.write("roster", {"单位": [with_posts(行业="港航")], "人员": [holder, other]})
    for set_, code in (("岗位等级", "HN-1"), ("行业", "port")):
        await end_code(office.database, given.by(), EndCode(set=set_, code=code, effective_on=given.TODAY))

    same = await office.check("roster", {"单位": [with_posts(行业="港口")], "人员": [person(0, 岗位等级="HN-1"), other]})
    wanted = await office.check("roster", [holder, person(1, 岗位等级="特岗"), new])
    unit_too = await office.check("units", [unit(单位名称="乙单位", 统一社会信用代码=USCC[1], 行业="港航")])

    assert (same.errors, same.sheets["roster"].same) == (0, 2), await office.said(same)
    told = [(row, column, "已停用" in sentence) for _, row, column, sentence in await office.said(wanted)]
    assert told == [(3, "岗位等级", True), (4, "岗位等级", True)]
    assert [(column, "已停用" in sentence) for _, _, column, sentence in await office.said(unit_too)] == [("行业", True)]


async def test_a_late_choice_of_who_leads_is_told_and_holds_up_no_unit(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0, 领导职务级别="乡科级正职")]})

    view = await office.write("roster", [person(0, 弹性选择="弹性延迟", 专业="数学")])

    assert [(column, sentence[-8:]) for _, _, column, sentence in await office.said(view)] == [("弹性选择", "，未改动。请核对")]
    assert (await office.refused(view), view.written["changed"]) == ([], 1)
    assert await office.database.pool.fetchval("SELECT count(*) FROM person_records WHERE flexible_retirement IS NOT NULL") == 0


async def test_people_who_are_lent_out_are_recorded_after_all_units(office: Office) -> None:
    units = [with_posts(), with_posts(单位名称="乙单位", 单位简称="乙局", 统一社会信用代码=USCC[1])]
    lent = {"借调开始": "2026-03-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}

    view = await office.write(
        "roster", {"单位": units, "人员": [person(0, 借出单位="乙局", **lent), person(1, 借出单位="外市某局", **lent)]}
    )

    rows = await office.database.pool.fetch(
        "SELECT borrower_id IS NULL AS outside, borrower, document_no FROM secondments ORDER BY outside"
    )
    assert [(row, column, sentence[:20]) for _, row, column, sentence in await office.said(view)] == [
        (3, "借出单位", "“外市某局”不在系统中，按外单位记入；是")
    ]
    assert (view.warnings, view.written["loans"]) == (1, 2)
    assert [tuple(row) for row in rows] == [(False, None, "测借〔2026〕1号"), (True, "外市某局", "测借〔2026〕1号")]
    again = await office.write("roster", [person(2)], accept_valid=True)  # the lender is still in its first load
    assert again.written["persons"] == 1


async def test_a_loan_that_nothing_approved_stands_without_a_document(office: Office) -> None:  # M17
    lent = {"借出单位": "外市某局", "借调开始": "2026-03-01", "借调到期": "2026-12-31"}

    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0, **lent)]})

    row = await office.database.pool.fetchrow(
        "SELECT secondments.document_no, event_log.document_no AS ground, body->>'document_no' AS told FROM secondments, event_log"
        " WHERE type = 'roster.secondment_started.v1'"
    )
    assert row
    assert (row["document_no"], row["told"], row["ground"][:5]) == (None, None, "期初建账-")
    assert (2, "借调文号", "没有借调文号：期初建账中按未经批准的借调记入；单位") in [
        (row, column, sentence[:25]) for _, row, column, sentence in await office.said(view)
    ]


async def test_a_unit_in_daily_use_lends_nobody_without_a_document(office: Office) -> None:
    lent = {"借出单位": "外市某局", "借调开始": given.TODAY.isoformat(), "借调到期": "2026-12-31"}
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    unit_id = await office.database.pool.fetchval("SELECT id FROM units")
    await set_quota(
        office.database,
        given.by(),
        SetQuota(unit_id=unit_id, kind="SY", funding="full", posts=30, effective_on=given.TODAY, document_on=given.TODAY),
    )

    view = await office.write("roster", [person(0, **lent)])

    assert await office.database.pool.fetchval("SELECT count(*) FROM secondments") == 0
    assert any(sentence.startswith(f"借调未登记：{DocumentMissing()}"[:12]) for _, _, _, sentence in await office.said(view))


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
        (2, "公民身份号码", "与第 3 行是同一人，同一文件中每人只取一行。以前的在编经历")
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


async def test_long_duties_come_in_whole_or_are_refused(office: Office) -> None:
    duties = "负责全市机构编制事项。" * 1_818 + "共二"

    whole = await office.write("units", [unit(主要职责=duties)])
    same = await office.check("units", await _returned(office, whole))
    longer = await office.check("units", [unit(主要职责=duties + "字")])

    assert (len(duties), whole.errors, same.sheets["units"].same) == (20_000, 0, 1)
    assert [(column, sentence) for _, _, column, sentence in await office.said(longer)] == [("主要职责", "超过 20000 个字，请缩短")]
    assert await office.database.pool.fetchval("SELECT duties FROM unit_records") == duties


async def test_what_is_no_key_item_of_a_unit_is_changed_and_its_first_load_goes_on(office: Office) -> None:
    await office.write("units", [unit(单位简称="旧")])

    view = await office.write("units", [unit(单位简称="新", 单位名称="别的名称")])
    people = await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})

    assert view.written["changed"] == 1
    assert [(column, "bianban reform" in sentence) for _, _, column, sentence in await office.said(view)] == [("单位名称", True)]
    assert (
        await office.database.pool.fetchval("SELECT short_name FROM unit_records WHERE upper_inf(during) AND upper_inf(recorded)") == "新"
    )
    assert people.written["persons"] == 1


async def test_whether_a_unit_counts_in_public_sums_is_changed_by_a_file_and_an_empty_cell_leaves_it(office: Office) -> None:
    now = "SELECT withheld FROM unit_records WHERE upper_inf(during) AND upper_inf(recorded)"
    told = []
    for cell in ("", "是", None, "否"):
        await office.write("units", [unit() if cell is None else unit(不计入公开汇总=cell)])
        told.append(await office.database.pool.fetchval(now))

    assert told == [False, True, True, False]


async def test_a_unit_in_daily_use_takes_nobody_in_by_a_file(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    unit_id = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[0])
    await given.quota(office.database, given.Row(unit_id), 5, given.TODAY)

    view = await office.check("roster", [person(0), person(1)])

    assert [(row, column, "日常业务" in sentence) for _, row, column, sentence in await office.said(view)] == [(3, "单位", True)]
    assert view.sheets["roster"].same == 1


async def test_a_unit_that_was_closed_is_not_set_up_again_by_an_old_file(office: Office) -> None:
    await office.write("units", [unit()])
    unit_id = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[0])
    await close_unit(office.database, given.by(), CloseUnit(unit_id=unit_id, effective_on=given.TODAY))

    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]}, accept_valid=True)

    said = [(sheet, row, column, "撤销" in sentence) for sheet, row, column, sentence in await office.said(view)]
    assert said == [("单位", 2, "统一社会信用代码", True), ("人员", 2, "单位", False)]
    assert ([each.wrong for each in view.sheets.values()], sum(view.written.values())) == ([1, 1], 0)


async def test_a_file_from_before_a_reform_finds_its_units_under_their_names_of_now(office: Office) -> None:
    posts = {"甲局": 3, "乙局": 3, "丙局": 0}
    units = [with_posts(posts[name], 单位名称=name, 统一社会信用代码=uscc) for name, uscc in zip(posts, USCC, strict=False)]
    people = [person(0, 单位="甲局"), person(1, 单位="乙局")]
    await office.write("roster", {"单位": units, "人员": people})
    ids = {row["name"]: row["id"] for row in await office.database.pool.fetch("SELECT id, name FROM units")}
    steps = [
        {"step": "merge", "unit_id": ids["甲局"], "into_unit_id": ids["乙局"]},
        {"step": "change", "unit_id": ids["乙局"], "name": "甲乙局"},
        {"step": "close", "unit_id": ids["丙局"]},
    ]
    what = {"title": "机构改革", "effective_on": given.TODAY, "document_on": given.TODAY, "steps": steps}
    await carry_out(office.database, given.by(), Reform.model_validate(what))

    view = await office.check("roster", [*people, person(2, 单位="丙局")])

    told = [(row, sentence[: sentence.find("，")]) for _, row, column, sentence in await office.said(view) if column == "单位"]
    assert told == [(2, "“甲局”已并入“甲乙局”"), (3, "“乙局”已更名为“甲乙局”"), (4, "系统和本文件中都没有“丙局”")]
    assert (view.sheets["roster"].same, view.sheets["roster"].wrong, view.errors) == (2, 1, 1)


async def test_a_borrower_is_found_by_its_name_of_before_and_its_loan_is_the_same_the_second_time(office: Office) -> None:
    await two_units(office)
    named = given.by(), ChangeUnit(unit_id=await _unit_id(office, "乙单位"), name="乙局", effective_on=given.TODAY)
    await change_unit(office.database, *named)
    lent = {"借出单位": "乙单位", "借调开始": "2026-09-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}

    view = await office.write("roster", [person(0, **lent)])
    again = await office.check("roster", [person(0, **lent)])

    assert [(row, column, sentence[:14]) for _, row, column, sentence in await office.said(view)] == [
        (2, "借出单位", "“乙单位”已更名为“乙局”，")
    ]
    assert {name: number for name, number in view.written.items() if number} == {"loans": 1}
    assert await office.database.pool.fetchval("SELECT borrower_id FROM secondments") == named[1].unit_id
    assert (again.sheets["roster"].same, again.warnings) == (1, 0)


async def test_a_borrower_that_is_not_written_itself_is_told_and_recorded_by_its_name(office: Office) -> None:
    units = [with_posts(), with_posts("x", 单位名称="乙单位", 统一社会信用代码=USCC[1])]
    lent = {"借出单位": "乙单位", "借调开始": "2026-09-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}

    view = await office.write("roster", {"单位": units, "人员": [person(0, **lent)]}, accept_valid=True)

    assert "“乙单位”有错误，本次不写入" in next(sentence for _, _, column, sentence in await office.said(view) if column == "借出单位")
    assert await office.database.pool.fetchval("SELECT borrower FROM secondments") == "乙单位"


async def _unit_id(office: Office, name: str) -> UUID:
    unit_id: UUID = await office.database.pool.fetchval("SELECT id FROM units WHERE name = $1", name)
    return unit_id


async def test_who_stands_on_another_unit_is_told(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    other = {"单位": [with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])], "人员": [person(0, 单位="乙单位")]}

    view = await office.check("roster", other)

    assert [(row, column) for sheet, row, column, _ in await office.said(view) if sheet == "人员"] == [(2, "公民身份号码")]


async def test_a_row_with_one_error_is_told_of_the_others_too(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    stranger = person(0, 单位="乙单位", 性别="男", 编制类型="行政编制", 经费形式="财政拨款")
    other = {"单位": [with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])], "人员": [stranger]}

    view = await office.check("roster", other)

    told = {column for sheet, row, column, _ in await office.said(view) if (sheet, row) == ("人员", 2)}
    assert told == {"性别", "公民身份号码", "编制类型"}


async def test_only_posts_that_the_file_fills_are_spoken_of(office: Office) -> None:
    ceiling = with_posts(1, 编制类型="编外用工控制数")
    await office.write("roster", {"单位": [with_posts(1), ceiling], "人员": [person(0), person(1)]})
    outside = {name: value for name, value in person(2).items() if name not in {"编制类型", "经费形式", "入编时间"}}
    outside |= {"编外岗位类别": "窗口服务", "用工方式": "合同制", "用工起始": "2021-05-01", "人员身份": "编外人员"}

    assert await office.said(await office.check("offestablishment", [outside])) == []


async def test_a_later_document_changes_posts_and_the_same_one_does_not(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    quota = {"单位": "甲单位", "编制类型": "事业编制", "经费形式": "全额拨款", "批准文号": "测编〔2021〕9号", "批准日期": "2021-05-01"}

    later = await office.write("quotas", [quota | {"编制数": 9}])
    same = await office.write("quotas", [quota | {"编制数": 8}])

    assert (later.written["quotas"], same.written) == (1, {})
    assert [column for _, _, column, _ in await office.said(same)] == ["编制数"]
    assert await office.database.pool.fetchval("SELECT posts FROM quotas WHERE upper_inf(during) AND upper_inf(recorded)") == 9


async def test_seats_that_changed_later_since_the_check_refuse_their_unit_and_no_other(office: Office) -> None:
    names = ["甲单位", "乙单位"]
    await office.write("units", [unit(单位名称=name, 统一社会信用代码=code) for name, code in zip(names, USCC, strict=False)])
    seats = {"职务层次": "单位正职", "核定职数": 1, "批准文号": "测编〔2021〕1号", "批准日期": "2021-05-01"}
    await office.write("seats", [seats | {"单位": name} for name in names])
    seats |= {"核定职数": 2, "批准文号": "测编〔2026〕6号", "批准日期": "2026-06-01"}
    view = await office.check("seats", [seats | {"单位": name} for name in names])
    unit_id = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[0])
    later = SetSeats(unit_id=unit_id, level="unit_head", approved=3, effective_on=date(2026, 8, 1))
    await set_seats(office.database, given.by(), later)

    done = await office.apply(view)

    assert await office.refused(done) == [("甲单位", str(SeatsChangedLater(since=later.effective_on)))]
    assert (done.state, done.written["seats"]) == (ImportState.APPLIED, 1)
    rows = await office.database.pool.fetch(
        "SELECT name, approved FROM seats JOIN units ON units.id = unit_id WHERE upper_inf(during) AND upper_inf(recorded) ORDER BY approved"
    )
    assert [tuple(row) for row in rows] == [("乙单位", 2), ("甲单位", 3)]


async def test_political_legal_posts_stay_out_unless_switched_on(office: Office) -> None:
    units = [with_posts(单位类别="政府工作部门", 编制类型="政法专项编制", 经费形式="财政拨款")]
    people = [person(0, 编制类型="政法专项编制", 经费形式="财政拨款")]

    out = await office.check("roster", {"单位": units, "人员": people})
    switched = await office.check("roster", {"单位": units, "人员": people}, political_legal=True)

    assert (out.sheets["roster"].left_out, out.errors, out.units_total) == (1, 0, 1)
    assert (switched.sheets["roster"].added, switched.errors) == (1, 0)


async def test_a_unit_whose_posts_all_stay_out_comes_in_itself_and_what_leans_on_it_too(office: Office) -> None:
    police = with_posts(单位类别="政府工作部门", 编制类型="政法专项编制", 经费形式="财政拨款")
    child = with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1], 主管部门="甲单位")
    document = {"单位": "甲单位", "批准文号": "测编〔2020〕1号", "批准日期": "2020-03-01"}
    workers = {"编制类型": "机关工勤编制", "经费形式": "财政拨款", "编制数": 2} | document
    heads = {"职务层次": "单位正职", "核定职数": 1} | document

    view = await office.write("roster", {"单位": [child, police], "编制": [workers], "领导职数": [heads], "人员": [person(单位="乙单位")]})

    assert (view.state, view.errors, await office.refused(view)) == (ImportState.APPLIED, 0, [])
    assert [(row, column, sentence[-14:]) for _, row, column, sentence in await office.said(view)] == [
        (3, "编制类型", "此行只登记单位，其编制不导入")
    ]
    assert {name: number for name, number in view.written.items() if number} == {"units": 2, "quotas": 2, "seats": 1, "persons": 1}
    assert await office.database.pool.fetchval("SELECT count(*) FROM quotas WHERE kind = 'ZF'") == 0


async def test_a_wrong_row_of_a_unit_whose_posts_stay_out_keeps_those_below_it_out(office: Office) -> None:
    police = with_posts(编制类型="政法专项编制", 批准日期="2020-13-01")
    child = with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1], 主管部门="甲单位")

    view = await office.write("units", [police, child], accept_valid=True)

    assert [(row, column) for _, row, column, _ in await office.said(view)] == [(2, "批准日期"), (2, "编制类型"), (3, "主管部门")]
    assert view.units_total == 0


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_csv_goes_in_and_comes_back_with_its_findings(office: Office, encoding: str) -> None:
    await office.write("units", [unit()])
    lines = [
        "单位,编制类型,经费形式,编制数,批准文号,批准日期",
        "甲单位,事业编制,全额拨款,3,测编〔2020〕1号,2020.3.1",
        "甲单位,x,全额拨款,3,=1+1,2020.3.1",
    ]

    view = await office.check("quotas", "\r\n".join(lines).encode(encoding), name="a.csv")
    returned = (await _returned(office, view)).decode("utf-8-sig").splitlines()

    assert (view.sheets["quotas"].added, view.sheets["quotas"].wrong) == (0, 2)
    assert returned[0].endswith(",核对结果")
    assert "错误·编制类型：不在代码表中" in returned[2]
    assert ",'=1+1," in returned[2]


async def test_what_was_a_number_before_it_was_a_csv_is_doubted(office: Office) -> None:
    await office.write("units", [with_posts(9)])
    rows = [
        person(0, 参加工作时间="2010.1"),
        person(1, 参加工作时间="2010.10"),
        person(2, 公民身份号码=_rounded()),
        person(3, 入编时间="2015.1"),
    ]
    titles = list(rows[0])
    lines = [titles, *([str(row.get(title) or "") for title in titles] for row in rows)]

    view = await office.check("roster", "\n".join(",".join(line) for line in lines).encode(), name="a.csv")

    said = [(row, column, sentence[:12]) for _, row, column, sentence in await office.said(view)]
    assert said == [
        (2, "参加工作时间", "可能是 1 月，也可能是"),
        (4, "公民身份号码", "末三位是 000，可能曾"),
        (5, "入编时间", "可能是 1 月，也可能是"),
    ]
    assert (view.errors, view.warnings) == (2, 1)


async def test_a_number_that_the_register_knows_has_lost_nothing_in_a_csv(office: Office) -> None:
    await office.write("units", [with_posts(9)])
    row = person(2, 公民身份号码=_rounded())
    await office.write("roster", [row])

    csv = "\n".join(",".join(str(cell or "") for cell in line) for line in (list(row), row.values()))
    view = await office.check("roster", csv.encode(), name="a.csv")

    assert (await office.said(view), view.warnings) == ([], 0)


def _rounded() -> str:
    return next(number for area in range(330402, 330499) if _is_valid(number := f"{area}19860305{area % 10}000"))


def _is_valid(number: str) -> bool:
    try:
        return bool(parse_citizen_id(number))
    except InvalidCitizenId:
        return False


async def test_the_file_comes_back_with_its_findings_beside_the_rows_and_coloured_cells(office: Office) -> None:
    file = dirt.workbook([with_posts(60)])
    view = await office.check("roster", file)

    content = await _returned(office, view)
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(" 人员 ")
    found = {number: str(row[-1]) for number, row in enumerate(sheet.iter_rows(), start=1)}

    assert all(each.said in found[dirt.FIRST_ROW + place] for place, each in enumerate(dirt.ALL) if each.said)
    assert len(coloured(content, 4, "FFC7CE")) >= len(dirt.REFUSED)
    assert len(coloured(content, 4, "FFEB9C")) >= 5
    again = await office.check("roster", content)
    assert (again.sheets["roster"].added, again.sheets["roster"].wrong) == (len(dirt.TAKEN), len(dirt.REFUSED))  # a formula is one still


async def test_a_template_comes_back_as_itself_and_when_mended_and_brought_again_goes_in(office: Office) -> None:
    await office.write("units", [unit()])
    async with office.database.reading() as conn:
        form = template(SHEETS["quotas"], await codes(conn, given.NOW.date()))
    titles = [field.label for field in SHEETS["quotas"].fields]
    good = {
        "单位": "甲单位",
        "编制类型": "事业编制",
        "经费形式": "全额拨款",
        "编制数": "3",
        "批准文号": "测编〔2020〕1号",
        "批准日期": "2020-03-01",
    }
    rows = [[(good | change).get(title, "") for title in titles] for change in ({"编制类型": "x"}, {})]

    view = await office.check("quotas", _filled(form, [*rows[:1]], extra="没有的列"), name="a.xlsx")
    first = await _returned(office, view)
    again = await office.check("quotas", first)
    mended = await office.check("quotas", _altered(first, b">x<", "事业编制"))

    sentences = [sentence for _, _, _, sentence in await office.said(view)]
    assert (view.errors, again.errors, mended.errors, mended.sheets["quotas"].added) == (1, 1, 0, 1)
    assert [sentence for _, _, _, sentence in await office.said(again)] == sentences
    assert [sentence for _, _, _, sentence in await office.said(mended)] == sentences[:1]
    assert "没有的列" in sentences[0]
    with zipfile.ZipFile(io.BytesIO(form)) as before, zipfile.ZipFile(io.BytesIO(await _returned(office, mended))) as after:
        assert before.namelist() == [name for name in before.namelist() if name in after.namelist()]
        assert b"dataValidation " in after.read("xl/worksheets/sheet2.xml")
        assert "错误·".encode() not in after.read("xl/worksheets/sheet2.xml")
    assert coloured(first, 2, "FFC7CE")
    assert not coloured(await _returned(office, mended), 2, "FFC7CE")
    old = _altered(first, f"bianban:quotas:{SHEETS['quotas'].version}".encode(), "bianban:quotas:0")
    assert "模板第 0 版" in (await office.check("quotas", await _returned(office, await office.check("quotas", old)))).note


def _filled(form: bytes, rows: list[list[str]], extra: str = "") -> bytes:
    """A template with these rows in its second sheet, and one more column's title."""
    lines = b""
    for number, row in enumerate(rows, start=2):
        cells = "".join(f'<c t="inlineStr"><is><t>{cell}</t></is></c>' for cell in row)
        lines += f'<row r="{number}">{cells}</row>'.encode()
    more = f'<c t="inlineStr"><is><t>{extra}</t></is></c></row>'.encode() if extra else b"</row>"
    return _edited(
        form,
        lambda name, data: (
            data.replace(b"</row>", more, 1).replace(b"</sheetData>", lines + b"</sheetData>") if name.endswith("sheet2.xml") else data
        ),
    )


def _altered(content: bytes, before: bytes, after: str) -> bytes:
    text = f">{after}<".encode() if before.startswith(b">") else after.encode()
    return _edited(content, lambda _, data: data.replace(before, text))


def _edited(content: bytes, change: Callable[[str, bytes], bytes]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(target, "w") as made:
        for name in source.namelist():
            made.writestr(name, change(name, source.read(name)))
    return target.getvalue()


async def test_an_old_register_goes_in_by_a_mapping_file(office: Office) -> None:
    old = person(0)
    old |= {"职工": old.pop("姓名"), "编别": "全额事业", "备注": "职称：高级教师"}
    del old["编制类型"]
    mapping = {
        "sheets": {"花名册": "人员"},
        "columns": {"职工": "姓名", "编别": "编制类型"},
        "codes": {"编制类型": {"全额事业": "事业编制"}},
        "extract": [{"from": "备注", "to": "专业技术职务", "pattern": "职称：(?P<value>.+)"}],
    }

    view = await office.write("roster", {"单位": [with_posts()], "花名册": [old]}, accept_valid=True, mapping=mapping)

    assert await office.said(view) == []
    assert await office.database.pool.fetchval("SELECT professional_title FROM person_records") == "高级教师"


async def test_a_sheet_without_a_header_is_named_as_it_is_called_in_the_file(office: Office) -> None:
    view = await office.check("roster", {"花名册": [{"职工": "甲", "编别": "x"}]})

    assert (view.state, "工作表“花名册”的前 40 行中没有找到表头" in view.note) == (ImportState.UNREADABLE, True)


async def test_a_cancelled_check_writes_nothing_more_and_a_repeated_one_begins_anew(office: Office) -> None:
    cancelled, repeated = [await office.bring("roster", {"单位": [with_posts()], "人员": [person(0)]}) for _ in range(2)]
    await cancel_import(office.database, given.by(None), CancelImport(import_id=cancelled))
    await check_import(office.database, given.CIPHER, office.clock, cancelled)
    both = (check_import(office.database, given.CIPHER, office.clock, repeated) for _ in range(2))
    ends = await asyncio.gather(*both, return_exceptions=True)

    assert {type(end) for end in ends} <= {NoneType, Superseded}
    assert (await office.view(cancelled)).state == ImportState.CANCELLED
    view = await office.view(repeated)
    assert (view.state, view.sheets["roster"].added) == (ImportState.CHECKED, 1)
    with pytest.raises(ImportOver):
        await cancel_import(office.database, given.by(None), CancelImport(import_id=cancelled))
    with pytest.raises(NotChecked):
        await begin_applying(office.database, given.by(None), BeginApplying(import_id=cancelled))


async def test_a_check_that_another_attempt_took_over_fails_and_the_next_one_checks(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    brought = await office.bring("roster", {"单位": [with_posts()], "人员": [person(0)]})
    prepared = import_checks._prepare

    async def overtaken(*asked: Any) -> Check:
        await office.database.pool.execute("UPDATE imports SET attempt = attempt + 1 WHERE id = $1", brought)
        return await prepared(*asked)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(import_checks, "_prepare", overtaken)
        with pytest.raises(Superseded):
            await check_import(office.database, given.CIPHER, office.clock, brought)
    await check_import(office.database, given.CIPHER, office.clock, brought)

    view = await office.view(brought)
    assert (view.state, view.sheets["roster"].added) == (ImportState.CHECKED, 1)


async def test_a_cancelled_writing_leaves_whole_units(office: Office) -> None:
    units = [with_posts(单位名称=f"单位{place}", 统一社会信用代码=code) for place, code in enumerate(USCC)]
    people = [person(place, 单位=f"单位{place // 2}") for place in range(8)]
    view = await office.check("roster", {"单位": units, "人员": people})
    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))

    async def cancel_soon() -> None:
        while (await office.view(view.id)).units_done < 1:  # noqa: ASYNC110  the writing is in another task
            await asyncio.sleep(0.005)
        with suppress(ImportOver):  # it was quicker
            await cancel_import(office.database, given.by(None), CancelImport(import_id=view.id))

    await asyncio.gather(apply_import(office.database, given.CIPHER, office.clock, view.id, 4), cancel_soon())

    done = await office.view(view.id)
    there = await office.database.pool.fetch("SELECT count(*) AS people FROM units JOIN placements ON unit_id = units.id GROUP BY units.id")
    assert done.state in {ImportState.CANCELLED, ImportState.APPLIED}
    assert len(there) == done.units_done
    assert [row["people"] for row in there] == [2] * done.units_done


async def test_writing_again_from_the_middle_doubles_nothing(office: Office) -> None:
    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    await office.database.pool.execute("UPDATE imports SET state = $2 WHERE id = $1", view.id, ImportState.APPLYING)

    await apply_import(office.database, given.CIPHER, office.clock, view.id)

    assert await office.refused(view) == []
    assert await office.database.pool.fetchval("SELECT count(*) FROM placements") == 1
    assert await office.database.pool.fetchval("SELECT count(*) FROM units") == 1


async def test_a_refused_unit_takes_those_below_it_along_and_no_other_of_its_block(office: Office) -> None:
    units = [with_posts(单位名称=f"单位{place}", 统一社会信用代码=code) for place, code in enumerate(USCC)]
    units[3]["主管部门"] = "单位1"
    people = [person(place, 单位=f"单位{place}") for place in range(4)]
    view = await office.check("roster", {"单位": units, "人员": people})
    other = Inventor(9).uscc("12")
    await office.write("roster", {"单位": [with_posts(单位名称="别的单位", 统一社会信用代码=other)], "人员": [person(1, 单位="别的单位")]})

    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))
    await apply_import(office.database, given.CIPHER, office.clock, view.id)

    assert [name for name, _ in await office.refused(view)] == ["单位1", "单位3"]
    there = await office.database.pool.fetch("SELECT name, version FROM units ORDER BY name")
    assert {row["name"] for row in there} == {"单位0", "单位2", "别的单位"}
    assert await office.database.pool.fetchval("SELECT count(*) FROM event_log WHERE aggregate_type = 'unit'") == sum(
        row["version"] for row in there
    )


async def test_two_attempts_at_once_double_nothing_and_leave_nothing_out(office: Office) -> None:
    units = [with_posts(单位名称=f"单位{place}", 统一社会信用代码=code) for place, code in enumerate(USCC)]
    view = await office.check("roster", {"单位": units, "人员": [person(place, 单位=f"单位{place // 2}") for place in range(8)]})
    await begin_applying(office.database, given.by(None), BeginApplying(import_id=view.id))

    await asyncio.gather(*(apply_import(office.database, given.CIPHER, office.clock, view.id, rows) for rows in (100, 4)))

    done = await office.view(view.id)
    assert (done.state, done.units_done, await office.refused(view)) == (ImportState.APPLIED, 4, [])
    assert await office.database.pool.fetchval("SELECT count(*) FROM units") == 4
    assert await office.database.pool.fetchval("SELECT count(*) FROM placements") == 8


async def test_what_is_kept_of_a_file_is_encrypted_and_gone_after_its_time(office: Office) -> None:
    view = await office.check("roster", {"单位": [with_posts()], "人员": [person(0)]})
    kept = await office.database.pool.fetch(
        "SELECT content AS data FROM import_files UNION ALL SELECT sealed FROM import_rows WHERE sealed IS NOT NULL"
    )
    assert len(kept) == 3
    assert not any(NUMBERS[0].encode() in row["data"] or row["data"][:2] == b"PK" for row in kept)

    await forget_import(office.database, given.by(None), CancelImport(import_id=view.id))

    with pytest.raises(FileForgotten):
        await kept_file(office.database, given.CIPHER, view.id)
    assert await office.database.pool.fetchval("SELECT count(*) FROM import_rows WHERE sealed IS NOT NULL OR mark IS NOT NULL") == 0
    assert (await office.view(view.id)).state == ImportState.FORGOTTEN


async def test_a_template_of_another_version_is_told_and_one_of_another_kind_is_refused(office: Office) -> None:
    same, older, other = [
        await office.check("units", book({"单位": [unit()]}, f"bianban:{mark}")) for mark in ("units:1", "units:0", "quotas:1")
    ]

    assert (same.state, same.note) == (ImportState.CHECKED, "")
    assert "模板第 0 版" in older.note
    assert other.state == ImportState.UNREADABLE
    assert "“编制”模板" in other.note


async def test_a_file_without_its_columns_says_which(office: Office) -> None:
    view = await office.check("roster", {"人员": [{"姓名": "x", "公民身份号码": NUMBERS[0]}]})

    assert view.state == ImportState.UNREADABLE
    assert "缺少列：单位、编制类型、经费形式、入编时间" in view.note


async def test_visible_sheets_that_are_not_read_are_named(office: Office) -> None:
    sheets = {"单位": [with_posts()], "人员": [person(0)], "人员 (2)": [person(1)], "编制表": [{"单位": "甲单位"}], "代码表": [{"x": "y"}]}

    view = await office.check("roster", sheets)
    csv = await office.check("units", "单位名称,统一社会信用代码,单位类别,批准文号,批准日期\n".encode(), name="a.csv")

    assert view.sheets["roster"].added == 1
    assert view.note.startswith("工作表“人员 (2)”、“编制表”没有读取；")
    assert csv.note == ""


async def test_a_mapping_that_calls_two_sheets_of_a_file_by_one_title_is_refused_in_words(office: Office) -> None:
    sheets = {"单位": [with_posts()], "河东街道": [person(0)], "临江镇": [person(1)]}
    mapping = {"sheets": {"河东街道": "人员", "临江镇": "人员"}}

    view = await office.check("roster", sheets, mapping=mapping)
    one = await office.check("roster", {name: rows for name, rows in sheets.items() if name != "临江镇"}, mapping=mapping)

    assert (view.state, one.state) == (ImportState.UNREADABLE, ImportState.CHECKED)
    assert view.note.startswith("有多张工作表都当作“人员”：河东街道、临江镇。请合并")


async def _returned(office: Office, view: ImportView) -> bytes:
    place = await kept_file(office.database, given.CIPHER, view.id)
    async with office.database.reading() as conn:
        marks = await queries.marks(conn, view.id)
    try:
        return await annotated(place, view.file_name, marks)
    finally:
        os.close(place)


async def test_loans_of_people_who_are_there_are_compared_and_written(office: Office) -> None:
    units = [with_posts(), with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])]
    lent = {"借出单位": "乙单位", "借调开始": "2026-09-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}
    await office.write("roster", {"单位": units, "人员": [person(0), person(1)]})

    new = await office.write("roster", [person(0, **lent), person(1)])
    same = await office.write("roster", [person(0, **lent)])
    longer = await office.write(
        "roster", [person(0, **lent | {"借出单位": USCC[1], "借调到期": "2027-02-28", "借调文号": "测借〔2026〕2号"})]
    )
    shorter, other = [
        await office.write("roster", [person(0, **lent | change)]) for change in ({"借调到期": "2026-10-31"}, {"借出单位": "外市某局"})
    ]

    counted = [view.sheets["roster"] for view in (new, same, longer, shorter, other)]
    assert [(each.added, each.changed, each.same) for each in counted] == [(0, 1, 1), (0, 0, 1), (0, 1, 0), (0, 0, 1), (0, 0, 1)]
    assert [await office.said(view) for view in (new, same, longer)] == [[], [], []]
    assert [[column for _, _, column, _ in await office.said(view)] for view in (shorter, other)] == [["借调到期"], ["借出单位"]]
    rows = await office.database.pool.fetch("SELECT until::text, document_no FROM secondments WHERE upper_inf(recorded)")
    assert [tuple(row) for row in rows] == [("2027-02-28", "测借〔2026〕2号")]


async def two_units(office: Office) -> None:
    """甲单位 with a person to change and one to stay, 乙单位 with one."""
    units = [with_posts(内设机构="办公室"), with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1], 内设机构="办公室")]
    await office.write("roster", {"单位": units, "人员": [person(0, 学历="本科"), person(1, 单位="乙单位", 学历="本科")]})


async def moved_to_the_other(office: Office) -> None:
    """The person of 甲单位 is transferred to 乙单位."""
    here = await office.database.pool.fetchrow(
        "SELECT person_id, units.id FROM placements JOIN units ON units.id = unit_id WHERE code = $1", USCC[0]
    )
    assert here is not None
    other = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[1])
    way = TransferPerson(
        person_id=here["person_id"],
        from_unit_id=here["id"],
        to_unit_id=other,
        kind="SY",
        funding="full",
        effective_on=given.TODAY,
        authorisation_no="调〔2026〕1号",
        authorised_on=date(2026, 9, 1),
    )
    await transfer_person(office.database, given.by(), way)


async def merged_into_the_other(office: Office) -> None:
    """甲单位 is merged into 乙单位."""
    gone, into = [await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", code) for code in USCC[:2]]
    what = {
        "title": "机构改革",
        "effective_on": given.TODAY,
        "document_on": given.TODAY,
        "steps": [{"step": "merge", "unit_id": gone, "into_unit_id": into}],
    }
    await carry_out(office.database, given.by(), Reform.model_validate(what))


@pytest.mark.parametrize("leave", [moved_to_the_other, merged_into_the_other])
async def test_nothing_is_changed_of_who_left_the_unit_since_the_check(office: Office, leave: Callable[[Office], Awaitable[None]]) -> None:
    await two_units(office)
    people = [person(0, 学历="硕士研究生毕业", 所在内设机构="办公室"), person(1, 单位="乙单位", 学历="硕士研究生毕业")]
    view = await office.check("roster", people)
    await leave(office)

    done = await office.apply(view)

    assert await office.refused(done) == [("甲单位", str(PersonElsewhere()))]
    assert (done.state, done.written["changed"]) == (ImportState.APPLIED, 1)
    assert await office.database.pool.fetchval("SELECT count(*) FROM post_changes") == 0
    changed = await office.database.pool.fetch(
        "SELECT field, code FROM person_changes JOIN placements USING (person_id) JOIN units ON units.id = unit_id"
    )
    assert [tuple(line) for line in changed] == [("education", USCC[1])]


async def test_whose_number_was_corrected_since_the_check_is_not_found_and_holds_up_no_other(office: Office) -> None:
    await two_units(office)
    people = [person(0, 学历="硕士研究生毕业"), person(1, 单位="乙单位", 学历="硕士研究生毕业")]
    view = await office.check("roster", people)
    await office.database.pool.execute(
        "DELETE FROM person_indexes USING placements JOIN units ON units.id = unit_id WHERE placements.person_id = person_indexes.person_id AND code = $1",
        USCC[0],
    )

    done = await office.apply(view)

    assert await office.refused(done) == [("甲单位", str(PersonUnknown()))]
    assert (done.state, done.written["changed"]) == (ImportState.APPLIED, 1)


async def test_nobody_is_lent_for_a_unit_that_he_left_since_the_check(office: Office) -> None:
    await two_units(office)
    lent = {"借出单位": "外市某局", "借调开始": given.TODAY.isoformat(), "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}
    view = await office.check("roster", [person(0, **lent), person(1, 单位="乙单位", **lent)])
    await moved_to_the_other(office)

    done = await office.apply(view)

    assert done.state == ImportState.APPLIED
    assert [(row, sentence[:10]) for _, row, _, sentence in await office.said(done)] == [
        (2, "“外市某局”不在系统"),
        (2, f"借调未登记：{PersonElsewhere()}"[:10]),
        (3, "“外市某局”不在系统"),
    ]
    async with office.database.reading() as conn:
        assert [each.at_writing for _, each in await queries.problems(conn, done.id, 0, 10)] == [False, True, False]
    assert (view.warnings, done.warnings, done.written["loans"]) == (2, 3, 1)
    assert await office.database.pool.fetchval("SELECT count(*) FROM secondments") == 1


async def test_a_column_that_is_not_there_is_told_once_of_the_file_and_an_empty_cell_of_its_row(office: Office) -> None:
    rows = [{name: value for name, value in person(place).items() if name not in {"出生日期", "岗位类别"}} for place in (0, 1)]
    view = await office.check("roster", [*rows[:1], rows[1] | {"性别": None}])

    said = [(row, column, sentence) for _, row, column, sentence in await office.said(view) if column != "单位"]
    assert sorted(said) == [
        (1, "", "文件中没有“出生日期”一列，各行已按公民身份号码填入，请核对"),
        (1, "", "文件中没有“岗位类别”一列，各行按“岗位待核”记入，请尽快补填"),
        (3, "性别", "未填写，已按公民身份号码填入，请核对"),
    ]
