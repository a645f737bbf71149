"""What was typed is still there when the session is over, when the portal was restarted, and when the window was closed."""

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Page, expect

from deploy.doors import doors_of
from deploy.local.place import Place
from deploy.local.stack import published, restart
from tests.e2e.test_pages import school_with_a_free_post
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

pytestmark = pytest.mark.asyncio(loop_scope="session")
FORM = "/applications/new/post_use_application"


async def _type(clerk: Desk, title: str) -> None:
    await clerk.page.goto(clerk.base + FORM)
    await clerk.page.select_option("#f-row", "SY|full")
    await clerk.page.fill("#f-title", title)
    await clerk.page.fill("#f-justification", "第一行。\n第二行“引号”&<b>。")
    await clerk.page.press("#f-justification", "Tab")
    await expect(clerk.page.get_by_role("status")).to_contain_text("核对结果")  # as it is typed


async def _is_there(page: Page, title: str) -> None:
    await expect(page.locator("#f-title")).to_have_value(title)
    await expect(page.locator("#f-justification")).to_have_value("第一行。\n第二行“引号”&<b>。")
    await expect(page.locator("#f-row")).to_have_value("SY|full")


async def test_a_form_that_is_sent_after_the_session_ended_goes_on_after_the_next_sign_in(whole: Place) -> None:
    school = await school_with_a_free_post(whole)
    async with chromium() as browser, desk(browser, whole.portal, f"{school}.clerk") as clerk:
        await _type(clerk, "会话结束后继续")
        await clerk.page.context.clear_cookies()
        await clerk.page.click("button[value=submit]")
        await expect(clerk.page.locator("h1")).to_have_text("登录已结束")
        await clerk.page.fill("#f-demo", f"{school}.clerk")
        await clerk.page.click("text=以此人登录")
        await clerk.page.click("button:has-text('继续提交')")
        await expect(clerk.page.locator("h1")).to_have_text("会话结束后继续")
        await expect(clerk.page.locator(".as-typed")).to_have_text("第一行。\n第二行“引号”&<b>。")
        await clerk.page.goto(clerk.base + FORM)
        await expect(clerk.page.locator("#f-title")).to_have_value("")  # it was submitted: nothing is left to be restored
        await expect(clerk.page.locator("[data-draft-said]")).to_have_text("")
        clerk.complaints[:] = [each for each in clerk.complaints if "401" not in each]


async def test_a_form_that_is_sent_after_a_sign_in_in_another_window_goes_on_and_leaves_no_draft(whole: Place) -> None:
    school = await school_with_a_free_post(whole)
    async with chromium() as browser, desk(browser, whole.portal, f"{school}.clerk") as clerk:
        await _type(clerk, "另一窗口重新登录")
        await clerk.page.context.clear_cookies()
        await Desk(await clerk.page.context.new_page(), whole.portal).sign_in(f"{school}.clerk")
        await clerk.page.click("button[value=submit]")
        await expect(clerk.page.locator("h1")).to_have_text("页面已过期")
        await clerk.page.click("button:has-text('继续提交')")
        await expect(clerk.page.locator("h1")).to_have_text("另一窗口重新登录")
        await expect(clerk.page.locator(".as-typed")).to_have_text("第一行。\n第二行“引号”&<b>。")
        await clerk.page.goto(clerk.base + FORM)
        await expect(clerk.page.locator("#f-title")).to_have_value("")
        clerk.complaints[:] = [each for each in clerk.complaints if "403" not in each]


async def test_a_form_that_was_left_is_as_it_was_after_a_sign_in_in_another_window_and_for_nobody_else(whole: Place) -> None:
    school = await school_with_a_free_post(whole)
    async with chromium() as browser, desk(browser, whole.portal, f"{school}.clerk") as clerk:
        await _type(clerk, "写到一半")
        await clerk.page.context.clear_cookies()
        await clerk.page.goto(clerk.base + FORM)
        await expect(clerk.page).to_have_url(f"{clerk.base}/sign-in?next={FORM}")
        again = Desk(await clerk.page.context.new_page(), whole.portal)
        await clerk.page.close()
        await again.sign_in(f"{school}.deputy")
        await again.page.goto(whole.portal + FORM)
        await expect(again.page.locator("#f-title")).to_have_value("")
        stored = await again.page.evaluate("JSON.stringify(localStorage)")
        assert f"draft:{school}.clerk:" in stored
        assert "写到一半" not in stored
        await again.page.click("header details.menu:has-text('退出登录') >> summary")
        await again.page.click("button:has-text('退出登录')")
        await expect(again.page).to_have_url(re.compile("sign-in"))
        await again.sign_in(f"{school}.clerk")
        await again.page.goto(whole.portal + FORM)
        await _is_there(again.page, "写到一半")
        await again.page.click("text=清空重填")
        await expect(again.page.locator("#f-title")).to_have_value("")


async def test_a_restart_of_the_portal_loses_neither_the_session_nor_what_is_being_typed(whole: Place) -> None:
    school = await school_with_a_free_post(whole)
    async with chromium() as browser, desk(browser, whole.portal, f"{school}.clerk") as clerk:
        await _type(clerk, "重启之后")
        await restart(whole, next(each for each in published(whole) if each.name == "portal"))
        await _is_there(clerk.page, "重启之后")
        await clerk.page.click("button[value=submit]")
        await expect(clerk.page.locator("h1")).to_have_text("重启之后")
    async with doors_of(whole) as doors:
        found = (await doors.get(f"{school}.clerk", "approval", "/tasks", tab="started", q="重启之后")).body["items"]
        assert len(found) == 1


async def _return(whole: Place, school: str, path: str) -> None:
    """The application goes back to its unit."""
    async with doors_of(whole) as doors:
        for _ in range(100):
            shown = (await doors.get(f"{school}.head", "approval", path)).body
            if shown["step"]:
                break
            await asyncio.sleep(0.3)
        decision = {"verdict": "return", "revision": shown["revision"], "step": shown["step"], "reason_codes": ["no_vacancy"]}
        await doors.post(f"{school}.head", "approval", f"{path}/decisions", decision)


async def test_what_was_mended_is_there_again_when_the_window_was_closed_and_only_in_that_round(whole: Place) -> None:
    school = await school_with_a_free_post(whole)
    async with chromium() as browser, desk(browser, whole.portal, f"{school}.clerk") as clerk:
        await _type(clerk, "补正之前")
        await clerk.page.click("button[value=submit]")
        await expect(clerk.page.locator("h1")).to_have_text("补正之前")
        path = urlsplit(clerk.page.url).path
        await _return(whole, school, path)
        edit = f"{path}/edit"
        await clerk.page.goto(clerk.base + edit)
        await expect(clerk.page.locator("#f-title")).to_have_value("补正之前")
        await clerk.page.fill("#f-title", "补正一半")
        await expect(clerk.page.locator("[data-draft-said]")).to_have_text("已自动保存")
        again = Desk(await clerk.page.context.new_page(), whole.portal)
        await clerk.page.close()
        await again.page.goto(whole.portal + edit)
        await expect(again.page.locator("#f-title")).to_have_value("补正一半")
        await expect(again.page.locator("[data-draft-said]")).to_have_text("已恢复上次未提交的内容")
        await again.page.click("text=清空重填")
        await expect(again.page.locator("#f-title")).to_have_value("补正之前")
        await again.page.fill("#f-title", "补正之后")
        await again.page.click("button[value=submit]")
        await expect(again.page.locator("h1")).to_have_text("补正之后")
        assert path.rpartition("/")[2] not in await again.page.evaluate("Object.keys(localStorage).join()")
