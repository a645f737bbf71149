"""Where things stand on a page, by the page's own styles in a browser."""

from pathlib import Path

import pytest

import services.portal
from deploy.local.place import CACHE
from tests.portal.browser import chromium

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
