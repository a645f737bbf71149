"""Approved posts and 领导职数 of a file against the roster, and people beyond them."""

from collections import Counter
from collections.abc import Iterable, Mapping

from services.roster.models.imports import JudgedRow, Standing, Verdict
from services.roster.rules.imports.book import UNIT_SHEETS, Book, Row, find_unit
from services.roster.rules.imports.cells import likeness

OFF_ESTABLISHMENT = "BW"
_RECORDED = {
    False: "超出的人员按所填“超编原因”记入，未填的记为“历史遗留超编”",
    True: "超出控制数的人员照实记入，请按规定清理",
}
"""What becomes of people over quota; True: of 编外人员."""
_DIFFERENT = "系统中为 {}，与文件不同，未改动；变更须有更晚的批准文件"


def judge_posts(book: Book, rows: Iterable[JudgedRow]) -> None:
    """What the file has approved, and since when."""
    for row in rows:
        if row.sheet in {"quotas", "units_with_posts"} and not row.left_out:
            _quota(book, row)
        elif row.sheet == "seats":
            _seats(book, row)


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


def _unit_of_row(book: Book, row: JudgedRow) -> str | None:
    if row.sheet in UNIT_SHEETS:
        return book.unit_of.get(row.place)
    code, wrong = find_unit(book, row.values.get("unit"))
    if wrong:
        row.complain("unit", wrong)
    if code is not None:
        book.unit_of[row.place] = code
    return code


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
