"""Lists over HTTP: what is asked, the order, a sealed cursor, the fields one wants, and an ETag. SQL stays with the list."""

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
import orjson
from cryptography.exceptions import InvalidTag
from fastapi import Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from pydantic_core import to_json

from shared.crypto import FieldCipher
from shared.db import BIGINT
from shared.errors import Conflict

Limit = Annotated[int, Query(ge=1, le=200)]
RowNumber = Annotated[int, Query(ge=0, le=BIGINT)]
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(9998, 12, 31))]
"""A day that is asked about. It has a beginning and an end, in the calendar and in the database."""
Instant = Annotated[AwareDatetime, Field(ge=datetime(1900, 1, 1, tzinfo=UTC), le=datetime(9998, 12, 31, tzinfo=UTC))]
"""An instant that is told; it has a day, in whatever time zone."""
M = TypeVar("M", bound=BaseModel)


class Paging(BaseModel):
    """Which page of a list. A list adds what narrows it; a parameter that it does not know is refused, not passed over."""

    model_config = ConfigDict(extra="forbid")

    sort: str = ""
    fields: str | None = Field(None, max_length=2_000, description="Only these fields, divided by commas.")
    after: str = Field("", max_length=4_000, description="`next` of the page before; empty: the first page.")
    limit: int = Field(50, ge=1, le=200)


def asked(model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency: the query of a request, read by the model itself. (FastAPI looks for each field apart: a fifth of the time of a page.)"""

    async def read(request: Request) -> M:
        return model.model_validate(dict(request.query_params))

    return read


def described(model: type[BaseModel]) -> dict[str, Any]:
    """The same for the description of the route (`openapi_extra`)."""
    schema = model.model_json_schema()
    whole = schema.pop("$defs", {})

    def inline(part: Any) -> Any:
        if isinstance(part, dict):
            return inline(whole[part["$ref"].rsplit("/", 1)[1]]) if "$ref" in part else {name: inline(each) for name, each in part.items()}
        return [inline(each) for each in part] if isinstance(part, list) else part

    needed = schema.get("required", ())
    fields = schema["properties"].items()
    return {"parameters": [{"name": name, "in": "query", "required": name in needed, "schema": inline(each)} for name, each in fields]}


class SortUnknown(Conflict):
    """The list cannot be ordered so."""

    code = "sort_unknown"
    sentence = "不能按 {sort} 排序。可用：{known}；前面加减号为倒序。"


class FieldUnknown(Conflict):
    """The list has no such field."""

    code = "field_unknown"
    sentence = "清单中没有 {field} 这一项。可选：{known}。"


class CursorUnknown(Conflict):
    """Altered, of another list, order or filter, or sealed by a key that is gone."""

    code = "cursor_unknown"
    sentence = "翻页标记已失效或不属于这次查询。请从第一页重新查询。"


class PeriodReversed(Conflict):
    """It ends before it begins: nothing lies in it, and a list of none would not say why."""

    code = "period_reversed"
    sentence = "起始日期 {since} 晚于截止日期 {until}，其间没有任何一天。请核对两个日期。"


def ensure_in_order(since: date | None, until: date | None) -> None:
    """Of a period whose days are both counted. Raises PeriodReversed."""
    if since and until and since > until:
        raise PeriodReversed(since=since, until=until)


class Parameters(list[object]):
    """The parameters of a statement in the making: call it with a value and its type, and put what it answers into the SQL."""

    def __call__(self, value: object, kind: str) -> str:
        self.append(value)
        return f"${len(self)}::{kind}"

    def narrowed(self, asked: Mapping[str, tuple[object, str]], *more: str) -> str:
        """The conditions whose value was asked for, as one: each, with `{}` where the value stands, to the value and its type. `more` hold in any case."""
        return (
            " AND ".join([*more, *(condition.format(self(value, kind)) for condition, (value, kind) in asked.items() if value)]) or "true"
        )


@dataclass(frozen=True)
class Order:
    """`columns`: SQL to type, the last of them unique; all of them ascending, or all descending. The list selects them as `key_1`, `key_2` …"""

    name: str
    columns: Mapping[str, str]
    descending: bool

    @property
    def keys(self) -> str:
        """To be selected."""
        return ", ".join(f"{sql} AS key_{number}" for number, sql in enumerate(self.columns, 1))

    @property
    def places(self) -> str:
        """The same as text, which also tells an instant without end."""
        return ", ".join(f"({sql})::text AS key_{number}" for number, sql in enumerate(self.columns, 1))

    @property
    def by(self) -> str:
        """ORDER BY, of the columns themselves."""
        return ", ".join(f"{sql} DESC" if self.descending else sql for sql in self.columns)

    @property
    def by_keys(self) -> str:
        """The same of what was selected."""
        return ", ".join(f"key_{number} DESC" if self.descending else f"key_{number}" for number in range(1, len(self.columns) + 1))

    def after(self, values: Sequence[object] | None, put: Parameters) -> str:
        """The condition that leaves out everything up to a row."""
        if values is None:
            return "true"
        places = ", ".join(f"({put(value, 'text')})::{kind}" for value, kind in zip(values, self.columns.values(), strict=True))
        return self._beyond(places)

    def behind(self, key: str, rows: str) -> str:
        """The same up to the row of this key (SQL), the last of its columns, among `rows` (FROM … WHERE …); where it is not among them nothing is left."""
        *_, last = self.columns
        return self._beyond(f"SELECT {', '.join(self.columns)} {rows} AND {last} = {key}")

    def _beyond(self, place: str) -> str:
        return f"({', '.join(self.columns)}) {'<' if self.descending else '>'} ({place})"

    def of(self, row: asyncpg.Record) -> list[str]:
        """Where a row stands in the order."""
        return [str(row[f"key_{number}"]) for number in range(1, len(self.columns) + 1)]


def ordered(asked: str, known: Mapping[str, Mapping[str, str]]) -> Order:
    """`name`, or `-name` for the other direction. Raises SortUnknown."""
    name = asked.removeprefix("-")
    if name not in known:
        raise SortUnknown(sort=name, known="、".join(known))
    return Order(name, known[name], descending=asked.startswith("-"))


def chosen(asked: str | None, known: Collection[str]) -> list[str]:
    """The fields asked for, or all. Raises FieldUnknown."""
    names = [name.strip() for name in (asked or "").split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise FieldUnknown(field=name, known="、".join(known))
    return list(dict.fromkeys(names)) or list(known)


@dataclass(frozen=True)
class Cursors:
    """Cursors of one question: sealed, since they may hold a name and stand in a URL; another question's are not taken."""

    cipher: FieldCipher
    question: str

    def read(self, text: str) -> list[str] | None:
        """Where the page before ended; none for the first page. Raises CursorUnknown."""
        if not text:
            return None
        try:
            values: list[str] = json.loads(self.cipher.unseal(base64.urlsafe_b64decode(text), self._place))
        except (ValueError, IndexError, InvalidTag):
            raise CursorUnknown from None
        return values

    def after(self, values: Sequence[str]) -> str:
        """The cursor that goes on behind a row."""
        return base64.urlsafe_b64encode(self.cipher.seal(json.dumps(values).encode(), self._place)).decode()

    def page(
        self, rows: Sequence[asyncpg.Record], order: Order, limit: int, fields: Sequence[str]
    ) -> tuple[list[dict[str, Any]], str | None]:
        """These fields of at most so many rows, and the cursor of the next page where there was one more."""
        lines = [{name: row[name] for name in fields} for row in rows[:limit]]
        return lines, self.after(order.of(rows[limit - 1])) if len(rows) > limit else None

    @property
    def _place(self) -> str:
        return f"cursors.{hashlib.sha256(self.question.encode()).hexdigest()}"


def question(name: str, order: Order, *asked: object) -> str:
    """What a cursor belongs to: the list, its order, and all that narrows it."""
    return json.dumps([name, order.name, order.descending, *asked], default=str, sort_keys=True)


def page(request: Request, items: Sequence[Mapping[str, Any]], next_page: str | None, **more: object) -> Response:
    """A page (`more`: what stands beside its items) with its ETag; nothing but 304 where the caller has just this page. Each cursor is sealed anew,
    so it is not part of the tag.
    """
    content = orjson.dumps({"items": items} | more, _as_text, orjson.OPT_UTC_Z)
    tag = _tag(content + bytes([next_page is not None]))
    return _answer(request, tag, b'%b,"next":%b}' % (content[:-1], orjson.dumps(next_page)))


def answer(request: Request, body: object) -> Response:
    """One thing with its ETag; 304 where the caller has it."""
    content = to_json(body)
    return _answer(request, _tag(content), content)


def _as_text(value: object) -> str:
    if isinstance(value, UUID):  # asyncpg has a kind of its own
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in a list")


def _tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:24]}"'


def _answer(request: Request, tag: str, content: bytes) -> Response:
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
    known = request.headers.get("if-none-match")
    if known and tag in (each.strip().removeprefix("W/") for each in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")
