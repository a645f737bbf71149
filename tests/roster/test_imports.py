"""A file is checked whole, written unit by unit, and changes nothing the second time."""

from pathlib import Path
from typing import Any

import pytest

from services.roster.models.imports import ImportState
from shared.db import Database
from tests.imports.rows import USCC, person, unit
from tests.roster.importing import Office

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
        {"units": 1, "quotas": 1, "seats": 0, "persons": 2, "over_quota": 0, "changed": 0},
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
