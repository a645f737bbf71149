"""A real Chromium: the system's where there is one, else the one inside npm's `@sparticuz/chromium`, fetched at set-up. Never skipped silently."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from deploy.local.place import CACHE

PACKED = CACHE / "assets" / "chromium"


def program() -> str:
    """Where the browser is. FileNotFoundError names what to do."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or (str(PACKED) if PACKED.exists() else None)
    if found is None:
        raise FileNotFoundError("没有 Chromium：请运行 make setup，或以 root 安装系统的 chromium。")
    return found


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser for the length of a block."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=["--no-sandbox", "--font-render-hinting=none"])
        try:
            yield browser
        finally:
            await browser.close()
