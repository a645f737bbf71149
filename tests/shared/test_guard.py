"""What every answer carries, and what no client may do."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from fastapi import Body, Depends, FastAPI, Form, Request
from fastapi.responses import Response

from shared import guard, traces
from shared.auth import Permit, Tokens, Who, service
from shared.glossary import Role
from shared.guard import HEADERS, Impatient, Rates, TooMany
from shared.http import service_app


def application() -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield

    app = service_app("kit", lifespan)

    @app.post("/said")
    async def said(text: str = Body()) -> str:
        return text

    @app.post("/filled")
    async def filled(text: Annotated[str, Form()]) -> int:
        return len(text)

    @app.post("/carried")
    async def carried(request: Request) -> int:
        return len([piece async for piece in request.stream()])

    @app.get("/slow")
    async def slow() -> str:
        await asyncio.sleep(2.5)
        return "late"

    @app.get("/large")
    async def large(size: int) -> Response:
        return Response(b"x" * size)

    @app.get("/kept")
    async def kept() -> Response:
        return Response("x", headers={"Cache-Control": "private, no-cache"})

    return app


@asynccontextmanager
async def served() -> AsyncIterator[int]:
    """The port of a real server with our protocol."""
    async with serving() as server:
        yield server.servers[0].sockets[0].getsockname()[1]


@asynccontextmanager
async def serving() -> AsyncIterator[uvicorn.Server]:
    server = uvicorn.Server(uvicorn.Config(application(), port=0, http=Impatient, log_level="critical", server_header=False))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn tells it so
        await asyncio.sleep(0.01)
    yield server
    server.should_exit = True
    await serving


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/live", "/nowhere", "/openapi.json", "/docs"])
async def test_every_answer_carries_the_header_set_and_does_not_say_what_serves_it(path: str) -> None:
    async with served() as port, httpx.AsyncClient(trust_env=False) as http:
        answer = await http.get(f"http://127.0.0.1:{port}{path}")

    assert {name.decode(): answer.headers[name.decode()] for name in HEADERS} == {
        name.decode(): value.decode() for name, value in HEADERS.items()
    }
    assert "server" not in answer.headers
    assert answer.status_code == (404 if path in {"/nowhere", "/docs"} else 200)  # the page of /docs loads scripts from elsewhere


@pytest.mark.asyncio
async def test_what_a_route_says_of_its_cache_stays() -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(application()), base_url="http://kit") as http:
        assert (await http.get("/kept")).headers.get_list("cache-control") == ["private, no-cache"]


@pytest.mark.asyncio
async def test_a_body_that_drips_is_given_up_and_the_refusal_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_WITHIN", 0.3)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b'POST /said HTTP/1.1\r\nHost: kit\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n"a')
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert "没有在规定时间内传完".encode() in answer


@pytest.mark.asyncio
@pytest.mark.parametrize("begun", [b"", b"GET /live HT", b"GET /live HTTP/1.1\r\nHost: k"])
async def test_a_head_that_does_not_come_is_hung_up_on(begun: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "HEAD_WITHIN", 0.3)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/said", "/carried"])
async def test_who_hangs_up_in_the_middle_of_his_request_is_no_failure_of_ours(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: asyncio.Queue[int] = asyncio.Queue()
    monkeypatch.setattr(traces, "_tell", lambda _, about, __: told.put_nowait(int(about["http.response.status_code"])))
    async with served() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST {path} HTTP/1.1\r\nHost: kit\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n".encode() + b'"a')
        await writer.drain()
        writer.close()
        status = await asyncio.wait_for(told.get(), 10)

    assert 400 <= status < 500


OPEN_HEAD = b"GET /live HTTP/1.1\r\nHost: kit\r\nX-Long: "
OPEN_TRAILER = (
    b'POST /said HTTP/1.1\r\nHost: kit\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n"a"\r\n0\r\nX-Long: '
)


@pytest.mark.asyncio
@pytest.mark.parametrize("begun", [OPEN_HEAD, OPEN_TRAILER], ids=["head", "trailer"])
async def test_a_head_without_end_is_hung_up_on_before_its_time_is_over(begun: bytes) -> None:
    async with served() as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        with pytest.raises(ConnectionError):
            await _written(writer, 64 * 65_536)
        writer.close()


async def _written(writer: asyncio.StreamWriter, size: int) -> None:
    for _ in range(size // 65_536):
        writer.write(b"a" * 65_536)
        await writer.drain()


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("written", "status"),
    [
        ("", 200),
        ("; charset=utf-8", 200),
        ('; charset="UTF8"; a=b', 200),
        ("; charset=undefined", 400),
        ("; charset=punycode", 400),
        ("; Charset=unicode_escape", 400),
        ("; charset*=utf-8''undefined", 400),
        ('; charset*0="unde"; charset*1=fined', 400),
        ("; charset=utf-8; charset=undefined", 400),
    ],
)
async def test_a_form_of_parts_is_written_as_all_else(written: str, status: int) -> None:
    form = b'--x\r\nContent-Disposition: form-data; name="text"\r\n\r\n\\ud800\xff\r\n--x--\r\n'
    transport = httpx.ASGITransport(application(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://kit") as http:
        answer = await http.post("/filled", content=form, headers={"content-type": f"multipart/form-data; boundary=x{written}"})

    assert answer.status_code == status


@pytest.mark.asyncio
@pytest.mark.parametrize("how", [b"Content-Length: 31000000", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("kept", [b"keep-alive", b"close"])
async def test_who_sends_too_much_reads_why_and_not_that_he_was_reset(how: bytes, kept: bytes) -> None:
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /said HTTP/1.1\r\nHost: kit\r\nContent-Type: application/json\r\n" + how + b"\r\nConnection: " + kept + b"\r\n\r\n"
        )
        piece = b"a" * 1_000_000
        for _ in range(31):
            writer.write(piece if b"Length" in how else b"f4240\r\n" + piece + b"\r\n")
            await writer.drain()
        writer.write(b"" if b"Length" in how else b"0\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer
    assert "提交的内容过大".encode() in answer


@pytest.mark.asyncio
async def test_an_answer_before_the_end_of_a_body_is_read_at_once_and_the_rest_is_waited_for_a_moment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(guard, "LEFT_WITHIN", 1.0)
    async with served() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /live HTTP/1.1\r\nHost: kit\r\nContent-Length: 1000000\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b'{"status":"live"}'), 0.5)
        dripping = asyncio.create_task(_dripping(writer))
        assert await asyncio.wait_for(reader.read(), 10) == b""
        dripping.cancel()
        writer.close()


async def _dripping(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"a")
        await asyncio.sleep(0.1)


@pytest.mark.asyncio
@pytest.mark.parametrize(("size", "drop"), [(40_000, 0), (50_000_000, 0), (50_000_000, 2000)], ids=["little", "much", "in drops"])
async def test_who_does_not_take_his_answer_is_hung_up_on(size: int, drop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TAKEN_WITHIN", 0.5)
    gone = asyncio.Event()
    monkeypatch.setattr(Impatient, "connection_lost", telling(gone, Impatient.connection_lost))
    async with serving() as server:
        door = server.servers[0].sockets[0]
        door.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(door.getsockname())
            client.sendall(f"GET /large?size={size} HTTP/1.1\r\nHost: kit\r\nConnection: close\r\n\r\n".encode())
            client.setblocking(False)
            sipping = asyncio.create_task(_sipping(client, drop))
            await asyncio.wait_for(gone.wait(), 20)
            sipping.cancel()


def telling(gone: asyncio.Event, lost: Callable[[Impatient, Exception | None], None]) -> Callable[[Impatient, Exception | None], None]:
    def told(connection: Impatient, exc: Exception | None) -> None:
        lost(connection, exc)
        gone.set()

    return told


async def _sipping(client: socket.socket, drop: int) -> None:
    taken = b"x" * drop
    while taken:
        taken = await asyncio.get_running_loop().sock_recv(client, drop)
        await asyncio.sleep(0.05)


@pytest.mark.asyncio
async def test_who_takes_his_answer_in_time_has_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TAKEN_WITHIN", 2.0)
    async with (
        served() as port,
        httpx.AsyncClient(trust_env=False, timeout=30) as http,
        http.stream("GET", f"http://127.0.0.1:{port}/large?size=50000000") as answer,
    ):
        taken = 0
        async for piece in answer.aiter_bytes(5_000_000):
            taken += len(piece)
            await asyncio.sleep(0.05)

    assert taken == 50_000_000


@pytest.mark.asyncio
async def test_heads_and_bodies_as_browsers_send_them_are_served() -> None:
    async with served() as port, httpx.AsyncClient(trust_env=False) as http:
        for size in (1, 50_000, 5_000_000):
            answer = await http.post(f"http://127.0.0.1:{port}/said", json="a" * size, headers={"cookie": "c" * 32_000})
            assert len(answer.json()) == size


@pytest.mark.asyncio
async def test_a_client_in_time_is_served_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "HEAD_WITHIN", 2.0)
    async with served() as port, httpx.AsyncClient(trust_env=False, limits=httpx.Limits(max_connections=1)) as http:
        for _ in range(4):
            assert (await http.post(f"http://127.0.0.1:{port}/said", json="a")).json() == "a"
            await asyncio.sleep(0.8)


@pytest.mark.asyncio
async def test_an_answer_may_take_longer_than_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "HEAD_WITHIN", 2.0)
    async with served() as port, httpx.AsyncClient(trust_env=False, timeout=30) as http:
        assert [(await http.get(f"http://127.0.0.1:{port}/slow")).json() for _ in range(2)] == ["late", "late"]


def test_each_caller_has_a_minutes_requests_and_is_told_when_the_next_may_come(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    rates = Rates(30)
    for _ in range(30):
        rates.take("zhang")
    with pytest.raises(TooMany) as refused:
        rates.take("zhang")
    rates.take("li")

    assert refused.value.facts == {"wait": "2"}
    now += 2.0
    rates.take("zhang")
    with pytest.raises(TooMany):
        rates.take("zhang")


def test_who_waits_as_long_as_he_is_told_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    rates = Rates(10, 300.0)
    for _ in range(10):
        rates.take("zhang")
    now += 0.6
    with pytest.raises(TooMany) as refused:
        rates.take("zhang")
    now += float(refused.value.facts["wait"])
    rates.take("zhang")


@pytest.mark.asyncio
async def test_a_caller_beyond_his_rate_is_refused_at_the_door_and_a_service_is_not() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    app = application()
    app.state.tokens = Tokens(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(), private)
    app.state.rates = Rates(1)
    app.get("/mine")(mine)
    app.get("/accounts")(accounts)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://kit") as http:

        async def asked(who: Who, path: str = "/mine") -> httpx.Response:
            return await http.get(path, headers={"Authorization": f"Bearer {app.state.tokens.issue(who, datetime.now(UTC))}"})

        officer = Who("zhang", frozenset({Role.OBSERVER}))
        first, second = await asked(officer), await asked(officer)
        served_on = [(await asked(service("approval"))).status_code for _ in range(3)]
        turned_away = [(await asked(Who("wang", frozenset({Role.OBSERVER})), "/accounts")).status_code for _ in range(2)]

    assert (first.status_code, second.status_code, served_on) == (200, 429, [200] * 3)
    assert turned_away == [403, 429], "what one may not ask for counts too: each refusal is a line on record"
    assert second.json()["code"] == "too_many_requests"
    assert 0 < int(second.headers["retry-after"]) <= 60


async def accounts(who: Annotated[Who, Depends(Permit("users.read", "public"))]) -> str:
    return who.name


async def mine(who: Annotated[Who, Depends(Permit("account.read", "self"))]) -> str:
    return who.name


def test_no_rate_no_limit() -> None:
    rates = Rates(0)
    for _ in range(10_000):
        rates.take("zhang")
