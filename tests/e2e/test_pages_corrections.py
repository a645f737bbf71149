"""更正 through its page in a real browser on the whole stack: a refusal keeps what was typed, and what is put right is told with its document."""

import re

import pytest
from playwright.async_api import expect

from deploy.demo.city import OFFICER
from deploy.local.place import Place
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

SCHOOL, PROOF, WHY = "望汐师范学院（更正）", "档认〔2026〕3号", "毕业证书所载，原登记有误"


@pytest.mark.asyncio(loop_scope="session")
async def test_what_was_recorded_wrongly_is_put_right_on_a_document(whole: Place) -> None:
    async with chromium() as browser, desk(browser, whole.portal, OFFICER) as officer:
        page = officer.page
        await page.goto(f"{whole.portal}/units?q=小学")
        await page.click("a.row-link >> nth=0")
        await page.click("nav[aria-label=单位页面] >> text=人员")
        await page.click("#list a.row-link >> nth=0")
        await page.click(".page-head >> text=更正")
        await page.fill("#f-school", SCHOOL)
        await page.fill("#f-document_no", PROOF)
        await page.fill("#f-reason", WHY)
        await page.fill("#f-since", "2099-01-01")
        await _send(officer)
        await expect(page.get_by_role("alert")).to_be_visible()
        assert [each for each in officer.complaints if "409" not in each] == []  # the browser tells of the refusal, and of nothing else
        officer.complaints.clear()
        await expect(page.locator("#f-school")).to_have_value(SCHOOL)
        await page.fill("#f-since", "")
        await _send(officer)
        await expect(page.get_by_role("status")).to_contain_text("已更正")
        told = page.locator("section[aria-labelledby=h-changes] tr", has_text=SCHOOL)
        await expect(told).to_contain_text(re.compile(f"毕业院校.*更正.*{SCHOOL}.*{WHY}.*{PROOF}", re.DOTALL))


async def _send(officer: Desk) -> None:
    await officer.press("Escape", "a", "Enter")
    await officer.page.click("dialog >> button:has-text('确定')")
    await officer.page.wait_for_load_state()
