"""The HTTP door of imports: what is taken, what is refused before anything is kept, who sees what, and how its progress is watched."""

import asyncio
import io
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from python_calamine import CalamineWorkbook, SheetVisibleEnum

from services.roster.api import imports
from services.roster.commands import import_checks
from services.roster.commands.import_checks import check_import
from services.roster.commands.import_findings import close_check
from services.roster.commands.import_rows import Gathering
from services.roster.commands.import_writes import apply_import
from services.roster.commands.reforms import carry_out
from services.roster.models.fields import SHEETS
from services.roster.models.imports import ImportState, Superseded
from services.roster.models.units import Reform
from shared.crypto import FieldCipher
from shared.db import Database
from shared.glossary import Role
from shared.sheets.reading import OPEN_AT_ONCE, Book, ensure_readable
from tests.imports.rows import NUMBERS, USCC, person, unit
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.importing import Office, Opening, book, coloured, with_posts
from tests.sheets import hostile

pytestmark = pytest.mark.asyncio
POSTS = {"编制类型": "事业编制", "经费形式": "全额拨款", "编制数": 1}
FILE = book({"单位": [unit(**POSTS)], "人员": [person(0), person(1, 性别="男")]})


async def brought(doors: Doors, content: bytes = FILE, kind: str = "roster", name: str = "名册.xlsx", **more: Any) -> httpx.Response:
    headers = more.pop("headers", doors.office)
    files = {"file": (name, content)} | more.pop("files", {})
    return await doors.http.post("/imports", files=files, data={"kind": kind} | more, headers=headers | {"idempotency-key": str(uuid4())})


def cipher_of(doors: Doors) -> FieldCipher:
    """The application's own."""
    transport = doors.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    cipher: FieldCipher = transport.app.state.cipher  # type: ignore[attr-defined]  # the application is FastAPI's
    return cipher


async def checked(doors: Doors, office: Office, **more: Any) -> str:
    import_id: str = (await brought(doors, **more)).json()["import_id"]
    await check_import(office.database, cipher_of(doors), office.clock, UUID(import_id))
    return import_id


async def test_who_operates_the_system_gets_from_an_imports_id_to_its_case(doors: Doors) -> None:
    import_id = (await brought(doors)).json()["import_id"]
    keeper = doors.as_(Role.SYSTEM_ADMIN)

    found = [(await doors.http.get("/cases", params={"of": of}, headers=keeper)).json() for of in (import_id, str(uuid4()), "无此号")]

    assert found == [[f"import:{import_id}"], [], []]
    assert (await doors.http.get("/cases", params={"of": import_id}, headers=doors.office)).status_code == 403


async def test_a_file_is_taken_checked_shown_and_given_back_to_its_owner_alone(doors: Doors, office: Office) -> None:
    import_id = await checked(doors, office)

    view = (await doors.http.get(f"/imports/{import_id}", headers=doors.office)).json()
    found = (await doors.http.get(f"/imports/{import_id}/problems", headers=doors.office)).json()["items"]
    result = await doors.http.get(f"/imports/{import_id}/result", headers=doors.office)
    other = await doors.http.get(f"/imports/{import_id}/result", headers=doors.as_(Role.OFFICE_DIRECTOR, Role.BUSINESS_OFFICER))
    listed = (await doors.http.get("/imports", headers=doors.office)).json()["items"]

    assert (view["state"], view["errors"], view["file_name"]) == (ImportState.CHECKED, 1, "名册.xlsx")
    assert [(each["sheet"], each["row"], each["column"]) for each in found] == [("人员", 3, "性别")]
    assert coloured(result.content, 2, "FFC7CE") == ["F3"]
    assert (other.status_code, other.json()["code"]) == (409, "not_your_file")
    assert [each["id"] for each in listed] == [import_id]
    assert NUMBERS[0] not in str(view) + str(found) + str(listed)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"content": hostile.bomb()}, "file_unreadable"),
        ({"content": hostile.entities()}, "file_unreadable"),
        ({"name": "a.xlsm"}, "file_unreadable"),
        ({"kind": "salaries"}, "import_kind_unknown"),
        ({"files": {"mapping": ("m.toml", b"= 1")}}, "mapping_wrong"),
        ({"files": {"mapping": ("m.json", b'{"columns": []}')}}, "mapping_wrong"),
        ({"files": {"mapping": ("m.json", b'{"columns": {"\\u0000": "x"}}')}}, "mapping_wrong"),
        ({"files": {"mapping": ("m.toml", b'kind = "units"')}}, "mapping_wrong"),
        ({"unit": "没有的单位"}, "unit_of_file_unknown"),
        ({"unit": "甲单位", "kind": "units"}, "rows_are_units"),
    ],
)
async def test_what_cannot_be_used_is_refused_and_nothing_of_it_kept(
    doors: Doors, roster_db: Database, sent: dict[str, Any], code: str
) -> None:
    answer = await brought(doors, **sent)

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert await roster_db.pool.fetchval("SELECT count(*) FROM imports") == 0
    assert await roster_db.pool.fetchval("SELECT count(*) FROM import_files") == 0


@pytest.mark.parametrize(
    ("mapping", "said"),
    [
        (b"PK\x03\x04" + b"x" * 2**19, "选作对照文件的是工作簿"),
        (b'kind = "roster"\n' * 2 + b"#" * 2**18, "超过 256 KB"),
        (b'kind = "roster"\n[columns]\na = b\n', "第 3 行附近写法不对"),
        (b'[column]\na = "b"\n', "没有“column”这一部分，只有 kind、sheets、columns、codes、defaults、extract"),
        ("[columns]\n'姓名' = 1\n".encode(), "columns.姓名 的写法不对，等号两边"),
        ("[columns]\n'职工' = '姓 名'\n".encode(), "columns 中的“姓 名”不是模板中的名称，是否应为“姓名”"),
        ("[codes.'编制类型']\n'事业' = '事业'\n".encode(), "codes.“编制类型”中的“事业”不在代码表中"),
    ],
)
async def test_what_is_wrong_in_a_mapping_is_told_where_it_stands(doors: Doors, mapping: bytes, said: str) -> None:
    answer = await brought(doors, files={"mapping": ("m.toml", mapping)})

    assert said in answer.json()["detail"]


async def test_a_file_of_one_unit_needs_no_column_for_it_and_a_row_may_name_another(doors: Doors, office: Office) -> None:
    await office.write("units", [with_posts(2), with_posts(2, 单位名称="乙单位", 统一社会信用代码=USCC[1])])
    alone = [{name: value for name, value in person(number).items() if name != "单位"} for number in (0, 1)]
    mixed = [person(0, 单位=None), person(1, 单位="乙单位")]

    untold, told, partly = [
        await doors.http.get(f"/imports/{await checked(doors, office, content=book({'人员': rows}), **of)}", headers=doors.office)
        for rows, of in ((alone, {}), (alone, {"unit": "甲单位"}), (mixed, {"unit": USCC[0]}))
    ]

    assert untold.json()["state"] == ImportState.UNREADABLE
    assert "缺少列：单位（整份文件只有一个单位的" in untold.json()["note"]
    for view, of_units in ((told.json(), {"甲单位"}), (partly.json(), {"甲单位", "乙单位"})):
        assert (view["errors"], view["sheets"]["roster"]["added"]) == (0, 2)
        assert "没有写单位的行，都按“甲单位”导入" in view["note"]
        rows = await office.database.pool.fetch("SELECT DISTINCT unit_code FROM import_rows WHERE import_id = $1", UUID(view["id"]))
        names = {await office.database.pool.fetchval("SELECT name FROM units WHERE code = $1", row["unit_code"]) for row in rows}
        assert names == of_units


async def test_a_file_of_one_unit_names_it_as_its_rows_may(doors: Doors, office: Office) -> None:
    """Must fail when the unit of a file is found by other words than the unit of a row: in a file from before a reform it stands as it was called then."""
    names = ["甲局", "乙局（东区）", "丙局", "丁局"]
    units = [with_posts(2, 单位名称=name, 统一社会信用代码=uscc, 单位简称=name[:1]) for name, uscc in zip(names, USCC, strict=False)]
    await office.write("units", units)
    ids = {row["name"]: row["id"] for row in await office.database.pool.fetch("SELECT id, name FROM units")}
    steps = [
        {"step": "merge", "unit_id": ids["甲局"], "into_unit_id": ids["丙局"]},
        {"step": "change", "unit_id": ids["丙局"], "name": "甲丙局"},
    ]
    what = {"title": "机构改革", "effective_on": given.TODAY, "document_on": given.TODAY, "steps": steps}
    await carry_out(office.database, given.by(), Reform.model_validate(what))
    content = book({"人员": [person(0, 单位=None)]})

    called = {"丙局": "甲丙局", "甲局": "甲丙局", "乙局(东区)": "乙局（东区）", "丁": "丁局"}
    told = {each: await checked(doors, office, content=content, unit=each) for each in called}
    notes = {each: (await doors.http.get(f"/imports/{told[each]}", headers=doors.office)).json()["note"] for each in called}
    nowhere = (await brought(doors, content=content, unit="戊局")).json()

    assert notes == {each: f"没有写单位的行，都按“{name}”导入" for each, name in called.items()}
    assert nowhere["code"] == "unit_of_file_unknown"
    assert "没有叫“戊局”的单位" in nowhere["detail"]


async def test_of_several_units_of_one_name_the_code_tells_them_apart(doors: Doors, office: Office) -> None:
    await office.write(
        "units", [with_posts(2, 单位名称=name, 统一社会信用代码=uscc, 单位简称="中学") for name, uscc in zip("甲乙", USCC, strict=False)]
    )

    refused = await brought(doors, unit="中学")

    assert refused.json()["detail"] == "您的管辖范围内有几个叫“中学”的单位，本次没有导入。请填写它的编码或统一社会信用代码。"


async def test_a_file_is_of_no_unit_that_its_owner_does_not_see(doors: Doors, office: Office) -> None:
    await office.write("units", [with_posts(2)])
    elsewhere = doors.as_(Role.BUSINESS_OFFICER, units=(uuid4(),))

    refused = await brought(doors, unit="甲单位", headers=elsewhere)

    assert (refused.status_code, refused.json()["code"]) == (409, "unit_of_file_unknown")


async def test_a_request_without_a_file_and_one_that_is_too_large_are_refused(doors: Doors) -> None:
    headers = doors.office | {"idempotency-key": str(uuid4())}

    empty = await doors.http.post("/imports", data={"kind": "roster"}, headers=headers)
    large = await brought(doors, content=b"x" * 61_100_000)

    assert empty.json()["code"] == "upload_malformed"
    assert (large.status_code, large.json()["code"]) == (409, "file_unreadable")
    assert "超过 60 MB" in large.json()["detail"]


async def test_a_file_name_is_a_name_only(doors: Doors) -> None:
    import_id = (await brought(doors, name="..\\..\\etc/pass\u202ewd.xlsx")).json()["import_id"]

    assert (await doors.http.get(f"/imports/{import_id}", headers=doors.office)).json()["file_name"] == "passwd.xlsx"


async def test_who_watches_hears_each_step_once_and_goes_on_where_he_was(doors: Doors, office: Office) -> None:
    import_id = (await brought(doors)).json()["import_id"]

    watching = asyncio.create_task(doors.http.get(f"/imports/{import_id}/progress", headers=doors.office))
    await asyncio.sleep(0.1)
    await check_import(office.database, cipher_of(doors), office.clock, UUID(import_id))
    heard = (await watching).text
    steps = [int(line[4:]) for line in heard.splitlines() if line.startswith("id: ")]
    again = await doors.http.get(f"/imports/{import_id}/progress", headers=doors.office | {"Last-Event-ID": str(steps[-1])})
    missed = await doors.http.get(f"/imports/{import_id}/progress", headers=doors.office | {"Last-Event-ID": str(steps[-1] - 1)})

    assert len(steps) >= 2
    assert steps == sorted(set(steps))
    assert f'"state":"{ImportState.CHECKED}"' in heard
    assert again.status_code == 204
    assert missed.text.count("event: progress") == 1


async def test_a_file_whose_check_was_cancelled_does_not_come_back_as_if_nothing_was_wrong(
    doors: Doors, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = book({"人员": [person(0, 公民身份号码="330499198603050005")]})
    import_id, close = (await brought(doors, content=content)).json()["import_id"], close_check

    async def cancelled(*told: Any) -> None:
        await doors.http.post(f"/imports/{import_id}/cancel", json={}, headers=doors.office)
        await close(*told)

    monkeypatch.setattr(import_checks, "close_check", cancelled)
    with pytest.raises(Superseded):
        await check_import(office.database, cipher_of(doors), office.clock, UUID(import_id))
    copy = await doors.http.get(f"/imports/{import_id}/result", headers=doors.office)

    assert (copy.status_code, copy.json()["code"]) == (409, "import_not_checked")


async def test_a_writing_that_is_cancelled_tells_how_the_rest_comes_in_and_the_same_file_brings_it(
    doors: Doors, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    units = [with_posts(单位名称=f"单位{place}", 统一社会信用代码=code) for place, code in enumerate(USCC)]
    people = [person(place, 单位=f"单位{place // 2}") for place in range(8)]
    content = book({"单位": units, "人员": people})
    gathered, states = Gathering.units, []

    async def cancelled_meanwhile(*asked: Any) -> Any:
        states.append(await told(doors, "POST", import_id, "/cancel"))
        return await gathered(*asked)

    import_id = await checked(doors, office, content=content)
    began = await told(doors, "POST", import_id, "/apply")
    with monkeypatch.context() as patched:
        patched.setattr(Gathering, "units", cancelled_meanwhile)
        await apply_import(office.database, cipher_of(doors), office.clock, UUID(import_id), 1)
    done = await told(doors, "GET", import_id)
    late = await doors.http.post(f"/imports/{import_id}/cancel", json={}, headers=doors.office)
    again = await checked(doors, office, content=content)
    await told(doors, "POST", again, "/apply")
    await apply_import(office.database, cipher_of(doors), office.clock, UUID(again))
    rest = await told(doors, "GET", again)

    assert {each["state"] for each in [began, *states]} == {ImportState.APPLYING}
    there = done["units_done"]  # the second writer hears of it before or after it has taken its first unit
    assert there in {1, 2}
    assert (done["state"], done["written"]["units"], done["written"]["persons"]) == (ImportState.CANCELLED, there, 2 * there)
    assert done["left"].startswith(f"写入中途已取消：4 个单位中已写入 {there} 个")
    assert "同一文件再导入一次" in done["left"]
    assert late.json()["code"] == "import_over"
    assert (rest["state"], rest["written"]["units"], rest["written"]["persons"]) == (ImportState.APPLIED, 4 - there, 8 - 2 * there)
    assert (began["left"], rest["left"]) == ("", "")
    counted = "SELECT (SELECT count(*) FROM units), (SELECT count(*) FROM persons), (SELECT count(*) FROM placements)"
    assert tuple(await office.database.pool.fetchrow(counted) or ()) == (4, 8, 8)


async def told(doors: Doors, method: str, import_id: str, what: str = "") -> dict[str, Any]:
    """The import, as the answer to a request has it."""
    sent: dict[str, str] | None = None if method == "GET" else {}
    answer: dict[str, Any] = (await doors.http.request(method, f"/imports/{import_id}{what}", headers=doors.office, json=sent)).json()
    return answer


async def test_who_sees_a_part_of_the_county_sees_his_own_imports_and_imports_into_his_part(
    doors: Doors, office: Office, roster_db: Database
) -> None:
    mine = await given.unit(roster_db)
    partial = doors.as_(Role.UNIT_CLERK, Role.BUSINESS_OFFICER, units=(mine,))
    await brought(doors)
    import_id = await checked(doors, office, headers=partial)

    listed = (await doors.http.get("/imports", headers=partial)).json()["items"]
    found = (await doors.http.get(f"/imports/{import_id}/problems", headers=partial)).json()["items"]

    assert [each["id"] for each in listed] == [import_id]
    assert any(each["column"] == "主管部门" and "范围" in each["sentence"] for each in found)


async def test_few_files_are_open_at_a_time_and_whoever_comes_later_waits(doors: Doors, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes a child of its own, which may need a gigabyte."""
    opening = Opening()

    async def counted(*asked: Any) -> Book:
        await opening.stay()
        return await ensure_readable(*asked)

    monkeypatch.setattr(imports, "ensure_readable", counted)
    coming = [asyncio.create_task(brought(doors)) for _ in range(OPEN_AT_ONCE + 3)]
    await opening.let_go()

    assert {answer.status_code for answer in await asyncio.gather(*coming)} == {202}
    assert opening.most == OPEN_AT_ONCE


async def test_a_template_offers_only_the_sexes_that_a_number_can_tell(doors: Doors) -> None:
    made = CalamineWorkbook.from_filelike(io.BytesIO((await doors.http.get("/templates/roster", headers=doors.office)).content))

    titles, *rows = made.get_sheet_by_name("代码表").to_python()

    assert [row[titles.index("性别")] for row in rows if row[titles.index("性别")]] == ["男", "女"]


@pytest.mark.parametrize("kind", SHEETS)
async def test_a_template_has_the_columns_the_choices_and_its_mark(doors: Doors, kind: str) -> None:
    answer = await doors.http.get(f"/templates/{kind}", headers=doors.office)

    made = CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    visible = [each.name for each in made.sheets_metadata if each.visible == SheetVisibleEnum.Visible]
    header = next(made.get_sheet_by_name(SHEETS[kind].title).iter_rows())
    choices = made.get_sheet_by_name("代码表").to_python()[0]
    assert visible == ["填写说明", SHEETS[kind].title, "代码表"]
    assert f"“导入导出—导入”页，导入内容选“{SHEETS[kind].title}”" in str(made.get_sheet_by_name("填写说明").to_python())
    assert [str(each).rstrip("*") for each in header] == [field.label for field in SHEETS[kind].fields]
    assert [each for each in choices if each] == [field.label for field in SHEETS[kind].fields if field.codes or field.kind == "flag"]
    assert made.get_sheet_by_name("_bianban").to_python()[0][0] == f"bianban:{kind}:{SHEETS[kind].version}"
