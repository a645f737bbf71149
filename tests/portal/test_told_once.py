"""What a page says of a deed just done, it says once: by the page's own script in a browser."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route, expect

import services.portal
from tests.portal.browser import chromium

pytestmark = pytest.mark.asyncio
SCRIPT = Path(services.portal.__file__).parent / "static" / "portal.js"


async def _answer(route: Route) -> None:
    """As the server does: what was done is said where the address says so."""
    address = urlsplit(route.request.url)
    if address.path.endswith(".js"):
        await route.fulfill(path=SCRIPT)
    else:
        said = '<div role="status" data-done>done</div>' if "done=" in address.query else ""
        await route.fulfill(
            body=f'<!doctype html><body>{said}<p>here</p><script src="/portal.js"></script></body>', content_type="text/html"
        )


async def test_what_was_just_done_is_told_once_and_not_when_the_page_is_read_again() -> None:
    async with chromium() as browser:
        page = await browser.new_page()
        await page.route("http://localhost/**", _answer)
        await page.goto("http://localhost/one?tab=seal&done=released#place")
        await expect(page.locator("[data-done]")).to_be_visible()
        left = page.url
        await page.reload()

        assert left == "http://localhost/one?tab=seal#place"
        await expect(page.locator("p")).to_be_visible()
        assert await page.locator("[data-done]").count() == 0
