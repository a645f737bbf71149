"""The file itself: CSV, templates, mappings, sheets and columns, and how it comes back with its findings."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from services.roster.models.fields import SHEETS
from services.roster.models.imports import (
    ImportState,
)
from services.roster.queries.codes import codes
from services.roster.queries.templates import template
from shared.law.citizen_id import InvalidCitizenId, parse_citizen_id
from tests.imports.rows import NUMBERS, person, unit
from tests.roster import dirt, given
from tests.roster.importing import Office, book, coloured, with_posts

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_a_csv_goes_in_and_comes_back_with_its_findings(office: Office, encoding: str) -> None:
    await office.write("units", [unit()])
    lines = [
        "单位,编制类型,经费形式,编制数,批准文号,批准日期",
        "甲单位,事业编制,全额拨款,3,测编〔2020〕1号,2020.3.1",
        "甲单位,x,全额拨款,3,=1+1,2020.3.1",
    ]

    view = await office.check("quotas", "\r\n".join(lines).encode(encoding), name="a.csv")
    returned = (await office.returned(view)).decode("utf-8-sig").splitlines()

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

    content = await office.returned(view)
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
    first = await office.returned(view)
    again = await office.check("quotas", first)
    mended = await office.check("quotas", _altered(first, b">x<", "事业编制"))

    sentences = [sentence for _, _, _, sentence in await office.said(view)]
    assert (view.errors, again.errors, mended.errors, mended.sheets["quotas"].added) == (1, 1, 0, 1)
    assert [sentence for _, _, _, sentence in await office.said(again)] == sentences
    assert [sentence for _, _, _, sentence in await office.said(mended)] == sentences[:1]
    assert "没有的列" in sentences[0]
    with zipfile.ZipFile(io.BytesIO(form)) as before, zipfile.ZipFile(io.BytesIO(await office.returned(mended))) as after:
        assert before.namelist() == [name for name in before.namelist() if name in after.namelist()]
        assert b"dataValidation " in after.read("xl/worksheets/sheet2.xml")
        assert "错误·".encode() not in after.read("xl/worksheets/sheet2.xml")
    assert coloured(first, 2, "FFC7CE")
    assert not coloured(await office.returned(mended), 2, "FFC7CE")
    old = _altered(first, f"bianban:quotas:{SHEETS['quotas'].version}".encode(), "bianban:quotas:0")
    assert "模板第 0 版" in (await office.check("quotas", await office.returned(await office.check("quotas", old)))).note


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


async def test_a_column_that_only_a_mapping_knows_is_told(office: Office) -> None:
    """Of several headers for one column one is enough; what is not to be read may be missing."""
    columns = {"职称名称": "专业技术职务", "职工": "姓名", "教工": "姓名", "工资": "", "学位名": "学位"}
    old = person(0, 职称="高级教师")
    old["职工"] = old.pop("姓名")

    view = await office.check("roster", {"单位": [with_posts()], "人员": [old]}, mapping={"columns": columns})
    without = await office.check("roster", {"单位": [with_posts()], "人员": [person(1, 姓名=None)]}, mapping={"columns": {"职工": "姓名"}})

    [(_, row, column, sentence)] = await office.said(view)
    assert (row, column, view.errors) == (1, "", 0)
    assert sentence.startswith("对照文件中的“学位名”不是文件中的表头，“学位”没有从文件读取")
    assert without.state == ImportState.CHECKED


async def test_a_sheet_without_a_header_is_named_as_it_is_called_in_the_file(office: Office) -> None:
    view = await office.check("roster", {"花名册": [{"职工": "甲", "编别": "x"}]})

    assert (view.state, "工作表“花名册”的前 40 行中没有找到表头" in view.note) == (ImportState.UNREADABLE, True)


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


@pytest.mark.parametrize(
    ("beside", "note"),
    [
        ({}, ""),
        ({"封面": [{"实名制台账": "甲单位"}]}, "工作表“封面”没有读取；"),
        ({"单位": [with_posts()], "编制": []}, ""),
        ({"调查表": [{"姓名": "x", "单位": "甲单位"}], "汇总": [{"编制类型": "x", "编制数": 3}]}, "工作表“调查表”、“汇总”没有读取；"),
    ],
)
async def test_an_empty_sheet_of_the_right_name_does_not_hide_the_one_with_the_rows(
    office: Office, beside: dict[str, list[Any]], note: str
) -> None:
    view = await office.check("roster", {"人员": [], **beside, "Sheet2": [person(0), person(1)]})

    assert view.state == ImportState.CHECKED, view.note
    assert sum(view.sheets["roster"].model_dump()[each] for each in ("added", "wrong")) == 2
    assert view.note.startswith(note)
    assert bool(view.note) == bool(note)


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ({"人员": []}, "文件是空的。请填写"),
        ({"Sheet1": [], "Sheet2": []}, "文件是空的。请填写"),
        ({"单位": [with_posts()], "人员": []}, "工作表“人员”是空的。请填写"),
        (
            {"人员": [], "河东": [person(0)], "河西": [person(1)]},
            "工作表“人员”是空的，文件中另有：河东、河西。数据在其中一张的，请把那张改名为“人员”",
        ),
        ({"人员": [{" ": " "}], "河东": [person(0)]}, "没有找到表头；文件中另有“河东”，数据在其中一张的，请把那张改名为“人员”"),
        ({"人员": [], "河东": [{"姓名": "x"}]}, "工作表“河东”的前 40 行中没有找到表头。"),
    ],
)
async def test_where_the_rows_may_be_meant_to_stand_is_told_with_what_to_do(
    office: Office, sheets: dict[str, list[Any]], said: str
) -> None:
    view = await office.check("roster", sheets)

    assert (view.state, said in view.note) == (ImportState.UNREADABLE, True), view.note


async def test_a_mapping_that_calls_two_sheets_of_a_file_by_one_title_is_refused_in_words(office: Office) -> None:
    sheets = {"单位": [with_posts()], "河东街道": [person(0)], "临江镇": [person(1)]}
    mapping = {"sheets": {"河东街道": "人员", "临江镇": "人员"}}

    view = await office.check("roster", sheets, mapping=mapping)
    one = await office.check("roster", {name: rows for name, rows in sheets.items() if name != "临江镇"}, mapping=mapping)

    assert (view.state, one.state) == (ImportState.UNREADABLE, ImportState.CHECKED)
    assert view.note.startswith("有多张工作表都当作“人员”：河东街道、临江镇。请合并")


async def test_a_column_that_is_not_there_is_told_once_of_the_file_and_an_empty_cell_of_its_row(office: Office) -> None:
    rows = [{name: value for name, value in person(place).items() if name not in {"出生日期", "岗位类别"}} for place in (0, 1)]
    view = await office.check("roster", [*rows[:1], rows[1] | {"性别": None}])

    said = [(row, column, sentence) for _, row, column, sentence in await office.said(view) if column != "单位"]
    assert sorted(said) == [
        (1, "", "文件中没有“出生日期”一列，各行已按公民身份号码填入，请核对"),
        (1, "", "文件中没有“岗位类别”一列，各行按“岗位待核”记入，请尽快补填"),
        (3, "性别", "未填写，已按公民身份号码填入，请核对"),
    ]


async def test_who_was_filtered_or_struck_out_comes_in_with_a_word(office: Office) -> None:
    """The clerk sees neither; without a word they would stand in the roster as if in post."""
    target = io.BytesIO()
    made = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet, struck = made.add_worksheet("人员"), made.add_format({"font_strikeout": True})
    for number, row in enumerate([list(person()), *([*person(place, 单位="甲单位").values()] for place in range(3))]):
        sheet.write_row(number, 0, row, struck if number == 3 else None)
    sheet.set_row(2, None, None, {"hidden": True})
    sheet.set_column(9, 9, None, None, {"hidden": True})
    made.close()
    await office.write("units", [with_posts(9)])

    view = await office.check("roster", target.getvalue())

    assert view.sheets["roster"].added == 3
    assert [(row, column, sentence[:6]) for _, row, column, sentence in await office.said(view)] == [
        (1, "入编时间", "此列被隐藏，"),
        (3, "", "此行被隐藏或"),
        (4, "", "此行带有删除"),
    ]
    assert view.note == (
        "工作表“人员”隐藏或筛选掉的 1 行也已读入：第 3 行；不应导入的，请删除后重新上传；"
        "工作表“人员”带删除线的 1 行也已读入：第 4 行；不应导入的，请删除后重新上传"
    )


async def test_a_sheet_of_people_who_left_is_doubted(office: Office) -> None:
    """Alone in its file it is taken for that of the people in post."""
    await office.write("units", [with_posts(9)])

    view = await office.check("roster", {"退休人员": [person(0)]})
    there = await office.check("roster", {"在职人员": [person(0)]})

    assert [(row, sentence[:20]) for _, row, _, sentence in await office.said(view)] == [(1, "表名或标题像是退休、调出等人员的名册，没")]
    assert (view.errors, await office.said(there)) == (0, [])
