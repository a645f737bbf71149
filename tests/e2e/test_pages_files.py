"""Files through pages in a real browser on the whole stack: refused, brought with errors, mended, written; taken out again; a document verified."""

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from deploy.city.invented import Inventor
from deploy.local.place import Place
from tests.e2e.test_import import BORN, rows
from tests.imports.rows import Cells
from tests.portal.browser import chromium
from tests.portal.desk import Desk, desk
from tests.roster.importing import book
from tests.sheets import hostile

SEED = 960
PATIENCE = 60_000.0


def mended() -> dict[str, list[Cells]]:
    """The same rows with the last person's own number."""
    inventor, found = Inventor(SEED, first_sequence=400), rows(SEED)
    numbers = [inventor.id_number(BORN + timedelta(days=SEED), "F") for _ in range(4)]
    found["人员"][-1] |= {"公民身份号码": numbers[-1]}
    return found


@pytest.mark.asyncio(loop_scope="session")
async def test_a_file_is_refused_brought_with_errors_mended_and_written(whole: Place, tmp_path: Path) -> None:
    macro, first, second = tmp_path / "宏.xlsx", tmp_path / "名册.xlsx", tmp_path / "名册 改正.xlsx"
    macro.write_bytes(hostile.with_parts(hostile.book(), {"xl/vbaProject.bin": b"x"}))
    first.write_bytes(book(rows(SEED)))
    second.write_bytes(book(mended()))
    async with chromium() as browser, desk(browser, whole.portal, "officer") as officer:
        await _refused(officer, macro)
        await _bring(officer.page, first)  # on the same page: what was chosen is still there
        await expect(officer.page.locator("#problems")).to_contain_text("校验码不符", timeout=PATIENCE)
        await expect(officer.page.get_by_role("button", name="只写入无误的")).to_be_visible()
        async with officer.page.expect_download() as returned:
            await officer.page.click("text=下载带核对结果的原文件")
        assert (await returned.value).suggested_filename == "核对结果-名册.xlsx"
        await officer.page.click("text=上传另一个文件")
        await _bring(officer.page, second)
        await officer.page.click("role=button[name=/^写入/]", timeout=PATIENCE)
        await officer.page.click("dialog >> button:has-text('确定')")
        await expect(officer.page.locator("#live")).to_contain_text("写入结果", timeout=PATIENCE)  # live: nobody reloads
        await officer.page.goto(f"{whole.portal}/units?q=望汐市测试中心{SEED}")
        await expect(officer.page.locator("a.row-link").first).to_contain_text(f"望汐市测试中心{SEED}")


async def _refused(officer: Desk, file: Path) -> None:
    await officer.page.goto(f"{officer.base}/imports")
    await officer.page.set_input_files("#f-file", file)
    await officer.page.click("text=上传并核对")
    await expect(officer.page.get_by_role("alert")).to_contain_text("宏")
    assert [each for each in officer.complaints if "409" not in each] == []  # the browser tells of the refusal, and of nothing else
    officer.complaints.clear()


async def _bring(page: Page, file: Path) -> None:
    await page.set_input_files("#f-file", file)
    await page.click("text=上传并核对")
    await page.wait_for_url("**/imports/*-*")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_list_is_taken_out_without_a_script_and_a_number_nobody_gave_is_not_ours(whole: Place) -> None:
    async with chromium() as browser, desk(browser, whole.portal, "officer", scripts=False) as officer:
        page = officer.page
        await page.goto(f"{whole.portal}/units")
        await page.click("main >> text=导出")
        await page.click("button:has-text('生成文件')")
        await officer.until("已完成")
        async with page.expect_download() as taken:
            await page.click("a[download]")
        file = await taken.value
        assert file.suggested_filename.startswith("单位-")
        assert Path(await file.path()).read_bytes()[:2] == b"PK"
        await page.goto(f"{whole.portal}/verify")
        await page.fill("#f-document_no", "编核〔1999〕1号")
        await page.click("button:has-text('核验')")
        await expect(page.get_by_role("status")).to_contain_text("没有找到")
