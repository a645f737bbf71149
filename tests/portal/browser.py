"""A real Chromium: the system's where there is one, else the one fetched at set-up (`tests/portal/tools`). Never skipped silently."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pylopdf_fonts_zh_cn
from playwright.async_api import Browser, async_playwright

from deploy.local.place import CACHE
from tests.portal.tools.install import CHROMIUM, LIBRARIES

_FONTS = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig>
<include ignore_missing="yes">/etc/fonts/fonts.conf</include><dir>{folder}</dir><cachedir>{kept}</cachedir></fontconfig>
"""


def program() -> str:
    """Where the browser is. FileNotFoundError names what to do."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or (str(CHROMIUM) if CHROMIUM.exists() else None)
    if found is None:
        raise FileNotFoundError("没有 Chromium：请运行 make setup，或以 root 安装系统的 chromium。")
    return found


@asynccontextmanager
async def chromium(path: str | None = None) -> AsyncIterator[Browser]:
    """A browser for the length of a block."""
    path = path or program()
    told = {"FONTCONFIG_FILE": _fonts()} | ({"LD_LIBRARY_PATH": str(LIBRARIES)} if path == str(CHROMIUM) else {})
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox", "--font-render-hinting=none", "--disable-background-networking"]
        browser = await playwright.chromium.launch(executable_path=path, args=arguments, env={**os.environ, **told})
        try:
            yield browser
        finally:
            await browser.close()


def _fonts() -> str:
    """The system's fonts, and the Chinese ones that the documents are set in: a machine without any would show empty boxes."""
    file = CACHE / "browser-fonts.conf"
    file.write_text(_FONTS.format(folder=Path(pylopdf_fonts_zh_cn.sans_path()).parent, kept=CACHE / "browser-fonts"), encoding="utf-8")
    return str(file)
