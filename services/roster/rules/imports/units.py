"""The units of a file against each other and against the roster, and the tree they make."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from services.roster.models.fields import UNITS, Sheet
from services.roster.models.imports import OF_POSTS, JudgedRow, Verdict
from services.roster.rules.imports.book import NAMED, OUT_OF_SCOPE, UNIT_SHEETS, Book, NewUnit, called_now
from services.roster.rules.imports.cells import likeness
from services.roster.rules.imports.changes import UNIT_KEY_CHANGED, differences

_UNIT_ALONE = "政法专项编制由上级管理，本系统未开启导入，此行只登记单位，其编制不导入"
_LEAST_AGREEMENT = ("name", "category", "parent")


def judge_units(book: Book, rows: Sequence[JudgedRow]) -> None:
    """Whom the file means by its words, what it changes of units, and in which order they are written. `rows`: of all sheets."""
    unit_rows = [row for row in rows if row.sheet in UNIT_SHEETS]
    _units(book, unit_rows)
    _keep_units(book, unit_rows)
    _names(book)
    _former(book, rows)
    _against_roster(book, unit_rows)
    _tree(book)


def _units(book: Book, rows: Iterable[JudgedRow]) -> None:
    """One unit per code; one of the roster with an older code is found by its USCC. Several rows of one unit (its posts) must agree on what it is."""
    by_uscc = {unit.uscc: unit.code for unit in book.known.values() if unit.uscc}
    for row in rows:
        code = row.values.get("uscc")
        if code is None or row.values.get("name") is None:
            continue
        code = by_uscc.get(code, code)
        book.unit_of[row.place] = code
        first = book.units.setdefault(code, NewUnit(row, code, row.values))
        if first.row is row:
            continue
        if row.sheet == first.row.sheet == UNITS.kind:
            book.repeat("uscc", code, first.row, row)
        elif any(row.values.get(name) != first.values.get(name) for name in _LEAST_AGREEMENT):
            book.repeat("name", code, first.row, row)


def _keep_units(book: Book, rows: Iterable[JudgedRow]) -> None:
    """A new unit all of whose posts are left out comes in by its first row, without them: others lean on it."""
    told = {book.unit_of.get(row.place) for row in rows if not row.left_out}
    for row in [unit.row for unit in book.units.values() if unit.code not in told | book.known.keys()]:
        row.left_out = False
        for name in OF_POSTS & row.values.keys():
            del row.values[name]
        row.problems = [replace(each, sentence=_UNIT_ALONE) if each.field == "kind" else each for each in row.problems]


def _names(book: Book) -> None:
    """By which words a unit is found; a word of two units finds neither."""
    for unit in book.known.values():
        for called in {unit.code, unit.uscc, unit.name, unit.today.get("short_name")} - {None}:
            book.codes[str(called)] = None if book.codes.get(str(called), unit.code) != unit.code else unit.code
    for new in book.units.values():
        for called in {new.code, new.values.get("uscc"), new.name, new.values.get("short_name")} - {None}:
            other = book.codes.get(str(called), new.code)
            book.codes[str(called)] = new.code if other == new.code or called in {new.code, new.name} else None
            if called == new.name and other not in {None, new.code}:
                where = "系统中" if other in book.known else f"第 {book.units[str(other)].row.number} 行"
                new.row.complain("name", f"{where}已有同名单位，但代码不同，请核对")
                if other not in book.known:
                    said = f"第 {new.row.number} 行有同名单位，但代码不同，请核对"
                    book.units[str(other)].row.warn("name", said)
    for word, code in book.codes.items():
        plain = likeness(word)
        book.alike[plain] = code if book.alike.get(plain, code) == code else None


def _former(book: Book, rows: Iterable[JudgedRow]) -> None:
    book.former = {called: unit for unit in book.known.values() for called in unit.former if called not in book.codes}
    for row in rows:
        for name in ("unit", "parent"):
            if said := called_now(book, row.values.get(name)):
                row.warn(name, said)


def _against_roster(book: Book, rows: Iterable[JudgedRow]) -> None:
    for row in rows:
        code = book.unit_of.get(row.place)
        unit = book.known.get(code or "")
        if code is None or unit is None:
            continue
        if not unit.visible:
            row.complain("name", OUT_OF_SCOPE)
        values = dict(row.values)
        if values.get("parent") is not None:
            values["parent"] = book.code_of(values["parent"]) or values["parent"]
        there = {**unit.today, "parent": unit.parent}
        told = [name for name in differences(_plain_unit, values, there) if not row.complained(name)]
        keys = [name for name in told if UNITS.by_name[name].key and name not in {"document_no", "document_on"}]
        for name in keys:
            row.warn(name, UNIT_KEY_CHANGED)
        changed = {name: there[name] for name in told if not UNITS.by_name[name].key}
        book.verdicts[row.place] = (Verdict.CHANGED if changed else Verdict.SAME, changed)


_plain_unit = Sheet(UNITS.kind, UNITS.title, tuple(each for each in UNITS.fields if not each.name.startswith("document_")), UNITS.identity)


def _tree(book: Book) -> None:
    """Order of writing, parents first. A parent that is missing, wrong, or its own descendant keeps the unit out."""
    for row in (unit.row for unit in book.units.values()):
        if row.wrong:
            book.bad.add(book.unit_of[row.place])
    placed: set[str] = set()
    for unit in book.units.values():
        path: dict[str, NewUnit] = {}
        above: NewUnit | None = unit
        while above is not None and above.code not in placed and above.code not in path:
            path[above.code] = above
            above = _parent(book, above)
        circle = _circle([*path.values()][[*path].index(above.code) :]) if above is not None and above.code in path else {}
        for each in reversed(path.values()):
            _place_below(book, each, circle.get(each.code))
        placed |= path.keys()


def _parent(book: Book, unit: NewUnit) -> NewUnit | None:
    """Where it is in the file too."""
    return book.units.get(book.code_of(unit.values.get("parent")) or "")


def _place_below(book: Book, unit: NewUnit, circle: str | None) -> None:
    """Behind its parent, in the order of writing. What its own row says of the parent already is not said again."""
    called, told = unit.values.get("parent"), unit.row.complained("parent")
    reason = circle or _parent_problem(book, called, _parent(book, unit))
    if reason and not told and (unit.code not in book.known or called is not None):
        unit.row.complain("parent", reason)
        book.bad.add(unit.code)
    book.order.append(unit.code)


def _circle(units: Sequence[NewUnit]) -> dict[str, str]:
    """What is said of each of these units, each of which has the next as its parent, and the last one the first."""
    named = "→".join(f"“{unit.name[:40]}”（第 {unit.row.number} 行）" for unit in units[:NAMED])
    rest = f"→……共 {len(units)} 个单位" if len(units) > NAMED else ""
    sentence = f"主管部门互相指向，成了一圈：{named}{rest}→“{units[0].name[:40]}”，请改正其中一行"
    return dict.fromkeys((unit.code for unit in units), sentence)


def _parent_problem(book: Book, called: str | None, parent: NewUnit | None) -> str:
    if called is None:
        return OUT_OF_SCOPE if book.scoped else ""
    if parent is None:
        if (above := book.known.get(book.code_of(called) or "")) is not None:
            return "" if above.visible else OUT_OF_SCOPE
        twice = book.of_several(called)
        return (
            f"“{called[:40]}”{'有同名的单位，请改填统一社会信用代码' if twice else '不在本文件中，系统中也没有，请先补上该单位或改正名称'}"
        )
    if parent.code in book.bad and parent.code not in book.known:
        return parent_wrong(parent)
    return ""


def parent_wrong(parent: NewUnit) -> str:
    return f"主管部门“{parent.name}”（第 {parent.row.number} 行）有错误，改正后本单位才能导入"
