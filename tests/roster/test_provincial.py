"""The register in the national format: their headers, their words, and the same workbook read back changes nothing."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.roster.models.fields import SHEETS, Kind
from services.roster.queries.exports import EXPORTS
from services.roster.queries.exports.provincial import formats
from shared.clock import Clock
from shared.crypto import masked_id_number
from shared.db import Database
from shared.events.envelope import uuid7
from shared.exports.commands import ask_export
from shared.exports.models import AskExport
from shared.exports.running import Office as ExportOffice
from shared.exports.shelf import Kept, Shelf
from shared.glossary import Role
from tests.exports.exporting import Taken, working
from tests.imports.rows import USCC, person, unit
from tests.roster import given
from tests.roster.importing import Office
from tests.shared.given import until

pytestmark = pytest.mark.asyncio
UNIT = unit(
    单位简称="甲", 机构规格="正科级", 单位性质="事业单位", 公益类别="公益一类", 单位经费形式="全额拨款", 行业="教育", 所属系统="政府",
    内设机构="办公室、财务科", 加挂牌子="乙中心", 主要职责="办学", 成立日期="2001-09-01",
)  # fmt: skip
QUOTA = {
    "单位": "甲单位",
    "编制类型": "事业编制",
    "经费形式": "全额拨款",
    "编制数": 5,
    "批准文号": "测编〔2020〕2号",
    "批准日期": "2020-03-01",
}
SEAT = {"单位": "甲单位", "职务层次": "单位正职", "核定职数": 1, "批准文号": "测编〔2020〕2号", "批准日期": "2020-03-01"}
FULL = person(
    0, 所在内设机构="办公室", 人员状态="在编在岗", 民族="汉族", 籍贯="示例省", 出生地="示例市", 政治面貌="中共党员", 入党时间="2008-07-01",
    参加工作时间="2008-08-01", 学历="本科毕业", 学位="管理学学士", 全日制学历="本科毕业", 毕业院校="示例大学", 专业="会计学", 毕业时间="2008-06-01",
    职务="主任", 任现职时间="2019-01-01", 专业技术职务="会计师", 岗位等级="专业技术八级", 是否高配="否", 进入形式="公开招聘", 进入来源="应届",
    入编文号="编入〔2015〕1号", 用编单编号="编核〔2015〕1号", 核编日期="2015-08-01", 占用职数="单位正职",
)  # fmt: skip


class Desk:
    """Files in and out of one roster."""

    def __init__(self, database: Database, url: str, folder: Path) -> None:
        self.imports = Office(database, folder)
        self.shelf = Shelf(folder / "shelf", given.CIPHER)
        self.exports = ExportOffice(database, url, EXPORTS, self.shelf, Clock(None), timedelta(days=1), "演示数据")
        self.database = database

    async def fill(self, people: list[dict[str, Any]]) -> None:
        file = {"单位": [UNIT, unit(单位名称="乙单位", 统一社会信用代码=USCC[1], 主管部门="甲单位")], "编制": [QUOTA], "领导职数": [SEAT]}
        for kind, rows in (("units", file["单位"]), ("quotas", file["编制"]), ("seats", file["领导职数"]), ("roster", people)):
            view = await self.imports.write(kind, rows, accept_valid=True)
            assert [await self.imports.said(view), await self.imports.refused(view)] == [[], []], kind

    async def take(self, *, unmasked: bool, name: str = "provincial", **filters: str) -> Taken:
        what = AskExport(
            export_id=uuid7(), list=name, format="xlsx", filters=filters, fields=(), unmasked=unmasked,
            roles=(Role.BUSINESS_OFFICER,), scope=None,
        )  # fmt: skip
        export_id = await ask_export(self.database, given.by(), what)

        async def over() -> Any:
            return await self.database.pool.fetchval("SELECT file FROM exports WHERE id = $1", export_id)

        await until(over)
        row: Any = await self.database.pool.fetchrow("SELECT file, file_bytes, sha256 FROM exports WHERE id = $1", export_id)
        return Taken(b"".join(self.shelf.pieces(Kept(*row))), "")


@pytest_asyncio.fixture
async def desk(stack: Place, roster_home: str, roster_db: Database, tmp_path: Path) -> AsyncIterator[Desk]:
    made = Desk(roster_db, stack.database_url("roster", roster_home), tmp_path)
    async with working(made.exports):
        yield made


async def test_the_workbook_speaks_the_upper_levels_words(desk: Desk) -> None:
    await desk.fill([FULL])

    file = await desk.take(unmasked=True)

    units, (quota,), (seat,), (someone,) = (file.records(title) for title in ("机构信息", "编制信息", "领导职数信息", "人员信息"))
    assert {(each["机构名称"], each["机构规格"], each["上级机构"], each["机构类别"]) for each in units} == {
        ("甲单位", "正科", "", "公益一类事业单位"),
        ("乙单位", "", "甲单位", "公益一类事业单位"),
    }
    assert (quota["核定编制数"], quota["实有人数"], seat["核定职数"], seat["实配职数"]) == (5, 1, 1, 1)
    coded = ("性别", "民族", "政治面貌", "学历", "学位")
    assert [str(someone[header]) for header in coded] == ["2", "01", "01", "21", "412"]
    assert someone["公民身份号码"] == FULL["公民身份号码"]
    assert (someone["入党时间"], someone["入编时间"]) == (date(2008, 7, 1), date(2015, 9, 1))


async def test_what_is_kept_only_here_is_not_handed_up(desk: Desk, roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    await given.quota(roster_db, given.Row(row.unit_id, "BW"), 2)
    await given.row(roster_db, 4, kind="GQE", category="GZ")
    await given.row(roster_db, 5, kind="BB", category="SY-H")

    file = await desk.take(unmasked=True)

    assert sorted(each["核定编制数"] for each in file.records("编制信息")) == [3, 5]
    assert {each["机构类别"] for each in file.records("机构信息")} == {"公益一类事业单位", "医院"}


async def test_masked_it_tells_no_number_and_no_sensitive_code(desk: Desk) -> None:
    await desk.fill([FULL])

    (someone,) = (await desk.take(unmasked=False)).records("人员信息")

    assert someone["公民身份号码"] == masked_id_number(FULL["公民身份号码"])
    assert [someone[header] for header in ("民族", "政治面貌", "入党时间")] == ["＊"] * 3


async def test_every_key_item_and_every_required_field_has_its_column() -> None:
    for format_ in formats():
        headers: dict[str, set[str]] = {}
        for sheet in format_.sheets:
            named = {column.field for column in sheet.columns}
            needed = {each.name for each in SHEETS[sheet.kind].fields if each.required or each.key}
            assert needed <= named, sheet.title
            for column in sheet.columns:
                field = SHEETS[sheet.kind].by_name.get(column.field)
                headers.setdefault(column.header, set()).add(field.label if field else "")
                assert column.codes == "label" or (field is not None and field.kind is Kind.CODE)
        assert [header for header, labels in headers.items() if len(labels) > 1] == []
