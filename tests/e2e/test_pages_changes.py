"""信息变更 of a key item (★), from a person's page until it is in force, in a browser: registered on its proof, applied for, decided, sealed, on record."""

import io
import re

import pytest
from playwright.async_api import expect
from rich.console import Console

from deploy.demo.cast import choose
from deploy.demo.city import OFFICER
from deploy.demo.story import stage_of
from deploy.local.place import Place
from tests.e2e.test_pages_story import Story
from tests.portal.browser import chromium

PROOF, WHY, AFTER = "望教任〔2026〕7号", "经校务会研究任命", "教研组组长"
SCAN = b"%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


@pytest.mark.asyncio(loop_scope="session")
async def test_a_key_item_is_changed_on_its_proof_and_the_person_page_tells_how(whole: Place) -> None:
    async with stage_of(whole, Console(file=io.StringIO())) as stage, chromium() as browser:
        story = Story(whole, stage, browser, await choose(stage.doors))
        person, before = await _register(story)
        application = await _apply(story, person)
        async with story.at(OFFICER, application) as officer:
            await expect(officer.page.locator("section[aria-labelledby=h-change]")).to_contain_text(
                re.compile(f"{before}.*{AFTER}", re.DOTALL)
            )
        await story.approve(application, story.cast.school.head, OFFICER)
        await story.seal(application)
        async with story.at(story.cast.school.clerk, person) as clerk:
            await clerk.until(f"{before} → {AFTER}")
            told = clerk.page.locator("section[aria-labelledby=h-changes] tr", has_text=AFTER)
            await expect(told).to_contain_text(
                re.compile(rf"职务.*{before} → {AFTER}.*登记.*核准.*{WHY}.*证明：{PROOF}.*编变〔", re.DOTALL)
            )
            await expect(clerk.page.locator("section[aria-labelledby=h-who]")).to_contain_text(AFTER)
            await expect(clerk.page.locator("h2", has_text="已登记的信息变更")).to_have_count(0)
            await told.locator("a").click()
            await expect(clerk.page.locator("h1")).to_have_text("职务变更")


async def _register(story: Story) -> tuple[str, str]:
    """The first step: what shall change, and the proof. Nothing changes by it. The person's address, and the title that stands there."""
    school = story.cast.school
    async with story.at(school.clerk, f"/units/{school.id}/persons") as clerk:
        page = clerk.page
        row = page.locator("#list tbody tr").first
        before = (await row.locator("td").nth(4).inner_text()).split("\n")[0].strip()
        await row.locator("a.row-link").click()
        person = page.url
        await page.click("text=信息变更")
        await page.fill("#f-title", AFTER)
        await page.fill("#f-document_no", PROOF)
        await page.fill("#f-reason", WHY)
        await page.click("text=登记，下一步提交申请")
        await expect(page.locator("section[aria-labelledby=h-change]")).to_contain_text(PROOF)
        await page.goto(person)
        await expect(page.locator("section[aria-labelledby=h-who]")).not_to_contain_text(AFTER)
    return person, before


async def _apply(story: Story, person: str) -> str:
    """The second step, from the person's page: the application with the scan; its address."""
    async with story.at(story.cast.school.clerk, person) as clerk:
        page = clerk.page
        await page.click("section:has-text('已登记的信息变更') >> text=提交申请")
        await page.fill("#f-title", "职务变更")
        await page.fill("#f-justification", "任命文件见附件。")
        await page.set_input_files("#f-file", {"name": "任命文件.pdf", "mimeType": "application/pdf", "buffer": SCAN})
        await page.click("text=提交申请")
        await expect(page.locator("h1")).to_have_text("职务变更")
        await expect(page.locator("main")).to_contain_text("任命文件.pdf")
        return page.url.partition("?")[0]
