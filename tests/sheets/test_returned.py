"""A workbook comes back as a true copy: one more column, coloured cells, and everything else as it was; one that is too odd is written anew."""

import asyncio
import csv
import io
import os
import re
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from python_calamine import CalamineWorkbook

from shared.sheets.copied import FOUND
from shared.sheets.forms import Column, Form, form_of
from shared.sheets.reading import MARK, held, opened
from shared.sheets.returned import Marks, annotated
from tests.sheets.hostile import TITLE, book, formula, sheet_of, with_parts
from tests.sheets.test_reading import WANTED

pytestmark = pytest.mark.asyncio
SHEET, STYLES = "xl/worksheets/sheet1.xml", "xl/styles.xml"
MARKS: Marks = {TITLE: [[2, 1, "错误·姓名：<请改正> & =1+1", False], [2, 2, "提示·编制数：请核对", True]]}
_SPACE = re.compile(r"^\{[^}]*\}")


async def returned(content: bytes, marks: Marks = MARKS) -> bytes:
    place = held([content])
    try:
        return await annotated(place, "a.xlsx", marks)
    finally:
        os.close(place)


def parts(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def rows(content: bytes, name: str = TITLE) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(name).to_python(skip_empty_area=False)


def elements(xml: bytes) -> dict[str, list[ET.Element]]:
    """By their names without their spaces."""
    found: dict[str, list[ET.Element]] = {}
    for each in ET.fromstring(xml).iter():  # noqa: S314  our own file
        found.setdefault(_SPACE.sub("", each.tag), []).append(each)
    return found


def colours(content: bytes, part: str = SHEET) -> Mapping[str, str]:
    """Which cells have a colour, and how their value is shown."""
    found = parts(content)
    styles, cells = elements(found[STYLES]), elements(found[part])["c"]
    [formats] = styles["cellXfs"]
    fills = [next((each.get("rgb", "") for each in fill.iter() if _SPACE.sub("", each.tag) == "fgColor"), "") for fill in styles["fill"]]
    shown = {str(cell.get("r")): formats[int(cell.get("s", 0))] for cell in cells}
    return {
        at: f"{fills[int(each.get('fillId', 0))][2:]} {each.get('numFmtId')}" for at, each in shown.items() if each.get("fillId") != "0"
    }


def with_rows(xml: str) -> bytes:
    header = "".join(
        f'<c r="{at}1" t="inlineStr"><is><t>{title}</t></is></c>' for at, title in zip("ABC", ("单位", "姓名", "编制数"), strict=True)
    )
    return sheet_of(f'<row r="1" spans="1:3">{header}</row>{xml}')


FORM = form_of(
    Form(
        TITLE,
        "bianban:x:1",
        ["填写说明"],
        [Column("单位", required=True, hint="全称"), Column("姓名"), Column("性别", choices=["男", "女"])],
    )
)


async def test_a_template_comes_back_with_its_instructions_choices_remarks_widths_and_mark() -> None:
    source = with_parts(
        FORM, {}, lambda name, data: data.replace(b"</sheetData>", _ROW + b"</sheetData>") if name.endswith("2.xml") else data
    )
    edited = {"xl/worksheets/sheet2.xml", STYLES}

    content = await returned(source)

    before, after = parts(source), parts(content)
    assert [name for name in before if name != STYLES] == [name for name in after if name != STYLES]
    assert {name: data for name, data in before.items() if name not in edited} == {n: d for n, d in after.items() if n not in edited}
    sheet = elements(after["xl/worksheets/sheet2.xml"])
    assert [each.get("sqref") for each in sheet["dataValidation"]] == ["C2:C20001"]
    assert len(sheet["legacyDrawing"]) == 1
    widths = [(each.get("min"), each.get("max"), each.get("width")) for each in sheet["col"]]
    assert widths == [("1", "3", "12.7109375"), ("4", "4", "80")]
    assert (len(sheet["pane"]), sheet["pane"][0].get("ySplit")) == (1, "1")
    assert colours(content, "xl/worksheets/sheet2.xml")["B2"] == "FFC7CE 164"
    place = held([content])
    async with opened(place, "a.xlsx", WANTED) as found:
        assert found.mark == "bianban:x:1"
    os.close(place)
    assert MARK in CalamineWorkbook.from_filelike(io.BytesIO(content)).sheet_names


_ROW = b'<row r="2"><c r="A2" t="inlineStr"><is><t>x</t></is></c></row>'


async def test_the_findings_stand_beside_and_are_text_and_the_cells_keep_how_they_are_shown() -> None:
    content = await returned(book(lambda made, sheet: sheet.write(1, 2, 3, made.add_format({"num_format": 2, "bold": True}))))

    assert rows(content) == [
        ["单位", "姓名", "编制数", FOUND],
        ["甲单位", "测试甲", 3.0, "错误·姓名：<请改正> & =1+1；提示·编制数：请核对"],
    ]
    assert colours(content) == {"B2": "FFC7CE 0", "C2": "FFEB9C 2"}
    assert "f" not in elements(parts(content)[SHEET])


async def test_formulas_rules_and_other_sheets_stay() -> None:
    def fill(made: Any, sheet: Any) -> None:
        sheet.write_formula(1, 1, "=1+1", None, 2)
        sheet.autofilter(0, 0, 1, 2)
        sheet.conditional_format(0, 0, 9, 2, {"type": "blanks", "format": made.add_format({"bold": True})})
        sheet.merge_range(3, 0, 3, 5, "合计")
        sheet.set_column(3, 20, 4, None, {"hidden": True})
        made.add_worksheet("别的").write(0, 0, "x")

    source = book(fill)
    content = await returned(source)

    sheet = elements(parts(content)[SHEET])
    assert [each.text for each in sheet["f"]] == ["1+1"]
    assert [len(sheet[name]) for name in ("autoFilter", "conditionalFormatting", "mergeCell")] == [1, 1, 1]
    assert [(each.get("min"), each.get("max"), each.get("hidden")) for each in sheet["col"]] == [("4", "4", None), ("5", "21", "1")]
    assert [each.get("ref") for each in sheet["dimension"]] == ["A1:U4"]
    assert rows(content, "别的") == [["x"]]
    assert colours(content) == {"B2": "FFC7CE 0", "C2": "FFEB9C 0"}


async def test_what_was_mended_loses_its_colour_and_its_sentence_when_it_comes_again() -> None:
    first = await returned(book())

    again = await returned(first, {TITLE: [[2, 2, "错误·编制数：不对", False]]})
    clean = await returned(first, {TITLE: []})

    assert rows(again)[1] == ["甲单位", "测试甲", 3.0, "错误·编制数：不对"]
    assert colours(again) == {"C2": "FFC7CE 0"}
    assert rows(clean) == [["单位", "姓名", "编制数", FOUND], ["甲单位", "测试甲", 3.0, ""]]
    assert colours(clean) == {}
    assert parts(clean)[SHEET].count(b"<pane") == 1


@pytest.mark.parametrize(
    "row",
    [
        '<row><c t="inlineStr"><is><t>甲</t></is></c><c t="inlineStr"><is><t>测</t></is></c><c><v>3</v></c></row>',
        "<row r='2' spans='1:9'>\n <c r='A2'><v>1</v></c>\n <c r='C2' s='0'/> <c r='I2' s='0'/></row>\n",
        '<row r="2"/>',
        "",
        '<row r="5"><c r="B5"><v>1</v></c></row>',
    ],
)
async def test_rows_as_other_programs_write_them_are_edited(row: str) -> None:
    content = await returned(with_rows(row))

    assert str(rows(content)[1][3]).startswith("错误·姓名")
    assert colours(content) == {"B2": "FFC7CE 0", "C2": "FFEB9C 0"}
    places = [str(each.get("r")) for each in elements(parts(content)[SHEET])["c"]]
    assert places == sorted(places, key=lambda at: (at[1:], at))
    assert len(set(places)) == len(places)


async def test_a_sheet_whose_elements_have_a_prefix_is_edited() -> None:
    def prefixed(name: str, data: bytes) -> bytes:
        if name not in {SHEET, STYLES}:
            return data
        return re.sub(rb"<(/?)([a-zA-Z])", rb"<\1x:\2", data.replace(b"xmlns=", b"xmlns:x="))

    content = await returned(with_parts(with_rows('<row r="2"><c r="B2"><v>1</v></c></row>'), {}, prefixed))

    assert colours(content) == {"B2": "FFC7CE 0", "C2": "FFEB9C 0"}
    assert b"<x:is>" in parts(content)[SHEET]
    assert str(rows(content)[1][3]).startswith("错误·姓名")


@pytest.mark.parametrize(
    "row",
    [
        '<row r="2"><c r="A2"><v>1</v></c><!-- x --></row>',
        '<row r="2"><c r="B2"><v>1</v></c><c r="A2"><v>1</v></c></row>',
        '<row r="2"><c r="A2" s="77"><v>1</v></c><c r="B2" s="77"><v>1</v></c></row>',
    ],
)
async def test_a_book_too_odd_to_be_edited_is_written_anew_and_says_so(row: str) -> None:
    content = await returned(with_rows(row))

    assert rows(content)[0] == ["单位", "姓名", "编制数", FOUND]
    assert {"B2", "C2"} <= colours(content).keys()
    assert "没有原文件的公式" in rows(content, "填写说明")[0][0]


async def test_a_computed_cell_that_was_refused_comes_back_as_the_formula() -> None:
    content = await returned(formula("1+1"), {TITLE: [[2, 0, "错误·单位：请选择性粘贴", False]]})

    assert b"<f>1+1</f>" in parts(content)[SHEET]
    assert colours(content) == {"A2": "FFC7CE 0"}


async def test_how_a_csv_says_it_is_divided_is_not_said_of_the_copy_which_is_divided_otherwise() -> None:
    place = held(["sep=;\n单位;姓名\n甲单位;甲\n".encode()])

    content = await annotated(place, "a.csv", {TITLE: [[3, None, "错误·单位：请改正", False]]})
    os.close(place)

    assert content.decode("utf-8-sig").splitlines() == [",,核对结果", "单位,姓名,", "甲单位,甲,错误·单位：请改正"]


async def test_digits_of_a_csv_outlive_its_copy_being_opened_in_a_spreadsheet() -> None:
    """They would be numbers there, of which fifteen digits stay."""
    place = held(['姓名,公民身份号码,电话,年龄\n甲,330499198603050004,"=""0571""",40\n乙,－,"=cmd|\'x\'!A0","=""a""&""b"""\n'.encode()])

    content = await annotated(place, "a.csv", {TITLE: []})
    os.close(place)
    place = held([content])
    again = await annotated(place, "a.csv", {TITLE: []})
    os.close(place)

    lines = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert lines[1][:4] == ["甲", "330499198603050004\t", '="0571"', "40"]
    assert lines[2][:4] == ["乙", "－", "'=cmd|'x'!A0", '\'="a"&"b"']
    assert again == content


async def test_in_a_csv_all_findings_stand_in_one_column_and_replace_those_of_before() -> None:
    found: Marks = {TITLE: [[3, None, "错误·单位：请改正", False]]}
    place = held(["某市花名册\n单位\t姓名\t编制数\n甲单位\t甲\n乙单位\t乙\t3\n".encode()])

    content = await annotated(place, "a.csv", found)
    os.close(place)
    place = held([content])
    again = await annotated(place, "a.csv", {TITLE: []})
    os.close(place)

    lines = ["某市花名册,,,核对结果", "单位,姓名,编制数,", "甲单位,甲,,错误·单位：请改正", "乙单位,乙,3,"]
    assert content.decode("utf-8-sig").split() == lines
    assert again.decode("utf-8-sig").split() == [*lines[:2], "甲单位,甲,,", lines[3]]


async def test_a_hundred_thousand_rows_come_back_within_the_limits() -> None:
    many, columns = 100_000, 6
    letters = "ABCDEF"
    cells: Sequence[str] = [f'<c r="{at}%d" t="inlineStr"><is><t>测试内容{at}</t></is></c>' for at in letters[:columns]]
    line = '<row r="%d">' + "".join(cells) + "</row>"
    source = sheet_of("".join(line % ((number,) * (columns + 1)) for number in range(1, many + 1)))

    content = await returned(source, {TITLE: [[number, 3, "错误·姓名：请改正", False] for number in range(2, many + 1, 2)]})

    assert parts(content)[SHEET].count("错误·姓名：请改正".encode()) == many // 2


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not on this machine")
async def test_libreoffice_opens_what_comes_back(tmp_path: Path) -> None:
    file = tmp_path / "a.xlsx"
    file.write_bytes(await returned(book()))

    in_utf8 = "csv:Text - txt - csv (StarCalc):44,34,76"  # otherwise as the locale has it
    child = await asyncio.create_subprocess_exec("soffice", "--headless", "--convert-to", in_utf8, "--outdir", str(tmp_path), str(file))

    assert await child.wait() == 0
    assert FOUND in (tmp_path / "a.csv").read_text(encoding="utf-8")
