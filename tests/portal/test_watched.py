"""A job that is watched, in a real browser with the services played: what is being asked or held is not taken away, and a break is told and over."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from shared.glossary import Role
from tests.portal.browser import chromium
from tests.portal.conftest import BASE, OURS, Door
from tests.portal.test_files import ID, IMPORT, answers

pytestmark = pytest.mark.asyncio
PATH, PROGRESS = f"/imports/{ID}", f"/imports/{ID}/progress"
RUNNING = IMPORT | {"state": "import_applying", "state_label": "写入中", "units_done": 1}
MOVED = httpx.Response(200, content=b"retry: 200\nid: 8\nevent: progress\ndata: {}\n\n")
PATIENCE = 60_000.0


@pytest_asyncio.fixture
async def page(door: Door) -> AsyncIterator[Page]:
    """The page of an import that is being written, as somebody has it open."""

    async def play(route: Route) -> None:
        asked = route.request
        told = OURS | {name: value for name, value in asked.headers.items() if name in {"hx-request", "content-type"}}
        answer = await door.client.request(asked.method, asked.url, content=asked.post_data_buffer, headers=told)
        headers = {name: value for name, value in answer.headers.items() if name not in {"content-encoding", "content-length"}}
        await route.fulfill(status=answer.status_code, headers=headers, body=answer.content)

    door.sign_in(Role.BUSINESS_OFFICER)
    answers(door)
    door.played.answers |= {PATH: RUNNING, PROGRESS: MOVED, f"{PATH}/cancel": {}}
    async with chromium() as browser:
        found = await browser.new_page()
        found.set_default_timeout(PATIENCE)
        await found.route("**/*", play)
        yield found
        await found.unroute_all(behavior="ignoreErrors")


async def until(fulfilled: Callable[[], bool]) -> None:
    for _ in range(600):
        if fulfilled():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come to this")


def times(door: Door, path: str) -> int:
    return [asked for _, asked, _, _ in door.played.asked].count(path)


async def test_what_is_being_asked_stays_until_it_is_answered_and_is_then_sent(door: Door, page: Page) -> None:
    await page.goto(BASE + PATH)
    await page.click("button:has-text('停止')")
    dialog = page.locator("dialog:has-text('确定停止吗')")
    await expect(dialog).to_be_visible()
    await page.evaluate("document.querySelector('#live form').dataset.mine = 'true'")
    heard = times(door, PROGRESS)
    await until(lambda: times(door, PROGRESS) > heard + 5)

    assert await page.locator("#live form[data-mine]").count() == 1
    await dialog.locator("button:has-text('确定')").click()
    await until(lambda: times(door, f"{PATH}/cancel") == 1)


async def test_who_holds_a_link_of_the_job_holds_it_again_after_it_moved(page: Page) -> None:
    await page.goto(BASE + PATH)
    await page.locator("#live a:has-text('刷新')").focus()
    await page.evaluate("document.querySelector('#live .columns').dataset.mine = 'true'")
    await expect(page.locator("#live .columns[data-mine]")).to_have_count(0, timeout=PATIENCE)

    assert await page.evaluate("[document.activeElement.tagName, document.activeElement.textContent]") == ["A", "刷新"]


async def test_a_stream_that_was_refused_is_listened_to_again_while_the_job_runs_and_a_break_is_told(door: Door, page: Page) -> None:
    await page.clock.install()
    told = page.get_by_text("暂时取不到最新进度")
    door.played.refusals[PROGRESS] = (503, "unavailable")
    await page.goto(BASE + PATH)
    await later(page, lambda: times(door, PROGRESS) > 1)
    door.played.refusals[PATH] = (503, "unavailable")
    await later(page, told.is_visible)
    door.played.refusals.clear()
    door.played.answers |= {PROGRESS: httpx.Response(204), PATH: IMPORT | {"state": "import_applied", "state_label": "已写入"}}
    await later(page, page.locator("#live [data-said='已写入']").is_visible)
    await expect(told).to_be_hidden()
    heard = times(door, PROGRESS)
    await page.clock.fast_forward(60_000)
    await asyncio.sleep(1)

    assert times(door, PROGRESS) == heard  # the job rests


async def later(page: Page, fulfilled: Callable[[], bool | Awaitable[bool]]) -> None:
    """Quarters of a minute go by until it is so."""
    for _ in range(200):
        found = fulfilled()
        if found if isinstance(found, bool) else await found:
            return
        await page.clock.fast_forward(15_000)
        await asyncio.sleep(0.3)
    raise AssertionError("it did not come to this")


async def test_a_network_that_is_gone_is_told(page: Page) -> None:
    await page.goto(BASE + PATH)
    await page.route(f"**{PATH}", lambda route: route.abort())
    await expect(page.get_by_role("status")).to_contain_text("暂时取不到最新进度", timeout=PATIENCE)
    await page.unroute(f"**{PATH}")
    await expect(page.get_by_text("暂时取不到最新进度")).to_be_hidden(timeout=PATIENCE)
