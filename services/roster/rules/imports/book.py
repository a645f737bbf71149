"""Everything of a file but its persons: what it calls things, which units, posts and seats it tells of, and how a row names a unit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.roster.models.fields import SHEETS
from services.roster.models.imports import JudgedRow, KnownUnit, Verdict
from services.roster.rules.imports.cells import likeness
from services.roster.rules.imports.changes import Changed

Row = tuple[str, str]
UNIT_SHEETS = ("units", "units_with_posts")
NAMED = 10
"""How many other rows a sentence names; of more it says how many there are."""
OUT_OF_SCOPE = "不在您负责的单位范围内，请交由负责的人员导入"


@dataclass(frozen=True)
class Words:
    """What people call things: labels by code, which kinds a category of units may hold, and, by field, the codes that have ended."""

    kinds: Mapping[str, str]
    fundings: Mapping[str, str]
    levels: Mapping[str, str]
    categories: Mapping[str, str]
    allowed: Mapping[str, Sequence[str]]
    ended: Mapping[str, Collection[str]] = field(default_factory=dict)

    def row(self, row: Row) -> str:
        """编制类型（经费形式）."""
        return f"{self.kinds.get(row[0], row[0])}（{self.fundings.get(row[1], row[1])}）"


@dataclass
class NewUnit:
    """A unit as the file has it, from its first row."""

    row: JudgedRow
    code: str
    values: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.values["name"])


@dataclass
class Book:
    """Everything of a file but its persons, and what became of it. `codes` finds a unit by whatever it is called, `alike` by the likeness of that;
    `scoped`: its owner sees a part only; `repeated`: by field (of `_REPEATED`) and what they are of, rows of which there may be one.
    """

    known: Mapping[str, KnownUnit]
    words: Words
    scoped: bool = False
    units: dict[str, NewUnit] = field(default_factory=dict)
    codes: dict[str, str | None] = field(default_factory=dict)
    alike: dict[str, str | None] = field(default_factory=dict)
    former: dict[str, KnownUnit] = field(default_factory=dict)
    quotas: dict[str, dict[Row, int]] = field(default_factory=dict)
    quota_rows: dict[tuple[str, Row], JudgedRow] = field(default_factory=dict)
    seats: dict[tuple[str, str], int] = field(default_factory=dict)
    seat_rows: dict[tuple[str, str], JudgedRow] = field(default_factory=dict)
    repeated: dict[tuple[str, object], list[JudgedRow]] = field(default_factory=dict)
    verdicts: dict[tuple[str, int], tuple[Verdict, Changed]] = field(default_factory=dict)
    unit_of: dict[tuple[str, int], str] = field(default_factory=dict)
    bad: set[str] = field(default_factory=set)
    order: list[str] = field(default_factory=list)

    def code_of(self, called: str | None) -> str | None:
        """The code of a unit by its code, its name, its short name, or a name of before; None where there is none, or two of that name."""
        if called in self.codes or called is None:
            return self.codes.get(called or "")
        return self.former[called].code if called in self.former else self.alike.get(likeness(called))

    def of_several(self, called: str) -> bool:
        """Whether more than one unit is called so."""
        return self.code_of(called) is None and (called in self.codes or likeness(called) in self.alike)

    def repeat(self, name: str, of: object, first: JudgedRow, row: JudgedRow) -> None:
        """Another row of what the first is of."""
        self.repeated.setdefault((name, of), [first]).append(row)

    def refuse_number(self, sheet: str, number: int) -> None:
        """The number of this row is not written: what is in force stays, and the unit has a wrong row."""
        self.bad.add(code := self.unit_of[sheet, number])
        for key in [key for (of, key), row in self.quota_rows.items() if (of, row.place) == (code, (sheet, number))]:
            del self.quotas[code][key]
        for place in [place for place, row in self.seat_rows.items() if row.place == (sheet, number)]:
            del self.seats[place]

    def name_of(self, code: str) -> str:
        """What the unit is called, in the file or else in the roster."""
        return self.units[code].name if code in self.units else self.known[code].name


def called_now(book: Book, called: str | None) -> str:
    """What is said of a name that its unit does not bear any more; nothing of one that the file's owner does not see."""
    unit = book.former.get(called or "")
    if called is None or unit is None or not unit.visible:
        return ""
    return f"“{called[:40]}”已{'更名为' if unit.former[called] else '并入'}“{unit.name}”，按“{unit.name}”处理，请核对"


def find_unit(book: Book, called: str | None) -> tuple[str | None, str]:
    """The code of a unit by what a row calls it, and what is wrong where there is none."""
    if called is None:
        return None, ""
    code = book.code_of(called)
    if code is not None:
        return (code, "") if code not in book.known or book.known[code].visible else (None, OUT_OF_SCOPE)
    if book.of_several(called):
        return None, f"有两个单位叫“{called[:40]}”，请改填统一社会信用代码"
    return None, f"系统和本文件中都没有“{called[:40]}”，请先导入该单位或改正名称"


def find_borrower(book: Book, called: str) -> tuple[str | None, str]:
    """The code of who borrows a person, and what is to be looked at: it may also be a unit outside."""
    code = book.code_of(called)
    if code is None:
        why = "有同名的单位" if book.of_several(called) else "不在系统中"
        return None, f"“{called[:40]}”{why}，按外单位记入；是本系统单位的，请改填其现用全称或统一社会信用代码"
    if code in book.bad and code not in book.known:
        return None, f"“{called[:40]}”有错误，本次不写入，借调按外单位记入；请先改正该单位"
    return code, called_now(book, called)


def row_named(sheet: str, number: int, seen_from: str) -> str:
    """Which row, seen from a sheet."""
    of = SHEETS["units" if sheet in UNIT_SHEETS else sheet].title
    return f"“{of}”表第 {number} 行" if sheet != seen_from else f"第 {number} 行"
