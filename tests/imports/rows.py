"""Rows of one sheet for the judge's tests: written as a user writes them, under the labels of the template."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from deploy.city.invented import Inventor
from services.roster.models.fields import SHEETS, Sheet
from services.roster.models.imports import UNITS_WITH_POSTS, JudgedRow, MappingFile, Problem
from services.roster.rules.imports.cells import Cell, Choices
from services.roster.rules.imports.mapping import translated
from services.roster.rules.imports.rows import LEADS, Layout, SheetJudge
from shared.sheets.headers import find
from shared.sheets.reading import Row

TODAY = date(2026, 9, 18)
BORN = date(1986, 3, 5)
MIGRATIONS = Path(__file__).parents[2] / "services/roster/migrations"
POPULATIONS = {"XZ": "public", "SY": "public", "ZF": "public", "BW": "off_establishment", "GQE": "state_enterprise"}
Cells = dict[str, Any]


def choices() -> dict[str, Choices]:
    """The code sets as the migrations hold them, and the four tables of their own."""
    rows: dict[str, list[tuple[str, str, Sequence[str]]]] = {}
    text = "".join(
        (MIGRATIONS / name).read_text(encoding="utf-8")
        for name in ("1020_code_sets.sql", "1094_sexes_whole.sql", "1101_more_of_a_person.sql")
    )
    for block in re.split(r"INSERT INTO codes", text)[1:]:
        found = re.search(r"SELECT '(\w+)'", block)
        assert found is not None
        values = re.findall(r"\(\d+, '([^']+)', '([^']+)', '([^']*)'(?:, '(\d)')?", block)
        rows.setdefault(found.group(1), []).extend(
            (code, label, [*aliases.split(), *standard]) for code, label, aliases, standard in values
        )
    rows |= {
        "kinds": [
            ("XZ", "行政编制", ()),
            ("SY", "事业编制", ()),
            ("ZF", "政法专项编制", ()),
            ("BW", "编外用工控制数", ()),
            ("ZZ", "周转编制", ()),
        ],
        "fundings": [("state", "财政拨款", ()), ("full", "全额拨款", ())],
        "categories": [("ZJ-Z", "镇", ()), ("SY-1", "公益一类事业单位", ())],
        "entry_reasons": [("open_recruitment", "公开招聘", ()), ("transfer", "调动", ())],
        "exit_reasons": [("retirement", "退休", ()), ("resignation", "辞职", ())],
    }
    return {name: Choices.of(each) for name, each in rows.items()}


CHOICES = choices()
_INVENTOR = Inventor(1)
NUMBERS = [_INVENTOR.id_number(BORN, "F") for _ in range(8)]
USCC = [Inventor(seed).uscc("12") for seed in range(4)]


def sheet_of(kind: str) -> Sheet:
    return UNITS_WITH_POSTS if kind == UNITS_WITH_POSTS.kind else SHEETS[kind]


def person(place: int = 0, /, **changes: Any) -> Cells:
    """A good row of 人员; None takes a cell away."""
    cells: Cells = {
        "单位": "甲单位",
        "编制类型": "事业编制",
        "经费形式": "全额拨款",
        "姓名": f"测试{'甲乙丙丁戊己庚辛'[place]}",
        "公民身份号码": NUMBERS[place],
        "性别": "女",
        "出生日期": BORN.isoformat(),
        "人员身份": "专业技术人员",
        "岗位类别": "专业技术岗位",
        "入编时间": "2015-09-01",
    }
    return cells | changes


def outside(**changes: Any) -> Cells:
    """A good row of 编外人员."""
    cells = {name: value for name, value in person().items() if name not in {"编制类型", "经费形式", "入编时间"}}
    return cells | {"人员身份": "编外人员", "编外岗位类别": "窗口服务", "用工方式": "合同制", "用工起始": "2021-05-01"} | changes


def unit(**changes: Any) -> Cells:
    """A good row of 单位."""
    cells: Cells = {
        "单位名称": "甲单位",
        "统一社会信用代码": USCC[0],
        "单位类别": "公益一类事业单位",
        "批准文号": "测编〔2020〕1号",
        "批准日期": "2020-03-01",
    }
    return cells | changes


def judged(
    kind: str, rows: Sequence[Mapping[str, Cell]], mapping: MappingFile | None = None, **options: Any
) -> list[JudgedRow | list[Problem]]:
    """Each row as the judge takes it: row numbers as in a sheet, the first below the header is 2."""
    return judge_of(kind, rows, mapping, **options)[0]


def judge_of(
    kind: str, rows: Sequence[Mapping[str, Cell]], mapping: MappingFile | None = None, **options: Any
) -> tuple[list[JudgedRow | list[Problem]], list[Problem]]:
    """The same, and what is said at the end of the sheet."""
    how = translated(sheet_of(kind), CHOICES, mapping)
    titles = list(dict.fromkeys(title for row in rows for title in row))
    header = find([(1, titles)], [], how.columns, how.own)
    assert header is not None
    names = list(header.columns)
    extracted = [(titles.index(source), name, pattern) for source, name, pattern in how.extract]
    judge = SheetJudge(
        Layout(sheet_of(kind), names, how, [name for _, name, _ in extracted]), TODAY, POPULATIONS, **{"political_legal": False} | options
    )
    lines = []
    for number, row in enumerate(rows, start=2):
        line = [row.get(title) for title in titles]
        found = [re.search(pattern, str(line[place] or "")) for place, _, pattern in extracted]
        cells = [line[header.columns[name]] for name in names] + [*line, None, None, None][:LEADS]
        lines.append(Row(number, [*cells, *(each and each.group("value") for each in found)]))
    return judge.judge(lines), judge.close()


def one(kind: str, row: Mapping[str, Cell], mapping: MappingFile | None = None, **options: Any) -> JudgedRow:
    [answer] = judged(kind, [row], mapping, **options)
    assert isinstance(answer, JudgedRow)
    return answer


def said(row: JudgedRow) -> list[tuple[str, bool]]:
    """Field and whether a warning."""
    return [(problem.field, problem.warning) for problem in row.problems]
