"""What keys do, by the page's own script in a browser: no server stands behind it, so that what would be sent is seen."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route, expect

import services.portal
from deploy.local.place import CACHE
from tests.portal.browser import chromium

pytestmark = pytest.mark.asyncio
HTMX = CACHE / "assets" / "htmx.js"
SCRIPT = Path(services.portal.__file__).parent / "static" / "portal.js"
BATCH = """<form method="post" data-batch><input type="checkbox" name="chosen" value="1"><input type="checkbox" name="chosen" value="2">
<input name="opinion" value="同意。"><button type="submit">批量通过</button></form>
<script>addEventListener("submit", (event) => { event.preventDefault(); document.title += "已提交"; })</script>"""


async def test_enter_on_a_box_sends_nothing_and_in_a_line_it_presses_the_button() -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.set_content(BATCH)
        await page.add_script_tag(path=SCRIPT)
        await page.focus("[value='1']")
        for key in ("Space", "Tab", "Enter"):
            await page.keyboard.press(key)
        ticked, before = await page.locator(":checked").count(), await page.title()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")

        assert (ticked, before, await page.title()) == (1, "", "已提交")


FOLDED = """<details class="more" data-key="r"><summary>退回整改材料</summary><div class="more-body"><form method="post">
<button type="submit" disabled hidden></button><input type="hidden" name="csrf" value="1"><textarea name="reason"></textarea><button type="submit">退回</button></form></div></details>"""


async def test_the_key_of_a_return_opens_it_and_goes_to_its_first_line() -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.set_content(FOLDED)
        await page.add_script_tag(path=SCRIPT)
        await page.keyboard.press("r")

        assert await page.evaluate("document.activeElement.name") == "reason"


NARROWED = """<form hx-get="/lists" hx-target="#list" hx-trigger="change"><input name="week"></form><div id="list">全部清单</div>
<script src="/htmx.js"></script><script src="/portal.js"></script>"""
REFUSED = '<div data-said="格式不正确">周次：应为某年的第几周</div>'


async def test_a_list_that_is_refused_says_so_where_it_stood() -> None:
    answers = {
        "/": NARROWED,
        "/lists": REFUSED,
        "/htmx.js": HTMX.read_text(encoding="utf-8"),
        "/portal.js": SCRIPT.read_text(encoding="utf-8"),
    }

    async def answer(route: Route) -> None:
        path = urlsplit(route.request.url).path
        kind = "text/javascript" if path.endswith(".js") else "text/html; charset=utf-8"
        await route.fulfill(status=422 if path == "/lists" else 200, content_type=kind, body=answers[path])

    async with chromium() as browser:
        page = await browser.new_page()
        await page.route("**/*", answer)
        await page.goto("http://portal.example/")
        await page.fill("[name=week]", "2026-W99")
        await page.press("[name=week]", "Tab")

        await expect(page.locator("#list")).to_have_text("周次：应为某年的第几周")
