"""The sheets of a file against each other and against the roster: units with their tree, approved posts, leadership posts.

A unit with a wrong row of its own is not written at all: its posts would be half. What concerns persons is counted in the tables, where they are.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from services.roster.models.fields import SHEETS, UNITS, Sheet
from services.roster.models.imports import OF_POSTS, JudgedRow, KnownUnit, Problem, Standing, Verdict
from services.roster.rules.imports.cells import likeness
from services.roster.rules.imports.changes import UNIT_KEY_CHANGED, Changed, differences, in_force

Row = tuple[str, str]
UNIT_SHEETS = ("units", "units_with_posts")
OFF_ESTABLISHMENT = "BW"
_UNIT_ALONE = "政法专项编制由上级管理，本系统未开启导入，此行只登记单位，其编制不导入"
OUT_OF_SCOPE = "不在您负责的单位范围内，请交由负责的人员导入"
_RECORDED = {
    False: "超出的人员按所填“超编原因”记入，未填的记为“历史遗留超编”",
    True: "超出控制数的人员照实记入，请按规定清理",
}
"""What becomes of people over quota; True: of 编外人员."""
_DIFFERENT = "系统中为 {}，与文件不同，未改动；变更须有更晚的批准文件"
_LEAST_AGREEMENT = ("name", "category", "parent")
NAMED = 10
"""How many other rows a sentence names; of more it says how many there are."""
_REPEATED = {
    "uscc": "与{others}是同一单位，请合并为一行",
    "name": "与{others}是同一单位，但名称、类别或主管部门不一致，请核对",
    "kind": "与{others}重复（同一单位、编制类型和经费形式只能有一行），请合并",
    "level": "与{others}重复（同一单位、职务层次只能有一行），请合并",
}
"""By the field at which it is told: what is said of rows of which the file may have one. None of them is taken, so it is an error of each."""


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


def judge_book(rows: Sequence[JudgedRow], known: Mapping[str, KnownUnit], words: Words, *, scoped: bool = False) -> Book:
    """Judge the rows of all sheets but those of persons. Problems are added to the rows themselves."""
    book = Book(known, words, scoped)
    unit_rows = [row for row in rows if row.sheet in UNIT_SHEETS]
    _units(book, unit_rows)
    _keep_units(book, unit_rows)
    _names(book)
    _former(book, rows)
    _against_roster(book, unit_rows)
    _tree(book)
    for row in rows:
        if row.sheet in {"quotas", "units_with_posts"} and not row.left_out:
            _quota(book, row)
        elif row.sheet == "seats":
            _seats(book, row)
    _tell_repeated(book)
    for row in rows:
        _settle(book, row)
    _spread(book)
    return book


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


def _tell_repeated(book: Book) -> None:
    """Each row is told with all the others, the first one too: nobody knows which one is right."""
    for (name, _), rows in book.repeated.items():
        for row in rows:
            row.complain(name, _REPEATED[name].format(others=_others(row, rows)))


def _others(row: JudgedRow, rows: Sequence[JudgedRow]) -> str:
    """第 3 行、“编制”表第 4 行."""
    named = [_place(each.sheet, each.number, row.sheet) for each in rows[: NAMED + 1] if each is not row][:NAMED]
    return "、".join(named) + (f"等 {len(rows) - 1} 行" if len(rows) - 1 > NAMED else "")


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


def called_now(book: Book, called: str | None) -> str:
    """What is said of a name that its unit does not bear any more; nothing of one that the file's owner does not see."""
    unit = book.former.get(called or "")
    if called is None or unit is None or not unit.visible:
        return ""
    return f"“{called[:40]}”已{'更名为' if unit.former[called] else '并入'}“{unit.name}”，按“{unit.name}”处理，请核对"


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
        told = differences(_plain_unit, values, there)
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
        return _parent_wrong(parent)
    return ""


def _parent_wrong(parent: NewUnit) -> str:
    return f"主管部门“{parent.name}”（第 {parent.row.number} 行）有错误，改正后本单位才能导入"


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


def _unit_of_row(book: Book, row: JudgedRow) -> str | None:
    if row.sheet in UNIT_SHEETS:
        return book.unit_of.get(row.place)
    code, wrong = find_unit(book, row.values.get("unit"))
    if wrong:
        row.complain("unit", wrong)
    if code is not None:
        book.unit_of[row.place] = code
    return code


def _quota(book: Book, row: JudgedRow) -> None:
    code, values = _unit_of_row(book, row), row.values
    if code is None or values.get("kind") is None or values.get("funding") is None:
        return
    key = (values["kind"], values["funding"])
    earlier = book.quota_rows.setdefault((code, key), row)
    if earlier is not row:
        book.repeat("kind", (code, key), earlier, row)
        return
    category = book.units[code].values.get("category") if code in book.units else book.known[code].category
    if category is not None and values["kind"] not in book.words.allowed.get(category, ()):
        what = f"单位类别“{book.words.categories.get(category, category)}”不能有{book.words.kinds.get(values['kind'], values['kind'])}"
        row.complain("kind", f"{what}，请核对编制类型或单位类别")
    if values.get("posts") is None:
        return
    book.quotas.setdefault(code, {})[key] = values["posts"]
    standing = book.known[code].quotas.get(key) if code in book.known else None
    _number(book, row, "posts", values["posts"], standing)
    _term(book, row, standing)


def _seats(book: Book, row: JudgedRow) -> None:
    code, values = _unit_of_row(book, row), row.values
    if code is None or values.get("level") is None:
        return
    earlier = book.seat_rows.setdefault((code, values["level"]), row)
    if earlier is not row:
        book.repeat("level", (code, values["level"]), earlier, row)
        return
    if values.get("approved") is not None:
        book.seats[code, values["level"]] = values["approved"]
        standing = book.known[code].seats.get(values["level"]) if code in book.known else None
        _number(book, row, "approved", values["approved"], standing)


def _number(book: Book, row: JudgedRow, name: str, number: int, standing: Standing | None) -> None:
    """A number is new, the same, changed by a later approval, or only different: then somebody must look."""
    key = row.place
    before, changed = book.verdicts.get(key, (None, {}))
    if standing is None:
        if before in {None, Verdict.SAME, Verdict.CHANGED}:
            book.verdicts[key] = (Verdict.CHANGED if before else Verdict.ADDED, {**changed, name: None} if before else {})
        return
    if standing.number == number:
        book.verdicts.setdefault(key, (Verdict.SAME, {}))
        return
    day = row.values.get("document_on")
    later = day is not None and (standing.since is None or day > standing.since.isoformat())
    if later and likeness(row.values.get("document_no")) != likeness(standing.document_no):
        book.verdicts[key] = (Verdict.CHANGED, {**changed, name: standing.number})
        return
    row.warn(name, _DIFFERENT.format(f"{standing.number}（{standing.document_no or '无文号'}）"))
    book.verdicts.setdefault(key, (Verdict.SAME, {}))


def _term(book: Book, row: JudgedRow, standing: Standing | None) -> None:
    """使用期限: told where the roster has none, or by the later approval that changes it; otherwise somebody must look."""
    told, day = row.values.get("use_until"), row.values.get("document_on")
    known = standing and standing.use_until
    if standing is None or told is None or told == (known and known.isoformat()):
        return
    _, changed = book.verdicts[row.place]
    later = day is not None and standing.since is not None and day >= standing.since.isoformat()
    if later and (known is None or likeness(row.values.get("document_no")) != likeness(standing.document_no)):
        book.verdicts[row.place] = (Verdict.CHANGED, {**changed, "use_until": known and known.isoformat()})
    else:
        row.warn("use_until", _DIFFERENT.format(known or "未填写"))


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
            row.complain("parent", _parent_wrong(book.units[parent]))
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
        else f"“{name[:40]}”{'' if cause.sheet == sheet else '在'}{_place(cause.sheet, cause.row, sheet)}有错误：{cause.sentence.rstrip('。')}。改正那一行后才能导入"
    )
    return Problem(sheet, number, "name" if sheet in UNIT_SHEETS else "unit", f"{rest}本身无误，但所属单位{wrong}")


def _place(sheet: str, number: int, seen_from: str) -> str:
    """Which row, seen from a sheet."""
    of = SHEETS["units" if sheet in UNIT_SHEETS else sheet].title
    return f"“{of}”表第 {number} 行" if sheet != seen_from else f"第 {number} 行"


def approved(book: Book, code: str) -> dict[Row, int]:
    """Approved posts of a unit once the file is in."""
    known = book.known.get(code)
    return ({row: each.number for row, each in known.quotas.items()} if known else {}) | book.quotas.get(code, {})


def beyond_quota(book: Book, code: str, people: Mapping[Row, int]) -> list[tuple[Row, str]]:
    """Rows with more people than posts, in words. They are recorded as what they are; they must be seen first."""
    posts = approved(book, code)
    return [
        (
            row,
            f"{book.name_of(code)} {book.words.row(row)}核定 {posts[row]}，实有 {number}，超 {number - posts[row]}：{_RECORDED[row[0] == OFF_ESTABLISHMENT]}",
        )
        for row, number in sorted(people.items())
        if row in posts and number > posts[row]
    ]


def beyond_seats(book: Book, taken: Mapping[tuple[str, str], int]) -> list[tuple[str, str, str]]:
    """Leadership posts with more people than were approved: unit, level, sentence."""
    found = []
    for (code, level), number in sorted(Counter(taken).items()):
        known = book.known.get(code)
        standing = known.seats.get(level) if known else None
        seats = book.seats.get((code, level), standing.number if standing else None)
        if seats is None or number > seats:
            label = book.words.levels.get(level, level)
            what = f"核定 {seats}，实配 {number}" if seats is not None else f"没有核定职数，实配 {number}"
            found.append((code, level, f"{book.name_of(code)} {label}{what}，请核对职数或人员"))
    return found
