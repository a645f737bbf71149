"""A light that turns red and green again, in a real browser on the whole stack: notice, evidence, freeze and release, by those who would do it."""

import io

import pytest
from playwright.async_api import expect
from rich.console import Console

from deploy.demo import casework, rectification
from deploy.demo.cast import Cast, Facts, choose
from deploy.demo.city import OFFICER
from deploy.demo.stage import Stage
from deploy.demo.story import stage_of
from deploy.local.place import Place
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk

PLANTED = "<img src=x onerror=alert(1)>已核增编制，超编消除。"
PDF = b"%PDF-1.7\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF\n"


@pytest.mark.asyncio(loop_scope="session")
async def test_a_red_light_is_put_right_through_the_pages_by_everybody_who_has_a_part_in_it(whole: Place) -> None:
    async with stage_of(whole, Console(file=io.StringIO())) as stage, chromium() as browser:
        cast, facts = await choose(stage.doors), Facts()
        await rectification.turn_red(stage, cast, facts)
        async with desk(browser, whole.portal, "supervisor") as supervisor:
            await _confirm(supervisor, cast)
            address = supervisor.page.url
            async with desk(browser, whole.portal, "sealer") as sealer:
                await sealer.page.goto(address)
                await sealer.page.click("text=登记用印并送签章")
                await sealer.until("打开已签章的通知书")
            await _serve_and_propose_a_freeze(supervisor, address)
        async with desk(browser, whole.portal, "director") as director:
            await _decide(director, cast, "decision", "同意冻结", "冻结中")
            async with desk(browser, whole.portal, cast.town.clerk, scripts=False) as clerk:
                await _hand_in(clerk, address)
            await _put_right(stage, cast)
            async with desk(browser, whole.portal, "supervisor") as supervisor:
                await _accept(supervisor, address)
            await _decide(director, cast, "release-decision", "同意解冻", "已解冻")
        async with desk(browser, whole.portal, cast.town.head) as head:
            await head.page.goto(f"{whole.portal}/units/{cast.town.id}/supervision")
            await head.until("没有未了的问题")
            await expect(head.page.locator("section[aria-labelledby=h-light]")).to_contain_text("绿灯")


async def _confirm(supervisor: Desk, cast: Cast) -> None:
    page = supervisor.page
    await page.goto(f"{supervisor.base}/issues?q={cast.town.name}&state=to_verify&sort=-found")
    await page.click("a.row-link")
    await page.fill("[name=confirmation-demand]", "请于期限内消除超编，并报送整改材料。")
    await page.click("text=核实成立，签发通知书")
    await expect(page.get_by_role("status")).to_contain_text("已核实并签发")


async def _serve_and_propose_a_freeze(supervisor: Desk, address: str) -> None:
    page = supervisor.page
    await page.goto(address)
    await page.click("text=登记送达，开始计时")
    await expect(page.get_by_role("status")).to_contain_text("已登记送达")
    await expect(page.locator("#h-term")).to_be_visible()
    await page.click("text=提出冻结")
    await page.fill("#f-reason", "超编未消除前不再进人。")
    await page.click("text=提出冻结建议")  # neither scope nor posts: refused, and nothing is lost
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.locator("#f-reason")).to_have_value("超编未消除前不再进人。")
    _told_of(supervisor, "422")
    await page.check("[name=scopes][value=entry]")
    await page.click("text=提出冻结建议")
    await expect(page.get_by_role("status")).to_contain_text("已提出冻结建议")


def _told_of(desk_of: Desk, status: str) -> None:
    """The browser tells of the refusal that was asked for, and of nothing else."""
    assert [each for each in desk_of.complaints if status not in each] == []
    desk_of.complaints.clear()


async def _decide(director: Desk, cast: Cast, path: str, verdict: str, then: str) -> None:
    page = director.page
    await page.goto(f"{director.base}/freeze-orders?q={cast.town.name}")
    await page.click("a.row-link")
    await director.until(verdict)
    await page.fill("#f-document_no", f"望编〔2026〕{path}")
    await page.fill("#f-reason", "情况属实。")
    await page.click(f"text={verdict}")
    await expect(page.get_by_role("status")).to_contain_text("正在写入编制台账")
    await director.until(then)


async def _hand_in(clerk: Desk, address: str) -> None:
    """Without a script: a file that is no PDF costs no word."""
    page = clerk.page
    await page.goto(address)
    await page.fill("[name=evidence-description]", PLANTED)
    await page.set_input_files("#f-file", {"name": "说明.pdf", "mimeType": "application/pdf", "buffer": b"MZ"})
    await page.click("text=上传附件，继续填写")
    await expect(page.get_by_role("alert")).to_contain_text("“说明.pdf”")
    await expect(page.locator("[name=evidence-description]")).to_have_value(PLANTED)
    _told_of(clerk, "409")
    await page.set_input_files("#f-file", {"name": "核增通知.pdf", "mimeType": "application/pdf", "buffer": PDF})
    await page.click("button:has-text('提交整改材料')")
    await expect(page.get_by_role("status")).to_contain_text("整改材料已提交")
    path = await page.locator("a", has_text="核增通知.pdf").get_attribute("href")
    file = await page.context.request.get(f"{clerk.base}{path}")
    assert await file.body() == PDF


async def _put_right(stage: Stage, cast: Cast) -> None:
    before = await casework.row_of(stage, cast.town, *rectification.FULL)
    day = stage.today.isoformat()
    body = {"kind": rectification.FULL[0], "funding": rectification.FULL[1], "posts": 1, "effective_on": day, "document_on": day}
    told = {"reason": "核增编制", "document_no": "望编〔2026〕核增"}
    await stage.do(OFFICER, "核增编制", "roster", f"/units/{cast.town.id}/quotas/raise", body | told)
    await casework.rows_settle(stage, cast.town, "超编消除", *rectification.FULL, overstaffing=before["overstaffing"] - 1)


async def _accept(supervisor: Desk, address: str) -> None:
    page = supervisor.page
    await page.goto(address)
    await supervisor.until("验收通过，销号")
    await expect(page.get_by_text(PLANTED)).to_be_visible()
    await page.fill("[name=acceptance-document_no]", "望编验〔2026〕1号")
    await page.click("button:has-text('验收通过，销号')")
    await expect(page.get_by_role("status")).to_contain_text("已验收销号")
