"""What was half written is found again in the form as it is drawn today, by the page's own script in a browser."""

from pathlib import Path

import pytest
from playwright.async_api import Page, Route, expect

import services.portal
from shared.glossary import Role
from tests.portal.browser import chromium
from tests.portal.conftest import Door
from tests.portal.test_units import answers

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


async def test_what_was_sent_is_not_found_again_on_the_way_back_and_what_was_not_sent_is(door: Door) -> None:
    """It would be applied for a second time: the form that is drawn again has a key of its own."""
    answers(door)
    door.sign_in(Role.UNIT_CLERK)
    form = (await door.client.get("/applications/new/post_use_application")).text
    form = form.replace('data-seals-with=""', f'data-seals-with="{"00" * 32}"')
    sent = '<!doctype html><body data-user="zhou"><p data-done>已提交</p><script src="/portal.js"></script></body>'

    async def answer(route: Route) -> None:
        if route.request.url.endswith(".css") or ("portal" not in route.request.url and route.request.resource_type == "script"):
            await route.fulfill(body="")
        elif route.request.resource_type == "script":
            await route.fulfill(path=SCRIPT)
        else:
            drawn = form if route.request.url.endswith("post_use_application") and route.request.method == "GET" else sent
            await route.fulfill(body=drawn, content_type="text/html; charset=utf-8", headers={"cache-control": "no-store"})

    async with chromium() as browser:
        page = await browser.new_page()
        await page.route("http://localhost/**", answer)
        for submits, left in ((False, "招聘"), (True, "")):
            await page.goto("http://localhost/applications/new/post_use_application")
            await page.fill("[name=title]", "招聘")
            await _kept(page)
            if submits:
                await page.eval_on_selector("form[data-draft]", "(form) => { form.noValidate = true; }")
                await page.click("button[value=submit]")
            else:
                await page.goto("http://localhost/elsewhere")
            await expect(page.get_by_text("已提交", exact=True)).to_be_visible()
            await page.go_back()
            await expect(page.locator("[name=title]")).to_have_value(left)
