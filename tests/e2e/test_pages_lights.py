"""The light board in a real browser on the whole stack: a light turns while somebody watches, and leads to what makes it green."""

import asyncio
import re
import time
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from playwright.async_api import expect

from deploy.city.invented import Inventor
from deploy.demo.city import OFFICER, SEALER, SUPERVISOR, logins
from deploy.demo.plan import city
from deploy.doors import Doors, doors_of
from deploy.local.place import NAMESPACE, Place
from shared.clock import Clock, at_hour, business_day
from shared.glossary import Light, PersonIdentity, PostCategory
from shared.temporal import WORKFLOWS, connect
from tests.portal.browser import chromium
from tests.portal.desk import desk
from workflows.schedules import Nominal

_HIDDEN = """hidden => {
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true})
    document.dispatchEvent(new Event('visibilitychange'))
}"""
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_who_watches_sees_a_light_turn_and_is_led_to_what_makes_it_green(whole: Place) -> None:
    async with chromium() as browser, doors_of(whole) as doors:
        unit, row = await _full(doors)
        async with desk(browser, whole.portal, SUPERVISOR) as board, desk(browser, whole.portal, OFFICER) as wall:
            await board.page.goto(f"{whole.portal}/lights")
            await wall.page.goto(f"{whole.portal}/wall")
            await expect(board.page.locator("#line")).to_have_text("实时更新")
            await expect(wall.page.locator("#line")).to_have_text("实时更新")
            await wall.page.evaluate("document.addEventListener('htmx:afterSwap', () => { document.body.dataset.anew = 'yes' })")
            await _over_quota(whole, doors, unit, row)
            await expect(board.page.locator("#turned")).to_contain_text(f"{unit['name']}转为红灯")
            await expect(board.page.locator(f"#u-{unit['id']}")).to_contain_text("待核实")
            await expect(wall.page.locator("body[data-anew=yes]")).to_have_count(1)
            await wall.page.keyboard.press("Space")
            await expect(wall.page.get_by_role("button", name="继续")).to_be_visible()
            await board.page.click(f"#u-{unit['id']} td[data-rule] a")
            await expect(board.page.locator(".green-way").first).to_contain_text("怎样转绿")
            assert board.page.url == f"{whole.portal}/lights/{unit['id']}?rule=M01"
            assert "/issues/" in str(await board.page.locator(".evidence-head a").first.get_attribute("href"))


async def test_without_a_script_a_reload_shows_the_same_and_colours_are_chosen_by_a_form(whole: Place) -> None:
    async with chromium() as browser, desk(browser, whole.portal, OFFICER, scripts=False) as officer:
        page = officer.page
        await page.goto(f"{whole.portal}/lights")
        await page.check("input[name=color][value=green]", force=True)
        await page.click("#filters button[type=submit]")
        await page.wait_for_url("**color=green**", wait_until="load")
        rows, green = page.locator("#rows tr"), page.locator("#rows tr > td.light-green")
        assert await rows.count() == await green.count() > 0
        await expect(page.locator("#line")).to_have_text("刷新页面可见最新")


async def test_the_way_to_the_file_follows_the_list_as_it_is_narrowed(whole: Place) -> None:
    async with chromium() as browser, desk(browser, whole.portal, OFFICER) as officer:
        page = officer.page
        await page.goto(f"{whole.portal}/lights")
        await page.check("input[name=color][value=green]", force=True)
        await expect(page.locator("a[data-by]")).to_have_attribute("href", re.compile("light=green"))


async def test_a_tab_in_the_background_holds_no_connection_and_misses_nothing(whole: Place) -> None:
    async with chromium() as browser, doors_of(whole) as doors:
        unit, row = await _full(doors)
        async with desk(browser, whole.portal, OFFICER) as officer:
            page = officer.page
            await page.goto(f"{whole.portal}/lights")
            await expect(page.locator("#line")).to_have_text("实时更新")
            await page.evaluate(_HIDDEN, True)
            await expect(page.locator("#line")).to_have_text("离开本页时暂停更新")
            await _over_quota(whole, doors, unit, row)
            await _until_red(doors, unit["id"])
            assert unit["name"] not in await page.inner_text("#turned")
            await page.evaluate(_HIDDEN, False)
            await expect(page.locator("#turned")).to_contain_text(f"{unit['name']}转为红灯")


async def test_a_weekly_edition_is_released_sealed_and_handed_out(whole: Place) -> None:
    async with chromium() as browser, doors_of(whole) as doors:
        unit, row = await _full(doors)
        await _over_quota(whole, doors, unit, row)
        await _issue_lists(whole, doors, unit["id"])
        async with desk(browser, whole.portal, SEALER) as sealer:
            page = sealer.page
            await page.goto(f"{whole.portal}/supervision-lists?unit={unit['id']}")
            await page.click("a.row-link")
            await expect(page.locator("tbody")).to_contain_text("新增（1）")
            await page.fill("#f-reason", "核对无误，同意用印。")
            await page.click("text=登记用印并送签章")
            await sealer.until("待单位签收")
            files = [await page.context.request.get(f"{page.url.partition('?')[0]}/{kind}") for kind in ("pdf", "xlsx")]
            assert [(await file.body())[:4] for file in files] == [b"%PDF", b"PK\x03\x04"]
            assert {file.headers["cache-control"] for file in files} == {"no-store"}


async def test_events_end_with_the_session(whole: Place) -> None:
    async with chromium() as browser, desk(browser, whole.portal, OFFICER) as officer:
        page = officer.page
        await page.goto(f"{whole.portal}/lights")
        await expect(page.locator("#line")).to_have_text("实时更新")
        other = await page.context.new_page()
        await other.goto(f"{whole.portal}/me")
        await other.click("summary:has(.menu-name)")
        await other.click("text=退出登录")
        await expect(page.locator("#line")).not_to_have_text("实时更新", timeout=45_000)
        officer.complaints.clear()  # the browser says that the stream came back as a page


async def _full(doors: Doors) -> tuple[dict[str, Any], dict[str, Any]]:
    """The last unit with a full row that has no part in the demo's story and is green, and that row."""
    played = {planned.uscc for planned in logins(city()).values()}
    for unit in reversed((await doors.get(OFFICER, "roster", "/units", limit=200)).body["items"]):
        if unit["code"] in played or await _light(doors, unit["id"]) != Light.GREEN:
            continue
        found = (await doors.get(OFFICER, "roster", f"/units/{unit['id']}")).body
        for row in found["establishments"]:
            if row["counted"] and row["quota"] and (row["available"], row["overstaffing"]) == (0, 0) and not found["freezes"]:
                return found, row
    raise AssertionError("no unit is full")


async def _over_quota(whole: Place, doors: Doors, unit: dict[str, Any], row: dict[str, Any]) -> None:
    """One person beyond the quota, as an inspection finds him."""
    inventor, today = Inventor(time.time_ns(), first_sequence=100 + time.time_ns() % 390), business_day(Clock(whole.clock_file).now())
    born_on = today - timedelta(days=30 * 365)
    person = {"name": inventor.name("F"), "id_number": inventor.id_number(born_on, "F"), "sex": "F", "birth_on": born_on.isoformat()}
    person |= {"identity": PersonIdentity.PROFESSIONAL, "post_category": PostCategory.TECHNICAL, "title": "科员"}
    known = await doors.post(OFFICER, "roster", f"/units/{unit['id']}/persons", person)
    surplus = {"kind": row["kind"], "funding": row["funding"], "started_on": (today - timedelta(days=30)).isoformat(), "cause": "violation"}
    surplus |= {"person_id": known.body["person_id"], "reason": "实地检查发现", "document_no": "望编督〔2026〕检查记录"}
    await doors.post(SUPERVISOR, "roster", f"/units/{unit['id']}/over-quota", surplus)


async def _issue_lists(whole: Place, doors: Doors, unit: str) -> None:
    """The weekly job, as it will run on the first working day of next week: an edition tells nothing that was found after its day."""
    await _until_red(doors, unit)
    key = bytes.fromhex((whole.home / "secrets" / "payload.key").read_text())
    client, today = await connect(whole.temporal, NAMESPACE, key), business_day(Clock(whole.clock_file).now())
    monday = today + timedelta(days=7 - today.weekday())
    for day in (monday + timedelta(days=each) for each in range(7)):
        nominal = Nominal(at=at_hour(day, 9))
        await client.execute_workflow("SupervisionWorkflow", nominal, id=f"lists-{uuid4()}", task_queue=WORKFLOWS)


async def _until_red(doors: Doors, unit: str) -> None:
    async with asyncio.timeout(60):
        while await _light(doors, unit) != Light.RED:  # noqa: ASYNC110  another process
            await asyncio.sleep(0.2)


async def _light(doors: Doors, unit: str) -> str:
    found: str = (await doors.get(OFFICER, "monitoring", f"/units/{unit}/light")).body["light"]
    return found
