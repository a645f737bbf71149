"""The relay's doors: `/v1/traces` and `/v1/metrics` as OTLP says, `/metrics` for whoever reads figures. It answers before anything is passed on."""

import asyncio
import gzip
import zlib
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import structlog
from google.protobuf.message import DecodeError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from deploy.otlp import spans
from deploy.otlp.figures import Figures
from deploy.otlp.tail import Span, Tail

QUEUE = 20_000
AT_ONCE = 1000
PAUSE = 0.5
AWAY = 2.0
_PROTOBUF = "application/x-protobuf"
_log = structlog.get_logger()


class ToZipkin:
    """Hands spans on. While Zipkin is away the newest wait in a bounded queue; nobody waits for it."""

    def __init__(self, url: str) -> None:
        self._url, self._waiting, self._away = url, deque[Span](maxlen=QUEUE), False

    def put(self, kept: list[Span]) -> None:
        """Queue spans."""
        self._waiting.extend(kept)

    async def run(self) -> None:
        """Send what waits, for ever."""
        async with httpx.AsyncClient(base_url=self._url, timeout=10, trust_env=False) as http:
            while True:
                pause = await self._send(http)
                await asyncio.sleep(pause)

    async def _send(self, http: httpx.AsyncClient) -> float:
        """One request; how long to pause then."""
        some = [self._waiting.popleft() for _ in range(min(AT_ONCE, len(self._waiting)))]
        if not some:
            return PAUSE
        try:
            answer = await http.post("/api/v2/spans", json=[spans.zipkin(span) for span in some if isinstance(span, spans.Sent)])
            answer.raise_for_status()
        except httpx.HTTPError as error:
            self._waiting.extendleft(reversed(some[: QUEUE - len(self._waiting)]))
            if not self._away:
                _log.info("zipkin is away, spans wait", error=type(error).__name__)
            self._away = True
            return AWAY
        self._away = False
        return 0.0 if self._waiting else PAUSE


def create_app(zipkin: str, tail: Tail) -> Starlette:
    """The application; `zipkin` is the viewer's address."""
    figures, sender = Figures(), ToZipkin(zipkin)

    async def traces(request: Request) -> Response:
        sender.put(tail.take(spans.read(await _body(request))))
        return Response(media_type=_PROTOBUF)

    async def metrics(request: Request) -> Response:
        figures.take(await _body(request))
        return Response(media_type=_PROTOBUF)

    async def told(_: Request) -> Response:
        return PlainTextResponse(figures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        sending = asyncio.create_task(sender.run())
        yield
        sending.cancel()
        with suppress(asyncio.CancelledError):
            await sending

    return Starlette(
        routes=[
            Route("/v1/traces", traces, methods=["POST"]),
            Route("/v1/metrics", metrics, methods=["POST"]),
            Route("/metrics", told),
            Route("/ready", _ready),
        ],
        exception_handlers=dict.fromkeys((DecodeError, zlib.error, gzip.BadGzipFile), _unreadable),
        lifespan=lifespan,
    )


async def _ready(_: Request) -> Response:
    return PlainTextResponse("ready")


async def _unreadable(_: Request, __: Exception) -> Response:
    return PlainTextResponse("no OTLP request", 400)


async def _body(request: Request) -> bytes:
    body = await request.body()
    return gzip.decompress(body) if request.headers.get("content-encoding") == "gzip" else body
