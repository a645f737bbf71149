"""The services' HTTP doors, used from the command line as a named user: his own token, an idempotency key per write, refusals as they are."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from deploy.databases import reached
from deploy.identity import tokens
from deploy.local import stack
from deploy.local.place import Place, WrongPlace
from deploy.local.state import State
from services.identity.queries import accounts as queries
from shared.auth import Tokens, Who
from shared.clock import Clock
from shared.db import Database
from shared.errors import NotFound
from shared.events.envelope import uuid7

PATIENCE = 60.0
READS = 10.0
"""How long a person waits for what he only reads: asked again it costs nothing."""
_ABSENT = "{} 没有在运行。请先运行 bianban up；系统已在运行的，请用 bianban status 查看。"
_NAMED = 5
"""Of several units of one name."""
_DOUBT = "刚才的操作可能已经办成，请先核对，再决定是否重做。"
_REPEATED = (429, 502, 503, 504)
"""A part is away, or we ask oftener than one caller may: neither is the answer to what was asked."""


class Refused(Exception):  # noqa: N818  named as the fact it states
    """A service said no: its status, code and sentence."""

    def __init__(self, status: int, code: str, sentence: str, facts: Mapping[str, str]) -> None:
        super().__init__(sentence)
        self.status, self.code, self.sentence, self.facts = status, code, sentence, facts


def owned(path: Path, content: bytes) -> None:
    """Write what was taken out of the system: for its owner alone, also where a file stood that others could read."""
    with open(path, "wb", opener=_own) as file:
        file.write(content)


def _own(path: str, flags: int) -> int:
    opened = os.open(path, flags, 0o600)
    os.fchmod(opened, 0o600)
    return opened


def not_done(failed: Exception) -> WrongPlace:
    """What is said to who typed a command that came to nothing."""
    if isinstance(failed, ConnectionError | httpx.TransportError):
        return WrongPlace("系统没有应答。请先运行 bianban up。")
    if isinstance(failed, OSError) and failed.filename:
        return WrongPlace(f"不能读写 {failed.filename}。请核对它是否存在、是否可读写，再重试。")
    return WrongPlace(f"未能完成：{failed}")


@dataclass(frozen=True)
class Answer:
    """What a service answered, its trace, and how long it took in milliseconds."""

    body: Any
    trace_id: str
    ms: float
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)


class Doors:
    """The doors of one stack."""

    def __init__(self, place: Place, http: httpx.AsyncClient, identity: Database, signer: Tokens, reads: float | None = None) -> None:
        self._place, self._http, self._identity, self._signer, self._reads = place, http, identity, signer, reads
        self.clock = Clock(None if place.environment == "production" else place.clock_file)

    async def who(self, user: str) -> Who:
        """The user with the rights he has now. WrongPlace when there is none of that name."""
        try:
            async with self._identity.reading() as conn:
                return await queries.who(conn, user, self.clock.now())
        except NotFound:
            raise WrongPlace(f"没有名为 {user} 的用户。") from None

    async def users(self) -> list[str]:
        """The login names of this stack."""
        async with self._identity.reading() as conn:
            return [user.name for user in await queries.users(conn, "", 1000)]

    async def ensure_there(self, service: str) -> None:
        """Asked before what may take its time. Raises WrongPlace at once where there is no such door, and soon where it is silent."""
        try:
            await self._http.get(f"{self._place.service(service)}/live", timeout=READS)
        except httpx.ConnectError:
            raise WrongPlace(_ABSENT.format(service)) from None
        except httpx.TransportError:
            raise WrongPlace(f"{service} 在 {READS:.0f} 秒内没有应答。请用 bianban status 查看。") from None

    async def get(self, user: str, service: str, path: str, **query: str | int | None) -> Answer:
        """Read. Raises Refused."""
        params = {name: value for name, value in query.items() if value is not None}
        return await self._ask(user, "GET", service, path, params=params)

    async def post(self, user: str, service: str, path: str, body: object, key: str | None = None) -> Answer:
        """Write, under a key of its own unless one is given. Repeated with the same key while a part is away. Raises Refused."""
        headers = {"Idempotency-Key": key or str(uuid7())}
        return await self._ask(user, "POST", service, path, json=body, headers=headers)

    async def patch(self, user: str, service: str, path: str, body: object) -> Answer:
        """Change, as `post` writes. Raises Refused."""
        return await self._ask(user, "PATCH", service, path, json=body, headers={"Idempotency-Key": str(uuid7())})

    async def upload(self, user: str, service: str, path: str, files: Mapping[str, tuple[str, bytes]], **fields: str) -> Answer:
        """Bring files, with form fields, under a key of its own. Repeated as `post` is. Raises Refused."""
        headers = {"Idempotency-Key": str(uuid7())}
        return await self._ask(user, "POST", service, path, files=dict(files), data=fields, headers=headers)

    async def save(self, user: str, service: str, path: str, target: Path) -> None:
        """Read a file into one of our own, piece by piece; it is there when it is whole. Raises Refused."""
        headers = {"Authorization": f"Bearer {self._signer.issue(await self.who(user), datetime.now(UTC))}"}
        url = f"{self._place.service(service)}{path}"
        half = target.with_name(f".{target.name}.part")
        try:
            async with self._http.stream("GET", url, headers=headers) as answer:
                if answer.is_error:
                    await answer.aread()
                    _judge(answer, 0)
                with open(half, "xb", opener=_own) as file:
                    async for piece in answer.aiter_bytes():
                        file.write(piece)
            half.rename(target)
        finally:
            half.unlink(missing_ok=True)

    async def unit_of(self, user: str, called: str) -> str:
        """The unit of this code or name, among those the user sees. WrongPlace when there is none, or several."""
        found = (await self.get(user, "roster", "/units", q=called, limit=200)).body["items"]
        units = [each for each in found if called in {each["code"], each["uscc"], each["name"], each["short_name"]}]
        if not units:
            raise WrongPlace(f"{user} 的管辖范围内没有找到名称或代码为“{called}”的单位。请写它的现用全称、编码或统一社会信用代码。")
        if len(units) > 1:
            listed = "、".join(f"{each['name']}（{each['code']}）" for each in units[:_NAMED])
            raise WrongPlace(f"叫“{called}”的单位有 {len(units)} 个：{listed}{'等' if len(units) > _NAMED else ''}。请改写编码。")
        return str(units[0]["id"])

    async def pages(self, user: str, service: str, path: str, **query: str | int | None) -> list[Any]:
        """All items of a paged list."""
        items: list[Any] = []
        after = None
        while True:
            page = (await self.get(user, service, path, **query, after=after, limit=200)).body
            items += page["items"]
            after = page["next"]
            if after is None:
                return items

    async def _ask(self, user: str, method: str, service: str, path: str, headers: Mapping[str, str] | None = None, **more: Any) -> Answer:
        token = self._signer.issue(await self.who(user), datetime.now(UTC))
        url = f"{self._place.service(service)}{path}"
        patience = PATIENCE if method != "GET" or self._reads is None else self._reads
        deadline, sent = time.monotonic() + patience, False
        while True:
            began = time.perf_counter()
            try:
                told = {"Authorization": f"Bearer {token}", **(headers or {})}
                answer = await self._http.request(method, url, headers=told, timeout=httpx.Timeout(patience, connect=5.0), **more)
                sent = True
            except httpx.ConnectError:
                answer = None
                self._ensure_coming(service, _DOUBT if sent and method != "GET" else "")
            except httpx.TransportError:
                answer, sent = None, True
            took = (time.perf_counter() - began) * 1000
            if answer is not None and answer.status_code not in _REPEATED:
                return _judge(answer, took)
            if time.monotonic() >= deadline:
                doubt = _DOUBT if sent and method != "GET" else ""
                raise WrongPlace(f"{service} 在 {patience:.0f} 秒内没有应答。{doubt}请用 bianban status 查看。")
            await asyncio.sleep(0.2)

    def _ensure_coming(self, service: str, doubt: str) -> None:
        """Of a stack of this machine one knows whether anybody starts an absent part again. Raises WrongPlace where nobody does."""
        if self._place.elsewhere:
            return
        parts = {part.name: part for part in stack.published(self._place)}
        if not parts or (f"{service}-app" in parts and parts[f"{service}-app"].state is State.FAILED):
            raise WrongPlace(doubt + _ABSENT.format(service))


def _judge(answer: httpx.Response, took: float) -> Answer:
    kind = answer.headers.get("content-type", "")
    body = answer.json() if "json" in kind and answer.content else None
    if answer.is_error:
        problem = body if isinstance(body, dict) else {}
        detail = str(problem.get("detail") or answer.reason_phrase)
        fields = "；".join(f"{each['field']}: {each['reason']}" for each in problem.get("fields", ()))
        sentence = f"{detail}{f'（{fields}）' if fields else ''}"
        raise Refused(answer.status_code, str(problem.get("code", "")), sentence, problem.get("facts", {}))
    return Answer(body, answer.headers.get("x-trace-id", ""), took, answer.headers, answer.content)


@asynccontextmanager
async def doors_of(place: Place, reads: float | None = None) -> AsyncIterator[Doors]:
    """Open the doors of a running stack on this machine (the tokens are signed here). `reads`: how long an answer to a read is waited for."""
    limits = httpx.Timeout(60.0, connect=5.0)
    async with (
        httpx.AsyncClient(timeout=limits, trust_env=False) as http,
        reached(place, "identity") as identity,
    ):
        yield Doors(place, http, identity, tokens(place), reads)


def at_doors(work: Callable[[Doors], Awaitable[Any]]) -> Any:
    """Do the work of one command at the doors of the stack that is meant. A refusal, and a system that is away, is WrongPlace."""

    async def run() -> Any:
        async with doors_of(Place.from_environment(), READS) as doors:
            return await work(doors)

    try:
        return asyncio.run(run())
    except Refused as refused:
        raise WrongPlace(refused.sentence) from None
    except (httpx.HTTPError, OSError):
        raise WrongPlace("系统没有应答。请先运行 bianban up。") from None
