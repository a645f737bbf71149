"""Every page in a real browser: axe-core finds nothing serious, it stands at twice the size and on paper, nothing moves even on a slow line, nothing comes from elsewhere."""

import json
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Request

from deploy.local.place import Place
from tests.portal.browser import chromium
from tests.portal.screens import PAGES, go, sign_in
from tests.portal.tools.install import AXE

SERIOUS = {"serious", "critical"}
FIRST_VISIT = 600 * 1024
_SLOW_LINE = {"offline": False, "latency": 10, "downloadThroughput": 150 * 1024, "uploadThroughput": 150 * 1024}  # ms, bytes a second
_MOVED = """() => new Promise(done => {
    let moved = 0
    new PerformanceObserver(list => { for (const entry of list.getEntries()) if (!entry.hadRecentInput) moved += entry.value })
        .observe({type: 'layout-shift', buffered: true})
    setTimeout(() => done(moved), 100)
})"""
_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
_TO_CLICK = "() => [...document.querySelectorAll('.head, nav, button, input, select')].filter(e => e.checkVisibility()).map(e => e.outerHTML.slice(0, 80))"
_WEIGHT = "() => performance.getEntries().filter(e => e.transferSize).reduce((sum, e) => sum + e.transferSize, 0)"
ROUNDS = {
    user: [name for name, (whose, _) in PAGES.items() if whose == user] for user in dict.fromkeys(whose for whose, _ in PAGES.values())
}


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("user", ROUNDS)
async def test_each_page_is_for_everybody_and_of_this_house_alone(whole: Place, user: str) -> None:
    found: dict[str, Any] = {}
    rows: dict[str, str] = {}
    async with chromium() as browser:
        page, foreign = await _page(browser, whole, user)
        await (await page.context.new_cdp_session(page)).send("Network.emulateNetworkConditions", _SLOW_LINE)
        for name in ROUNDS[user]:
            await page.set_viewport_size({"width": 1366, "height": 768})
            await go(page, whole.portal, PAGES[name][1], rows)
            found[name] = await _faults(page)
    assert {name: faults for name, faults in found.items() if faults} == {}
    assert foreign == []


@pytest.mark.asyncio(loop_scope="session")
async def test_a_first_visit_is_light(whole: Place) -> None:
    """Everything a browser fetches that has never been here; a page of charts takes its library besides."""
    async with chromium() as browser:
        page, _ = await _page(browser, whole, "officer")
        cookies = await page.context.cookies()
        newcomer = await browser.new_context()
        await newcomer.add_cookies(cookies)  # type: ignore[arg-type]  # as they were given
        first = await newcomer.new_page()
        await first.goto(f"{whole.portal}/")
        weight = await first.evaluate(_WEIGHT)
    assert 50 * 1024 < weight <= FIRST_VISIT


async def _page(browser: Browser, whole: Place, user: str) -> tuple[Page, list[str]]:
    """A browser of this user; the second collects what it asked others for."""
    context = await browser.new_context(locale="zh-CN")
    page, foreign = await context.new_page(), list[str]()

    def asked(request: Request) -> None:
        if not request.url.startswith((whole.portal, "data:", "blob:")):
            foreign.append(request.url)

    page.on("request", asked)
    if user:
        await sign_in(page, whole.portal, user)
    return page, foreign


async def _faults(page: Page) -> list[str]:
    """What is wrong with the page as it stands."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    told = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    faults = [f"{each['id']}: {json.dumps(_where(each), ensure_ascii=False)}" for each in told["violations"] if each["impact"] in SERIOUS]
    if await page.evaluate("document.documentElement.lang") != "zh-CN" or not (await page.title()).strip():
        faults.append("no language or no title")
    if (moved := await page.evaluate(_MOVED)) > 0.01:
        faults.append(f"moved by {moved}")
    await page.set_viewport_size({"width": 683, "height": 384})
    if (wider := await page.evaluate(_WIDER)) > 0:
        faults.append(f"{wider} px wider than the window at 200 %")
    await page.set_viewport_size({"width": 390, "height": 844})
    if (wider := await page.evaluate(_WIDER)) > 0:
        faults.append(f"{wider} px wider than a telephone")
    return faults + await _faults_on_paper(page)


async def _faults_on_paper(page: Page) -> list[str]:
    """A printed sheet (A4 between its margins) has nothing on it that one would click, and nothing beside it."""
    await page.set_viewport_size({"width": 688, "height": 990})
    await page.emulate_media(media="print")
    faults = [f"on paper: {each}" for each in (await page.evaluate(_TO_CLICK))[:3]]
    if (wider := await page.evaluate(_WIDER)) > 0:
        faults.append(f"{wider} px wider than a sheet")
    await page.emulate_media(media="screen")
    return faults


def _where(violation: dict[str, Any]) -> list[str]:
    return [node["html"][:160] for node in violation["nodes"][:3]]
