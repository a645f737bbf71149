"""`make screens`: every page of a running demo stack, as its users see it, at three sizes into `.local/screens`."""

import asyncio
import os
import sys
from urllib.parse import urljoin

from playwright.async_api import Browser, ConsoleMessage, Page

from deploy.local.place import Place
from tests.portal.browser import chromium

SIZES = {"1366x768": (1366, 768), "1920x1080": (1920, 1080), "390x844": (390, 844)}
PAGES = {
    "sign-in": ("", "/sign-in"),
    "demo-users": ("", "/demo-users"),
    "verify": ("", "/verify"),
    "accessibility": ("", "/accessibility"),
    "api-docs": ("", "/api-docs"),
    "api-docs-routes": ("", "/api-docs/reporting"),
    "api-docs-events": ("", "/api-docs/events"),
    "home-officer": ("officer", "/"),
    "home-director": ("director", "/"),
    "home-clerk": ("school1.clerk", "/"),
    "home-administrator": ("sysadmin", "/"),
    "tasks": ("officer", "/tasks"),
    "tasks-director": ("director", "/tasks"),
    "tasks-done": ("officer", "/tasks?tab=done"),
    "tasks-empty": ("sealer", "/tasks?q=没有这样的"),
    "apply": ("school1.clerk", "/applications/new"),
    "apply-entry": ("school1.clerk", "/applications/new/entry_application"),
    "tasks-narrowed": ("officer", "/tasks?light=red&sort=-due"),
    "apply-post-use": ("school1.clerk", "/applications/new/post_use_application"),
    "apply-change": ("school1.clerk", "/applications/new/change_application"),
    "application": ("officer", "first:/tasks"),
    "application-done": ("officer", "first:/tasks?tab=done"),
    "analysis": ("officer", "/analysis?group=parent"),
    "wall": ("officer", "/wall"),
    "units": ("officer", "/units"),
    "units-found": ("officer", "/units?q=zx"),
    "unit": ("officer", "first:/units"),
    "unit-persons": ("officer", "first:/units>/persons"),
    "unit-supervision": ("officer", "first:/units>/supervision"),
    "unit-ledger": ("officer", "first:/units>/ledger"),
    "unit-history": ("officer", "first:/units>/history"),
    "reforms": ("officer", "/reforms"),
    "reform": ("officer", "first:/reforms"),
    "reform-new": ("officer", "/reforms/new"),
    "person-new": ("officer", "first:/units>/persons/new"),
    "persons": ("officer", "/persons"),
    "person": ("school1.clerk", "first:/units>/persons>"),
    "person-change": ("school1.clerk", "first:/units>/persons>/key-changes/new"),
    "person-update": ("school1.clerk", "first:/units>/persons>/updates/new"),
    "person-loans": ("officer", "first:/units>/persons>/secondments"),
    "person-requests-of": ("officer", "first:/units>/persons>/requests"),
    "person-requests": ("officer", "/person-requests?all=true"),
    "person-request": ("officer", "first:/person-requests?all=true"),
    "person-correct": ("officer", "first:/units>/persons>/corrections/new"),
    "lights": ("officer", "/lights"),
    "lights-red": ("officer", "/lights?color=red"),
    "light": ("officer", "first:/lights?color=red"),
    "supervision-lists": ("officer", "/supervision-lists"),
    "supervision-list": ("officer", "first:/supervision-lists"),
    "issues": ("supervisor", "/issues"),
    "issues-all": ("supervisor", "/issues?state=all"),
    "issue": ("supervisor", "first:/issues"),
    "freezes": ("director", "/freeze-orders"),
    "freeze-order": ("director", "first:/freeze-orders"),
    "freeze-new": ("supervisor", "/freeze-orders/new"),
    "quota-new": ("officer", "first:/units>/quotas/new"),
    "seats-new": ("officer", "first:/units>/seats/new"),
    "over-quota": ("supervisor", "first:/units>/over-quota"),
    "admin": ("auditadmin", "/admin"),
    "admin-users": ("secadmin", "/admin/users"),
    "admin-user": ("secadmin", "/admin/users/officer"),
    "admin-user-account": ("sysadmin", "/admin/users/officer"),
    "admin-user-new": ("sysadmin", "/admin/users/new"),
    "admin-parameters": ("supervisor", "/admin/parameters"),
    "admin-parameter": ("supervisor", "/admin/parameters/*/ladder"),
    "admin-chains": ("sysadmin", "/admin/chains"),
    "admin-calendar": ("sysadmin", "/admin/calendar"),
    "admin-status": ("sysadmin", "/admin/status"),
    "admin-letters": ("sysadmin", "/admin/dead-letters"),
    "admin-outbox": ("sysadmin", "/admin/outbox"),
    "admin-trail": ("auditadmin", "/admin/trail?service=approval"),
    "admin-changes": ("auditadmin", "/admin/changes"),
    "admin-sign-ins": ("auditadmin", "/admin/sign-ins"),
    "admin-reveals": ("auditadmin", "/admin/reveals"),
    "admin-finds": ("auditadmin", "/admin/finds"),
    "admin-exports": ("auditadmin", "/admin/exports"),
    "ops": ("sysadmin", "/ops"),
    "ops-case": ("auditadmin", "ops:/admin/trail?service=approval"),
    "imports": ("officer", "/imports"),
    "import": ("officer", "first:/imports"),
    "comparisons": ("officer", "/comparisons"),
    "comparison": ("officer", "first:/comparisons"),
    "differences": ("officer", "/differences"),
    "difference": ("officer", "first:/differences"),
    "exports": ("officer", "/exports"),
    "export-form": ("officer", "/exports/new?service=roster&list=roster"),
    "export": ("officer", "first:/exports"),
    "no-right": ("sysadmin", "/tasks"),
    "not-found": ("officer", "/nothing-here"),
}
"""Name to user and address; `first:` opens the first row of a list (`>`: and a page of it, the next `>` a page of the first row there), `ops:` the first case it names."""


async def shoot(browser: Browser, base: str, size: str, folder: str, only: list[str]) -> None:
    """All pages at one size."""
    width, height = SIZES[size]
    for user in dict.fromkeys(user for user, _ in PAGES.values()):
        context = await browser.new_context(viewport={"width": width, "height": height}, locale="zh-CN")
        page = await context.new_page()
        page.on("console", _complain)
        if user:
            await sign_in(page, base, user)
        rows: dict[str, str] = {}
        for name, (whose, path) in PAGES.items():
            if whose == user and (not only or name in only):
                await go(page, base, path, rows)
                await page.screenshot(path=f"{folder}/{name}-{size}.png", full_page=True)
        await context.close()


def _complain(said: ConsoleMessage) -> None:
    if said.type in {"error", "warning"}:
        sys.stderr.write(f"{said.text}\n")


async def sign_in(page: Page, base: str, user: str) -> None:
    """As one of the demo's people."""
    await page.goto(f"{base}/demo-users?q={user}")
    await page.click(f"form:has(input[name=name][value='{user}']) button")


async def go(page: Page, base: str, path: str, rows: dict[str, str] | None = None) -> None:
    """To one of PAGES; `rows` keeps where the first row of each list leads."""
    rows = {} if rows is None else rows
    how, _, address = ("", "", path) if path.startswith("/") else path.partition(":")
    address, *tails = address.split(">")
    at = await _first(page, how, base + address, rows)
    for place, tail in enumerate(tails, 1):
        at = await _first(page, how if place < len(tails) else "", at + tail, rows)
    await page.goto(at)


async def _first(page: Page, how: str, address: str, rows: dict[str, str]) -> str:
    """Where the first row there leads."""
    if how and address not in rows:
        await page.goto(address)
        link = page.locator({"first": "a.row-link", "ops": "main a[href^='/ops?q=']"}[how]).first
        rows[address] = urljoin(address, await link.get_attribute("href")) if await link.count() else address
    return rows[address] if how else address


async def main() -> None:
    """Sizes and pages may be named: `python -m tests.portal.screens 1366x768 tasks`."""
    place = Place.from_environment()
    folder = place.home / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    named = sys.argv[1:]
    base = os.environ.get("PORTAL_URL") or place.portal
    async with chromium() as browser:
        for size in [each for each in SIZES if each in named] or SIZES:
            await shoot(browser, base, size, str(folder), [each for each in named if each in PAGES])
    sys.stdout.write(f"{folder}\n")


if __name__ == "__main__":
    asyncio.run(main())
