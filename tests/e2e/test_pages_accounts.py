"""An account from its making to its first sign-in on record, in a browser: three administrators, each with his own part."""

import pytest
from playwright.async_api import expect

from deploy.local.place import Place
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

NEWCOMER, OWN = "newcomer", "Kranich-47-über-Wasser"


@pytest.mark.asyncio(loop_scope="session")
async def test_an_account_is_made_by_one_given_a_role_by_another_used_by_a_third_and_seen_by_a_fourth(whole: Place) -> None:
    async with chromium() as browser:
        async with desk(browser, whole.portal, "sysadmin") as system:
            password = await _make_an_account(system)
        async with desk(browser, whole.portal, "secadmin") as security:
            await security.page.goto(f"{whole.portal}/admin/users/{NEWCOMER}")
            await security.page.select_option("#f-role", "observer")
            await security.page.select_option("#f-scope", "county")
            await security.page.get_by_role("button", name="授予角色").click()
            await expect(security.page.get_by_role("status")).to_contain_text("已授予角色")
        newcomer = Desk(await browser.new_page(locale="zh-CN"), whole.portal)
        await _change_a_one_time_password(newcomer, password)
        assert newcomer.complaints == []
        async with desk(browser, whole.portal, "auditadmin") as audit:
            await audit.page.goto(f"{whole.portal}/admin/users/{NEWCOMER}")
            await audit.page.click("text=登录记录")
            table = audit.page.locator("#list table")
            await expect(table).to_contain_text("修改密码")
            await expect(table).to_contain_text("127.0.0.1")
            assert await audit.page.get_by_role("button", name="授予角色").count() == 0


async def _make_an_account(system: Desk) -> str:
    """By its form; the password it is told, which is in no address and not told again."""
    page = system.page
    await page.goto(f"{system.base}/admin/users")
    await page.click("text=建立账号")
    await page.fill("#f-real_name", "新来的")
    await page.fill("#f-name", NEWCOMER)
    await page.get_by_role("button", name="建立账号并发放密码").click()
    password = await page.locator("#one-time").inner_text()
    assert password not in page.url
    await page.goto(f"{system.base}/admin/users/{NEWCOMER}")
    await expect(page.locator("main")).to_contain_text("一次性密码未改")
    assert password not in await page.content()
    return password


async def _change_a_one_time_password(newcomer: Desk, password: str) -> None:
    """Nothing else is open before."""
    page = newcomer.page
    await page.goto(f"{newcomer.base}/sign-in")
    await page.fill("#f-name", NEWCOMER)
    await page.fill("#f-password", password)
    await page.locator("form[action='/sign-in'] button[type=submit]").click()
    await expect(page.locator("h1")).to_have_text("修改密码")
    await page.goto(f"{newcomer.base}/units")
    await expect(page.locator("h1")).to_have_text("修改密码")
    for name, value in (("password", password), ("new_password", OWN), ("again", OWN)):
        await page.fill(f"#f-{name}", value)
    await page.get_by_role("button", name="修改密码").click()
    await expect(page.locator("h1")).to_contain_text("您好")
    await expect(page.locator("header")).to_contain_text("单位")
