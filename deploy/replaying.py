"""`bianban dead-letters replay SERVICE --all`: what one cause parked is handled again, key by key, each as if it had been asked for alone."""

import asyncio
import re
import shlex
import time
from collections.abc import Callable, Sequence

import asyncpg

from deploy.local.place import WrongPlace
from shared import dead_letters, masked
from shared.db import Database
from shared.dead_letters import DeadLetter
from shared.parked_words import WAITS, parked_because

PATIENCE = 15.0
"""Seconds without any letter that goes."""
UNFINISHED = "仍在处理，尚未结束。请稍后用 bianban dead-letters list 查看结果；如久未结束，请查看 bianban status 和该服务 worker 的日志。"
UNHEARD = "重新处理没有开始：消费者没有在运行。请求已登记，待其启动后执行；请查看 bianban status。"
_NUMBER = re.compile(r"@(\d{1,18})")
Key = tuple[str, str]
"""A consumer, and the key of a message."""


def chosen(letters: Sequence[DeadLetter], cause: str | None, topic: str | None) -> list[Key]:
    """What is parked, oldest first; of one cause or topic alone where one is named, all that waits behind it included. WrongPlace where there is none."""
    found = [each for each in letters if cause in {None, each.error, parked_because(each.error)} and topic in {None, each.topic}]
    if not found:
        causes = "、".join(dict.fromkeys(parked_because(each.error) for each in letters))
        raise WrongPlace(f"没有这样的死信。现有的原因：{causes or '无'}。请用 bianban dead-letters list 核对。")
    return list(dict.fromkeys((each.consumer, each.key) for each in found))


async def replay_all(database: Database, cause: str | None, topic: str | None, tell: Callable[[str], None]) -> int:
    """Ask for all of them, tell of each once it is over; how many stay parked. WrongPlace where nothing moves."""
    return await replayed(database, chosen(await dead_letters.listed(database), cause, topic), tell)


async def replayed(database: Database, keys: Sequence[Key], tell: Callable[[str], None]) -> int:
    """The same for these keys."""
    await dead_letters.ask_replays(database, keys)
    waiting, stay, names = dict.fromkeys(keys), 0, {key: called(key[1], row["first"]) for key, row in (await _parked(database)).items()}
    moved, seen = time.monotonic(), -1
    while waiting:
        asked, parked = await _asked(database), await _parked(database)
        for key in [key for key in waiting if key not in asked]:
            del waiting[key]
            stay += key in parked
            tell(f"{len(keys) - len(waiting)}/{len(keys)}  {_told(database.service, key[0], names.get(key, ''), parked.get(key))}")
        left = sum(row["letters"] for key, row in parked.items() if key in waiting)
        moved, seen = (moved, seen) if left == seen else (time.monotonic(), left)
        if waiting and time.monotonic() > moved + PATIENCE:
            raise WrongPlace(UNFINISHED if any(asked.values()) else UNHEARD)
        await asyncio.sleep(0.2 if waiting else 0)
    return stay


def as_typed(key: str) -> str:
    """A key as bash takes it. What a terminal would act on, and not show, is written out: anybody may have written into a topic."""
    if key.isprintable():
        return shlex.quote(key)
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    written = (each if each.isprintable() else f"\\U{ord(each):08x}" for each in quoted)
    return f"$'{''.join(written)}'"


def called(key: str, number: int) -> str:
    """What a command takes for a key: itself where it is an id, else the number of a letter under it. A stranger may key a record with an ID number."""
    return as_typed(key) if masked.key(key) == key else f"@{number}"


async def meant(database: Database, typed: str) -> str:
    """The key that somebody typed, by itself or by the number of a letter under it."""
    if not (number := _NUMBER.fullmatch(typed)):
        return typed
    return await database.pool.fetchval("SELECT key FROM dead_letters WHERE id = $1", int(number[1])) or typed


def _told(service: str, consumer: str, name: str, left: asyncpg.Record | None) -> str:
    if left is None:
        return f"{consumer}  {name}  已全部处理"
    name = called(left["key"], left["first"])
    return f"{consumer}  {name}  仍有 {left['letters']} 条，原因：{parked_because(left['error'])}。请看 bianban dead-letters show {service} {name}"


async def _asked(database: Database) -> dict[Key, str | None]:
    """What is not over yet, and the process that follows it. Asked before `_parked`: what is over by then is counted to its end."""
    rows = await database.pool.fetch("SELECT consumer, key, process FROM replays")
    return {(row["consumer"], row["key"]): row["process"] for row in rows}


async def _parked(database: Database) -> dict[Key, asyncpg.Record]:
    rows = await database.pool.fetch(
        "SELECT consumer, key, count(*) AS letters, min(id) AS first, (array_agg(error ORDER BY error = $1, id))[1] AS error FROM dead_letters"
        " GROUP BY consumer, key",
        WAITS,
    )
    return {(row["consumer"], row["key"]): row for row in rows}
