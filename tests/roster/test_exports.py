"""Lists out of the roster: the figures are those of the screen, the scope is the asker's, sensitive fields are masked, and each export is on record."""

import asyncio
import io
import zipfile
from datetime import date, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest

from services.roster.commands.corrections import correct_placement
from services.roster.commands.quotas import raise_quota, set_quota
from services.roster.commands.unit_changes import change_unit
from services.roster.commands.units import set_seats
from services.roster.models.requests import CorrectPlacement, RaiseQuota, SetQuota, SetSeats
from services.roster.models.units import ChangeUnit
from services.roster.queries.exports import EXPORTS
from services.roster.queries.ledger import MATTERS
from shared.clock import at_hour
from shared.db import Database
from shared.events import roster as events
from shared.exports import running
from shared.exports.running import clear_shelf
from shared.exports.shelf import Kept, Shelf
from shared.glossary import Role
from tests.exports.exporting import Taken, asked, ended, taken, working
from tests.imports.rows import USCC, person, unit
from tests.roster import given
from tests.roster.exporting import House, named
from tests.roster.importing import Office as Importing
from tests.roster.importing import book, with_posts
from tests.roster.reforming import carried_out
from tests.roster.test_seat_lists import led

pytestmark = pytest.mark.asyncio
FIGURES = {
    "编制数": "quota",
    "实有数": "headcount",
    "空编": "vacancy",
    "超编": "overstaffing",
    "已核未用": "reserved",
    "冻结数": "frozen",
    "可用编": "available",
    "使用率": "saturation",
}


async def test_every_list_can_be_taken_and_is_empty_where_there_is_nothing(house: House) -> None:
    for name, each in EXPORTS.lists.items():
        asker = {"audit.read": Role.AUDIT_ADMIN, "upkeep.read": Role.SYSTEM_ADMIN}.get(each.permission, Role.BUSINESS_OFFICER)
        assert (await house.take(name, asker)).sheets(), name


async def test_what_can_be_had_of_a_list_is_told_before_it_is_asked_for(idle: House) -> None:
    lines = {each["name"]: each for each in (await idle.doors.http.get("/exports/lists", headers=idle.doors.office)).json()["items"]}

    assert {name: line["sensitive"] for name, line in lines.items() if name in {"units", "roster", "provincial"}} == {
        "units": False,
        "roster": True,
        "provincial": True,
    }
    assert [name for name, line in lines.items() if not line["columns"]] == [name for name in lines if name.startswith("provincial")]


async def test_the_figures_of_a_row_are_those_of_the_screen_and_of_the_hand(house: House, roster_db: Database) -> None:
    over, empty, free = await given.row(roster_db, 1), await given.row(roster_db, 0), await given.row(roster_db, 4)
    await given.in_post(roster_db, over)
    for row in (over, over, empty):
        await given.over_quota(roster_db, row)
    await given.in_post(roster_db, free)
    await given.reservation(roster_db, free, 2)
    term = SetQuota(**free.key, posts=4, effective_on=date(2026, 9, 3), document_on=date(2026, 9, 3), use_until=date(2026, 12, 31))
    await set_quota(roster_db, given.by(), term)

    records = (await house.take("quotas")).records()

    by_hand = {
        over.unit_id: (1, 3, 0, 2, 0, 0, -2, 3.0),
        empty.unit_id: (0, 1, 0, 1, 0, 0, -1, ""),
        free.unit_id: (4, 1, 3, 0, 2, 0, 1, 0.25),
    }
    for unit_id, figures in by_hand.items():
        screen = (await house.doors.http.get(f"/units/{unit_id}", headers=house.doors.office)).json()
        (record,) = [each for each in records if each["单位编码"] == screen["code"]]
        assert tuple(record[label] for label in FIGURES) == figures
        assert tuple("" if (value := screen["establishments"][0][name]) is None else value for name in FIGURES.values()) == figures
    assert [each["空编率"] for each in records] == [0.0, "", 0.75]
    assert [str(each["使用期限"]) for each in records] == ["", "", "2026-12-31"]


async def test_the_sums_of_a_unit_are_those_of_its_page(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await given.in_post(roster_db, row)
    outside = given.Row(row.unit_id, "BW")
    await given.quota(roster_db, outside, 1)

    (record,) = (await house.take("statistics")).records()
    page = (await house.doors.http.get(f"/units/{row.unit_id}/populations", headers=house.doors.office)).json()

    shown = page["establishment"]
    labels = {
        "编制数": "quota",
        "实有数": "headcount",
        "空编": "vacancy",
        "超编": "overstaffing",
        "使用率": "saturation",
        "空编率": "vacancy_rate",
    }
    assert {label: record[label] for label in labels} == {label: shown[name] for label, name in labels.items()}
    assert (record["编外用工控制数"], record["编外占比"]) == (1, page["off_establishment_ratio"])


async def test_as_of_a_day_the_list_is_what_it_was(house: House, roster_db: Database) -> None:
    row = given.Row(await given.unit(roster_db))
    await given.quota(roster_db, row, 2, date(2025, 1, 1))
    await given.in_post(roster_db, row, date(2020, 3, 1))

    (before,) = (await house.take("quotas", filters={"as_of": "2024-12-31"})).records()
    (after,) = (await house.take("quotas", filters={"as_of": "2025-01-01"})).records()

    assert (before["编制数"], before["实有数"], before["空编"], before["使用率"]) == ("", 1, "", "")
    assert (after["编制数"], after["实有数"], after["空编"], after["使用率"]) == (2, 1, 1, 0.5)


async def test_a_closed_month_is_taken_as_it_was_known_then(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    _, placement_id = await given.in_post(roster_db, row, date(2020, 3, 1))
    wrong = CorrectPlacement(placement_id=placement_id, started_on=date(2026, 9, 1))
    await correct_placement(roster_db, given.by("更正1号", at=at_hour(given.TODAY + timedelta(days=1), 9)), wrong)

    months = [{"as_of": "2026-08-31"}, {"as_of": "2026-08-31", "known_on": str(given.TODAY)}]
    taken = {name: [(await house.take(name, filters=each)).records() for each in months] for name in ("quotas", "statistics", "roster")}

    assert [records[0]["实有数"] for records in taken["quotas"]] == [0, 1]
    assert [records[0]["实有数"] for records in taken["statistics"]] == [0, 1]
    assert [len(records) for records in taken["roster"]] == [0, 1]


async def test_a_list_that_is_written_beside_an_import_is_of_one_moment(
    house: House, office: Importing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Must fail when its sheets are counted in one look at the register and read in another."""
    await office.write("roster", {"单位": [with_posts(3)], "人员": [person(0)]})
    more = {"单位": [with_posts(3, 单位名称="乙单位", 统一社会信用代码=USCC[1])], "人员": [person(1), person(2, 单位="乙单位")]}
    coming, put, loop = await office.check("roster", more), running._put, asyncio.get_running_loop()

    def overtaken(*told: Any) -> None:
        asyncio.run_coroutine_threadsafe(office.apply(coming), loop).result()
        put(*told)

    with monkeypatch.context() as patched:
        patched.setattr(running, "_put", overtaken)
        beside = await house.take("provincial")
    after = await house.take("provincial")

    assert (await office.view(coming.id)).written["persons"] == 2
    for file, sizes in ((beside, [1, 1, 1]), (after, [2, 2, 3])):
        lines = [rows for rows in file.sheets().values() if len(rows) > 2]
        assert [len(rows) - 2 for rows in lines] == sizes
        assert [f"共 {size} 行" in rows[0][0] for rows, size in zip(lines, sizes, strict=True)] == [True] * 3


async def test_unmasked_needs_the_role_and_a_reason(house: House) -> None:
    refused = [
        (await house.ask("roster", Role.SUPERVISION_OFFICER, unmasked=True, reason="核对档案原件"))["code"],
        *[(await house.ask("roster", unmasked=True, reason=none))["code"] for none in ("好", "1234")],
        (await house.ask("roster", Role.COMMISSION))["code"],
        (await house.ask("no_such_list"))["code"],
        (await house.ask("units", fields=["no_such_field"]))["code"],
        (await house.ask("units", filters={"as_of": "昨天"}))["code"],
        (await house.ask("units", filters={"name": "某人"}))["code"],
        *[(await house.ask(name, filters={day: "9999-12-31"}))["code"] for name, day in (("units", "known_on"), ("ledger", "as_of"))],
    ]

    assert refused == [
        "export_not_unmasked",
        *["export_reason_missing"] * 2,
        "export_list_unknown",
        "export_list_unknown",
        "export_field_unknown",
        "export_filter_value_unknown",
        "export_filter_unknown",
        *["export_filter_value_unknown"] * 2,
    ]


async def test_a_list_is_not_narrowed_to_nothing_by_a_value_that_no_row_can_have(idle: House) -> None:
    told = [
        (await idle.ask(name, filters={filter_: value}))["detail"]
        for name, filter_, value in (
            ("roster", "sex", "女"),
            ("quotas", "kind", "行政编制"),
            ("seats", "level", "正职"),
            ("ledger", "matter", "入编"),
            ("roster", "population", "机关"),
            ("differences", "kind", "人员"),
            ("units", "sort", "名称"),
            ("quotas", "below", "是"),
            ("units", "unit", "某局"),
            ("differences", "field", "学历"),
        )
    ]
    reversed_ = await idle.ask("ledger", filters={"since": "2026-09-19", "as_of": "2026-09-18"})
    known = await idle.ask("differences", filters={"kind": "field_differs"})

    assert told[0] == "筛选条件 sex（性别）不能是这个值。可用：M（男）、F（女）、unknown_sex（未知）、unsaid_sex（未说明）。"
    assert "XZ（行政编制）、" in told[1]
    assert "可用：unit_head（单位正职）、" in told[2]
    assert "roster.person_placed.v1（" in told[3]
    assert told[4].endswith("可用：public（机关事业）、state_enterprise（国资）。")
    assert told[5].startswith("筛选条件 kind（差异种类）不能是这个值。可用：")
    assert "、-name（名称（倒序））。" in told[6]
    assert told[7].endswith("可用：true（含下级单位）、false（仅本单位）。")
    assert told[8].endswith("可用：格式如 一个编号。")
    assert "education（学历）" in told[9]
    assert reversed_["code"] == "period_reversed"
    assert known["state"] == "export_waiting"


@pytest.mark.parametrize("name", [name for name, each in EXPORTS.lists.items() if "unit" in each.filters and name != "secondments"])
async def test_nobody_takes_rows_from_outside_his_units(house: House, roster_db: Database, name: str) -> None:
    mine, other = await given.row(roster_db, 3), await given.row(roster_db, 3)
    below = await given.row(roster_db, 3, parent=mine.unit_id)
    for row in (mine, other, below):
        await given.in_post(roster_db, row)
        await given.reservation(roster_db, row)
        await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=1, effective_on=given.TODAY))
    clerk = {"units": (mine.unit_id,)}
    rows = await roster_db.pool.fetch("SELECT id, code, name FROM units")
    known = {word for row in rows if row["id"] in {mine.unit_id, below.unit_id} for word in (row["code"], row["name"])}

    seen = named(await house.take(name, Role.UNIT_CLERK, **clerk))
    filtered = named(await house.take(name, Role.UNIT_CLERK, **clerk, filters={"unit": str(other.unit_id)}))

    assert seen <= known
    assert bool(seen) is (name not in {"offestablishment", "differences"})  # nobody of these is given here
    assert filtered == set()


async def test_units_are_narrowed_as_their_page_is(house: House, roster_db: Database) -> None:
    for category in ("SY-1", "SY-2"):
        await given.unit(roster_db, category=category)
    await roster_db.pool.execute(
        "UPDATE unit_records SET nature = 'institution', public_welfare = 'welfare_2', sector = 'education' WHERE category = 'SY-2'"
    )
    of_record = {"nature": "institution", "public_welfare": "welfare_2", "sector": "education"}
    for query, number in (
        ({"category": "SY-2"}, 1),
        (of_record, 1),
        ({"sector": "health"}, 0),
        ({"q": "ceshidanwei", "sort": "-name"}, 2),
        ({"q": "医院", "sort": "name"}, 0),
    ):
        page = (await house.doors.http.get("/units", params=query, headers=house.doors.office)).json()["items"]
        file = await house.take("units", filters=query)
        assert [each["code"] for each in page] == [record["单位编码"] for record in file.records()]
        assert len(page) == number


async def test_the_list_of_units_tells_what_they_were_called_before(house: House, roster_db: Database) -> None:
    unit_id, same = await given.unit(roster_db), await given.unit(roster_db)
    first = await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", unit_id)
    for name, day in (("中间名", date(2026, 9, 9)), ("现用名", date(2026, 9, 12))):
        await change_unit(roster_db, given.by(), ChangeUnit(unit_id=unit_id, effective_on=day, name=name))
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=same, effective_on=date(2026, 9, 12), short_name="简称"))

    now, then = [(await house.take("units", filters=day)).records() for day in ({}, {"as_of": "2026-09-10"})]

    assert {each["单位名称"]: each["曾用名"] for each in now if each["曾用名"]} == {
        "现用名": f"中间名（至 2026-09-12）、{first}（至 2026-09-09）"
    }
    assert {each["单位名称"]: each["曾用名"] for each in then if each["曾用名"]} == {"中间名": f"{first}（至 2026-09-09）"}


async def test_the_ledger_of_a_unit_is_narrowed_as_its_page_is(house: House, roster_db: Database) -> None:
    above = await given.row(roster_db, 2)
    below = await given.row(roster_db, 1, parent=above.unit_id)
    own = {"unit": str(above.unit_id), "below": "false"}
    both = own | {"below": "true"}
    for query, number in ((own, 2), (both, 4), (both | {"type": "roster.quota_changed.v1", "sort": "-at"}, 2)):
        page = (await house.doors.http.get("/ledger", params=query, headers=house.doors.office)).json()["items"]
        filters = {("matter" if name == "type" else name): value for name, value in query.items()}
        file = await house.take("ledger", filters={"sort": "-at"} | filters)
        assert [record["记录编号"] for record in file.records()] == [each["event_id"] for each in page]
        assert len(page) == number
    assert "事项为编制数变更" in file.mark
    assert below.unit_id != above.unit_id


async def test_the_ledger_as_a_file_tells_leadership_posts_as_its_page_does(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=2, effective_on=given.TODAY))

    records = {each["事项"]: each["变更后领导职数"] for each in (await house.take("ledger", filters={"unit": str(row.unit_id)})).records()}

    assert records.pop("领导职数变更") == "单位正职 核定 2、实配 0"
    assert not any(records.values())


async def test_the_ledger_as_a_file_tells_from_which_number_of_posts_to_which(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await raise_quota(roster_db, given.by(), RaiseQuota(**row.key, posts=1, effective_on=given.TODAY, document_on=given.TODAY))

    records = (await house.take("ledger", filters={"unit": str(row.unit_id), "matter": "roster.quota_changed.v1"})).records()

    assert [each["变更后编制情况"].split(" ", 1)[1] for each in records] == ["2、实有数 0", "2→3、实有数 0"]


async def test_files_brought_in_are_taken_as_their_page_shows_them_and_by_who_keeps_the_roster_alone(
    house: House, roster_db: Database
) -> None:
    mine = await given.unit(roster_db)
    partial: dict[str, Any] = {"units": (mine,)}
    content = book({"单位": [unit(编制类型="事业编制", 经费形式="全额拨款", 编制数=1)]})
    for who, name in (
        (house.doors.office, "=甲.xlsx"),
        (house.doors.as_(Role.BUSINESS_OFFICER, Role.UNIT_CLERK), "乙.xlsx"),
        (house.doors.as_(Role.UNIT_CLERK, Role.BUSINESS_OFFICER, **partial), "丙.xlsx"),
    ):
        answer = await house.doors.http.post("/imports", files={"file": (name, content)}, data={"kind": "units"}, headers=who)
        assert answer.status_code == 202, answer.text
    none = dict.fromkeys(("wrong", "added", "changed", "same", "left_out"), 0)
    counts = {"units": none | {"wrong": 1, "added": 2, "same": 3}, "quotas": none | {"wrong": 1}}
    whole = "UPDATE imports SET state = 'import_checked', rows_read = 7, errors = 2, counts = $1 WHERE file_name = '=甲.xlsx'"
    await roster_db.pool.execute(whole, counts)

    taken_all = (await house.take("imports")).records()
    own = (await house.take("imports", Role.UNIT_CLERK, Role.BUSINESS_OFFICER, **partial)).records()
    page = (await house.doors.http.get("/imports", headers=house.doors.office)).json()["items"]
    refused = [(await house.ask(name, Role.SUPERVISION_OFFICER))["code"] for name in ("imports", "comparisons")]

    shown = [(each["id"], each["file_name"], each["state_label"], each["title"], each["actor"]) for each in page]
    assert [tuple(each[label] for label in ("导入编号", "文件", "状态", "导入内容", "上传人")) for each in taken_all] == shown
    assert [each["文件"] for each in own] == ["丙.xlsx"]
    (checked,) = [each for each in taken_all if each["文件"] == "=甲.xlsx"]
    figures = ("行数", "新增行数", "变更行数", "相同行数", "有错误行数", "不导入行数", "错误", "提示")
    assert [checked[label] for label in figures] == [7, 2, 0, 3, 2, 0, 2, 0]
    assert refused == ["export_list_unknown"] * 2


async def test_the_trail_is_taken_with_the_names_of_its_units(house: House, roster_db: Database) -> None:
    row, other = await given.row(roster_db, 2), await given.row(roster_db, 1)
    name = await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", row.unit_id)
    auditor = house.doors.as_(Role.AUDIT_ADMIN)
    page = (await house.doors.http.get("/trail", params={"unit": str(row.unit_id)}, headers=auditor)).json()["items"]

    everything = (await house.take("trail_roster", Role.AUDIT_ADMIN)).records()
    file = await house.take("trail_roster", Role.AUDIT_ADMIN, filters={"of_unit": str(row.unit_id)})

    assert [each["记录编号"] for each in file.records()] == [each["id"] for each in page]
    assert {each["单位"] for each in file.records()} == {name}
    assert f"单位为{name}" in file.mark
    assert len(everything) == 2 * len(page)
    assert other.unit_id != row.unit_id


async def test_posts_are_narrowed_by_all_that_their_page_is_narrowed_by(house: House, roster_db: Database) -> None:
    above = await given.row(roster_db, 1)
    below = await given.row(roster_db, 0, parent=above.unit_id)
    outside = given.Row(above.unit_id, "BW")
    await given.quota(roster_db, outside, 2)
    await given.over_quota(roster_db, below)
    for query, number in (
        ({"unit": str(above.unit_id), "below": "false"}, 2),
        ({"over": "true"}, 1),
        ({"vacant": "true"}, 2),
        ({"vacant": "true", "counted": "true"}, 1),
        ({"counted": "false"}, 1),
        ({"kind": "SY", "funding": "full", "sort": "-unit"}, 2),
    ):
        page = (await house.doors.http.get("/posts", params=query, headers=house.doors.office)).json()["items"]
        file = await house.take("quotas", filters=query)
        assert [(each["unit_code"], each["quota"]) for each in page] == [(each["单位编码"], each["编制数"]) for each in file.records()]
        assert len(page) == number
    assert "编制类型为事业编制" in file.mark
    assert "经费形式为全额拨款" in file.mark


async def test_leadership_posts_are_taken_as_their_page_shows_them(house: House, roster_db: Database) -> None:
    top, _ = await led(roster_db)
    for query, number in (
        ({"over": "true"}, 1),
        ({"vacant": "true"}, 1),
        ({"level": "unit_head", "sort": "-unit"}, 2),
        ({"unit": str(top.unit_id), "below": "false"}, 2),
        ({"unit": str(top.unit_id), "sort": "level"}, 3),
        ({"below": "false"}, 3),
        ({"as_of": "2024-06-01", "vacant": "true"}, 3),
    ):
        page = (await house.doors.http.get("/seats", params=query, headers=house.doors.office)).json()["items"]
        file = await house.take("seats", filters=query)
        titles = {
            "单位编码": "unit_code",
            "职务层次": "level_label",
            "核定职数": "approved",
            "实配": "used",
            "空缺": "vacant",
            "超职数": "over",
        }
        assert [[record[title] for title in titles] for record in file.records()] == [
            [each[name] for name in titles.values()] for each in page
        ]
        assert len(page) == number
    told = await house.take("seats", filters={"level": "unit_head", "over": "true", "vacant": "true", "sort": "-level"})
    for each in ("职务层次为单位正职", "超职数与否为只要超职数的", "空缺与否为只要有空缺的", "次序为职务层次（倒序）"):
        assert each in told.mark


async def test_the_scope_is_that_of_the_tree_when_the_list_is_written(idle: House, roster_db: Database) -> None:
    mine = await given.row(roster_db, 2)
    who = idle.doors.as_(Role.UNIT_CLERK, units=(mine.unit_id,))
    view = await asked(idle.doors.http, who, "units")
    await given.row(roster_db, 1, parent=mine.unit_id)

    async with working(idle.office):
        await ended(idle.doors.http, who, view["id"])
        file = Taken((await idle.doors.http.get(f"/exports/{view['id']}/file", headers=who)).content, "")

    assert len(file.records()) == 2


async def test_what_looks_like_a_formula_is_text_in_both_kinds_of_file(house: House, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await roster_db.pool.execute(
        "UPDATE unit_records SET name = '=HYPERLINK(\"http://x\")', short_name = '+86' WHERE unit_id = $1", unit_id
    )

    book = await house.take("units", fields=["name", "short_name"])
    lines = (await house.take("units", format="csv", fields=["name", "short_name"])).lines()

    assert book.rows[2] == ['=HYPERLINK("http://x")', "+86"]
    assert b"<f>" not in b"".join(part for part in parts_of(book.content))
    assert lines[2] == ['\'=HYPERLINK("http://x")', "'+86"]


def parts_of(content: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        return [book.read(name) for name in book.namelist() if name.startswith("xl/worksheets/")]


async def test_the_mark_says_who_when_why_how_much_and_that_it_is_invented(house: House, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    name = await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", unit_id)

    file = await house.take("units", reason="报市领导", filters={"unit": str(unit_id), "as_of": "2026-09-18", "category": "SY-1"})
    of_another = await house.take("units", Role.UNIT_CLERK, units=(await given.unit(roster_db),), filters={"unit": str(unit_id)})

    narrowed = f"筛选：单位（含下级）为{name}，以哪一天为准为2026-09-18，单位类别为公益一类事业单位　"
    assert (narrowed in file.mark, name in of_another.mark) == (True, False)
    parts = ("单位", "导出人：business_officer-user　", "用途：报市领导", "共 1 行", "演示数据", "数据截至：")
    assert [part for part in parts if part not in file.mark] == []
    assert unquote(file.name).split("''")[1].startswith("单位-")


async def test_the_mark_of_each_form_names_him_as_people_do(house: House, roster_db: Database) -> None:
    await given.unit(roster_db)

    sheet, lines = [
        await taken(house.doors.http, house.doors.as_(Role.BUSINESS_OFFICER, called="沈一平"), "units", format=form)
        for form in ("xlsx", "csv")
    ]

    assert "导出人：沈一平（business_officer-user）　" in sheet.mark
    assert "导出人：沈一平（business_officer-user）　" in lines.content.decode("utf-8-sig").splitlines()[0]


async def test_the_shelf_holds_nothing_readable_and_nothing_half(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await given.in_post(roster_db, row)

    file = await house.take("roster", format="csv")
    (name,) = house.office.shelf.names()
    lying = (house.office.shelf.folder / name).read_bytes()

    assert "测试人员".encode() in file.content
    assert "测试人员".encode() not in lying


async def test_each_export_and_each_download_is_on_record_for_ever(house: House, roster_db: Database) -> None:
    await given.unit(roster_db)
    await house.take("units", filters={"as_of": "2026-01-01"}, reason="存档")
    auditor = house.doors.as_(Role.AUDIT_ADMIN)

    (entry,) = (await house.doors.http.get("/exports/audit", headers=auditor)).json()["items"]

    assert (entry["actor"], entry["list"], entry["filters"]) == ("business_officer-user", "units", {"as_of": "2026-01-01"})
    assert (entry["rows_done"], entry["unmasked"], entry["reason"]) == (1, False, "存档")
    assert [each["actor"] for each in entry["downloads"]] == ["business_officer-user"]
    for statement in ("DELETE FROM exports", "UPDATE exports SET reason = 'x'", "DELETE FROM export_downloads"):
        with pytest.raises(Exception, match=r"never changed|permission denied"):
            await roster_db.pool.execute(statement)


async def test_the_record_of_exports_is_narrowed_by_who_asked_or_took_and_by_the_number_of_the_file(
    house: House, roster_db: Database
) -> None:
    await given.unit(roster_db)
    await house.take("units", filters={"as_of": "2026-01-01"})
    await house.take("units", Role.SUPERVISION_OFFICER)
    auditor = house.doors.as_(Role.AUDIT_ADMIN)

    async def found(**narrowed: str) -> list[str]:
        items = (await house.doors.http.get("/exports/audit", params=narrowed, headers=auditor)).json()["items"]
        return [each["actor"] for each in items]

    last, first = (await house.doors.http.get("/exports/audit", headers=auditor)).json()["items"]
    await roster_db.pool.execute("INSERT INTO export_downloads (export_id, actor, at) VALUES ($1, 'taker', now())", UUID(first["id"]))
    assert await found(actor=last["actor"]) == [last["actor"]]
    assert await found(export=first["id"]) == [first["actor"]]
    assert await found(actor=last["actor"], export=first["id"]) == []
    assert await found(actor="taker") == [first["actor"]]


async def test_another_mans_export_is_none(house: House, roster_db: Database) -> None:
    await given.unit(roster_db)
    view = await house.ask("units")
    other = house.doors.as_(Role.SUPERVISION_OFFICER)

    answers = [
        (await house.doors.http.get(f"/exports/{view['id']}{path}", headers=other)).json()["code"] for path in ("", "/file", "/progress")
    ]
    answers.append((await house.doors.http.post(f"/exports/{view['id']}/cancel", headers=other)).json()["code"])

    assert answers == ["export_unknown"] * 4


async def test_a_right_that_is_gone_opens_no_file(house: House, roster_db: Database) -> None:
    mine = await given.row(roster_db, 2)
    view = await house.ask("units", Role.UNIT_CLERK)
    await ended(house.doors.http, house.doors.as_(Role.UNIT_CLERK), view["id"])

    narrowed = house.doors.as_(Role.UNIT_CLERK, units=(mine.unit_id,))
    answer = await house.doors.http.get(f"/exports/{view['id']}/file", headers=narrowed)

    assert answer.json()["code"] == "export_rights_changed"


async def test_a_cancelled_export_leaves_no_file(idle: House) -> None:
    view = await idle.ask("units")
    who = idle.doors.office
    early = await idle.doors.http.get(f"/exports/{view['id']}/file", headers=who)
    cancelled = await idle.doors.http.post(f"/exports/{view['id']}/cancel", headers=who)

    async with working(idle.office):
        state = (await ended(idle.doors.http, who, view["id"]))["state"]

    assert (early.json()["code"], cancelled.status_code, state) == ("export_not_ready", 204, "export_cancelled")
    assert idle.office.shelf.names() == []


async def test_an_export_that_is_cancelled_at_its_last_moment_leaves_no_file_and_one_that_is_there_stays(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    who, keep, loop = house.doors.office, Shelf.keep, asyncio.get_running_loop()

    async def cancelled(export_id: str) -> httpx.Response:
        return await house.doors.http.post(f"/exports/{export_id}/cancel", headers=who | {"idempotency-key": str(uuid4())})

    def kept(shelf: Shelf, export_id: UUID, *told: Any) -> Kept:
        asyncio.run_coroutine_threadsafe(cancelled(str(export_id)), loop).result()
        return keep(shelf, export_id, *told)

    with monkeypatch.context() as patched:
        patched.setattr(Shelf, "keep", kept)
        late = await ended(house.doors.http, who, (await house.ask("units"))["id"])
    left = house.office.shelf.names()
    there = await ended(house.doors.http, who, (await house.ask("units"))["id"])
    over = await cancelled(there["id"])
    file = await house.doors.http.get(f"/exports/{there['id']}/file", headers=who)

    assert (late["state"], left) == ("export_cancelled", [])
    assert (there["state"], over.json()["code"], file.status_code) == ("export_done", "export_over", 200)


async def test_progress_is_told_until_the_end(house: House) -> None:
    view = await house.ask("units")
    async with house.doors.http.stream("GET", f"/exports/{view['id']}/progress", headers=house.doors.office) as answer:
        lines = [line async for line in answer.aiter_lines() if line.startswith("data:")]

    assert '"state":"export_done"' in lines[-1]
    again = await house.doors.http.get(
        f"/exports/{view['id']}/progress", headers=house.doors.office | {"last-event-id": "1000"}
    )  # fmt: skip
    assert again.status_code == 204


async def test_a_file_is_deleted_when_its_time_is_over(house: House, roster_db: Database) -> None:
    await given.unit(roster_db)
    file = await house.take("units")
    assert file.records()
    await roster_db.pool.execute("UPDATE exports SET keep_until = now() - interval '1 second'")
    (house.office.shelf.folder / "left-over.part").write_bytes(b"half")

    await clear_shelf(house.office)

    assert house.office.shelf.names() == []
    (mine,) = (await house.doors.http.get("/exports", headers=house.doors.office)).json()["items"]
    assert (mine["state"], mine["rows_done"]) == ("export_expired", 1)


async def test_a_file_whose_time_is_over_while_its_taker_is_written_down_is_taken_whole(house: House, roster_db: Database) -> None:
    await given.unit(roster_db)
    file, shelf = await house.take("units"), house.office.shelf
    (name,) = shelf.names()
    (mine,) = (await house.doors.http.get("/exports", headers=house.doors.office)).json()["items"]
    async with roster_db.transaction() as conn:
        await conn.execute("SELECT FROM exports FOR UPDATE")
        taking = asyncio.create_task(house.doors.http.get(f"/exports/{mine['id']}/file", headers=house.doors.office))
        await waiting(roster_db)
        shelf.forget(name)

    assert (await taking).content == file.content


async def test_a_file_that_is_gone_is_refused_and_nobody_is_written_down_as_its_taker(house: House, roster_db: Database) -> None:
    await house.take("units")
    (name,) = house.office.shelf.names()
    (mine,) = (await house.doors.http.get("/exports", headers=house.doors.office)).json()["items"]
    taken = await roster_db.pool.fetchval("SELECT count(*) FROM export_downloads")
    house.office.shelf.forget(name)

    answer = await house.doors.http.get(f"/exports/{mine['id']}/file", headers=house.doors.office)

    assert (answer.status_code, answer.json()["code"]) == (409, "export_not_ready")
    assert await roster_db.pool.fetchval("SELECT count(*) FROM export_downloads") == taken


async def waiting(database: Database) -> None:
    """Until another transaction waits for a lock."""
    blocked = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    while not await database.pool.fetch(blocked):  # noqa: ASYNC110  the server cannot call back
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(("kept", "left"), [("1 day", 1), ("-1 second", 0)])
async def test_a_file_that_gets_another_key_is_left_alone_by_the_sweep_and_goes_when_its_time_is_over(
    house: House, roster_db: Database, monkeypatch: pytest.MonkeyPatch, kept: str, left: int
) -> None:
    file, shelf, here = await house.take("units"), house.office.shelf, asyncio.get_running_loop()
    (name,) = shelf.names()
    await roster_db.pool.execute("UPDATE exports SET keep_until = now() + $1::text::interval", kept)

    def swept(_: int) -> None:
        asyncio.run_coroutine_threadsafe(clear_shelf(house.office), here).result(10)

    monkeypatch.setattr("shared.exports.shelf.os.fsync", swept)
    await asyncio.to_thread(shelf.renew, name)

    assert shelf.names() == [name][:left]
    (mine,) = (await house.doors.http.get("/exports", headers=house.doors.office)).json()["items"]
    again = await house.doors.http.get(f"/exports/{mine['id']}/file", headers=house.doors.office)
    assert (again.content == file.content) is bool(left)


async def test_every_event_has_a_word_in_the_ledger() -> None:
    assert {event.model_fields["type"].default for event in events.EVENTS} == MATTERS.keys()


async def test_who_sees_withheld_units_takes_them_and_nobody_else(house: House, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", unit_id)

    assert len((await house.take("units")).records()) == 1
    assert len((await house.take("units", Role.COMMISSION)).records()) == 0


async def test_reforms_are_taken_as_their_page_shows_them_by_whom_they_touched(house: House, roster_db: Database) -> None:
    touched, other = await given.unit(roster_db), await given.unit(roster_db)
    for day in range(3):
        step = {"step": "change", "unit_id": touched, "name": f"第{day}名"}
        await carried_out(roster_db, step, since=date(2026, 9, 10 + day), title=f"=改革{day}")

    everything = (await house.take("reforms", Role.UNIT_HEAD, units=(touched,))).records()
    oldest = await house.take("reforms", filters={"sort": "effective_on", "q": "改革1"})
    nothing = (await house.take("reforms", Role.UNIT_HEAD, units=(other,))).records()

    assert [(each["名称"], each["步骤数"]) for each in everything] == [("=改革2", 1), ("=改革1", 1), ("=改革0", 1)]
    assert [str(each["生效日期"])[:10] for each in oldest.records()] == ["2026-09-11"]
    assert "查找为改革1" in oldest.mark
    assert "次序为生效日期" in oldest.mark
    assert nothing == []
