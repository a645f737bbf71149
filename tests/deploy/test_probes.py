"""What a probe tells of a part that answers and cannot work."""

import asyncio

import pytest

from deploy.local.probes import NotReady, http

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"status":"waiting","waiting_for":["database","temporal"]}', "^在等 database、temporal，请先看它$"),
        ('{"status" : "waiting", "waiting_for" : ["database"]}', "^在等 database，请先看它$"),
        ('{"detail": "\\"waiting_for\\": [\\"kafka\\"]"}', "^/ready: HTTP/1.1 503 Service Unavailable$"),
        ('{"waiting_for": null}', "^/ready: HTTP/1.1 503 Service Unavailable$"),
        ("[1]", "^/ready: HTTP/1.1 503 Service Unavailable$"),
        ("<html>", "^/ready: HTTP/1.1 503 Service Unavailable$"),
    ],
)
async def test_a_part_that_waits_for_a_neighbour_names_it(body: str, told: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for piece in (b"HTTP/1.1 503 Service Unavailable\r\n", b"date: today\r\n\r\n", body.encode()):
            writer.write(piece)
            await writer.drain()
            for _ in range(20):  # who asks takes what has come meanwhile
                await asyncio.sleep(0)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        with pytest.raises(NotReady, match=told):
            await http(server.sockets[0].getsockname()[1], "/ready")(0)
