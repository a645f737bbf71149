"""The pages in a real browser on the whole stack: an application from its form to the sealed notice, by those who would do it."""

import pytest
from playwright.async_api import expect

from deploy.demo.city import OFFICER, logins
from deploy.demo.plan import city
from deploy.doors import doors_of
from deploy.local.place import Place
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

TITLE = "<img src=x onerror=alert(1)>招聘语文教师"


@pytest.mark.asyncio(loop_scope="session")
async def test_an_application_from_its_form_to_the_sealed_notice_by_those_who_would_do_it(whole: Place) -> None:
    school = await school_with_a_free_post(whole)
    async with chromium() as browser:
        async with desk(browser, whole.portal, f"{school}.clerk") as clerk:
            await _apply(clerk)
            address = clerk.page.url
            await clerk.until("单位负责人审签期限")
        async with desk(browser, whole.portal, f"{school}.head", scripts=False) as head:  # without a script
            await head.open_task("招聘语文教师")
            await head.page.click("button[value=approve]")
            await expect(head.page.get_by_role("status")).to_contain_text("已通过")
        async with desk(browser, whole.portal, "officer") as officer:
            await _approve_by_keyboard(officer)
        async with desk(browser, whole.portal, "director") as director:
            await director.page.goto(f"{whole.portal}/tasks?q=招聘语文教师")
            await director.page.check("input[name=chosen] >> nth=0")
            await director.page.click("text=批量通过")
            await expect(director.page.locator("table")).to_contain_text("已通过")
        async with desk(browser, whole.portal, "sealer") as sealer:
            await sealer.page.goto(address)
            await sealer.until("待登记用印")
            await sealer.page.click("text=登记用印并送签章")
            await sealer.until("已签章归档")
        async with desk(browser, whole.portal, f"{school}.clerk") as clerk:
            await clerk.open_task("招聘语文教师", "to_read")
            link = await clerk.page.get_attribute("a:has-text('打开')", "href")
            file = await clerk.page.context.request.get(f"{whole.portal}{link}")
            assert ((await file.body())[:5], file.headers["content-type"]) == (b"%PDF-", "application/pdf")
            await clerk.page.goto(f"{whole.portal}/tasks?tab=to_read&q=招聘语文教师")
            await expect(clerk.page.get_by_text("没有符合条件的事项")).to_be_visible()


async def school_with_a_free_post(whole: Place) -> str:
    """The last such school: the story plays in the first."""
    async with doors_of(whole) as doors:
        for login, planned in reversed(logins(city()).items()):
            unit = (await doors.get(OFFICER, "roster", "/units", q=planned.uscc)).body["items"][0]["id"]
            rows = (await doors.get(OFFICER, "roster", f"/units/{unit}")).body["establishments"]
            if any((row["kind"], row["funding"]) == ("SY", "full") and row["available"] >= 1 for row in rows):
                return login
    raise AssertionError("no school has a free post")


async def _apply(clerk: Desk) -> None:
    """Half written, left and come back to; checked; submitted."""
    page = clerk.page
    await page.goto(f"{clerk.base}/applications/new/post_use_application")
    await page.fill("#f-title", TITLE)
    await page.goto(f"{clerk.base}/tasks")
    await page.go_back()
    await expect(page.locator("#f-title")).to_have_value(TITLE)
    await page.select_option("#f-row", "SY|full")
    await page.fill("#f-justification", "退休补员。")
    await page.click("text=先核对一遍")
    await expect(page.get_by_role("status")).to_contain_text("可用编制充足")
    await page.click("text=提交申请")
    await expect(page.locator("h1")).to_have_text(TITLE)


async def _approve_by_keyboard(officer: Desk) -> None:
    """j to the row, Enter opens it, a goes to the button, Enter presses it."""
    page = officer.page
    await page.goto(f"{officer.base}/tasks?q=招聘语文教师")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/applications/**")
    await page.keyboard.press("a")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_contain_text("已通过")
