"""Lists over HTTP: what finds whom, in which order, page by page, for whom; and that neither a name nor a number stands in an address."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.roster.api.people import PersonPage
from services.roster.app import SEARCHES_PER_MINUTE
from services.roster.commands.placements import place_person
from services.roster.commands.secondments import second_person
from services.roster.commands.spellings import write_missing_spellings
from services.roster.commands.transfers import transfer_person
from services.roster.commands.unit_changes import change_unit
from services.roster.models.people import PersonSearch
from services.roster.models.requests import TransferPerson
from services.roster.models.secondments import SecondPerson
from services.roster.models.units import ChangeUnit
from shared.crypto import masked_id_number
from shared.db import Database
from shared.glossary import Role
from shared.spelling import spelt_name
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.reforming import carried_out, merge
from tests.roster.test_api import PERSON

pytestmark = pytest.mark.asyncio


async def test_names_written_before_they_were_spelt_are_spelt_by_the_upkeep(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await given.in_post(roster_db, row)
    keys = "SELECT name_key, letters, initials FROM person_records UNION ALL SELECT name_key, written, grams::text FROM unit_search"
    spelt = [tuple(each) for each in await roster_db.pool.fetch(keys)]
    await roster_db.pool.execute("UPDATE person_records SET name_key = '', letters = '', initials = ''")
    await roster_db.pool.execute("DELETE FROM unit_search")

    assert (await write_missing_spellings(roster_db), await write_missing_spellings(roster_db)) == (2, 0)

    assert [tuple(each) for each in await roster_db.pool.fetch(keys)] == spelt


Answer = dict[str, Any]


async def got(doors: Doors, path: str, headers: dict[str, str] | None = None, **asked: Any) -> Answer:
    answer = await doors.http.get(path, params={name: str(value) for name, value in asked.items()}, headers=headers or doors.office)
    assert answer.status_code == 200, answer.text
    body: Answer = answer.json()
    return body


async def sought(doors: Doors, headers: dict[str, str] | None = None, **asked: Any) -> Answer:
    answer = await doors.http.post("/persons/search", json=asked, headers=headers or doors.office)
    assert answer.status_code == 200, answer.text
    body: Answer = answer.json()
    return body


async def walked(doors: Doors, path: str, **asked: Any) -> AsyncIterator[list[Answer]]:
    after = ""
    while after is not None:
        page = await got(doors, path, after=after, **asked)
        yield page["items"]
        after = page["next"]


async def named(doors: Doors, database: Database, row: given.Row, name: str, number: int, **facts: object) -> str:
    """A person of this name in post."""
    body = PERSON | {"name": name, "id_number": given.id_number(number)} | facts
    made = await doors.http.post(f"/units/{row.unit_id}/persons", json=body, headers=doors.office)
    assert made.status_code == 201, made.text
    person_id: str = made.json()["person_id"]
    await place_person(database, given.by(), given.placement(row, UUID(person_id)))
    return person_id


async def unit_named(database: Database, name: str, parent: UUID | None = None, **changes: Any) -> UUID:
    unit_id = await given.unit(database, parent)
    what = ChangeUnit.model_validate({"unit_id": unit_id, "effective_on": date(2020, 1, 1), "name": name} | changes)
    await change_unit(database, given.by(), what)
    return unit_id


@pytest.mark.parametrize(
    ("q", "finds"),
    [
        ("教育", "A"), ("局", "A"), ("望汐教局", ""), ("教育局", "A"), ("教局", "A"), ("jiaoyuju", "A"), ("Jiao Yu", "A"), ("wxsjyj", "A"), ("jyj", "A"),
        ("yuepo", "A"), ("yuebo", "A"), ("ybz", "A"), ("rupo", ""), ("体育局", "A"), ("语委办", "A"), ("yuwei", "A"), ("yinhang", "B"), ("yinxing", ""), ("镇海", "B"), ("银 行", "B"), ("zzz", ""), ("市", "AB"),
    ],
)  # fmt: skip
async def test_a_unit_is_found_by_any_name_it_has_or_had_and_as_it_is_spelt(doors: Doors, roster_db: Database, q: str, finds: str) -> None:
    names: Answer = {"short_name": "教局", "second_names": ["望汐市体育局"], "plates": ["语委办", "月泊站"], "internal_units": ["人事科"]}
    a = await unit_named(roster_db, "望汐市教育局", **names)
    b = await unit_named(roster_db, "望汐市镇海银行")
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=b, effective_on=given.TODAY, name="望汐市商业银行"))

    found = await got(doors, "/units", q=q)

    assert "".join({str(a): "A", str(b): "B"}[each["id"]] for each in found["items"]) == finds


@pytest.mark.parametrize("q", ["镇海银行", "zhyh", "zhenhaiyinhang"])
async def test_who_took_over_is_found_by_the_names_of_who_is_no_more_and_it_is_said_whose_they_were(
    doors: Doors, roster_db: Database, q: str
) -> None:
    """Through two mergers; of a renamed unit, its own former name. Of a day before, the unit itself is found, and needs no note."""
    gone, between, left = [await unit_named(roster_db, name) for name in ("望汐市镇海银行", "商业社", "信用社")]
    own = await unit_named(roster_db, "镇海银行服务站")
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=own, effective_on=date(2026, 9, 9), name="服务站"))
    await carried_out(roster_db, merge(gone, between), since=date(2026, 9, 10))
    await carried_out(roster_db, merge(between, left), since=date(2026, 9, 12))

    found = await got(doors, "/units", q=q, fields="id,formerly")
    before = await got(doors, "/units", q=q, fields="id,formerly", as_of="2026-09-08")

    assert found["items"] == [
        {"id": str(left), "formerly": [{"unit_id": str(gone), "name": "望汐市镇海银行", "kind": "merged", "until": "2026-09-10"}]},
        {"id": str(own), "formerly": [{"unit_id": str(own), "name": "镇海银行服务站", "kind": "renamed", "until": "2026-09-09"}]},
    ]
    assert before["items"] == [{"id": str(each), "formerly": []} for each in (gone, own)]
    assert (await got(doors, "/units", q="信用社", fields="formerly"))["items"] == [{"formerly": []}]


async def test_who_took_over_before_names_went_along_is_found_after_the_upkeep(doors: Doors, roster_db: Database) -> None:
    gone, into = await unit_named(roster_db, "望汐市镇海银行"), await unit_named(roster_db, "商业社")
    await carried_out(roster_db, merge(gone, into))
    await roster_db.pool.execute("UPDATE unit_search SET inherited = NULL, grams = '{}' WHERE unit_id = $1", into)

    assert await write_missing_spellings(roster_db) == 1

    assert [each["id"] for each in (await got(doors, "/units", q="镇海", fields="id"))["items"]] == [str(into)]


async def test_the_name_of_a_withheld_unit_leads_the_office_alone_to_who_took_over(doors: Doors, roster_db: Database) -> None:
    gone, into = await unit_named(roster_db, "秘密处", withheld=True), await unit_named(roster_db, "公开处")
    further = await unit_named(roster_db, "公开局")
    await carried_out(roster_db, merge(gone, into), since=date(2026, 9, 10))
    await carried_out(roster_db, merge(into, further), since=date(2026, 9, 12))
    own = doors.as_(Role.UNIT_CLERK, units=(further,))

    office = [await got(doors, "/units", q=q, fields="id,formerly") for q in ("秘密", "mmc")]
    others = [await got(doors, "/units", who, q="秘密", fields="id,formerly") for who in (doors.as_(Role.OBSERVER), own)]
    by_both = await got(doors, "/units", doors.as_(Role.OBSERVER), q="处", fields="id,formerly")

    note = {"unit_id": str(gone), "name": "秘密处", "kind": "merged", "until": "2026-09-10"}
    assert [each["items"] for each in office] == [[{"id": str(further), "formerly": [note]}]] * 2
    assert [each["items"] for each in others] == [[], []]
    open_note = {"unit_id": str(into), "name": "公开处", "kind": "merged", "until": "2026-09-12"}
    assert by_both["items"] == [{"id": str(further), "formerly": [open_note]}]
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=further, effective_on=given.TODAY, withheld=True))
    assert [each["id"] for each in (await got(doors, "/units", own, q="秘密", fields="id"))["items"]] == [str(further)]


async def test_a_unit_is_found_by_its_codes(doors: Doors, roster_db: Database) -> None:
    unit_id = await unit_named(roster_db, "示例中心", uscc="12330481123456788F")
    code = (await got(doors, f"/units/{unit_id}"))["code"]

    for q in (code, "12330481", "12330481123456788f"):
        assert [each["id"] for each in (await got(doors, "/units", q=q))["items"]] == [str(unit_id)]


async def test_what_is_sought_is_planned_for_each_time(doors: Doors, roster_db: Database) -> None:
    """One plan for all, which PostgreSQL makes after five, reads 60 000 units for a letter that most names have: 220 ms instead of 4."""
    await given.unit(roster_db)
    transport = doors.http._transport
    assert isinstance(transport, httpx.ASGITransport)
    served: Database = transport.app.state.database  # type: ignore[attr-defined]  # the application is FastAPI's

    for _ in range(8):
        assert (await doors.http.get("/units", params={"q": "单", "as_of": "2026-09-18"}, headers=doors.office)).status_code == 200

    plans = "SELECT coalesce(sum(generic_plans), 0)::int, coalesce(sum(custom_plans), 0)::int FROM pg_prepared_statements WHERE statement LIKE $1"
    async with served.pool.acquire() as usual, served.searching() as search:
        assert [tuple(row) for row in await usual.fetch(plans, "%search.grams%")] == [(0, 0)]
        assert [tuple(row) for row in await search.fetch(plans, "%search.grams%")] == [(0, 8)]


async def test_the_tree_is_read_branch_by_branch_with_how_many_stand_below(doors: Doors, roster_db: Database) -> None:
    top = await given.unit(roster_db)
    middle = await given.unit(roster_db, top)
    leaf = await given.unit(roster_db, middle)
    hidden = await given.unit(roster_db, middle)
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=hidden, effective_on=given.TODAY, withheld=True))
    clerk, public = doors.as_(Role.UNIT_CLERK, units=(middle,)), doors.as_(Role.OBSERVER)

    roots = await got(doors, "/units", top=True, fields="id,children")
    below = await got(doors, "/units", parent=top, fields="id,children")
    own = await got(doors, "/units", clerk, top=True, fields="id,children")
    shown = await got(doors, "/units", public, parent=top, fields="id,children")
    under = await got(doors, "/units", under=middle, fields="id")
    then = await got(doors, "/units", public, parent=middle, as_of="2026-09-17", fields="id")

    assert roots["items"] == [{"id": str(top), "children": 1}]
    assert below["items"] == [{"id": str(middle), "children": 2}]
    assert own["items"] == shown["items"] == [{"id": str(middle), "children": 1}]
    assert {each["id"] for each in under["items"]} == {str(middle), str(leaf), str(hidden)}
    assert [each["id"] for each in then["items"]] == [str(leaf)]


async def test_a_list_of_units_tells_their_posts_in_all_where_it_is_asked(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    await given.quota(roster_db, given.Row(row.unit_id, "ZZ"), 2)  # 单列: on a line of its own
    await given.in_post(roster_db, row)
    clerk = doors.as_(Role.UNIT_CLERK, units=(row.unit_id,))

    now = await got(doors, "/units", clerk, fields="id,sums")
    before = await got(doors, "/units", clerk, fields="sums", as_of="2026-09-01")
    plain = await got(doors, "/units", clerk)

    assert now["items"] == [
        {"id": str(row.unit_id), "sums": {"quota": 3, "headcount": 1, "reserved": 0, "frozen": 0, "available": 2, "exceeded": 0}}
    ]
    assert before["items"] == [{"sums": {"quota": 3, "headcount": 0, "reserved": 0, "frozen": 0, "available": 3, "exceeded": 0}}]
    assert "sums" not in plain["items"][0]


async def test_what_one_row_has_left_makes_up_for_no_other_row_in_the_list_either(doors: Doors, roster_db: Database) -> None:  # trap 1
    unit_id = await given.unit(roster_db, category="JG-Z")
    over, vacant = given.Row(unit_id, "GQ"), given.Row(unit_id, "XZ")
    for row, posts in ((over, 0), (vacant, 2)):
        await given.quota(roster_db, row, posts)
    for _ in range(2):
        await given.over_quota(roster_db, over)

    (line,) = (await got(doors, "/units", doors.as_(Role.UNIT_CLERK, units=(unit_id,)), fields="sums"))["items"]

    assert line["sums"] == {"quota": 2, "headcount": 2, "reserved": 0, "frozen": 0, "available": 2, "exceeded": 2}


async def test_units_are_narrowed_by_what_they_are_and_ordered_in_chinese(doors: Doors, roster_db: Database) -> None:
    for name in ("张桥中学", "安和中学", "曾园中学", "长安中学"):
        await unit_named(roster_db, name, sector="education")
    await unit_named(roster_db, "王店医院", sector="health")

    up = await got(doors, "/units", sector="education", sort="name", fields="name")
    down = await got(doors, "/units", sector="education", sort="-name", fields="name", limit=2)
    none = await got(doors, "/units", sector="education", rank="section")

    assert [each["name"] for each in up["items"]] == ["安和中学", "曾园中学", "长安中学", "张桥中学"]
    assert [each["name"] for each in down["items"]] == ["张桥中学", "长安中学"]
    assert none["items"] == []


async def test_a_page_follows_its_own_question_only(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 9)
    for number in range(5):
        await named(doors, roster_db, row, f"王{'甲乙丙丁戊'[number]}", number)

    first = await got(doors, "/persons", limit=2)
    walked_all = [each["name"] async for page in walked(doors, "/persons", limit=2) for each in page]
    refused = [
        await doors.http.get("/persons", params={"after": first["next"], "limit": 2} | other, headers=doors.office)
        for other in ({"sort": "-name"}, {"sex": "male"}, {"as_of": "2026-09-18"}, {"after": "AAAA"}, {"after": "不是"})
    ]

    assert sorted(walked_all) == sorted(f"王{each}" for each in "甲乙丙丁戊")
    assert walked_all == sorted(walked_all, key=lambda name: spelt_name(name).key)
    assert {answer.json()["code"] for answer in refused} == {"cursor_unknown"}
    assert (await got(doors, "/persons", limit=3, after=first["next"]))["next"] is None


async def test_who_comes_or_goes_between_two_pages_moves_nobody_else(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 9)
    for number, name in enumerate(("陈一", "黄二", "李三", "赵四")):
        await named(doors, roster_db, row, name, number)

    first = await got(doors, "/persons", limit=2)
    await named(doors, roster_db, row, "白零", 9)
    second = await got(doors, "/persons", limit=2, after=first["next"])

    assert [each["name"] for each in (*first["items"], *second["items"])] == ["陈一", "黄二", "李三", "赵四"]


async def test_people_are_found_by_the_beginning_of_a_name_or_how_it_is_spelt(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 9)
    for number, name in enumerate(("曾国伟", "曾国", "𠮷野", "买买提·艾力", "尉迟恭", "张伟")):
        await named(doors, roster_db, row, name, number)

    async def names(**asked: Any) -> list[str]:
        return [each["name"] for each in (await sought(doors, **asked))["items"]]

    assert await names(name="曾国") == ["曾国", "曾国伟"]
    assert await names(name="曾国", exact=True) == ["曾国"]
    assert await names(name="zengguo") == await names(name="ZG") == ["曾国", "曾国伟"]
    assert await names(name="𠮷") == ["𠮷野"]
    assert await names(name="买买提·") == ["买买提·艾力"]
    assert await names(name="yuchi") == ["尉迟恭"]
    assert await names(name="伟") == []
    assert await names() == ["买买提·艾力", "尉迟恭", "曾国", "曾国伟", "张伟", "𠮷野"]
    assert await names(sort="-name", limit=1) == ["𠮷野"]


async def test_a_syllable_without_a_consonant_is_a_spelling_and_may_be_initials(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 9)
    for number, name in enumerate(("安建国", "昂山", "恩和", "鄂尔", "欧阳明", "艾宁", "敖国", "王安")):
        await named(doors, roster_db, row, name, number)

    async def names(typed: str, **more: Any) -> list[str]:
        return [each["name"] for each in (await sought(doors, name=typed, **more))["items"]]

    assert await names("an") == ["艾宁", "昂山", "安建国"]
    assert await names("anj") == await names("ajg") == ["安建国"]
    assert (await names("ang"), await names("En"), await names("ouyang")) == (["昂山"], ["恩和"], ["欧阳明"])
    assert await names("a") == ["艾宁", "昂山", "安建国", "敖国"]
    assert (await names("e"), await names("eer"), await names("ee")) == (["鄂尔", "恩和"], ["鄂尔"], ["鄂尔"])
    first = await sought(doors, name="an", limit=2)
    second = await sought(doors, name="an", limit=2, after=first["next"])
    assert [each["name"] for each in (*first["items"], *second["items"])] == await names("an")
    assert await names("an", sort="-name") == list(reversed(await names("an")))


@pytest.mark.parametrize(
    "typed",
    ["买买提·吐", "买买提•吐", "买买提．吐", "买买提.吐", "买买提・吐尔逊", "买 买提 · 吐", "买买提·吐　", "买买提吐", "买买提吐尔逊"],
)
async def test_a_name_is_found_with_any_dot_or_none_and_with_spaces(doors: Doors, roster_db: Database, typed: str) -> None:
    row = await given.row(roster_db, 9)
    for number, name in enumerate(("买买提·吐尔逊", "买买提·艾力", "张伟")):
        await named(doors, roster_db, row, name, number)

    async def names(**asked: Any) -> list[str]:
        return [each["name"] for each in (await sought(doors, **asked))["items"]]

    assert await names(name=typed) == ["买买提·吐尔逊"]
    assert await names(name="张 伟") == await names(name="张　伟", exact=True) == await names(name=" 张伟 ") == ["张伟"]


async def test_a_name_written_with_another_dot_is_found_as_it_is_written(doors: Doors, roster_db: Database) -> None:
    """As doors kept it before they wrote the dot of Unicode."""
    await named(doors, roster_db, await given.row(roster_db, 1), "买买提·艾力", 1)
    old = "买买提•艾力"
    await roster_db.pool.execute("UPDATE person_records SET name = $1, name_key = $2", old, spelt_name(old).key)

    assert [each["name"] for each in (await sought(doors, name="买买提•艾"))["items"]] == ["买买提•艾力"]


async def test_a_name_pasted_with_what_nobody_sees_is_found(doors: Doors, roster_db: Database) -> None:
    await named(doors, roster_db, await given.row(roster_db, 1), "章伟明", 1)

    found = [await sought(doors, name=typed) for typed in ("\ufeff章伟明", "章\u200b伟", "zhang\u200bwei")]

    assert [[each["name"] for each in one["items"]] for one in found] == [["章伟明"]] * 3


async def test_people_whose_characters_are_read_in_two_ways_are_found_by_either(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 9)
    for number, name in enumerate(("单伟", "单一", "丹妮", "山伟", "李长春", "李丹", "曾乐")):
        await named(doors, roster_db, row, name, number)

    async def names(typed: str, **more: Any) -> list[str]:
        return [each["name"] for each in (await sought(doors, name=typed, **more))["items"]]

    assert await names("danw") == ["单伟"]
    assert sorted(await names("shanw")) == ["单伟", "山伟"]
    assert sorted(await names("dan")) == ["丹妮", "单一", "单伟"]
    assert await names("lichangc") == await names("lizhangc") == ["李长春"]
    assert await names("cengle") == await names("zengle") == await names("zengyue") == ["曾乐"]
    assert await names("dw") == ["单伟"]
    first = await sought(doors, name="dan", limit=2)
    second = await sought(doors, name="dan", limit=2, after=first["next"])
    assert [each["name"] for each in (*first["items"], *second["items"])] == await names("dan")
    assert await names("dan", sort="-name") == list(reversed(await names("dan")))


async def test_a_name_that_was_corrected_is_found_anew(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await named(doors, roster_db, row, "王小明", 1)
    body = {"name": "任小明", "document_no": "更1", "reason": "档案"}
    assert (await doors.http.post(f"/persons/{person_id}/corrections", json=body, headers=doors.office)).status_code == 204

    assert [each["person_id"] for each in (await sought(doors, name="rxm"))["items"]] == [person_id]
    assert (await sought(doors, name="王小明"))["items"] == []


async def test_a_number_finds_its_person_only_as_a_whole_and_in_a_body(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    person_id = await named(doors, roster_db, row, "张三", 7)
    number = given.id_number(7)

    found = await sought(doors, id_number=number.lower())
    part = await doors.http.post("/persons/search", json={"id_number": number[:14]}, headers=doors.office)
    in_url = await doors.http.get("/persons", params={"id_number": number}, headers=doors.office)
    name_in_url = await doors.http.get("/persons", params={"name": "张三"}, headers=doors.office)

    assert [(each["person_id"], each["id_number"]) for each in found["items"]] == [(person_id, masked_id_number(number))]
    assert given.guessed(found["items"][0]["id_number"]) != number
    assert (part.status_code, part.json()["code"]) == (409, "id_number_invalid")
    assert number[:14] not in part.text
    assert (in_url.status_code, name_in_url.status_code) == (422, 422)


async def test_people_are_narrowed_by_post_status_and_unit(doors: Doors, roster_db: Database) -> None:
    town = await given.row(roster_db, 2)
    school = await given.row(roster_db, 5, town.unit_id)
    chief = await named(doors, roster_db, town, "甲一", 1, title="主任", identity="manager", post_category="managerial_post")
    teacher = await named(doors, roster_db, school, "乙二", 2, education="21")
    lent = await named(doors, roster_db, school, "丙三", 3)
    await second_person(
        roster_db,
        given.by(),
        SecondPerson(person_id=UUID(lent), borrower_id=town.unit_id, form="seconded_out", started_on=given.TODAY, until=given.TODAY),
    )
    waiting = PERSON | {"name": "丁四", "id_number": given.id_number(4)}
    idle = (await doors.http.post(f"/units/{school.unit_id}/persons", json=waiting, headers=doors.office)).json()["person_id"]

    async def ids(**asked: Any) -> set[str]:
        return {each["person_id"] for each in (await got(doors, "/persons", **asked))["items"]}

    assert await ids() == {chief, teacher, lent}
    assert await ids(unit=town.unit_id) == {chief, teacher, lent}
    assert await ids(unit=town.unit_id, below=False) == {chief}
    assert await ids(unit=school.unit_id, on_roster="all") == {teacher, lent, idle}
    assert await ids(on_roster="off") == {idle}
    assert await ids(on_roster="off", kind="SY") == set()
    assert await ids(title="主") == await ids(post_category="managerial_post") == {chief}
    assert await ids(education="21") == {teacher}
    assert await ids(lent=True) == await ids(duty_status="seconded_out") == {lent}
    assert await ids(lent=False, unit=school.unit_id) == {teacher}
    assert await ids(kind="XZ") == await ids(population="off_establishment") == set()
    assert await ids(population="public", kind="SY", funding="full") == {chief, teacher, lent}
    assert await ids(as_of="2026-09-17") == set()
    gone, placement_id = await given.in_post(roster_db, town)
    await given.release(roster_db, placement_id, given.TODAY)
    assert await ids(on_roster="off") == {idle, str(gone)}
    assert await ids(on_roster="never", unit=town.unit_id) == {idle}


async def moved_today(database: Database) -> tuple[str, given.Row, given.Row]:
    """Somebody who held a post of one unit until today, and both units."""
    old, new = await given.row(database, 1), await given.row(database, 1)
    person_id, _ = await given.in_post(database, old)
    way = {"from_unit_id": old.unit_id, "to_unit_id": new.unit_id, "effective_on": given.TODAY, "authorised_on": given.TODAY}
    what = {"person_id": person_id, "kind": "SY", "funding": "full", "authorisation_no": "用编〔2026〕2号"} | way
    await transfer_person(database, given.by(), TransferPerson.model_validate(what))
    return str(person_id), old, new


@pytest.mark.parametrize("below", [True, False])
async def test_of_a_unit_on_a_past_day_are_those_who_were_there_then(doors: Doors, roster_db: Database, below: bool) -> None:
    mover, old, new = await moved_today(roster_db)
    idle = str(await given.person(roster_db, new.unit_id))

    async def ids(row: given.Row, **asked: Any) -> list[set[str]]:
        """Asked for as of yesterday, and as of today."""
        asked |= {"unit": str(row.unit_id), "below": below, "fields": "unit"}
        days = ("2026-09-17", "2026-09-18")
        return [{each["person_id"] for each in (await sought(doors, **asked, as_of=day))["items"]} for day in days]

    for sought_by in ({}, {"name": "测试"}, {"name": "csry"}):
        assert (await ids(old, **sought_by), await ids(new, **sought_by)) == ([{mover}, set()], [{idle}, {idle, mover}])
    assert (await ids(old, on_roster="on"), await ids(new, on_roster="off")) == ([{mover}, set()], [{idle}, {idle}])
    everybody = {"unit": new.unit_id, "below": below, "on_roster": "all", "as_of": "2026-09-18", "fields": "unit"}
    pages = [page async for page in walked(doors, "/persons", **everybody, limit=1)]
    assert sorted(each["person_id"] for page in pages for each in page) == sorted([idle, mover])


async def test_a_withheld_unit_of_a_past_day_is_not_named_to_the_unit_of_today(doors: Doors, roster_db: Database) -> None:
    mover, old, new = await moved_today(roster_db)
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=old.unit_id, effective_on=given.TODAY, withheld=True))
    clerk = doors.as_(Role.UNIT_CLERK, units=(new.unit_id,))

    async def units(headers: dict[str, str], day: str) -> list[tuple[str, bool, bool]]:
        lines = (await got(doors, "/persons", headers, on_roster="all", as_of=day, fields="unit,unit_code"))["items"]
        return [(each["person_id"], each["unit"] is not None, each["unit_code"] is not None) for each in lines]

    assert await units(clerk, "2026-09-17") == [(mover, False, False)]
    assert await units(clerk, "2026-09-18") == await units(doors.office, "2026-09-17") == [(mover, True, True)]


async def test_a_list_shows_what_the_single_view_shows_and_what_was_promised(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await named(doors, roster_db, row, "张三", 1)

    page = await got(doors, "/persons")
    [line] = page["items"]

    PersonPage.model_validate(page)
    assert {name: line[name] for name in line if name not in {"unit", "unit_code"}} == await got(doors, f"/persons/{person_id}")
    assert line["unit_code"] == (await got(doors, f"/units/{row.unit_id}"))["code"]
    assert await got(doors, "/persons", fields="name,kind,retirement") == {
        "items": [{"person_id": person_id, "name": "张三", "retirement": line["retirement"], "placement": {"kind": "SY"}}], "next": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"sort": "id_number"}, "sort_unknown"),
        ({"sort": "-started_on", "on_roster": "off"}, "sort_unknown"),
        ({"sort": "started_on", "on_roster": "never"}, "sort_unknown"),
        ({"fields": "name,id_index"}, "field_unknown"),
    ],
)
async def test_what_cannot_be_sorted_by_or_shown_is_refused_in_words(doors: Doors, asked: dict[str, str], code: str) -> None:
    answer = await doors.http.get("/persons", params=asked, headers=doors.office)

    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert "可" in answer.json()["detail"]


async def test_a_code_that_no_row_can_have_is_refused_with_those_that_there_are(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    for path, asked, said in (
        ("/posts", {"kind": "行政编制"}, "XZ（行政编制）、"),
        ("/seats", {"level": "正职"}, "（职务层次）"),
        ("/ledger", {"type": "入编"}, "筛选条件 type（事项）"),
        ("/units", {"category": "学校"}, "SY-1（公益一类事业单位）"),
        ("/persons", {"sex": "女"}, "F（女）"),
        ("/differences", {"sheet": "人员"}, "roster（人员）"),
        ("/differences", {"field": "学历"}, "education（学历）"),
    ):
        whole, of_one = [
            await doors.http.get(path, params=asked, headers=who)
            for who in (doors.office, doors.as_(Role.UNIT_CLERK, units=(row.unit_id,)))
        ]
        assert (whole.status_code, whole.json()["code"]) == (409, "export_filter_value_unknown"), path
        assert said in whole.json()["detail"]
        assert of_one.json() == whole.json()


async def test_a_period_that_ends_before_it_begins_is_refused(doors: Doors, roster_db: Database) -> None:
    await given.row(roster_db, 1)
    one_day = await got(doors, "/ledger", since=given.TODAY, until=given.TODAY)
    refused = await doors.http.get("/ledger", params={"since": "2026-09-19", "until": "2026-09-18"}, headers=doors.office)

    assert one_day["items"]
    assert (refused.status_code, refused.json()["title"]) == (409, "起止日期颠倒")
    assert refused.json()["detail"] == "起始日期 2026-09-19 晚于截止日期 2026-09-18，其间没有任何一天。请核对两个日期。"


async def test_what_is_no_code_or_a_code_that_nobody_has_finds_nothing(doors: Doors, roster_db: Database) -> None:
    await given.row(roster_db, 1)

    nothing: tuple[tuple[str, dict[str, Any]], ...] = (
        ("/units", {"q": "没有这个单位"}),
        ("/persons", {"title": "没有这个职务", "kind": "XZ"}),
        ("/ledger", {"document_no": "没有这个文号", "type": "roster.quota_changed.v1"}),
        ("/posts", {"kind": "", "funding": "partial"}),
    )
    for path, asked in nothing:
        assert (await got(doors, path, **asked))["items"] == []
    refused = await doors.http.post("/persons/search", json={"name": "张", "sex": "女"}, headers=doors.office)
    assert refused.json()["code"] == "export_filter_value_unknown"


@pytest.mark.parametrize("path", ["/persons", "/posts", "/ledger"])
async def test_no_list_goes_beyond_the_scope(doors: Doors, roster_db: Database, path: str) -> None:
    own, other = await given.row(roster_db, 2), await given.row(roster_db, 2)
    mine, _ = [await named(doors, roster_db, row, "张三", number) for number, row in enumerate((own, other))]
    clerk = doors.as_(Role.UNIT_CLERK, units=(own.unit_id,))

    shown = (await got(doors, path, clerk))["items"]
    hidden = await doors.http.get(path, params={"unit": str(other.unit_id)}, headers=clerk)
    below = await doors.http.get(path, params={"unit": str(uuid4())}, headers=clerk)

    assert len(shown) >= 1
    assert {each.get("unit_id", each.get("placement", {}).get("unit_id")) for each in shown} == {str(own.unit_id)}
    assert (hidden.status_code, below.status_code, hidden.json()["code"]) == (404, 404, "unit_unknown")
    everybody = (await sought(doors, clerk))["items"]
    assert [each["person_id"] for each in everybody] == [mine]
    assert len((await sought(doors))["items"]) == 2


async def test_withheld_units_show_their_people_and_posts_to_the_office_and_their_own_only(doors: Doors, roster_db: Database) -> None:
    top = await given.row(roster_db, 1)
    hidden = await given.row(roster_db, 1, top.unit_id)
    await named(doors, roster_db, hidden, "张三", 1)
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=hidden.unit_id, effective_on=given.TODAY, withheld=True))
    above, within = doors.as_(Role.PARENT_UNIT, units=(top.unit_id,)), doors.as_(Role.UNIT_CLERK, units=(hidden.unit_id,))

    counts = {
        name: [
            len((await got(doors, path, headers, **asked))["items"])
            for path, asked in (("/persons", {}), ("/posts", {"unit": top.unit_id}))
        ]
        for name, headers in {"office": doors.office, "above": above}.items()
    }

    assert counts == {"office": [1, 2], "above": [0, 1]}
    assert len((await got(doors, "/persons", within))["items"]) == 1
    assert (await got(doors, f"/units/{top.unit_id}/structure", above))["total"] == 0
    assert (await got(doors, f"/units/{top.unit_id}/structure"))["total"] == 1


async def test_posts_have_every_figure_and_none_where_the_quota_is_nothing(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    await given.in_post(roster_db, row)
    none = given.Row(row.unit_id, "ZZ")
    await given.quota(roster_db, none, 0)

    lines = {each["kind"]: each for each in (await got(doors, "/posts", unit=row.unit_id))["items"]}
    then = {each["kind"]: each for each in (await got(doors, "/posts", unit=row.unit_id, as_of="2020-01-01"))["items"]}
    unit = await got(doors, f"/units/{row.unit_id}")

    names = ("quota", "headcount", "reserved", "frozen", "available", "vacancy", "overstaffing", "saturation", "vacancy_rate")
    assert [lines["SY"][name] for name in names] == [3, 1, 0, 0, 2, 2, 0, 0.3333, 0.6667]
    assert [lines["ZZ"][name] for name in names] == [0, 0, 0, 0, 0, 0, 0, None, None]
    assert (then["SY"]["headcount"], then["SY"]["vacancy_rate"]) == (0, 1.0)
    assert [
        {name: each[name] for name in each if name not in {"unit", "unit_id", "unit_code"}} for each in (lines["SY"], lines["ZZ"])
    ] == unit["establishments"]
    assert [each["kind"] for each in (await got(doors, "/posts", vacant=True))["items"]] == ["SY"]
    assert (await got(doors, "/posts", over=True))["items"] == []


async def test_the_structure_of_a_unit_counts_everybody_once_in_each_part(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    await named(doors, roster_db, row, "甲一", 1, education="21")
    await named(doors, roster_db, row, "乙二", 2)
    other = await given.row(roster_db, 2)
    await given.in_post(roster_db, other)

    seen = await got(doors, f"/units/{row.unit_id}/structure")

    assert (seen["total"], seen["average_age"]) == (2, 40.0)
    assert {name: sum(part["count"] for part in parts) for name, parts in seen["by"].items()} == dict.fromkeys(seen["by"], 2)
    assert [(part["label"], part["count"]) for part in seen["by"]["age"]] == [("36至40岁", 2)]
    assert {(part["code"], part["count"]) for part in seen["by"]["education"]} == {("21", 1), (None, 1)}
    assert [part["label"] for part in seen["by"]["sex"]] == ["女"]


@pytest.mark.parametrize(
    "path", ["/units", "/persons", "/posts", "/ledger", "/units/{unit}", "/units/{unit}/structure", "/units/{unit}/populations"]
)
async def test_what_did_not_change_is_not_sent_again(doors: Doors, roster_db: Database, path: str) -> None:
    row = await given.row(roster_db, 2)
    await named(doors, roster_db, row, "张三", 1)
    await named(doors, roster_db, await given.row(roster_db, 1), "李四", 2)
    where = path.format(unit=row.unit_id)
    limited = {} if "{unit}" in path else {"limit": "1"}

    first = await doors.http.get(where, params=limited, headers=doors.office)
    tag = {"if-none-match": f'"other", W/{first.headers["etag"]}'}
    again = await doors.http.get(where, params=limited, headers=doors.office | tag)
    other = await doors.http.get(where, params={"limit": "2"} if limited else {"as_of": "2026-09-01"}, headers=doors.office | tag)
    await change_unit(roster_db, given.by(), ChangeUnit(unit_id=row.unit_id, effective_on=given.TODAY, name="改名中心"))
    await named(doors, roster_db, row, "王五", 3)

    changed = await doors.http.get(where, params={"limit": "200"} if limited else {}, headers=doors.office | tag)
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert (other.status_code, changed.status_code) == (200, 200)
    assert first.headers["cache-control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("path", "field"), [("/persons/{person}", "name"), ("/units/{unit}/populations", "off_establishment_ratio"), ("/units/{unit}", "name")]
)
async def test_one_thing_tells_the_fields_asked_for_once_and_knows_no_other_parameter(
    doors: Doors, roster_db: Database, path: str, field: str
) -> None:
    row = await given.row(roster_db, 1)
    where = path.format(unit=row.unit_id, person=await named(doors, roster_db, row, "张三", 1))

    first = await doors.http.get(where, params={"fields": field}, headers=doors.office)
    again = await doors.http.get(where, params={"fields": field}, headers=doors.office | {"if-none-match": first.headers["etag"]})
    unknown = await doors.http.get(where, params={"fields": "surprise"}, headers=doors.office)
    other = await doors.http.get(where, params={"surprise": "1"}, headers=doors.office)

    assert list(first.json()) == [field]
    assert (again.status_code, again.content) == (304, b"")
    assert (unknown.status_code, unknown.json()["code"], other.status_code) == (409, "field_unknown", 422)


async def test_neither_names_nor_numbers_stand_in_a_cursor(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    for number, name in enumerate(("赵敏", "钱敏", "孙敏")):
        await named(doors, roster_db, row, name, number)

    page = await sought(doors, limit=1)
    address = httpx.URL("http://roster/persons", params={"after": page["next"]})

    assert all(word not in str(address) for word in ("qian", "敏", "330499"))
    assert "赵敏" not in repr(PersonSearch(name="赵敏"))


@pytest.fixture
def limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many requests as a production system allows; the tests' own stack has no limit."""
    monkeypatch.setenv("BIANBAN_REQUESTS_PER_MINUTE", "1200")


@pytest.mark.usefixtures("limited")
async def test_nobody_goes_through_the_county_by_name(doors: Doors) -> None:
    """He is told when he may go on; another caller searches meanwhile."""
    curious = doors.as_(Role.UNIT_CLERK, units=(uuid4(),))
    answers = [await doors.http.post("/persons/search", json={"name": "王"}, headers=curious) for _ in range(SEARCHES_PER_MINUTE * 2)]

    assert [answer.status_code for answer in answers[:SEARCHES_PER_MINUTE]] == [200] * SEARCHES_PER_MINUTE
    assert (answers[-1].status_code, answers[-1].json()["code"], answers[-1].headers["retry-after"]) == (429, "too_many_requests", "1")
    await sought(doors, name="王")
