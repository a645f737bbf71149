"""How the supervisor learns that a part can be used. A probe returns when it can; it raises or takes for ever when it cannot."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

Probe = Callable[[], Awaitable[None]]


class NotReady(Exception):  # noqa: N818  named as the fact it states
    """The part answers, but not yet as it should."""


def http(port: int, path: str) -> Probe:
    """Ready when the path answers 200."""

    async def probe() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            status = (await reader.readline()).split()
            if status[1:2] != [b"200"]:
                raise NotReady(f"{path}: {b' '.join(status).decode(errors='replace')}")
        finally:
            writer.close()

    return probe


def postgres(url: str) -> Probe:
    """Ready when a query is answered."""

    async def probe() -> None:
        import asyncpg  # noqa: PLC0415  the supervisor starts before it needs a driver

        connection = await asyncpg.connect(url, timeout=5)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close()

    return probe


def kafka(address: str) -> Probe:
    """Ready when the metadata name one broker and a controller."""

    async def probe() -> None:
        host, port = address.split(":")
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
        from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415  as above

        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=3000)
        try:
            await admin.start()
            cluster = await admin.describe_cluster()
            if len(cluster["brokers"]) != 1 or cluster["controller_id"] < 0:
                raise NotReady("the broker has no controller yet")
        finally:
            await admin.close()

    return probe
