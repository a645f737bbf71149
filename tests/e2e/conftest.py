"""The whole stack with the demo city, for the stories: every process of the product, started as `bianban up` starts them."""

import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
import pytest_asyncio

from deploy.cli import DEMO_DATE
from deploy.demo.city import fill
from deploy.local.place import PROJECT, Place
from deploy.local.stack import running
from shared.clock import at_hour
from tests.conftest import free_place

PLACES = [Place(PROJECT / ".local" / f"test-whole-{slot}", 5000 + 150 * slot, "test") for slot in range(4)]


@pytest.fixture(scope="session")
def free() -> Place:
    """Several runs find a place each."""
    return free_place(PLACES)


@pytest.fixture(scope="session")
def shown(free: Place) -> Iterator[list[str]]:
    """Everything that Zipkin is told to show, as it is told."""
    told: list[str] = []

    class Viewer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.rfile.read(int(self.headers["content-length"])).decode())
            self.send_response(202)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", free.port("zipkin")), Viewer)
    Thread(target=server.serve_forever, daemon=True).start()
    os.environ["BIANBAN_OTLP"] = f"http://127.0.0.1:{free.port('otlp')}"
    yield told
    os.environ.pop("BIANBAN_OTLP", None)
    server.shutdown()
    server.server_close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def whole(free: Place, shown: list[str]) -> AsyncIterator[Place]:  # noqa: ARG001  from the first span on
    """A fresh stack whose business time starts on the demo's first day, telling what it does."""
    async with running(free, []) as place:
        offset = at_hour(DEMO_DATE, 9) - datetime.now(UTC)
        place.clock_file.write_text(f"{round(offset / timedelta(seconds=1))}\n", encoding="utf-8")
        await fill(place, "demo")
        yield place
