"""What was half written is found again in the form as it is drawn today, by the page's own script in a browser."""

from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

import services.portal
from tests.portal.browser import chromium

pytestmark = pytest.mark.asyncio
SCRIPT = Path(services.portal.__file__).parent / "static" / "portal.js"
FORM = """<!doctype html><body data-user="school1.clerk" data-seals-with="{key}"><form method="post" data-draft="apply"><span data-draft-said></span>
<button type="button" data-draft-drop hidden></button>{inside}</form><script src="/portal.js"></script></body>"""
BOX = '<label><input type="checkbox" name="reason_codes" value="{0}">{0}</label>'


async def _drawn(page: Page, *inside: str) -> None:
    """The form with these fields, at an address that may keep something."""

    async def answer(route: Route) -> None:
        if route.request.url.endswith(".js"):
            await route.fulfill(path=SCRIPT)
        else:
            await route.fulfill(body=FORM.format(key="00" * 32, inside="".join(inside)), content_type="text/html; charset=utf-8")

    await page.unroute_all()
    await page.route("http://localhost/**", answer)
    await page.goto("http://localhost/form")


def _line(name: str) -> str:
    return f'<input name="{name}">'


async def _kept(page: Page) -> None:
    await expect(page.locator("[data-draft-said]")).to_have_text("已自动保存")


async def test_a_draft_is_whole_again_when_the_form_asks_for_more_than_before_or_for_less() -> None:
    """A freeze came, or ended, since: 冻结例外 stands between the fields that were filled in."""
    less, more = ("posts", "title", "justification"), ("posts", "exception.why", "title", "justification")
    async with chromium() as browser:
        page = await browser.new_page()
        for before, after in ((less, more), (more, less)):
            await _drawn(page, *map(_line, before))
            for name in before:
                await page.fill(f"[name='{name}']", f"写的{name}")
            await _kept(page)
            await _drawn(page, *map(_line, after))
            for name in less:
                await expect(page.locator(f"[name='{name}']")).to_have_value(f"写的{name}")
            await page.evaluate("localStorage.clear()")


async def test_the_boxes_that_were_ticked_are_ticked_again_and_no_others() -> None:
    """A reason that ended, or a file that came, moves the others."""
    async with chromium() as browser:
        page = await browser.new_page()
        await _drawn(page, *map(BOX.format, ("ended", "form", "no_vacancy")), _line("explanation"))
        await page.check("[value=form]")
        await page.fill("[name=explanation]", "说明")
        await _kept(page)
        await _drawn(page, *map(BOX.format, ("new", "form", "no_vacancy")), _line("explanation"))
        await expect(page.locator("[name=explanation]")).to_have_value("说明")
        assert await page.locator("input:checked").evaluate_all("boxes => boxes.map((box) => box.value)") == ["form"]
        await page.evaluate("localStorage.clear()")
        await _drawn(page, *map(BOX.format, ("form", "no_vacancy")))
        await page.check("[value=no_vacancy]")
        await _kept(page)
        await _drawn(page, *map(BOX.format, ("no_vacancy", "form")))
        await expect(page.locator("[data-draft-said]")).to_have_text("已恢复上次未提交的内容")
        assert await page.locator("input:checked").evaluate_all("boxes => boxes.map((box) => box.value)") == ["no_vacancy"]
