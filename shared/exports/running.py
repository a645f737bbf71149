"""The worker's side: one export after the other, each by one worker at a time, from the beginning again where a worker died.

Its lock lives with its connection, so a killed worker's export is free at once; what that worker wrote had no name and is gone with it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, BinaryIO, TypeVar
from uuid import UUID

import asyncpg
import structlog

from shared.auth import Who
from shared.clock import Clock, to_the_minute
from shared.db import TROUBLE, Connection, Database, readable_json
from shared.exports.filters import called, code_set_of, values_of
from shared.exports.lists import ASKED_AT, Column, Exports, Eye, Sheet, Turn, Words
from shared.exports.models import ExportState
from shared.exports.shelf import Shelf
from shared.glossary import LABELS, Role
from shared.lanes import lock_connection
from shared.sheets import writing
from shared.sheets.writing import BOOK_ROWS, Page, Row
from shared.unit_copies import scope, visible

T = TypeVar("T")
_TERMS = {str(term): label for term, label in LABELS.items()}

GLANCE = 0.3
SWEEP = 60.0
CHUNK = 2_000
ATTEMPTS = 5
PATIENCE = 600.0
"""Seconds. What of an export takes longer, counting, sorting or a chunk, has met a server or a worker that is gone: it is begun again."""
_NAMING = ("name", "number", "unit")
"""The columns that name a row, the likeliest first."""
_log = structlog.get_logger()


@dataclass(frozen=True)
class Office:
    """What a worker needs to write its service's lists. `mark`: what every document says outside production."""

    database: Database
    url: str
    exports: Exports
    shelf: Shelf
    clock: Clock
    keep: timedelta
    mark: str


class _Stopped(Exception):  # noqa: N818  named as the fact it states
    """Somebody cancelled it."""


class _Refused(Exception):  # noqa: N818  named as the fact it states
    """It cannot be done; the text says why and what to do."""


async def serve_exports(office: Office) -> None:
    """Write what was asked for, and clear away what is over, for ever."""
    swept = 0.0
    while True:
        with suppress(*TROUBLE):
            if time.monotonic() - swept > SWEEP:
                await clear_shelf(office)
                swept = time.monotonic()
            for export_id in await _waiting(office):
                await take_export(office, export_id)
        await asyncio.sleep(GLANCE)


async def _waiting(office: Office) -> list[UUID]:
    rows = await office.database.pool.fetch(
        "SELECT id FROM exports WHERE state IN ('export_waiting', 'export_running') ORDER BY id LIMIT 20"
    )
    return [row["id"] for row in rows]


async def take_export(office: Office, export_id: UUID) -> None:
    """Write one, unless another worker does."""
    async with _connection(office) as conn:
        if await conn.fetchval("SELECT pg_try_advisory_lock(hashtext('export'), hashtext($1::uuid::text))", export_id):
            asked = await conn.fetchrow(
                "UPDATE exports SET state = 'export_running', attempt = attempt + 1, rows_done = 0, step = step + 1"
                " WHERE id = $1 AND state IN ('export_waiting', 'export_running') RETURNING *",
                export_id,
            )
            if asked is not None:
                await _write(office, conn, asked)


@asynccontextmanager
async def _connection(office: Office) -> AsyncIterator[Connection]:
    """A connection past any pooler: it holds the lock, and reads for longer than a request may."""
    name, idle = f"{office.database.service} exports", f"{PATIENCE:.0f}s"
    conn = await lock_connection(office.url, name, PATIENCE, idle_in_transaction_session_timeout=idle)
    try:
        await readable_json(conn)
        yield conn
    finally:
        conn.terminate()


async def _write(office: Office, conn: Connection, asked: asyncpg.Record) -> None:
    try:
        if asked["cancel_asked"]:
            raise _Stopped
        if asked["attempt"] > ATTEMPTS:
            raise _Refused(f"已尝试 {ATTEMPTS} 次都没有完成。请缩小范围后重新导出，或将导出编号告知运维人员。")
        await _make(office, conn, asked)
    except _Stopped:
        await _end(office, asked, ExportState.CANCELLED)
    except _Refused as refusal:
        await _end(office, asked, ExportState.FAILED, note=str(refusal))
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.InternalClientError):
        raise  # it is begun again
    except Exception as error:  # noqa: BLE001  whatever it was, its asker is told and the next one is written
        _log.error("export failed", export=str(asked["id"]), list=asked["list"], error=type(error).__name__, exc_info=error)
        await _end(
            office, asked, ExportState.FAILED, note="写文件时出错，没有生成文件。请稍后重新导出；如仍失败，请将导出编号告知运维人员。"
        )


async def _make(office: Office, conn: Connection, asked: asyncpg.Record) -> None:
    wanted = office.exports.lists.get(asked["list"])
    if wanted is None:
        raise _Refused("这份清单已不再提供。请在清单列表中另选。")
    who = Who(asked["actor"], frozenset(Role(role) for role in asked["roles"]), None if asked["scope"] is None else tuple(asked["scope"]))
    run = _Run(office, conn, asked)
    # it ends with its connection, which may be read from until then
    await conn.transaction(isolation="repeatable_read", readonly=True).start()
    with office.shelf.nameless() as file:
        eye = Eye(await office.exports.words(conn), office.shelf.cipher, asked["unmasked"])
        filters = {**wanted.understood(asked["filters"]), ASKED_AT: asked["asked_at"]}
        pages = [await run.page(wanted.title, sheet, who, filters, eye) for sheet in wanted.sheets]
        await run.begin()
        async with run.watched():
            await asyncio.to_thread(_put, file, asked["format"], pages)
        kept = await asyncio.to_thread(office.shelf.keep, asked["id"], asked["attempt"], file)
    ended = office.clock.now()
    await _end(
        office,
        asked,
        ExportState.DONE,
        file=kept.name,
        file_bytes=kept.size,
        sha256=kept.sha256,
        rows_done=run.done,
        read_at=run.read_at,
        keep_until=ended + office.keep,
    )


def _in_words(list_name: str, name: str, value: str, words: Words) -> str:
    """The value of a filter as its form, the code set or the glossary calls it."""
    if name == "persons":
        return f"{len(value.split(','))} 人"
    coded = words.get(code_set_of(list_name, name), {})
    return values_of(list_name, name).get(value) or coded.get(value) or _TERMS.get(value, value)


def _put(file: BinaryIO, format_: str, pages: Sequence[Page]) -> None:
    with ExitStack() as rows:
        for page in pages:
            if isinstance(page.rows, Generator):
                rows.callback(page.rows.close)  # its end waits for the loop, so it must never end in the loop's own thread
        if format_ == "csv":
            writing.write_csv(file, pages[0])
        else:
            writing.write_book(file, pages)


class _Run:
    """One attempt at one export: rows come from a cursor on the loop's connection into the thread that writes."""

    def __init__(self, office: Office, conn: Connection, asked: asyncpg.Record) -> None:
        self._office, self._conn, self._asked = office, conn, asked
        self._loop, self._stopped = asyncio.get_running_loop(), False
        self._turn = asyncio.Lock()
        self.total, self.done, self.read_at = 0, 0, office.clock.now()

    async def page(self, title: str, sheet: Sheet, who: Who, filters: Mapping[str, Any], eye: Eye) -> Page:
        """One sheet, counted; its rows are read when they are written."""
        columns, source = sheet.chosen(self._asked["fields"]), sheet.source(who, filters)
        count: int = await self._conn.fetchval(f"SELECT count(*) {source.rows}", *source.parameters)
        if self._asked["format"] == "xlsx" and count > BOOK_ROWS:
            raise _Refused(f"共 {count} 行，超过一张 Excel 工作表的 {BOOK_ROWS} 行。请导出为 CSV，或用筛选条件分几次导出。")
        self.total += count
        shown = [writing.Column(column.label, column.form) for column in columns]
        select = ", ".join([f"{column.sql} AS {column.name}" for column in columns] + ([sheet.always] if sheet.always else []))
        rows = self._rows(f"SELECT {select} {source.rows} ORDER BY {source.order}", source.parameters, _turner(columns, eye))
        mark = self._mark(title, count, await self._narrowed(who, eye.words), masked=_masked(columns, eye))
        key = next((at for name in _NAMING for at, column in enumerate(columns) if column.name == name), 0)
        return Page(sheet.title, shown, mark, rows, key)

    async def _narrowed(self, who: Who, words: Words) -> str:
        """By what the list was narrowed, a unit by its name where the asker sees it."""
        filters, units, list_ = dict(self._asked["filters"]), self._office.exports.units, self._asked["list"]
        sql = f"SELECT name FROM {units} AS units WHERE id = $2 AND {visible(who, row='units', table=units)}"
        for name in {"unit", "of_unit"} & filters.keys():
            filters[name] = await self._conn.fetchval(sql, scope(who), UUID(filters[name])) or filters[name]
        told = (f"{called(list_, name, filters)}为{_in_words(list_, name, value, words)}" for name, value in filters.items())
        return "，".join(told) or "无"

    def _mark(self, title: str, count: int, narrowed: str, *, masked: str) -> str:
        """Who took this, when, for what: on top of each sheet, so that a copy that goes astray tells whose it was."""
        asked = self._asked
        parts = (
            title,
            f"导出人：{_named(asked)}",
            f"导出时间：{to_the_minute(asked['asked_at'])}",
            f"数据截至：{to_the_minute(self.read_at)}",
            f"筛选：{narrowed}",
            f"用途：{asked['reason'] or '未填写'}",
            f"共 {count} 行",
            *([masked] if masked else []),
            f"编号：{asked['id']}",
            *([self._office.mark] if self._office.mark else []),
        )
        return "　".join(parts)

    async def begin(self) -> None:
        """Let watchers know how much it is."""
        await self._office.database.pool.execute(
            "UPDATE exports SET rows_total = $3, step = step + 1 WHERE id = $1 AND attempt = $2", *self._key, self.total
        )

    @property
    def _key(self) -> tuple[UUID, int]:
        return self._asked["id"], self._asked["attempt"]

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Tell how far it is while it is written, and stop it when somebody says so or another has taken it over."""
        watch = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            await asyncio.wait([watch])

    async def _watch(self) -> None:
        while not self._stopped:
            await asyncio.sleep(GLANCE)
            with suppress(*TROUBLE):
                goes_on = await self._office.database.pool.fetchval(
                    "UPDATE exports SET rows_done = $3, step = step + 1 WHERE id = $1 AND attempt = $2 AND state = 'export_running'"
                    " AND NOT cancel_asked RETURNING true",
                    *self._key,
                    self.done,
                )
                self._stopped = not goes_on

    def _rows(self, sql: str, parameters: Sequence[object], turn: Callable[[asyncpg.Record], Row]) -> Iterator[Row]:
        """In the writing thread: while one chunk is written, the next is fetched."""
        cursor = self._wait(self._open(sql, parameters))
        ahead = self._soon(cursor.fetch(CHUNK))
        try:
            while records := ahead.result():
                if self._stopped:
                    raise _Stopped
                ahead = self._soon(cursor.fetch(CHUNK))
                yield from map(turn, records)
                self.done += len(records)
        finally:
            ahead.exception()  # the connection is free again before anything else is asked of it

    async def _open(self, sql: str, parameters: Sequence[object]) -> "asyncpg.cursor.Cursor[asyncpg.Record]":
        return await self._conn.cursor(sql, *parameters)

    def _soon(self, asked: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(self._in_turn(asked), self._loop)

    async def _in_turn(self, asked: Coroutine[Any, Any, T]) -> T:
        """Every sheet has begun before the first is written, and all have one connection."""
        async with self._turn:
            return await asked

    def _wait(self, asked: Coroutine[Any, Any, T]) -> T:
        return self._soon(asked).result()


def _turner(columns: Sequence[Column], eye: Eye) -> Callable[[asyncpg.Record], Row]:
    """Most values are cells as they are; only the others are turned."""
    width = len(columns)
    turns: list[tuple[int, Turn]] = [(place, column.turn(eye)) for place, column in enumerate(columns) if column.turn is not None]

    def turn(record: asyncpg.Record) -> Row:
        values = list(record.values())
        for place, turned in turns:
            values[place] = turned(values[place], record)
        return values[:width]

    return turn


def _masked(columns: Sequence[Column], eye: Eye) -> str:
    if not any(column.sensitive for column in columns):
        return ""
    return "未脱敏，请妥善保管" if eye.unmasked else "已脱敏"


def _named(asked: asyncpg.Record) -> str:
    """Who asked for it: his own name, where it is known, and his login name."""
    return f"{asked['actor_name']}（{asked['actor']}）" if asked["actor_name"] else str(asked["actor"])


async def _end(office: Office, asked: asyncpg.Record, state: ExportState, **told: object) -> None:
    """Close it, if this attempt is still the one that counts; a file that nobody may have any more is forgotten."""
    names = list(told)
    closed = await office.database.pool.fetchval(
        "UPDATE exports SET state = CASE WHEN cancel_asked THEN 'export_cancelled' ELSE $3 END, ended_at = $4, step = step + 1"
        + "".join(f", {name} = CASE WHEN cancel_asked THEN {name} ELSE ${place} END" for place, name in enumerate(names, 5))
        + " WHERE id = $1 AND attempt = $2 AND state = 'export_running' RETURNING state",
        asked["id"],
        asked["attempt"],
        state,
        office.clock.now(),
        *told.values(),
    )
    if closed != ExportState.DONE and isinstance(name := told.get("file"), str):
        office.shelf.forget(name)


async def clear_shelf(office: Office) -> None:
    """Delete files whose time is over, and what a killed worker left lying half kept. A half of a file that stays is being put under another key."""
    names = await asyncio.to_thread(office.shelf.names)
    rows = await office.database.pool.fetch(
        "UPDATE exports SET state = 'export_expired', step = step + 1, file = NULL WHERE file IS NOT NULL AND keep_until < $1 RETURNING id",
        office.clock.now(),
    )
    kept = await office.database.pool.fetch("SELECT id::text, file, state FROM exports WHERE file IS NOT NULL OR state = 'export_running'")
    files, running = {row["file"] for row in kept}, {row["id"] for row in kept if row["state"] == ExportState.RUNNING}
    for name in names:
        if name.partition(".")[0] not in files and name[:36] not in running:
            office.shelf.forget(name)
    if rows:
        _log.info("exports expired", count=len(rows))
