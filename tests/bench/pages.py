"""`pages`: what a page costs the portal beyond its calls of the services, an inbox of 10 000 and a matrix of 620 × 26 in all, when the largest part of a page
is seen in a browser, what a first visit weighs, and what 200 listeners cost one process. The city of the demo; no floor: the aims are absolute.
"""

import asyncio
import re
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncpg
import httpx
from playwright.async_api import Browser

from deploy.demo.city import OFFICER
from deploy.demo.city import fill as fill_city
from deploy.local.place import CACHE, Place
from deploy.local.stack import published
from deploy.migrate import migrate
from tests.bench import inbox, wide_board
from tests.bench.bench_stack import scaled
from tests.bench.figures import Figure, shown, within
from tests.bench.served import served
from tests.portal.browser import chromium

PAGES = {"home": "/", "tasks": "/tasks", "units": "/units", "lights": "/lights", "analysis": "/analysis"}
OWN, WHOLE, SEEN, WEIGHT = 30.0, 150.0, 1000.0, 600.0
APPLICATIONS, LISTENERS, ROUNDS, WARM_UP, VISITS, PATIENCE = 10_000, 200, 40, 3, 5, 60.0
WIDE_OFFSET = 62
COOKIE = "bianban"
_OWN = re.compile(r"page;dur=([\d.]+)")
_SEEN = """() => new Promise((done, failed) => {
    new PerformanceObserver(list => done(list.getEntries().at(-1).startTime)).observe({type: 'largest-contentful-paint', buffered: true})
    setTimeout(() => failed(new Error('nothing was seen')), 10000)
})"""
_WEIGHT = "() => performance.getEntries().filter(e => e.transferSize).reduce((sum, e) => sum + e.transferSize, 0) / 1024"


async def measure(place: Place) -> list[Figure]:
    """Milliseconds, KB; medians."""
    await fill_city(place, "demo")
    await inbox.fill(place, scaled(APPLICATIONS))
    key = await _session(place)
    async with _browser(place.portal, key) as http:
        own = {name: await _own(http, path) for name, path in PAGES.items()}
        many = await _whole(http, "/tasks")
    figures = [Figure(f"pages: {name}, own time", took, 1, "ms", within(OWN, "ms")) for name, took in own.items()]
    figures += [Figure(f"pages: inbox of {scaled(APPLICATIONS):,}, in all", many, 1, "ms", within(WHOLE, "ms"))]
    figures += [Figure("pages: matrix 620 × 26, in all", await _matrix(place, key), 1, "ms", within(WHOLE, "ms"))]
    return figures + await _seen(place, key) + await _listening(place, key, scaled(LISTENERS))


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


async def _matrix(place: Place, key: str) -> float:
    """A monitoring with 26 rules and a portal before it, beside those of the stack."""
    await migrate(place, wide_board.DATABASE)
    await wide_board.fill(place)
    monitoring, portal = place.port("monitoring") + WIDE_OFFSET, place.port("portal") + WIDE_OFFSET
    behind = place.variables("monitoring") | {"MONITORING_DATABASE_URL": place.database_url("monitoring", wide_board.DATABASE)}
    before = place.variables() | {"PORTAL_ASSETS": str(CACHE / "assets"), "BIANBAN_MONITORING_URL": f"http://127.0.0.1:{monitoring}"}
    async with AsyncExitStack() as beside:
        await beside.enter_async_context(served(place, "tests.bench.wide_board", monitoring, behind, "/ready"))
        await beside.enter_async_context(served(place, "services.portal.app", portal, before, "/ready"))
        http = await beside.enter_async_context(_browser(f"http://127.0.0.1:{portal}", key))
        drawn = (await _page(http, "/lights")).text
        if (drawn.count('<tr id="u-'), drawn.count('id="r-M')) != (wide_board.UNITS, len(wide_board.CODES)):
            raise RuntimeError("the matrix is not whole")
        return await _whole(http, "/lights")


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


async def _listening(place: Place, key: str, count: int) -> list[Figure]:
    """All hear a light that turns; memory of the portal's process for each of them."""
    portal = next(part for part in published(place) if part.name == "portal")
    before = portal.memory()
    async with AsyncExitStack() as opened:
        http = await opened.enter_async_context(_browser(place.portal, key))
        streams = [await opened.enter_async_context(http.stream("GET", "/lights/live")) for _ in range(count)]
        heard = [asyncio.create_task(_first(stream)) for stream in streams]
        await asyncio.sleep(2.0)  # all at rest
        each = (portal.memory() - before) / 1024 / count
        async with _browser(place.portal, key) as other:
            beside = await _whole(other, "/lights")
        began = time.monotonic()
        await _turn(place)
        last = max(await asyncio.wait_for(asyncio.gather(*heard), PATIENCE)) - began
    return [
        Figure(f"pages: memory per listener of {count}", each, 1, "KB", shown()),
        Figure(f"pages: a light turns until {count} have heard", 1000 * last, 1, "ms", shown()),
        Figure("pages: lights beside them, in all", beside, 1, "ms", within(WHOLE, "ms")),
    ]


async def _first(stream: httpx.Response) -> float:
    """When the first event came."""
    async for line in stream.aiter_lines():
        if line.startswith("event: light"):
            return time.monotonic()
    raise RuntimeError("the stream ended")


async def _turn(place: Place) -> None:
    """A light that turns, as monitoring writes it."""
    owner = await asyncpg.connect(place.database_url("bianban"))
    try:
        await owner.execute("SET ROLE bianban; SET search_path = monitoring")
        unit = await owner.fetchval("SELECT id FROM unit_copies u WHERE NOT EXISTS (SELECT FROM lights WHERE unit_id = u.id) LIMIT 1")
        async with owner.transaction():
            await owner.execute("INSERT INTO lights (unit_id, light, version, changed_at) VALUES ($1, 'yellow', 1, now())", unit)
            await owner.execute(
                "INSERT INTO light_changes (unit_id, light, before, reasons, since) VALUES ($1, 'yellow', 'green', '[]', now())", unit
            )
    finally:
        await owner.close()
