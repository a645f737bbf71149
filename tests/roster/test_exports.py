"""Lists out of the roster: the figures are those of the screen, the scope is the asker's, sensitive fields are masked, and each export is on record."""

import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.roster.app import create_app
from services.roster.commands.corrections import correct_placement
from services.roster.commands.quotas import set_quota
from services.roster.commands.secondments import second_person
from services.roster.commands.units import set_seats
from services.roster.models.fields import PERSONS
from services.roster.models.requests import CorrectPlacement, SetQuota, SetSeats
from services.roster.models.secondments import SecondPerson
from services.roster.queries.exports import EXPORTS
from services.roster.queries.ledger import MATTERS
from shared.auth import Tokens
from shared.clock import Clock, at_hour
from shared.db import Database
from shared.events import roster as events
from shared.exports.running import Office, clear_shelf
from shared.exports.shelf import Shelf
from shared.glossary import Role
from tests.exports.exporting import Taken, asked, ended, taken, working
from tests.roster import given
from tests.roster.doors import Doors

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


@dataclass(frozen=True)
class House:
    """The roster's door with its exports, and the office that writes them."""

    doors: Doors
    office: Office

    async def take(self, name: str, *roles: Role, units: tuple[UUID, ...] | None = None, **more: Any) -> Taken:
        who = self.doors.as_(*(roles or (Role.BUSINESS_OFFICER,)), units=units)
        return await taken(self.doors.http, who, name, **more)

    async def ask(self, name: str, *roles: Role, units: tuple[UUID, ...] | None = None, **more: Any) -> dict[str, Any]:
        return await asked(self.doors.http, self.doors.as_(*(roles or (Role.BUSINESS_OFFICER,)), units=units), name, **more)


@pytest_asyncio.fixture
async def idle(
    stack: Place, roster_home: str, roster_db: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[House]:
    """Nobody writes what is asked for."""
    for name, value in stack.variables("roster").items():
        monkeypatch.setenv(name, value)
    url = stack.database_url("roster", roster_home)
    monkeypatch.setenv("ROSTER_DATABASE_URL", url)
    secrets = stack.home / "secrets"
    tokens = Tokens((secrets / "token.pub").read_text(), (secrets / "token.key").read_text())
    app = create_app()
    app.state.cipher, app.state.shelf = given.CIPHER, Shelf(tmp_path / "shelf", given.CIPHER)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://roster") as http,
    ):
        office = Office(roster_db, url, EXPORTS, app.state.shelf, Clock(None), timedelta(days=7), "演示数据")
        yield House(Doors(http, tokens), office)


@pytest_asyncio.fixture
async def house(idle: House) -> AsyncIterator[House]:
    """With a worker."""
    async with working(idle.office):
        yield idle


async def test_every_list_can_be_taken_and_is_empty_where_there_is_nothing(house: House) -> None:
    for name in EXPORTS.lists:
        assert (await house.take(name)).sheets(), name


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


async def test_a_person_stands_there_with_every_field_masked(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    person_id, _ = await given.in_post(roster_db, row)
    number = (await house.doors.http.post(f"/persons/{person_id}/reveal", json={"reason": "核对档案"}, headers=house.doors.office)).json()

    masked = await house.take("roster")
    (record,) = masked.records()
    (full,) = (await house.take("roster", unmasked=True, reason="年度核对档案原件")).records()

    assert {field.label for field in PERSONS.fields} <= record.keys()
    assert record["公民身份号码"] == f"{number['id_number'][:6]}********{number['id_number'][-4:]}"
    assert full["公民身份号码"] == number["id_number"]
    assert record["姓名"] == full["姓名"] == number["name"]
    assert (record["编制类型"], record["入编时间"]) == ("事业编制", date(2026, 9, 2))
    assert record["推定退休类别"] == "女（原五十五周岁）"
    assert "已脱敏" in masked.mark


async def test_unmasked_needs_the_role_and_a_reason(house: House) -> None:
    refused = [
        (await house.ask("roster", Role.SUPERVISION_OFFICER, unmasked=True, reason="核对档案原件"))["code"],
        (await house.ask("roster", unmasked=True, reason="好"))["code"],
        (await house.ask("roster", Role.COMMISSION))["code"],
        (await house.ask("no_such_list"))["code"],
        (await house.ask("units", fields=["no_such_field"]))["code"],
        (await house.ask("units", filters={"as_of": "昨天"}))["code"],
        (await house.ask("units", filters={"name": "某人"}))["code"],
    ]

    assert refused == [
        "export_not_unmasked",
        "export_reason_missing",
        "export_list_unknown",
        "export_list_unknown",
        "export_field_unknown",
        "export_filter_unknown",
        "export_filter_unknown",
    ]


@pytest.mark.parametrize("name", [name for name in EXPORTS.lists if name != "secondments"])
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
    for query, number in (({"category": "SY-2"}, 1), ({"q": "ceshidanwei", "sort": "-name"}, 2), ({"q": "医院", "sort": "name"}, 0)):
        page = (await house.doors.http.get("/units", params=query, headers=house.doors.office)).json()["items"]
        file = await house.take("units", filters=query)
        assert [each["code"] for each in page] == [record["单位编码"] for record in file.records()]
        assert len(page) == number


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


async def test_the_people_of_a_unit_are_taken_without_those_below_and_in_the_order_of_their_page(house: House, roster_db: Database) -> None:
    above = await given.row(roster_db, 3)
    below = await given.row(roster_db, 1, parent=above.unit_id)
    for row in (above, above, below):
        await given.in_post(roster_db, row)
    for sort in ("name", "-name", "birth_on", "-started_on"):
        path = f"/units/{above.unit_id}/persons"
        page = (await house.doors.http.get(path, params={"sort": sort}, headers=house.doors.office)).json()["items"]
        file = await house.take("roster", filters={"unit": str(above.unit_id), "below": "false", "sort": sort})
        assert [record["姓名"] for record in file.records()] == [each["name"] for each in page]
        assert len(page) == 2
    assert len((await house.take("roster", filters={"unit": str(above.unit_id)})).records()) == 3


def named(file: Taken) -> set[str]:
    """The units of all rows of all sheets, by code and by name."""
    columns = {"单位编码", "单位", "机构编码", "机构名称", "所在机构"}
    records = [record for sheet in file.sheets() for record in file.records(sheet)]
    return {str(value) for record in records for column, value in record.items() if column in columns and value != ""}


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
    parts = ("单位", "导出人：business_officer-user", "用途：报市领导", "共 1 行", "演示数据", "数据截至：")
    assert [part for part in parts if part not in file.mark] == []
    assert unquote(file.name).split("''")[1].startswith("单位-")


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


async def test_every_event_has_a_word_in_the_ledger() -> None:
    assert {event.model_fields["type"].default for event in events.EVENTS} == MATTERS.keys()


async def test_what_is_about_a_person_is_in_the_ledger_of_those_who_may_read_persons(house: House, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await given.in_post(roster_db, row)

    for role, people in ((Role.OBSERVER, False), (Role.COMMISSION, False), (Role.OFFICE_DIRECTOR, True)):
        taken_ = [record["事项"] for record in (await house.take("ledger", role)).records()]
        shown = (await house.doors.http.get("/ledger", params={"sort": "at"}, headers=house.doors.as_(role))).json()["items"]
        assert taken_ == [each["matter"] for each in shown]
        assert taken_ == ["机构登记", "编制数变更", *["人员登记", "入编"] * people]


async def test_a_withheld_borrower_is_named_to_no_lender(house: House, roster_db: Database) -> None:
    top = await given.row(roster_db, 2)
    borrower = await given.unit(roster_db)
    person_id, _ = await given.in_post(roster_db, top, date(2026, 1, 5))
    loan = SecondPerson(person_id=person_id, borrower_id=borrower, started_on=date(2026, 3, 2), until=date(2026, 9, 2))
    await second_person(roster_db, given.by(), loan)
    clerk: dict[str, Any] = {"units": (top.unit_id,)}
    name = await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", borrower)

    async def told(*roles: Role, **more: Any) -> list[str]:
        (lent, *_), (person,) = [(await house.take(each, *roles, **more)).records() for each in ("secondments", "roster")]
        return [lent["对方单位"], person["借出单位"]]

    open_ = await told(Role.UNIT_CLERK, **clerk)
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", borrower)
    withheld = await told(Role.UNIT_CLERK, **clerk)

    assert (open_, withheld, await told(Role.BUSINESS_OFFICER)) == ([name, name], ["（不公开）", "（不公开）"], [name, name])


async def test_who_sees_withheld_units_takes_them_and_nobody_else(house: House, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await roster_db.pool.execute("UPDATE units SET withheld = true WHERE id = $1", unit_id)

    assert len((await house.take("units")).records()) == 1
    assert len((await house.take("units", Role.COMMISSION)).records()) == 0
