"""机构改革 through its pages in a real browser on the whole stack: a plan with a mistake is mended, tried, carried out by keys, and stands in the history."""

import time
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from deploy.demo.city import OFFICER
from deploy.doors import Doors, doors_of
from deploy.local.place import Place
from shared.clock import business_day
from tests.e2e.planted import KIND, OF_OFFICE
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

PLAN = """title = "望汐市服务站整合方案"
document_no = "望编〔2026〕88号"
document_on = {today}
effective_on = {today}
reason = "机构改革"

[[steps]]
step = "新设"
name = "望汐市服务中心{run}"
code = "RF2{run}"
category = "{category}"

[[steps]]
step = "撤并"
unit = "{wrong}"
into = "望汐市服务中心{run}"

[[steps]]
step = "更名"
unit = "RF1{run}"
name = "望汐市便民站{run}"
"""


@pytest.mark.asyncio(loop_scope="session")
async def test_a_reform_is_mended_tried_carried_out_and_read_in_the_history(whole: Place, tmp_path: Path) -> None:
    run = f"{time.time_ns() % 10**6:06}"
    async with doors_of(whole) as doors:
        gone, category = await _stations(doors, run)
        today = business_day(doors.clock.now()).isoformat()
    file = tmp_path / "方案.toml"
    file.write_text(PLAN.format(today=today, run=run, category=category, wrong=f"望汐市甲站{run}？"), encoding="utf-8")
    async with chromium() as browser, desk(browser, whole.portal, OFFICER) as officer:
        await _mend(officer, file, run)
        await _carry_out(officer)
        shown = officer.page.url.partition("?")[0]
        await expect(officer.page.locator("section[aria-labelledby=h-document]")).to_contain_text("望编〔2026〕88号")
        await officer.page.goto(f"{whole.portal}/units/{gone}/history")
        await expect(officer.page.locator("section[aria-labelledby=h-links]")).to_contain_text(f"望汐市服务中心{run}")
        await officer.page.goto(f"{whole.portal}/reforms?q=88号")
        await officer.page.click("a.row-link")
        assert officer.page.url == shown


async def _stations(doors: Doors, run: str) -> tuple[str, str]:
    """Two small units; the id of the first, and what their category is called."""
    like = (await doors.get(OFFICER, "roster", "/units", q="小学", limit=1)).body["items"][0]["category"]
    ids = []
    for place, name in enumerate(("甲", "乙")):
        body = OF_OFFICE | {"name": f"望汐市{name}站{run}", "code": f"RF{place}{run}", "category": like}
        ids.append((await doors.post(OFFICER, "roster", "/units", body)).body["unit_id"])
    quota: dict[str, Any] = KIND | {
        "posts": 2,
        "effective_on": "2020-01-01",
        "document_on": "2020-01-01",
        "document_no": OF_OFFICE["document_no"],
    }
    await doors.post(OFFICER, "roster", f"/units/{ids[0]}/quotas", quota)
    codes = (await doors.get(OFFICER, "roster", "/codes")).body["categories"]
    return ids[0], next(each["label"] for each in codes if each["code"] == like)


async def _mend(officer: Desk, file: Path, run: str) -> None:
    """The unit is not found by what the file calls it; it is mended on the page, where the whole text still is."""
    page = officer.page
    await page.click("text=机构改革")
    await page.click("text=新的改革方案")
    await page.set_input_files("#f-file", file)
    await page.click("button:has-text('试算')")
    await expect(page.get_by_role("alert")).to_contain_text(f"没有找到单位“望汐市甲站{run}？”")
    assert [each for each in officer.complaints if "422" not in each] == []  # the browser tells of the refusal, and of nothing else
    officer.complaints.clear()
    text = await page.input_value("#f-text")
    await page.fill("#f-text", text.replace("？", ""))
    await page.click("button:has-text('重新试算')")


async def _carry_out(officer: Desk) -> None:
    page: Page = officer.page
    await expect(page.get_by_role("status")).to_contain_text("试算没有发现问题")
    await expect(page.locator("section[aria-labelledby=h-steps]")).to_contain_text("编制 2 名，单位撤销")
    await officer.press("a", "Enter")
    await expect(page.locator("dialog[open]")).to_contain_text("望编〔2026〕88号")
    await officer.press("Shift+Tab", "Enter")  # from 取消, where a question begins
    await expect(page.get_by_role("status")).to_contain_text("改革已实施")
