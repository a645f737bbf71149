"""数智分析 and 大屏: what the figures become on a page, with texts planted in their names."""

import json
import re
from typing import Any

import pytest

from services.portal.rules import charts
from shared.glossary import Role
from tests.portal.conftest import OURS, XSS, Door

UNIT = "01a210f8-5bc8-7567-b52b-9533203e1931"
AT = "2026-11-16T01:30:00Z"
POSTS = {
    "counted": True, "units": 3, "quota": 1258, "headcount": 1250, "people": 1250, "reserved": 1, "frozen": 2, "vacancy": 9,
    "overstaffing": 1, "available": 5, "exceeded": 1, "saturation": 0.9936, "vacancy_rate": 0.007,
}  # fmt: skip
UNCOUNTED = POSTS | {"counted": False, "quota": 77, "headcount": 66, "overstaffing": 0}

WITHOUT_MONTH = {
    name: {"counted": counted, "others": others} for name, counted, others in (("special", 1234, 0), ("unknown", 0, 2), ("overdue", 7, 3))
}


def months(count: int = 60) -> list[dict[str, Any]]:
    return [
        {"month": f"{2026 + (10 + each) // 12}-{(10 + each) % 12 + 1:02}", "counted": each % 3, "others": each % 2} for each in range(count)
    ]


@pytest.fixture
def figures(door: Door) -> Door:
    group = {"code": UNIT, "label": f"听澜镇{XSS}"}
    row = {"kind": "XZ", "funding": "full", "kind_label": f"行政编制{XSS}", "funding_label": "全额拨款"}
    told = {"last_event_at": AT, "totals": [POSTS, UNCOUNTED]}
    door.played.answers |= {
        "/figures/distribution": told | {"group": "town", "items": [POSTS | group, UNCOUNTED | group]},
        "/figures/saturation": told | {"unit_id": None, "items": [POSTS | row]},
        "/figures/retirements": {"last_event_at": AT, "unit_id": None, "items": months()} | WITHOUT_MONTH,
        "/figures/lights": {"last_event_at": AT, "items": [{"code": "red", "label": "红灯", "count": 4}]},
        "/figures/issues": {"last_event_at": AT, "items": [{"rule": "M01", "open": 3, "overdue": 2}], "states": []},
        "/figures/applications": {"last_event_at": AT, "items": []},
        "/codes": {"categories": []},
        f"/units/{UNIT}": {"id": UNIT, "name": f"听澜镇{XSS}"},
        f"/units/{UNIT}/structure": {"total": 5, "average_age": 39.1, "by": {"age": [{"code": "x", "label": f"35岁{XSS}", "count": 5}]}},
    }
    return door


def drawn(page: str, chart: str) -> Any:
    found = re.search(rf'<script type="application/json" id="{chart}">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


@pytest.mark.asyncio
async def test_each_chart_has_a_table_that_says_the_same_and_nothing_planted_runs(figures: Door) -> None:
    figures.sign_in(Role.BUSINESS_OFFICER)
    page = (await figures.client.get(f"/analysis?group=town&unit={UNIT}")).text

    assert [each["data"] for each in drawn(page, "c-spread")["series"]] == [[1250], [1258]]
    assert re.findall(r'<td class="cell-number">(1,2\d\d)</td>', page)[:2] == ["1,258", "1,250"]
    assert sum(drawn(page, "c-retire")["series"][0]["data"]) == sum(each["counted"] for each in months())
    assert page.count('<th scope="row" class="num">20') == 6
    assert "不是用编效益评价" in page
    assert "3 个有编制的单位" in page, "fewer than there are units, and it says which"
    assert "35岁&lt;script&gt;" in page
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.asyncio
async def test_the_forecast_says_whom_it_leaves_out_and_why(figures: Door) -> None:
    figures.sign_in(Role.BUSINESS_OFFICER)
    for shown in [(await figures.client.get(path)).text for path in ("/analysis", "/wall")]:
        assert "高级职称/县处级 1,234 人" in shown
        assert "类别不明 0 人（另计 2 人）" in shown
        assert "应退未出 7 人（另计 3 人）" in shown


@pytest.mark.asyncio
async def test_a_card_whose_figures_are_away_says_so_and_the_others_stay(figures: Door) -> None:
    figures.sign_in(Role.OBSERVER)
    figures.played.refusals["/figures/retirements"] = (503, "unavailable")
    page = await figures.client.get(f"/analysis?unit={UNIT}")

    assert page.status_code == 200
    assert "退休预测暂时取不到" in page.text
    assert "使用率 99.4%" in page.text
    assert f"/units/{UNIT}/structure" not in {path for _, path, _, _ in figures.played.asked}


@pytest.mark.asyncio
async def test_all_units_are_chosen_from_the_list_as_one_unit_is(figures: Door) -> None:
    """A form sends 全部单位 as an empty text."""
    figures.sign_in(Role.OBSERVER)
    page = await figures.client.get("/analysis?group=kind&unit=")

    assert page.status_code == 200
    assert "管辖范围内全部单位" in page.text


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/analysis", "/issues", "/freeze-orders", "/supervision-lists"])
async def test_units_to_choose_from_stand_once_in_the_order_of_their_sounds(figures: Door, path: str) -> None:
    figures.sign_in(Role.BUSINESS_OFFICER)
    names = dict(enumerate(("中共望汐市委办公室", "云岫镇", "春晖里街道", "望汐市公安局")))
    parents = [POSTS | {"code": str(code), "label": name} for code, name in names.items()]
    figures.played.answers["/figures/distribution"] |= {"items": parents}
    options = re.findall(r'<option value="[0-3]">(.*?)(?:及所属)?</option>', (await figures.client.get(path)).text)

    assert options == ["春晖里街道", "望汐市公安局", "云岫镇", "中共望汐市委办公室"]


@pytest.mark.asyncio
async def test_the_people_of_a_unit_are_told_by_population(figures: Door) -> None:
    """A state enterprise has people, though none of 机关事业."""
    figures.sign_in(Role.BUSINESS_OFFICER)
    first, other = [(await figures.client.get(f"/analysis?unit={UNIT}{more}")).text for more in ("", "&population=state_enterprise")]
    asked = [query for _, path, query in figures.played.queries if path == f"/units/{UNIT}/structure"]

    assert asked == [[("population", "public")], [("population", "state_enterprise")]]
    assert "机关事业人员共 5 人" in first
    assert "国资人员共 5 人" in other
    assert re.findall(r'class="is-here" aria-current="true">(机关事业|编外|国资)</a>', first + other) == ["机关事业", "国资"]


@pytest.mark.asyncio
async def test_people_of_whom_nothing_is_recorded_are_called_so(figures: Door) -> None:
    figures.sign_in(Role.BUSINESS_OFFICER)
    figures.played.answers[f"/units/{UNIT}/structure"]["by"] |= {"education": [{"code": None, "label": None, "count": 3}]}
    page = (await figures.client.get(f"/analysis?unit={UNIT}")).text

    assert '<th scope="row">未填写</th>' in page
    assert "None" not in page


@pytest.mark.asyncio
async def test_the_table_that_is_swapped_brings_its_own_button_for_its_file(figures: Door) -> None:
    figures.sign_in(Role.BUSINESS_OFFICER)
    part = (await figures.client.get("/analysis?group=parent&sort=-quota", headers={"hx-request": "true"})).text
    odd = (await figures.client.get("/analysis?sort=label", headers={"hx-request": "true"})).text

    assert ['name="group" value="parent"' in part, 'name="sort" value="-quota"' in part, 'name="sort" value=""' in odd] == [True] * 3


@pytest.mark.asyncio
async def test_home_says_before_all_states_how_many_problems_are_late(figures: Door) -> None:
    figures.sign_in(Role.OBSERVER)
    issues = {"last_event_at": AT, "items": [{"rule": "M01", "open": 3, "overdue": 2}, {"rule": "M02", "open": 1, "overdue": 1}]}
    figures.played.answers["/figures/issues"] = issues | {"states": [{"code": "rectifying", "label": "整改中", "count": 4}]}

    page = (await figures.client.get("/")).text

    assert re.search(r'href="/issues\?late=true">.*?已超期</a><strong class="num">3</strong>.*整改中', page, re.DOTALL)


@pytest.mark.asyncio
async def test_home_says_beside_the_lights_what_lights_none(figures: Door) -> None:
    figures.sign_in(Role.OBSERVER)
    said = []
    for count in (1204, 0):
        figures.played.answers["/figures/issues"] |= {"states": [{"code": "baseline", "label": "期初存量", "count": count}]}
        page = (await figures.client.get("/")).text
        lights = page[page.index('id="h-lights"') : page.index('id="h-issues"')]
        said.append(re.findall(r'另有<a href="/issues\?state=baseline">(.*?)</a>', lights))

    assert said == [["期初存量 1,204 项"], []]


@pytest.mark.asyncio
async def test_an_export_is_asked_for_with_what_the_page_shows(figures: Door) -> None:
    csrf = figures.sign_in(Role.OBSERVER)
    form = {"csrf": csrf, "request_key": "k-12345678", "list": "distribution", "group": "town", "sort": "-headcount", "unit": UNIT}
    answer = await figures.client.post("/analysis/export", data=form, headers=OURS)
    sent = next(json.loads(body) for method, path, body, _ in figures.played.asked if (method, path) == ("POST", "/exports"))

    assert (answer.status_code, answer.headers["location"]) == (303, "/exports?done=export_asked")
    assert sent == {"list": "distribution", "filters": {"unit": UNIT, "group": "town", "sort": "-headcount"}, "format": "xlsx"}


@pytest.mark.asyncio
async def test_what_is_promised_beyond_a_row_stands_beside_what_others_have_left_as_on_the_pages_of_units(figures: Door) -> None:
    """可用编 is never netted (domain §1.6): without 超用 the columns beside it would not add up."""
    figures.sign_in(Role.BUSINESS_OFFICER)
    analysis, wall = [(await figures.client.get(path)).text for path in ("/analysis", "/wall")]

    assert analysis.count('5<br><span class="left-late small">超用 1</span>') == analysis.count(">99.4%</td>")
    assert all("冻结 2，另有超用 1" in page for page in (analysis, wall))


@pytest.mark.asyncio
async def test_page_and_wall_call_what_stands_beside_the_establishment_the_same(figures: Door) -> None:
    """单列 is 编制 in law: what is counted apart is not all 不计入编制."""
    figures.sign_in(Role.COMMISSION)

    assert ["单列或不计入编制，另计" in (await figures.client.get(path)).text for path in ("/analysis", "/wall")] == [True, True]


@pytest.mark.asyncio
async def test_the_wall_names_nobody_and_tells_how_far_its_figures_reach(figures: Door) -> None:
    figures.sign_in(Role.COMMISSION)
    figures.played.answers["/upkeep/positions"] = {"ends": [], "consumed": [], "unsent": 0, "parked": 1}
    wall = (await figures.client.get("/wall")).text
    part = (await figures.client.get("/wall", headers={"hx-request": "true"})).text

    for shown in (wall, part):
        assert '数据截至 <span class="num">2026-11-16 09:30' in shown
        assert "周&lt;" not in shown
        assert "<script>alert" not in shown
    assert "<html" not in part
    assert all(
        f'data-slide="{each}"' in wall and f'id="{each}"' in part for each in ("slide-posts", "slide-towns", "slide-retire", "slide-cases")
    )


@pytest.mark.asyncio
async def test_what_is_struck_off_does_not_stand_on_the_wall_as_open(figures: Door) -> None:
    """The sum above the rows is of what is open; whoever adds the rows up must come to it."""
    counts = {"rectifying": ("整改中", 2), "overdue_issue": ("逾期未整改", 1), "closed": ("已销号", 7), "dismissed": ("核实不成立", 8)}
    states = [{"code": code, "label": label, "count": count} for code, (label, count) in counts.items()]
    figures.played.answers["/figures/issues"] |= {"states": states}
    figures.sign_in(Role.COMMISSION)
    wall = (await figures.client.get("/wall")).text
    _, _, rest = wall.partition("<h3>未销号的问题</h3>")
    open_issues, _, beside = rest.partition("</ul><p")

    assert re.findall(r"<li><span>(.*?)</span><strong>(\d+)</strong>", open_issues) == [("整改中", "2"), ("逾期未整改", "1")]
    assert "另有已销号 7、核实不成立 8" in beside


@pytest.mark.asyncio
async def test_changes_of_lights_are_passed_on_as_they_come(figures: Door) -> None:
    figures.sign_in(Role.COMMISSION)
    answer = await figures.client.get("/wall/changes")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")


def test_a_shade_follows_use_alone() -> None:
    assert [charts.shade(each) for each in (None, 0.5, 0.9, 0.96, 0.98, 1.0, 1.01)] == [0, 0, 1, 2, 3, 3, 4]


def test_a_month_that_was_not_asked_for_is_no_zero() -> None:
    first = charts.years(months())[0]

    assert (first["year"], first["months"].count(None), first["counted"]) == ("2026", 10, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/analysis", "/wall"])
async def test_whoever_has_no_posts_in_sight_sees_that_there_are_none(figures: Door, path: str) -> None:
    figures.sign_in(Role.UNIT_CLERK)
    for name in ("distribution", "saturation"):
        figures.played.answers[f"/figures/{name}"] = {"last_event_at": AT, "group": "town", "unit_id": None, "totals": [], "items": []}
    page = await figures.client.get(path)

    assert page.status_code == 200
    assert "没有" in page.text


def position(topic: str, next_offset: int, consumer: str = "") -> dict[str, Any]:
    return {"consumer": consumer, "topic": topic, "partition": 0, "next_offset": next_offset}


@pytest.mark.asyncio
@pytest.mark.parametrize(("read", "unsent", "parked", "said"), [(7, 0, 0, ""), (5, 0, 0, "2"), (7, 3, 0, "9"), (7, 0, 1, "1")])
async def test_a_page_says_until_when_its_figures_are_and_what_they_do_not_hold_yet(
    figures: Door, read: int, unsent: int, parked: int, said: str
) -> None:
    """Three publish, each of what it has not sent; a rebuild that is under way beside the live figures says nothing of them."""
    told: dict[str, Any] = {"ends": [], "unsent": unsent, "parked": parked, "consumed": [position("roster.events", 0, "reporting@2")]}
    told["consumed"] += [position("roster.events", read, "monitoring"), position("roster.events", 1, "other")]
    figures.played.answers |= {"/upkeep/positions": told, "/figures/as-of": {"positions": [position("roster.events", read)]}}
    figures.played.answers["roster/upkeep/positions"] = told | {"ends": [position("roster.events", 7)]}
    figures.played.answers["/lights/matrix"] = {"items": [], "rules": [], "lights": [], "next": None, "turn": 0}
    figures.sign_in(Role.OBSERVER)

    pages = {path: (await figures.client.get(path)).text for path in ("/", "/analysis", "/wall", "/lights")}

    words = f"另有 {said} 项变动尚未计入" if said else "尚未计入"
    assert {path: words in page for path, page in pages.items()} == dict.fromkeys(pages, bool(said))
    assert f'数据截至 <span class="num">{AT[:10]}' in pages["/analysis"] or not said
    assert ("数据截至" in pages["/lights"]) is not bool(said)


@pytest.mark.asyncio
async def test_a_page_claims_nothing_where_nobody_knows_how_fresh_its_figures_are(figures: Door) -> None:
    figures.played.refusals["/upkeep/positions"] = (503, "away")
    figures.played.answers["/lights/matrix"] = {"items": [], "rules": [], "lights": [], "next": None, "turn": 0}
    figures.sign_in(Role.OBSERVER)

    pages = [(await figures.client.get(path)).text for path in ("/", "/analysis", "/wall", "/lights")]

    assert ["暂时无法核实" in page for page in pages] == [True] * 4
    assert "数据截至" not in pages[3]
