"""Reading a file that is checked: its sheets one after the other, each cell judged where it stands."""

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from services.roster.commands.brought import IMPORTED
from services.roster.commands.import_gathered import Check
from services.roster.models.fields import SHEETS, UNIT, Kind, Sheet
from services.roster.models.imports import (
    BOOKS,
    UNITS_WITH_POSTS,
    HeaderMissing,
    MappingFile,
    MappingWrong,
    Problem,
    TemplateTooOld,
)
from services.roster.rules.imports.agreement import untold
from services.roster.rules.imports.mapping import Translated, translated
from services.roster.rules.imports.rows import HIDDEN_COLUMN, LEADS, Layout, SheetJudge, ensure_columns, has_header, is_of_leavers
from shared.sheets import headers
from shared.sheets.copied import is_ours
from shared.sheets.reading import Book, Wanted, opened
from shared.sheets.reading import Sheet as ForeignSheet

_OF_ONE_ROW = frozenset({Kind.NUMBER, Kind.NAME, Kind.ID_NUMBER, Kind.USCC})
"""What a merged cell says of its first row alone: a number would count again, and nobody is there twice."""
_TITLES = 40
"""So many columns that nobody knows are named: an old register may have more of them than of ours."""
_OF_LEAVERS = "表名或标题像是退休、调出等人员的名册，没有填写出编时间的行都按在编人员读入；已不在编的，请补填或删除后重新上传"


async def read_file(check: Check) -> None:
    """Every sheet that a file of this kind may hold."""
    job = check.job
    place, other_version = await IMPORTED.opened(check.database, check.cipher, job.id), ""
    wanted = wanted_of(job.kind, job.mapping)
    try:
        async with opened(place, job.file_name, wanted, plain=job.plain) as book:
            other_version = _note(job.kind, book.mark)
            read = [await _read_sheet(check, sheet) async for sheet in book.sheets(partial(has_header, partial(_header, check)))]
            if job.mapping is not None:
                kind, read_as = next(iter(check.columns.items()))
                check.warn([Problem(kind, read_as["after"], "", said, warning=True) for said in _unfound(check.labels, job.mapping)])
            check.note = "；".join(
                [
                    *([other_version] if other_version else ()),
                    *_of_one_unit(check),
                    *_unread(book, read, wanted),
                    *unseen(check.unseen, "读入", "导入"),
                ]
            )
    except HeaderMissing as missing:
        if other_version:
            raise TemplateTooOld(found=SHEETS[job.kind].title, version=book.mark.rpartition(":")[2], wanted=str(missing)) from None
        raise
    finally:
        os.close(place)
    await check.flush()


def wanted_of(kind: str, mapping: MappingFile | None) -> Wanted:
    """Which sheets are read, under which titles."""
    return Wanted([SHEETS[each].title for each in BOOKS[kind]], SHEETS[kind].title, mapping.sheets if mapping else {})


def _note(kind: str, mark: str) -> str:
    """What is said of a file made from another version of the template. A template of another kind is refused (TemplateTooOld)."""
    if not mark.startswith("bianban:"):
        return ""
    of_kind, _, version = mark.removeprefix("bianban:").partition(":")
    if of_kind not in SHEETS or (of_kind != kind and of_kind not in BOOKS[kind]):
        found = SHEETS[of_kind].title if of_kind in SHEETS else of_kind[:20]
        raise TemplateTooOld(found=found, version=version[:10], wanted=f"不能作为“{SHEETS[kind].title}”导入")
    if version == str(SHEETS[of_kind].version):
        return ""
    return f"文件由模板第 {version[:10]} 版填写，现行为第 {SHEETS[of_kind].version} 版；已按列名读取，请核对各列"


def _of_one_unit(check: Check) -> Iterator[str]:
    """What is said of a file whose rows need not name their unit."""
    called = check.job.mapping.defaults.get(UNIT.label) if check.job.mapping else None
    if code := check.roster.code_of(called):
        yield f"没有写单位的行，都按“{check.known[code].name}”导入"


def _unread(book: Book, read: Sequence[str], wanted: Wanted) -> Iterator[str]:
    """What is said of sheets that were not read: people may stand there."""
    passed_over = [name for name in book.names if name not in read and name.strip() not in wanted.ignored]
    if book.hidden:
        yield f"隐藏的工作表{_named(book.hidden)}没有读取；其中有需要导入的内容的，请取消隐藏、核对后重新上传"
    if passed_over:
        yield f"工作表{_named(passed_over)}没有读取；其中有需要导入的内容的，请并入工作表{_named(wanted.sheets)}后重新上传"


def unseen(looks: Mapping[tuple[str, str], Sequence[int]], done: str, meant: str) -> Iterator[str]:
    """What is said of rows that were filtered out or struck out: they are read (`done`) all the same; for what they may not be `meant`."""
    for (sheet, look), rows in looks.items():
        some = "、".join(map(str, rows[:10])) + ("…" if len(rows) > 10 else "")
        yield f"工作表“{sheet}”{look}的 {len(rows)} 行也已{done}：第 {some} 行；不应{meant}的，请删除后重新上传"


def _unfound(labels: Mapping[str, bool], mapping: MappingFile) -> Iterator[str]:
    """What is said of columns that the mapping names and that stand nowhere in the file, unless the field is read from another one."""
    for label in dict.fromkeys(label for label in mapping.columns.values() if labels.get(label) is False):
        headers_of = "、".join(f"“{header[:40]}”" for header, meant in mapping.columns.items() if meant == label)
        yield f"对照文件中的{headers_of}不是文件中的表头，“{label}”没有从文件读取；应有这一列的，请核对写法后重新上传"


def _named(sheets: Sequence[str]) -> str:
    return "、".join(f"“{name[:31]}”" for name in sheets[:20])


async def _read_sheet(check: Check, foreign: ForeignSheet) -> str:
    """Judge all its rows; the sheet's own name."""
    layout, after, columns, derive = _layout(check, foreign)
    judge = SheetJudge(layout, check.today, check.populations, political_legal=check.job.political_legal)
    spread = [place for place, name in enumerate(layout.names) if layout.sheet.by_name[name].kind not in _OF_ONE_ROW]
    async for chunk in foreign.chunks(after, columns, derive, spread):
        for judged in judge.judge(chunk):
            await check.add(judged)
    await check.add(judge.close())
    check.unseen |= {(foreign.name, look): rows for look, rows in judge.unseen.items()}
    return foreign.name


def _header(check: Check, foreign: ForeignSheet) -> tuple[Sheet, Translated, headers.Header]:
    """What the sheet is, and which columns it has. Raises HeaderMissing."""
    sheet = next(SHEETS[kind] for kind in BOOKS[check.job.kind] if SHEETS[kind].title == foreign.title)
    how, title = translated(sheet, check.choices, check.job.mapping), foreign.name or foreign.title
    header = headers.find(foreign.head, foreign.merged, how.columns, how.own)
    if header is None:
        raise HeaderMissing(sheet=title, detail=f"的前 40 行中没有找到表头{_beside(foreign, wanted_of(check.job.kind, check.job.mapping))}")
    if sheet.kind == "units":
        combined = translated(UNITS_WITH_POSTS, check.choices, check.job.mapping)
        both = headers.find(foreign.head, foreign.merged, combined.columns, combined.own)
        if both is not None and {"kind", "posts"} <= both.columns.keys():
            sheet, how, header = UNITS_WITH_POSTS, combined, both
    ensure_columns(sheet, title, header.columns, header.doubled, how)
    return sheet, how, header


def _beside(foreign: ForeignSheet, wanted: Wanted) -> str:
    """Where the rows may stand instead, and what to do then."""
    others = [name for name in foreign.others if name.strip() not in {*wanted.sheets, *wanted.renamed, *wanted.ignored}]
    return f"；文件中另有{_named(others)}，数据在其中一张的，请把那张改名为“{foreign.title}”，删除或改名本表" if others else ""


def _layout(check: Check, foreign: ForeignSheet) -> tuple[Layout, int, list[int], list[tuple[int, str]]]:
    """Which columns hold what. Raises HeaderMissing."""
    sheet, how, header = _header(check, foreign)
    names, columns = list(header.columns), list(header.columns.values())
    titles = {**header.unknown, **{headers.plain(title): place for title, place in _written(foreign, header.after).items()}}
    extract = [(titles[headers.plain(source)], name, pattern) for source, name, pattern in how.extract if headers.plain(source) in titles]
    _ensure_sources(how.extract, titles)
    check.columns[sheet.kind] = {
        "name": foreign.name,
        "places": dict(header.columns),
        "after": header.after,
        "position": len(check.columns),
    }
    _tell_unread(check, sheet, header, _of_before(foreign, header.after))
    layout = Layout(
        sheet,
        names,
        how,
        [name for _, name, _ in extract],
        csv=not foreign.name,
        tops=_tops(foreign, header.after, columns),
        from_1904=foreign.from_1904,
    )
    for each in sheet.fields:
        check.labels[each.label] = check.labels.get(each.label, False) or each.name in {*layout.names, *layout.extracted}
    check.warn(_doubts(foreign, layout, header))
    return layout, header.after, [*columns, *range(LEADS)], [(place, pattern) for place, _, pattern in extract]


def _doubts(foreign: ForeignSheet, layout: Layout, header: headers.Header) -> Iterator[Problem]:
    """What is to be looked at before the rows are: what the sheet does not say, of whom it may be, and what is hidden in it."""
    warning = partial(Problem, layout.sheet.kind, header.after, warning=True)
    yield from [warning("", said) for said in untold(layout.sheet, layout.there)]
    if "id_number" in layout.names and any(map(is_of_leavers, _titles(foreign, header.after))):
        yield warning("", _OF_LEAVERS)
    yield from [warning(name, HIDDEN_COLUMN) for name, place in header.columns.items() if place in foreign.hidden]


def _titles(foreign: ForeignSheet, after: int) -> list[str]:
    """What the sheet is called, by its name and by the lines above its header that are one cell."""
    lines = [[str(cell) for cell in cells if cell is not None] for number, cells in foreign.head if number < after]
    return [foreign.name, *(line[0] for line in lines if len(line) == 1)]


def _tops(foreign: ForeignSheet, after: int, columns: Sequence[int]) -> list[set[str]]:
    """What stands above the first row, by cell as they are read."""
    above = [cells for number, cells in foreign.head if number <= after]
    return [{str(cells[place]) for cells in above if place < len(cells)} for place in (*columns, *range(LEADS))]


def _written(foreign: ForeignSheet, after: int) -> dict[str, int]:
    row = next((cells for number, cells in foreign.head if number == after), ())
    return {str(title): place for place, title in enumerate(row) if title is not None}


def _of_before(foreign: ForeignSheet, after: int) -> set[int]:
    """Where the column stands that was added when the file came before: its title in any line of the header, or above it."""
    return {place for number, cells in foreign.head if number <= after for place, cell in enumerate(cells) if is_ours(cell)}


def _ensure_sources(extract: Sequence[tuple[str, str, str]], titles: Mapping[str, int]) -> None:
    for source, _, _ in extract:
        if headers.plain(source) not in titles:
            raise MappingWrong(detail=f"extract 的 from“{source[:40]}”不是文件中的表头")


def _tell_unread(check: Check, sheet: Sheet, header: headers.Header, ours: Collection[int]) -> None:
    """Columns nobody knows are not imported; that is said once, and of none of `ours`."""
    sources = {headers.plain(each.source) for each in check.job.mapping.extract} if check.job.mapping else set()
    dropped = (
        {headers.as_written(written) for written, label in check.job.mapping.columns.items() if not label} if check.job.mapping else set()
    )
    known = sources | dropped | {"序号"}
    unread = [title for title, place in header.unknown.items() if title not in known and place not in ours]
    if unread:
        said = "、".join(title[:20] for title in unread[:_TITLES]) + (f"等 {len(unread)} 列" if len(unread) > _TITLES else "")
        check.warn(
            [Problem(sheet.kind, header.after, "", f"不认识的列未导入：{said}（如需导入，请改列名，或用对照文件说明）", warning=True)]
        )
