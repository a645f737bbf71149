"""A person at a browser of his own, for the stories that are played through pages."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, ConsoleMessage, Page, expect

PATIENCE = 60_000.0
expect.set_options(timeout=PATIENCE)  # a busy machine is slow, not wrong
_AT = "() => { const e = document.activeElement; return [e.id, e.tagName, (e.getAttribute('aria-label') || e.innerText || '').trim()] }"


class Desk:
    """One person at a browser of his own. `complaints`: everything the browser refused or a script threw, dialogs included."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base, self.complaints = page, base, list[str]()
        page.set_default_timeout(PATIENCE)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", lambda dialog: self.complaints.append(dialog.message))

    def _hear(self, said: ConsoleMessage) -> None:
        if said.type in {"error", "warning"}:
            self.complaints.append(said.text)

    async def sign_in(self, user: str) -> None:
        await self.page.goto(f"{self.base}/demo-users?q={user}")
        await self.page.click(f"form:has(input[name=name][value='{user}']) button")
        await expect(self.page.locator("h1")).to_contain_text("您好")

    async def open_task(self, words: str, tab: str = "todo") -> None:
        await self.page.goto(f"{self.base}/tasks?tab={tab}&q={words}")
        await self.page.click("a.row-link")

    async def tab_to(self, words: str, most: int = 80) -> None:
        """Go on with Tab until what has these words (or this id) has the focus, as somebody without a mouse does."""
        for _ in range(most):
            await self.page.keyboard.press("Tab")
            identity, _, shown = await self.page.evaluate(_AT)
            if words == identity or (words in shown and len(shown) < 200):
                return
        raise AssertionError(f"{words} is not reached on {self.page.url}")

    async def press(self, *keys: str) -> None:
        """One key after the other."""
        for key in keys:
            await self.page.keyboard.press(key)

    async def sign_in_by_keys(self, user: str) -> None:
        """Find the person and choose him."""
        await self.page.goto(f"{self.base}/demo-users")
        await self.press("/")
        await self.page.keyboard.type(user)
        await self.press("Enter")
        await self.page.wait_for_url("**q=**")
        await self.tab_to(user)
        await self.press("Enter")
        await expect(self.page.locator("h1")).to_contain_text("您好")

    async def until(self, words: str) -> None:
        """Ask again until the page says so: the case goes on behind it."""
        for _ in range(100):
            if await self.page.locator("main").get_by_text(words).count():
                return
            await self.page.wait_for_timeout(300)
            await self.page.reload()
        raise AssertionError(f"{words} is not on {self.page.url}")


@asynccontextmanager
async def desk(browser: Browser, base: str, user: str, *, scripts: bool = True, keys: bool = False) -> AsyncIterator[Desk]:
    """A browser of this user; at its end nothing was complained of. `keys`: signed in without a mouse."""
    context = await browser.new_context(java_script_enabled=scripts, locale="zh-CN", viewport={"width": 1366, "height": 768})
    found = Desk(await context.new_page(), base)
    await (found.sign_in_by_keys(user) if keys else found.sign_in(user))
    yield found
    assert found.complaints == []
    await context.close()
