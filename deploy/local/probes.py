"""How the supervisor learns that a part can be used. A probe is given the process id; it returns when the part can be used, else it raises."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable

import psutil

Probe = Callable[[int], Awaitable[None]]


class NotReady(Exception):  # noqa: N818  named as the fact it states
    """The part answers, but not yet as it should."""


def http(port: int, path: str) -> Probe:
    """Ready when the path answers 200."""

    async def probe(_pid: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            status = (await reader.readline()).split()
            if status[1:2] != [b"200"]:
                raise NotReady(_waits(await reader.read()) or f"{path}: {b' '.join(status).decode(errors='replace')}")
        finally:
            writer.close()

    return probe


def _waits(answer: bytes) -> str:
    """Which neighbours a service of ours waits for, as its `/ready` names them in the field `waiting_for`."""
    try:
        told = json.loads(answer.partition(b"\r\n\r\n")[2])["waiting_for"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f"在等 {'、'.join(map(str, told))}，请先看它" if told else ""


def postgres(url: str) -> Probe:
    """Ready when a query is answered."""

    async def probe(_pid: int) -> None:
        import asyncpg  # noqa: PLC0415  the supervisor starts before it needs a driver

        connection = await asyncpg.connect(url, timeout=5)
        try:
            await connection.fetchval("SELECT 1")
        finally:
            await connection.close()

    return probe


def kafka(address: str) -> Probe:
    """Ready when the metadata name one broker and a controller."""

    async def probe(_pid: int) -> None:
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
                raise NotReady("还没有控制节点")
        finally:
            await admin.close()

    return probe


async def topics(address: str) -> set[str]:
    """The names of all that a broker has."""
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415  as above

    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=3000)
    try:
        await admin.start()
        return set(await admin.list_topics())
    finally:
        await admin.close()


def connected(port: int) -> Probe:
    """Ready when the process, which has no door of its own, has reached the server at this port."""

    async def probe(pid: int) -> None:
        connections = psutil.Process(pid).net_connections("tcp4")
        if not any(each.status == psutil.CONN_ESTABLISHED and each.raddr.port == port for each in connections):
            raise NotReady(f"还没有连上本机 {port} 端口的服务器")

    return probe
