"""What a probe tells of a part that answers and cannot work."""

import asyncio

import pytest

from deploy.local.probes import NotReady, http

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('{"status":"waiting","waiting_for":["database","temporal"]}', "^在等 database、temporal，请先看它$"),
        ("<html>", "^/ready: HTTP/1.1 503 Service Unavailable$"),
    ],
)
async def test_a_part_that_waits_for_a_neighbour_names_it(body: str, told: str) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n" + body.encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        with pytest.raises(NotReady, match=told):
            await http(server.sockets[0].getsockname()[1], "/ready")(0)
