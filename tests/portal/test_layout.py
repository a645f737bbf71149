"""Where things stand on a page, by the page's own styles in a browser."""

from pathlib import Path

import pytest

import services.portal
from deploy.local.place import CACHE
from shared.glossary import Role
from tests.portal.browser import chromium
from tests.portal.conftest import Door
from tests.portal.test_tasks import answers

pytestmark = pytest.mark.asyncio
STYLES = (CACHE / "assets" / "tabler.css", Path(services.portal.__file__).parent / "static" / "portal.css")
BESIDE = """<main><div class="with-button"><div class="field"><label class="form-label" for="f">调出单位</label><select class="form-select" id="f">
<option>请选择</option></select><p class="field-words">您的管辖范围内没有其他单位。请在下面写明人员现单位、姓名和身份证号，核对相符后列出。</p></div>
<button class="btn" type="submit">列出人员</button></div></main>"""


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
async def test_a_button_beside_a_field_stands_level_with_it_whatever_is_said_below(size: tuple[int, int]) -> None:
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": size[0], "height": size[1]})
        await page.set_content(BESIDE)
        for each in STYLES:
            await page.add_style_tag(path=each)
        field, button, words = [await page.locator(each).bounding_box() for each in ("#f", "button", ".field-words")]

        assert field
        assert button
        assert words
        assert abs(field["y"] + field["height"] / 2 - button["y"] - button["height"] / 2) <= 1
        assert field["x"] + field["width"] < button["x"] < button["x"] + button["width"] <= size[0]
        assert words["y"] >= button["y"] + button["height"]


async def test_work_that_may_be_decided_in_a_batch_is_on_the_printed_sheet_without_what_one_would_click(door: Door) -> None:
    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    listed = (await door.client.get("/tasks")).text
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 688, "height": 990})
        await page.set_content(listed)
        for each in STYLES:
            await page.add_style_tag(path=each)
        await page.emulate_media(media="print")
        seen = [await page.locator(each).first.is_visible() for each in ("td .row-link", "input[name=chosen]", ".batch button")]

    assert seen == [True, False, False]
