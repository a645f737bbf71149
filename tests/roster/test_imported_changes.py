"""What a file changes of units and people that are there, and what has changed since it was checked."""

import io
import re
import zipfile
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from python_calamine import CalamineWorkbook

from services.roster.commands.codes import add_codes, end_code
from services.roster.commands.posts import change_post
from services.roster.models.codes import AddCodes, CodeRow, EndCode
from services.roster.queries.import_changes import CHANGED, ChangeView, changes
from services.roster.queries.imports import PROBLEMS, SHEETS_READ, ImportView, problems
from services.roster.queries.persons import MASK
from shared.db import Connection, Database
from tests.imports.rows import USCC, person, unit
from tests.roster import given
from tests.roster.importing import Office, coloured, with_posts

pytestmark = pytest.mark.asyncio


async def shown(office: Office, view: ImportView, limit: int = 10) -> list[tuple[int, list[tuple[str, str | None, str]]]]:
    """What would change, row by row, page by page."""
    return [(each.row, [(one.column, one.before, one.after) for one in each.changes]) for each in await viewed(office, view, limit)]


async def viewed(office: Office, view: ImportView, limit: int = 10) -> list[ChangeView]:
    """The rows as their list has them."""
    return await paged(office, lambda conn, after: changes(conn, given.CIPHER, view.id, after, limit))


async def paged(office: Office, page: Callable[[Connection, int], Awaitable[list[tuple[int, Any]]]]) -> list[Any]:
    """All pages, one after the other."""
    found: list[tuple[int, Any]] = []
    async with office.database.reading() as conn:
        while more := await page(conn, found[-1][0] if found else 0):
            found += more
    return [each for _, each in found]


async def test_what_a_file_would_change_is_shown_from_what_to_what_of_units_numbers_and_people_page_by_page(office: Office) -> None:
    unit_row = with_posts(行业="教育", 内设机构="办公室")
    await office.write("roster", {"单位": [unit_row], "人员": [person(0, 籍贯="某地", 弹性选择="弹性提前"), person(1)]})
    later = {"批准文号": "测编〔2026〕9号", "批准日期": "2026-01-05"}
    wanted = unit_row | {"行业": "卫生", "内设机构": "办公室、财务科", "编制数": 9} | later

    view = await office.write("roster", {"单位": [wanted], "人员": [person(0, 籍贯="他乡", 弹性选择="弹性延迟"), person(1, 专业="数学")]})

    first, *rest = await shown(office, view)
    assert first == (2, [("行业", "教育", "卫生健康"), ("内设机构", "办公室", "办公室、财务科"), ("编制数", "3", "9")])
    assert rest == [(2, [("籍贯", "某地", "他乡"), ("弹性选择", "弹性提前", "弹性延迟")]), (3, [("专业", None, "数学")])]
    assert await shown(office, view, limit=1) == [first, *rest]
    assert [each.about for each in await viewed(office, view)] == [
        unit_row["单位名称"],
        *(f"{each['姓名']} · {each['单位']}" for each in (person(0), person(1))),
    ]


async def test_what_was_found_is_told_page_by_page_each_once_and_in_order(office: Office) -> None:
    rows = [person(place, 单位="甲单位", 性别="男", 编制类型="x") for place in range(5)]
    view = await office.check("roster", {"单位": [with_posts(单位类别="x"), with_posts(编制数="x")], "人员": rows})

    async def told(size: int) -> list[tuple[str, int, str]]:
        found = await paged(office, lambda conn, after: problems(conn, view.id, after, size))
        return [(each.sheet, each.row, each.column) for each in found]

    by_size = [await told(size) for size in (1, 3, 1_000)]

    assert len(by_size[0]) > 10
    assert by_size[0] == by_size[1] == by_size[2] == [(sheet, row, column) for sheet, row, column, _ in await office.said(view)]
    assert [sheet for sheet, _, _ in by_size[0]] == sorted((sheet for sheet, _, _ in by_size[0]), key=["单位", "人员"].index)


@pytest.mark.parametrize(("query", "after"), [(CHANGED, (5 << 32) + 19_000), (PROBLEMS, 19_000), (CHANGED, 0), (PROBLEMS, 0)])
async def test_a_page_reads_its_own_rows_however_many_there_are(office: Office, query: str, after: int) -> None:
    """All persons of a county may change at once: to sort them for each page took as long for one page as for all."""
    import_id = uuid4()
    await office.database.pool.execute(
        "INSERT INTO import_rows (import_id, sheet, number, verdict, changed, sealed)"
        " SELECT $1, 'roster', number, 'changed', '{title}', 'x' FROM generate_series(2, 20001) AS number",
        import_id,
    )
    await office.database.pool.execute(
        "INSERT INTO import_problems (import_id, sheet, row, field, sentence, warning)"
        " SELECT $1, 'roster', number, 'title', 'x', true FROM generate_series(2, 20001) AS number",
        import_id,
    )
    await office.database.pool.execute("ANALYZE import_rows; ANALYZE import_problems")
    if after and query == PROBLEMS:
        after += await office.database.pool.fetchval("SELECT min(id) FROM import_problems")

    plan = await office.database.pool.fetch(f"EXPLAIN ANALYZE {query}", import_id, after, 50, list(SHEETS_READ))

    read = [int(rows) for line in plan for rows in re.findall(r"actual time=\S+ rows=(\d+)", line[0])]
    assert (read[0], max(read)) == (50, 50), plan


async def test_a_changed_field_is_shown_and_written_and_a_key_item_is_only_told(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0, 学历="本科"), person(1)]})

    view = await office.write("roster", [person(0, 学历="硕士研究生毕业", 民族="回族", 姓名="测试别名"), person(1)])

    assert await shown(office, view) == [(2, [("民族", None, MASK), ("学历", "本科", "硕士研究生毕业")])]
    assert [(row, column) for _, row, column, _ in await office.said(view)] == [(2, "姓名")]
    content = await office.returned(view)
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


async def test_an_internal_unit_that_was_left_since_the_post_began_comes_back_with_a_file_that_has_it(office: Office) -> None:
    people = [person(0, 所在内设机构="办公室")]
    await office.write("roster", {"单位": [with_posts(内设机构="办公室")], "人员": people})
    async with office.database.transaction() as conn:
        person_id = await conn.fetchval("SELECT id FROM persons")
        await change_post(conn, given.by(), person_id, given.TODAY, {"internal_unit": None})

    view = await office.check("roster", people)

    assert await shown(office, view) == [(2, [("所在内设机构", None, "办公室")])]


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
    assert await shown(office, view) == [(2, [("全日制学位", None, "学士"), ("弹性选择", "弹性提前", "弹性延迟")])]
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


async def test_a_later_document_changes_posts_and_the_same_one_does_not(office: Office) -> None:
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    quota = {"单位": "甲单位", "编制类型": "事业编制", "经费形式": "全额拨款", "批准文号": "测编〔2021〕9号", "批准日期": "2021-05-01"}

    later = await office.write("quotas", [quota | {"编制数": 9}])
    same = await office.write("quotas", [quota | {"编制数": 8}])

    assert (later.written["quotas"], same.written) == (1, {})
    assert [column for _, _, column, _ in await office.said(same)] == ["编制数"]
    assert await office.database.pool.fetchval("SELECT posts FROM quotas WHERE upper_inf(during) AND upper_inf(recorded)") == 9


async def test_each_column_that_nobody_knows_is_named_and_of_very_many_how_many_there_are(office: Office) -> None:
    titles = [f"另列{number:02}" for number in range(60)]

    some = await office.check("units", [unit() | dict.fromkeys(titles[:30], "x")])
    many = await office.check("units", [unit() | dict.fromkeys(titles, "x")])

    [said], [of_many] = [[sentence for *_, sentence in await office.said(view)] for view in (some, many)]
    assert "、".join(titles[:30]) + "（" in said
    assert "另列39等 60 列（" in of_many
