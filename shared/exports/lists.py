"""What a list is: its columns with their SQL, and where its rows come from, within what the asker may see."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, TypeVar, Union, get_args, get_origin
from uuid import UUID

import asyncpg
from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.deeds import who_acted
from shared.exports.filters import code_set_of, label_of, values_of
from shared.exports.models import FieldUnknown, FilterUnknown, FilterValueUnknown
from shared.glossary import LABELS
from shared.pages import Day, ensure_in_order
from shared.sheets.writing import Cell, Form

M = TypeVar("M", bound=BaseModel)
Words: TypeAlias = Mapping[str, Mapping[str, str]]
"""Code sets by name: what each code is called."""
Turn: TypeAlias = Callable[[Any, asyncpg.Record], Cell]
"""From what the database gave for a column, and its whole row, to what stands in the cell."""


@dataclass(frozen=True)
class Eye:
    """By what the values of one export are turned into cells. `unmasked`: sensitive fields are shown in full; `memo`: what its turns share."""

    words: Words
    cipher: FieldCipher | None
    unmasked: bool
    memo: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Column:
    """One column: `sql` gives its value under the name of the field, `turn` makes the cell of it (none: as it is)."""

    name: str
    label: str
    sql: str
    form: Form = Form.TEXT
    turn: Callable[[Eye], Turn] | None = None
    sensitive: bool = False


@dataclass(frozen=True)
class Source:
    """FROM and WHERE, ORDER BY, and the parameters from $1 on. Where the asker's scope ends, it ends here."""

    rows: str
    order: str
    parameters: Sequence[object]


Filters: TypeAlias = Mapping[str, Any]
Sought: TypeAlias = Annotated[str, StringConstraints(max_length=100)]
"""Words that a list is searched by (`q`)."""
Several: TypeAlias = Annotated[tuple[UUID, ...], BeforeValidator(lambda text: text.split(",")), Field(max_length=200)]
"""Those that a page shows, by their ids, divided by commas: of what was sought by a name or a number, no word is kept."""
ASKED_AT = "asked_at"
"""Among the filters of a source: when the list was asked for. Nobody narrows by it."""


def sorts_of(known: Mapping[str, object]) -> Any:
    """The type of a filter `sort`: the orders of the list's page, each in both directions."""
    return Literal[(*known, *(f"-{name}" for name in known))]


def as_page(model: type[M], filters: Filters) -> M:
    """The same question as the list's page asks it."""
    return model(**{name: value for name, value in filters.items() if name in model.model_fields})


@dataclass(frozen=True)
class Sheet:
    """One sheet. `always`: what is selected besides, for `turn`."""

    title: str
    columns: Sequence[Column]
    source: Callable[[Who, Filters], Source]
    always: str = ""

    def chosen(self, fields: Sequence[str]) -> "list[Column]":
        """The columns asked for, in their order; all when none is named. Raises FieldUnknown."""
        known = {column.name: column for column in self.columns}
        missing = [name for name in fields if name not in known]
        if missing:
            raise FieldUnknown(field=missing[0], known="、".join(f"{name}（{column.label}）" for name, column in known.items()))
        return [known[name] for name in dict.fromkeys(fields)] or list(self.columns)


@dataclass(frozen=True)
class ExportList:
    """One list of a service. `permission`: who may read it; `filters`: by what it can be narrowed, and the type of each."""

    name: str
    title: str
    permission: str
    sheets: Sequence[Sheet]
    filters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def sensitive(self) -> bool:
        """Whether anything in it is masked by default."""
        return any(column.sensitive for sheet in self.sheets for column in sheet.columns)

    def understood(self, filters: Mapping[str, str]) -> Filters:
        """The filters as values of their types. Raises FilterUnknown, FilterValueUnknown, PeriodReversed."""
        found: Filters = {name: self._value(name, text) for name, text in filters.items()}
        ensure_in_order(found.get("since"), found.get("as_of"))
        return found

    def ensure_coded(self, filters: Mapping[str, str], words: Words) -> None:
        """Raises FilterValueUnknown: no row has a code that is not in the filter's set, and a list of none would not say why."""
        for name, text in filters.items():
            codes = words.get(code_set_of(self.name, name)) if self.filters[name] is str else None
            if codes and text not in codes:
                raise self._no_such_value(name, codes, codes)

    def _value(self, name: str, text: str) -> object:
        if name not in self.filters:
            raise FilterUnknown(filter=name, known="、".join(self.filters) or "无")
        try:
            return TypeAdapter[object](self.filters[name]).validate_python(text)
        except ValidationError:
            raise self._no_such_value(name, _values(self.filters[name]), values_of(self.name, name)) from None

    def _no_such_value(self, name: str, values: Iterable[Any], words: Mapping[str, str]) -> FilterValueUnknown:
        named = ((value, words.get(value) or LABELS.get(value)) for value in values)
        known = "、".join(f"{value}（{word}）" if word else value for value, word in named)
        example = _EXAMPLES.get(self.filters[name]) or _example(self.filters[name]) or "文字"
        return FilterValueUnknown(filter=name, label=label_of(self.name, name), known=known or f"格式如 {example}")


def _values(kind: Any) -> list[str]:
    """All that a filter of this type may be; none where they cannot be counted."""
    if kind is bool:
        return ["true", "false"]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return list(kind)
    parts = get_args(kind) if get_origin(kind) in {Literal, Union, UnionType} else ()
    return [value for part in parts for value in ([part] if isinstance(part, str) else _values(part))]


def _example(kind: Any) -> str:
    """How a value of this type is written, where the type says so."""
    return str(next(iter(TypeAdapter[object](kind).json_schema().get("examples", ())), ""))


async def _no_words(_: Connection) -> Words:
    return {}


@dataclass(frozen=True)
class Exports:
    """All lists of a service, where its code tables are, and the table in which its units stand."""

    lists: Mapping[str, ExportList]
    words: Callable[[Connection], Awaitable[Words]] = _no_words
    units: str = "unit_copies"

    async def ensure_known(self, conn: Connection, name: str, asked: Mapping[str, object], found: Sized, **called: str) -> None:
        """Raises FilterValueUnknown where the page of a list found nothing since no row can have a code that was asked for: it would look as if there
        were none. `called`: what the page calls a filter that the list calls otherwise.
        """
        whole = self.lists[name]
        told = {} if found else {each: asked.get(called.get(each, each)) for each in whole.filters}
        given = {each: value for each, value in told.items() if isinstance(value, str) and value}
        if not given:
            return
        try:
            whole.understood(given)
            whole.ensure_coded(given, await self.words(conn))
        except FilterValueUnknown as refusal:
            refusal.facts["filter"] = called.get(refusal.facts["filter"], refusal.facts["filter"])
            raise


def exports_of(*lists: ExportList, words: Callable[[Connection], Awaitable[Words]] = _no_words, units: str = "unit_copies") -> Exports:
    """Lists by name."""
    return Exports({each.name: each for each in lists}, words, units)


def coded(name: str) -> Callable[[Eye], Turn]:
    """A code by what its set calls it; the code itself where the set has lost it."""

    def turn(eye: Eye) -> Turn:
        words = eye.words.get(name, {})
        return lambda value, _: words.get(value, value)

    return turn


def labelled(_: Eye) -> Turn:
    """A term of the glossary by its label."""
    return lambda value, _: LABELS.get(value, value)


def all_labelled(_: Eye) -> Turn:
    """Several of them."""
    return lambda values, _: "、".join(LABELS.get(value, value) for value in values or ())


def acted(_: Eye) -> Turn:
    """Who did it: a login name, 系统 or 命令行."""
    return lambda value, _: value and who_acted(value)


def flagged(_: Eye) -> Turn:
    """是, 否; nothing where nobody said."""
    return lambda value, _: None if value is None else "是" if value else "否"


def joined(_: Eye) -> Turn:
    """Several texts in one cell, as they are typed."""
    return lambda values, _: "、".join(values or ()) or None


def wall_clock(sql: str) -> str:
    """An instant as a sheet shows it."""
    return f"({sql}) AT TIME ZONE 'Asia/Shanghai'"


_EXAMPLES: dict[Any, str] = {UUID: "一个编号", Several: "不超过 200 个编号，用逗号隔开", Day: "2026-09-18", int: "12"}
