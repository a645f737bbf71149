"""From the form to the approval without a mouse: nothing here clicks."""

import time

import pytest
from playwright.async_api import Page, expect

from deploy.local.place import Place
from tests.e2e.test_pages import school_with_a_free_post
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

TITLE = f"招聘数学教师{time.time_ns() % 10**6}"
pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_somebody_without_a_mouse_applies_reads_and_approves(whole: Place) -> None:
    school = await school_with_a_free_post(whole)
    async with chromium() as browser:
        async with desk(browser, whole.portal, f"{school}.clerk", keys=True) as clerk:
            await _apply(clerk)
            await clerk.until("单位负责人审签期限")
        async with desk(browser, whole.portal, f"{school}.head", keys=True) as head:
            await _open(head)
            await _return_is_within_reach(head.page)
            await head.press("a", "Enter")
            await _said(head.page, "已通过")
        async with desk(browser, whole.portal, "officer", keys=True) as officer:
            await _help_opens_and_gives_the_focus_back(officer)
            await _open(officer)
            await officer.press("a", "Enter")
            await _said(officer.page, "已通过")
        async with desk(browser, whole.portal, "director", keys=True) as director:
            asked = await _find(director)
            await director.press("j")
            await director.page.wait_for_timeout(600)  # the pause after typing is over
            assert len(asked) == 1  # a list that came once more would take the row away
            await director.press("a", "Enter")  # ticks the row and goes to the button for all that are ticked, then presses it
            await expect(director.page.locator("table")).to_contain_text("已通过")


async def _apply(clerk: Desk) -> None:
    await clerk.tab_to("新建申请")
    await clerk.press("Enter")
    await clerk.page.wait_for_url("**/applications/new")
    await clerk.tab_to("用编申请")
    await clerk.press("Enter")
    await clerk.page.wait_for_url("**/post_use_application")
    await clerk.tab_to("f-row")
    await _choose(clerk.page, "SY|full")
    await clerk.tab_to("f-title")
    await clerk.page.keyboard.type(TITLE)
    await clerk.press("Tab")
    await clerk.page.keyboard.type("退休补员。")
    await clerk.press("Escape", "a", "Enter")
    await expect(clerk.page.locator("h1")).to_have_text(TITLE)
    await _said(clerk.page, "已提交")


async def _choose(page: Page, value: str) -> None:
    for _ in range(20):
        if await page.evaluate("document.activeElement.value") == value:
            return
        await page.keyboard.press("ArrowDown")
    raise AssertionError(f"{value} cannot be chosen")


async def _find(person: Desk) -> list[str]:
    """By the navigation to the work list, then by its search; which lists were asked for by it, as they go on coming."""
    asked = list[str]()
    await person.tab_to("待办")
    await person.press("Enter")
    await person.page.wait_for_url("**/tasks")
    person.page.on("request", lambda request: asked.append(request.url) if "hx-request" in request.headers else None)
    await person.press("/")
    await person.page.keyboard.type(TITLE)
    await person.press("Enter")
    await person.page.wait_for_url("**q=**")  # a list of one may have stood there before
    await expect(person.page.locator("a.row-link")).to_have_count(1)
    await person.press("Escape")
    return asked


async def _open(person: Desk) -> None:
    await _find(person)
    await person.press("j", "Enter")
    await expect(person.page.locator("h1")).to_have_text(TITLE)


async def _return_is_within_reach(page: Page) -> None:
    await page.keyboard.press("r")
    assert await page.evaluate("document.activeElement.name") == "reason_codes"


async def _help_opens_and_gives_the_focus_back(officer: Desk) -> None:
    await officer.tab_to("待办")
    await officer.press("?")
    await expect(officer.page.locator("#keys")).to_be_visible()
    await officer.press("Escape")
    await expect(officer.page.locator("#keys")).to_be_hidden()
    assert "待办" in await officer.page.evaluate("document.activeElement.innerText")
    await officer.press("Shift+Tab")


async def _said(page: Page, words: str) -> None:
    await expect(page.get_by_role("status").first).to_contain_text(words)
