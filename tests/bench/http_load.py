"""A process that asks for the same pages over and over: raw sockets kept alive, one request at a time on each. Prints requests per second.

Reads one JSON object from its input: `{port, paths, token, connections, seconds}`. Any answer but 200 ends it.
"""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Iterator
from typing import cast

import uvloop

_LENGTH = b"content-length: "


class Asker(asyncio.Protocol):
    """One connection: the next request goes out when the answer is complete."""

    def __init__(self, requests: Iterator[bytes]) -> None:
        self._requests, self._received = requests, b""
        self.answers = 0
        self.refused = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        self._transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, separator, body = self._received.partition(b"\r\n\r\n")
        if not separator or len(body) < _length(head):
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.refused.set_exception(RuntimeError(self._received.decode(errors="replace")[:500]))
            return
        self._received = b""
        self.answers += 1
        self._transport.write(next(self._requests))

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.refused.done():
            self.refused.set_exception(exc or ConnectionError("the server closed the connection"))


def _length(head: bytes) -> int:
    start = head.lower().index(_LENGTH) + len(_LENGTH)
    return int(head[start:].split(b"\r\n", 1)[0])


async def main(port: int, paths: list[str], token: str, connections: int, seconds: float) -> float:
    """Requests per second of all connections together, after a warm-up of one second."""
    requests = itertools.cycle(f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode() for path in paths)
    loop = asyncio.get_running_loop()
    askers = [(await loop.create_connection(lambda: Asker(requests), "127.0.0.1", port))[1] for _ in range(connections)]
    await _let_run(askers, 1.0)
    before, began = sum(asker.answers for asker in askers), time.monotonic()
    await _let_run(askers, seconds)
    return (sum(asker.answers for asker in askers) - before) / (time.monotonic() - began)


async def _let_run(askers: list[Asker], seconds: float) -> None:
    done, _ = await asyncio.wait([asker.refused for asker in askers], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for refused in done:
        await refused


if __name__ == "__main__":
    sys.stdout.write(f"{uvloop.run(main(**json.load(sys.stdin)))}\n")
