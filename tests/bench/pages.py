"""`pages`: what a page costs the portal beyond its calls of the services, an inbox of 10 000 and a matrix of 620 × 26 in all, when the largest part of a page
is seen in a browser, what a first visit weighs, and what 200 listeners cost one process. The city of the demo; no floor: the aims are absolute.
"""

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import psutil
from playwright.async_api import Browser

from deploy.demo.city import OFFICER
from deploy.demo.city import fill as fill_city
from deploy.local.place import CACHE, Place
from deploy.migrate import migrate
from services.portal.api.tasks import A_PAGE
from tests.bench import inbox, wide_board
from tests.bench.bench_stack import scaled
from tests.bench.figures import Figure, shown, within
from tests.bench.served import served
from tests.portal.browser import chromium

PAGES = {"home": "/", "tasks": "/tasks", "units": "/units", "lights": "/lights", "analysis": "/analysis"}
OWN, WHOLE, SEEN, WEIGHT = 30.0, 150.0, 1000.0, 600.0
APPLICATIONS, LISTENERS, ROUNDS, WARM_UP, VISITS, PATIENCE = 10_000, 200, 40, 3, 5, 60.0
OFFSET = 62
COOKIE = "bianban"
_OWN = re.compile(r"page;dur=([\d.]+)")
_SEEN = """() => new Promise((done, failed) => {
    new PerformanceObserver(list => done(list.getEntries().at(-1).startTime)).observe({type: 'largest-contentful-paint', buffered: true})
    setTimeout(() => failed(new Error('nothing was seen')), 10000)
})"""
_WEIGHT = "() => performance.getEntries().filter(e => e.transferSize).reduce((sum, e) => sum + e.transferSize, 0) / 1024"


@dataclass(frozen=True)
class Beside:
    """A portal before an approval with a full inbox and a monitoring with 26 rules."""

    address: str
    process: psutil.Process
    key: str


async def measure(place: Place) -> list[Figure]:
    """Milliseconds, KB; medians."""
    await fill_city(place, "demo")
    key = await _session(place)
    async with _browser(place.portal, key) as http:
        own = {name: await _own(http, path) for name, path in PAGES.items()}
    figures = [Figure(f"pages: {name}, own time", took, 1, "ms", within(OWN, "ms")) for name, took in own.items()]
    figures += await _seen(place, key)
    count = scaled(APPLICATIONS)
    async with _beside(place, key, count) as full:
        return figures + await _much(full, count) + await _listening(place, full, scaled(LISTENERS))


@asynccontextmanager
async def _beside(place: Place, key: str, count: int) -> AsyncIterator[Beside]:
    """Processes of their own, beside those of the stack, on databases of their own."""
    for filled in (inbox, wide_board):
        await migrate(place, filled.DATABASE)
    await inbox.fill(place, count)
    await wide_board.fill(place)
    approval, monitoring, portal = (place.port(service) + OFFSET for service in ("approval", "monitoring", "portal"))
    many = place.variables("approval") | {"APPROVAL_DATABASE_URL": place.database_url("approval", inbox.DATABASE)}
    wide = place.variables("monitoring") | {"MONITORING_DATABASE_URL": place.database_url("monitoring", wide_board.DATABASE)}
    behind = {"BIANBAN_APPROVAL_URL": f"http://127.0.0.1:{approval}", "BIANBAN_MONITORING_URL": f"http://127.0.0.1:{monitoring}"}
    variables = place.variables() | {"PORTAL_ASSETS": str(CACHE / "assets")} | behind
    async with (
        served(place, "services.approval.app", approval, many, "/ready"),
        served(place, "tests.bench.wide_board", monitoring, wide, "/ready"),
        served(place, "services.portal.app", portal, variables, "/ready") as process,
    ):
        yield Beside(f"http://127.0.0.1:{portal}", process, key)


async def _much(full: Beside, count: int) -> list[Figure]:
    async with _browser(full.address, full.key) as http:
        await _ensure(http, count)
        tasks, matrix = await _whole(http, "/tasks"), await _whole(http, "/lights")
    return [
        Figure(f"pages: inbox of {count:,}, in all", tasks, 1, "ms", within(WHOLE, "ms")),
        Figure(f"pages: matrix {wide_board.UNITS} × {len(wide_board.CODES)}, in all", matrix, 1, "ms", within(WHOLE, "ms")),
    ]


async def _ensure(http: httpx.AsyncClient, count: int) -> None:
    """What is measured is what is meant."""
    tasks, matrix = (await _page(http, "/tasks")).text, (await _page(http, "/lights")).text
    if f"{count:,}" not in tasks or tasks.count('class="row-link"') != min(count, A_PAGE):
        raise RuntimeError("the inbox is not full")
    if (matrix.count('<tr id="u-'), matrix.count('id="r-M')) != (wide_board.UNITS, len(wide_board.CODES)):
        raise RuntimeError("the matrix is not whole")


async def _session(place: Place) -> str:
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(f"http://127.0.0.1:{place.port('identity')}/demo/sessions", json={"name": OFFICER})
        key: str = answer.raise_for_status().json()["session"]
        return key


@asynccontextmanager
async def _browser(base: str, key: str) -> AsyncIterator[httpx.AsyncClient]:
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=base, cookies={COOKIE: key}, limits=limits, timeout=PATIENCE, trust_env=False) as http:
        yield http


async def _own(http: httpx.AsyncClient, path: str) -> float:
    """As the page itself tells (`Server-Timing`)."""
    told = [_OWN.search(answer.headers["server-timing"]) for answer in [await _page(http, path) for _ in range(WARM_UP + ROUNDS)]]
    return statistics.median(float(each[1]) for each in told[WARM_UP:] if each)


async def _whole(http: httpx.AsyncClient, path: str) -> float:
    took = []
    for _ in range(WARM_UP + ROUNDS):
        began = time.perf_counter()
        await _page(http, path)
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took[WARM_UP:])


async def _page(http: httpx.AsyncClient, path: str) -> httpx.Response:
    answer = await http.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answered {answer.status_code}")
    return answer


async def _seen(place: Place, key: str) -> list[Figure]:
    async with chromium() as browser:
        visits = {name: [await _visit(browser, place, key, path) for _ in range(VISITS)] for name, path in PAGES.items()}
    slowest = {name: statistics.median(seen for seen, _ in each) for name, each in visits.items()}
    name = max(slowest, key=lambda each: slowest[each])
    return [
        Figure(f"pages: largest part seen ({name})", slowest[name], 1, "ms", within(SEEN, "ms")),
        Figure("pages: first visit", statistics.median(weight for _, weight in visits["home"]), 1, "KB", within(WEIGHT, "KB")),
    ]


async def _visit(browser: Browser, place: Place, key: str, path: str) -> tuple[float, float]:
    """By a browser that was never here: when the largest part was seen, and what all of it weighed."""
    context = await browser.new_context(locale="zh-CN", viewport={"width": 1366, "height": 768})
    await context.add_cookies([{"name": COOKIE, "value": key, "url": place.portal}])
    page = await context.new_page()
    await page.goto(place.portal + path)
    found = float(await page.evaluate(_SEEN)), float(await page.evaluate(_WEIGHT))
    await context.close()
    return found


async def _listening(place: Place, full: Beside, count: int) -> list[Figure]:
    """All hear a light that turns; memory of the portal's process for each of them, and a page that is asked for beside them."""
    async with AsyncExitStack() as opened:
        http = await opened.enter_async_context(_browser(full.address, full.key))
        streams, used = list[httpx.Response](), list[int]()
        for _ in range(2):  # the first half takes what is free in the process
            streams += [await opened.enter_async_context(http.stream("GET", "/lights/live")) for _ in range(count // 2)]
            used.append(full.process.memory_full_info().uss)
        each = (used[1] - used[0]) / 1024 / (count // 2)
        heard = [asyncio.create_task(_first(stream)) for stream in streams]
        async with _browser(full.address, full.key) as other:
            beside = await _whole(other, "/tasks")
        turned = await wide_board.turn(place)
        last = max(await asyncio.wait_for(asyncio.gather(*heard), PATIENCE)) - turned
    return [
        Figure(f"pages: memory of one more listener of {count}", each, 1, "KB", shown()),
        Figure(f"pages: a light turns until {count} have heard", 1000 * last, 1, "ms", shown()),
        Figure("pages: inbox beside them, in all", beside, 1, "ms", within(WHOLE, "ms")),
    ]


async def _first(stream: httpx.Response) -> float:
    """When the first event came."""
    async for line in stream.aiter_lines():
        if line.startswith("event: light"):
            return time.monotonic()
    raise RuntimeError("the stream ended")
