"""The sheets of a file judged together: their verdicts, and what is said of rows that wait for another.

A unit with a wrong row of its own is not written at all: its posts would be half. What concerns persons is counted in the tables, where they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from services.roster.models.imports import JudgedRow, KnownUnit, Problem, Verdict
from services.roster.rules.imports.book import NAMED, UNIT_SHEETS, Book, Words, row_named
from services.roster.rules.imports.changes import in_force
from services.roster.rules.imports.posts import judge_posts
from services.roster.rules.imports.units import judge_units, parent_wrong

_REPEATED = {
    "uscc": "与{others}是同一单位，请合并为一行",
    "name": "与{others}是同一单位，但名称、类别或主管部门不一致，请核对",
    "kind": "与{others}重复（同一单位、编制类型和经费形式只能有一行），请合并",
    "level": "与{others}重复（同一单位、职务层次只能有一行），请合并",
}
"""By the field at which it is told: what is said of rows of which the file may have one. None of them is taken, so it is an error of each."""


def judge_book(rows: Sequence[JudgedRow], known: Mapping[str, KnownUnit], words: Words, *, scoped: bool = False) -> Book:
    """Judge the rows of all sheets but those of persons. Problems are added to the rows themselves."""
    book = Book(known, words, scoped)
    judge_units(book, rows)
    judge_posts(book, rows)
    _tell_repeated(book)
    for row in rows:
        _settle(book, row)
    _spread(book)
    return book


def _tell_repeated(book: Book) -> None:
    """Each row is told with all the others, the first one too: nobody knows which one is right."""
    for (name, _), rows in book.repeated.items():
        for row in rows:
            row.complain(name, _REPEATED[name].format(others=_others(row, rows)))


def _others(row: JudgedRow, rows: Sequence[JudgedRow]) -> str:
    """第 3 行、“编制”表第 4 行."""
    named = [row_named(each.sheet, each.number, row.sheet) for each in rows[: NAMED + 1] if each is not row][:NAMED]
    return "、".join(named) + (f"等 {len(rows) - 1} 行" if len(rows) - 1 > NAMED else "")


def _settle(book: Book, row: JudgedRow) -> None:
    """The verdict of a row: what was found against the roster, unless it is wrong or left out."""
    key = row.place
    verdict, changed = book.verdicts.get(key, (Verdict.ADDED, {}))
    if not row.wrong and not row.left_out:
        verdict, changed = in_force(row, verdict, changed, book.words.ended)
    if row.wrong:
        verdict = Verdict.WRONG
        if (code := book.unit_of.get(key)) is not None:
            book.bad.add(code)
    elif row.left_out:
        verdict = Verdict.LEFT_OUT
    book.verdicts[key] = (verdict, changed)


def _spread(book: Book) -> None:
    """Below a new unit that is not written nothing is written either."""
    for code in book.order:
        parent = book.code_of(book.units[code].values.get("parent"))
        if parent is not None and parent in book.bad and parent not in book.known and code not in book.bad:
            book.bad.add(code)
            row = book.units[code].row
            row.complain("parent", parent_wrong(book.units[parent]))
            book.verdicts[row.place] = (Verdict.WRONG, {})


def waiting_rows(book: Book, rows: Iterable[JudgedRow]) -> list[Problem]:
    """Good rows of a unit with a wrong one: told once per unit, at the first."""
    waiting: dict[str, list[JudgedRow]] = defaultdict(list)
    causes: dict[str, Problem] = {}
    for row in rows:
        code = book.unit_of.get(row.place)
        if code not in book.bad:
            continue
        if row.wrong:
            causes.setdefault(code, next(each for each in row.problems if not each.warning))
        elif book.verdicts[row.place][0] in {Verdict.ADDED, Verdict.CHANGED}:
            waiting[code].append(row)
            book.verdicts[row.place] = (Verdict.WRONG, {})
    return [waits(each[0].sheet, each[0].number, len(each), book.name_of(code), causes.get(code)) for code, each in waiting.items()]


def waits(sheet: str, number: int, rows: int, name: str, cause: Problem | None) -> Problem:
    """What is said of good rows whose unit is wrong. `cause`: what is wrong, and in which row; none where no row of the file is."""
    rest = f"等 {rows} 行" if rows > 1 else ""
    wrong = (
        f"“{name[:40]}”有错误，改正后才能导入"
        if cause is None
        else f"“{name[:40]}”{'' if cause.sheet == sheet else '在'}{row_named(cause.sheet, cause.row, sheet)}有错误：{cause.sentence.rstrip('。')}。改正那一行后才能导入"
    )
    return Problem(sheet, number, "name" if sheet in UNIT_SHEETS else "unit", f"{rest}本身无误，但所属单位{wrong}")
