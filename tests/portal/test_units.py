"""单位: what the pages show of a unit, in which order they ask, and that nothing of it is taken for markup."""

import html
from typing import Any

import pytest

from shared.glossary import Role
from tests.portal import given, given_cases
from tests.portal.conftest import OURS, XSS, Door

pytestmark = pytest.mark.asyncio
PAGE = f"/units/{given.UNIT_ID}"


def answers(door: Door) -> dict[str, Any]:
    """What the services know."""
    found = door.played.answers
    found |= {
        "/codes": given.CODES,
        "/units": {"items": [given.LINE], "next": "more"},
        PAGE: given.UNIT,
        f"/units/{given.PARENT_ID}": given.LINE,
    }
    found |= {f"{PAGE}/light": given.LIGHT, f"{PAGE}/working-here": given.HERE, "/ledger/matters": {"roster.unit_closed.v1": "机构撤并"}}
    found[f"{PAGE}/populations"] = {"off_establishment": {"headcount": 0}}
    found[f"{PAGE}/history"] = {"items": [], "next": None, "successors": [], "predecessors": []}
    found["/persons"] = {"items": [given.PERSON], "next": None}
    return found


@pytest.mark.parametrize(
    "path", ["/units", "/units?q=xx&as_of=2026-01-01", PAGE, *(f"{PAGE}/{tab}" for tab in ("persons", "history", "ledger", "supervision"))]
)
async def test_every_page_of_a_unit_is_drawn_and_nothing_planted_is_markup(door: Door, path: str) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = await door.client.get(path)
    part = await door.client.get(path, headers={"hx-request": "true"})

    assert (page.status_code, part.status_code) == (200, 200), page.text
    assert "第一小学" in page.text
    assert "<script>alert(1)" not in page.text + part.text
    assert "<img src=x" not in page.text + part.text


LINE: dict[str, Any] = {
    "at": "2026-09-18T01:00:00Z",
    "unit_id": str(given.UNIT_ID),
    "matter": "编制数变更",
    "seats": [],
    "establishments": [],
    "document_no": "海测编〔2026〕9号",
    "document_title": None,
    "document_on": None,
    "reason": "核定",
    "case_id": None,
    "actor": "engine",
    "baseline": False,
}


async def test_the_ledger_shows_leadership_posts_where_they_changed(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    levels = [
        {"level": "unit_head", "level_label": "正职", "approved": 2, "used": 1},
        {"level": "x9", "level_label": "", "approved": 4, "used": 0},
    ]
    answers(door)["/ledger"] = {"items": [LINE | {"matter": "领导职数变更", "seats": levels}], "next": None}

    page = (await door.client.get(f"{PAGE}/ledger")).text

    assert "正职：核定 2，实配 1<br>x9：核定 4，实配 0" in page


async def test_the_ledger_shows_of_each_row_of_posts_from_which_number_to_which(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    row = {"kind": "k1", "funding": "f1", "quota": 1200, "headcount": 7}
    rows = [row | told for told in ({"quota_before": 0}, {"quota_before": None}, {"quota_before": 1200}, {})]
    answers(door)["/ledger"] = {"items": [LINE | {"establishments": rows}], "next": None}

    page = (await door.client.get(f"{PAGE}/ledger")).text

    assert "<br>".join(f"k1 · f1：核定 {told}，实有 7" for told in ("0 → 1,200", *["1,200"] * 3)) in page


async def test_an_application_that_begins_at_a_unit_goes_on_with_it(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    answers(door)

    assert f'href="/applications/new?unit={given.UNIT_ID}"' in (await door.client.get(PAGE)).text


async def test_the_top_of_the_tree_is_shown_and_a_branch_and_what_is_found_below_it(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    answers(door)
    for path in ("/units", f"/units?parent={given.UNIT_ID}", f"/units?parent={given.UNIT_ID}&q=xx"):
        await door.client.get(path, headers={"hx-request": "true"})

    lists = [dict(query) for _, path, query in door.played.queries if path == "/units"]
    assert [(each.get("top"), each.get("parent"), each.get("under"), each.get("q")) for each in lists] == [
        ("true", None, None, None),
        (None, given.UNIT_ID, None, None),
        (None, None, given.UNIT_ID, "xx"),
    ]
    assert {each["sort"] for each in lists} == {"name"}


async def test_a_list_says_by_which_name_of_before_a_unit_was_found(door: Door) -> None:
    door.sign_in(Role.UNIT_CLERK)
    answers(door)
    formerly = [{"unit_id": given.PARENT_ID, "name": f"旧局{XSS}", "kind": kind, "until": "2026-09-10"} for kind in ("renamed", "merged")]
    door.played.answers["/units"] = {"items": [given.LINE | {"formerly": formerly}], "next": None}

    shown = html.unescape((await door.client.get("/units?q=jiuju")).text)

    assert [f"{words} 旧局{XSS}（至 2026-09-10）" in shown for words in ("曾用名", "并入自")] == [True, True]


async def test_what_is_known_of_many_people_and_colours_nothing_is_said_once(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    remark = {"rule": "M09", "title": "数据缺失", "matter": "退休类别未核定。", "since": "2026-09-18T01:00:00Z", "inputs": {}}
    answers(door)[f"{PAGE}/light"] = given.LIGHT | {"why": [], "remarks": [remark] * 28}
    pages = [(await door.client.get(path)).text for path in (PAGE, f"{PAGE}/supervision")]

    assert [page.count("退休类别未核定") for page in pages] == [1, 1]
    assert all("数据缺失</strong> 28 项" in page for page in pages)


@pytest.mark.parametrize(("light", "said"), [("green", "— 已于 2026-09-01 撤并，不再亮灯"), ("red", "红灯")])
async def test_a_unit_that_is_no_more_has_a_light_only_while_something_is_open_on_it(door: Door, light: str, said: str) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door)[f"{PAGE}/light"] = given.LIGHT | {"why": [], "light": light, "closed_on": "2026-09-01"}
    pages = [(await door.client.get(path)).text for path in (PAGE, f"{PAGE}/supervision")]

    assert [said in page for page in pages] == [True, True]
    assert ["绿灯</span>" in page for page in pages] == [False, False]


async def test_posts_over_their_quota_stand_out_and_lights_have_words(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = (await door.client.get(PAGE)).text

    assert '<span class="is-over">-1</span>' in page
    assert '<span class="is-over">1</span>' in page
    assert "红灯" in page
    assert "减员或调整" in page


async def test_of_all_posts_together_what_is_left_stands_apart_from_what_is_promised_beyond(door: Door) -> None:  # domain §1.6
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    (over,) = given.UNIT["establishments"]
    vacant = over | {"kind": "XZ", "kind_label": "行政编制", "quota": 5, "headcount": 2, "available": 3, "vacancy": 3, "overstaffing": 0}
    door.played.answers[PAGE] = given.UNIT | {"establishments": [over, vacant]}

    foot = (await door.client.get(PAGE)).text.partition("编制合计")[2].partition("</tr>")[0]

    assert "<strong>3</strong>" in foot
    assert "超用 1" in foot


@pytest.mark.parametrize(("path", "told"), [(PAGE, True), (f"{PAGE}?as_of=2026-01-01", False)])
async def test_posts_that_wait_for_their_day_are_told_beside_the_authorised_uses(door: Door, path: str, told: bool) -> None:
    """已核未用 of the row counts them, no authorised use does; of another day the two are not compared."""
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    use: dict[str, object] = {"application_id": given.UNIT_ID, "authorisation_no": "编核〔2026〕1号", "expires_on": "2027-01-01"}
    use |= {"kind": "SY", "posts": 3, "unspent": 2, "held": 0}
    door.played.answers[f"{PAGE}/reservations"] = {"items": [use]}
    door.played.answers[PAGE] = given.UNIT | {"establishments": [given.UNIT["establishments"][0] | {"reserved": 3}]}

    assert ("另有 1 名编制已由核准的申请占用" in (await door.client.get(path)).text) is told


async def test_a_page_without_monitoring_says_so_and_shows_the_rest(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.refusals |= {f"{PAGE}/light": (503, "unavailable"), "/issues": (503, "unavailable"), "/lights": (503, "unavailable")}
    page, listed = (await door.client.get(PAGE)).text, (await door.client.get("/units")).text

    assert "亮灯暂时取不到" in page
    assert "事业编制" in page
    assert "取不到" in listed


async def test_who_may_not_read_persons_is_told_nothing_of_them(door: Door) -> None:
    door.sign_in(Role.OBSERVER)
    answers(door)
    page = (await door.client.get(PAGE)).text

    assert f"{PAGE}/persons" not in page
    assert f"{PAGE}/working-here" not in {path for _, path, _, _ in door.played.asked}


async def test_a_day_asked_about_goes_to_every_read_that_knows_days(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = (await door.client.get(f"{PAGE}?as_of=2025-12-31&known_on=2026-01-31")).text

    dated = {path for _, path, query in door.played.queries if ("as_of", "2025-12-31") in query and ("known_on", "2026-01-31") in query}
    assert dated == {PAGE, f"{PAGE}/populations", f"{PAGE}/working-here"}
    assert "显示 2025-12-31 的情况" in page


async def test_what_a_first_load_left_is_taken_up_by_who_verifies_and_offered_to_nobody_else(door: Door) -> None:
    left: dict[str, Any] = {
        "id": given.UNIT_ID,
        "level": "red",
        "title": "超编",
        "matter": "超编 1 名",
        "state": "baseline",
        "state_label": "期初存量",
    }
    left |= {"number": None, "found_at": "2026-09-18T01:00:00Z", "due_at": None}
    answers(door)["/issues"] = {"items": [left], "next": None}
    shown = {}
    for role in (Role.SUPERVISION_OFFICER, Role.BUSINESS_OFFICER):
        csrf = door.sign_in(role)
        shown[role] = (await door.client.get(f"{PAGE}/supervision")).text
        done = await door.client.post(f"{PAGE}/baseline", data={"csrf": csrf, "request_key": "key-0001"}, headers=OURS)
        shown[role] += str(done.status_code)

    assert ["纳入亮灯" in each for each in shown.values()] == [True, False]
    assert [each[-3:] for each in shown.values()] == ["303", "403"]
    assert [path for method, path, *_ in door.played.asked if method == "POST" and "release" in path] == [f"{PAGE}/baseline-release"]


async def test_the_way_to_the_file_is_narrowed_as_the_list_is(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    listed = (await door.client.get("/units?as_of=2026-01-01&category=SY-1&q=zx")).text
    people = (await door.client.get(f"{PAGE}/persons?population=public")).text
    without = (await door.client.get(f"{PAGE}/persons?on_roster=off")).text

    assert "list=units&amp;q=zx&amp;category=SY-1&amp;as_of=2026-01-01&amp;sort=name" in listed
    file = f"list=persons&amp;unit={given.UNIT_ID}&amp;below=false"
    assert f"{file}&amp;on_roster=on&amp;population=public&amp;sort=name" in people
    assert f"{file}&amp;on_roster=off&amp;sort=name" in without


async def test_a_unit_shows_who_belongs_to_it_without_a_post_where_that_is_asked_for(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)["/persons"] = {"items": [], "next": None}
    posts, without = [(await door.client.get(f"{PAGE}/persons{more}")).text for more in ("", "?on_roster=off&as_of=2026-01-01")]

    of = {"unit": given.UNIT_ID, "below": "false", "sort": "name"}
    asked = [dict(query) for _, path, query in door.played.queries if path == "/persons"]
    assert asked == [of, of | {"on_roster": "off", "as_of": "2026-01-01"}]
    assert ["没有在册人员" in page for page in (posts, without)] == [True, False]
    assert "没有这类人员" in without


async def test_what_monitoring_holds_of_a_unit_is_asked_of_the_unit_alone_and_the_newest_comes_first(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door)["/issues"] = {"items": [], "next": None}
    await door.client.get(PAGE)
    page = (await door.client.get(f"{PAGE}/supervision")).text

    of = {"unit": given.UNIT_ID, "below": "false", "limit": "200"}
    asked = [(path, dict(query)) for _, path, query in door.played.queries if path in {"/issues", "/freeze-orders", "/supervision-lists"}]
    assert asked[0] == ("/issues", of | {"open": "true"})
    assert sorted(asked[1:], key=str) == [
        ("/freeze-orders", of | {"sort": "-proposed"}),
        ("/issues", of | {"sort": "-found"}),
        ("/issues", of | {"state": "baseline"}),
        ("/supervision-lists", of | {"sort": "-issued"}),
    ]
    assert f"list=issues&amp;unit={given.UNIT_ID}&amp;below=false" in page


async def test_an_edition_that_is_not_sealed_is_not_said_to_have_gone_out(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    draft = {"id": given.PERSON_ID, "number": "编督1号", "iso_week": "2026-W39", "issued_at": "2026-09-21T01:00:00Z", "made_at": None}
    answers(door)["/supervision-lists"] = {"items": [draft | {"sealed_at": None, "acknowledged_at": None}], "next": None}
    page = (await door.client.get(f"{PAGE}/supervision")).text

    assert "编督1号" in page
    assert ('<th scope="col">生成</th>' in page, "发出" in page) == (True, False)


@pytest.mark.parametrize(("more", "told"), [(None, "全部 1 个问题"), ("more", "全部 1 个以上问题")])
async def test_open_issues_are_counted_of_the_unit_alone(door: Door, more: str | None, told: str) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door)["/issues"] = {"items": [given_cases.line().model_dump(mode="json")], "next": more}

    assert f'href="{PAGE}/supervision">{told}</a>' in (await door.client.get(PAGE)).text
    answers(door)["/issues"] = {"items": [], "next": None}
    assert f'href="{PAGE}/supervision">监督记录</a>' in (await door.client.get(PAGE)).text


async def test_a_green_unit_tells_what_its_first_load_brought(door: Door) -> None:
    door.sign_in(Role.SUPERVISION_OFFICER)
    answers(door)[f"{PAGE}/light"] = given.LIGHT | {"why": [], "light": "green", "baseline": 2}
    pages = [(await door.client.get(path)).text for path in (PAGE, f"{PAGE}/supervision")]

    assert ["期初存量 2 项</a>：首次导入时已经存在" in page for page in pages] == [True, True]


async def test_who_is_counted_as_here_is_not_called_established_where_contract_staff_are_among_them(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    page = (await door.client.get(PAGE)).text

    assert f'<span class="muted">在册（含编外）</span><strong class="num">{given.HERE["in_post"]}' in page
