"""One sheet, row by row: cells to values, what must be filled in, what disagrees; total rows are checks, and footnotes are no rows."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import repeat
from typing import Any

from services.roster.models.fields import UNIT, Field, Kind, Sheet
from services.roster.models.imports import OF_POSTS, TOTAL_WORDS, UNITS_WITH_POSTS, HeaderMissing, JudgedRow, Problem
from services.roster.rules.imports import cells
from services.roster.rules.imports.agreement import FROM_NUMBER, Agreement, from_number
from services.roster.rules.imports.cells import Cell, Doubtful, MonthOnly, Reader, Wrong
from services.roster.rules.imports.mapping import Translated
from shared.sheets.reading import Row
from shared.sheets.reading import Sheet as Foreign

POLITICAL_LEGAL = "ZF"
LEADS = 3
_REMEMBERED = 20_000
_UNREAD = object()
_KEYS = frozenset({"id_number", "uscc", "kind", "level"})
_MANY_VALUES = frozenset({Kind.ID_NUMBER, Kind.NAME})
_FOOTNOTE = re.compile(
    r"^(?:填表|制表|审核|复核|单位负责人|经办|联系|以上(?:人员|信息|情况|内容|数据)|注[:：]|备注[:：]|说明|填报|报送|单位[（(]?盖章|※|[第共]\s*\d+\s*页"
    r"|[（(]?[一二三四五六七八九十]{1,3}[)）、．.]|\d{1,2}[、．.)）]\D|\d{4}年\d{1,2}月(?:\d{1,2}日)?$|[^:：]{1,12}[:：])"
)
_SIGNED = re.compile(
    r"[^:：]{1,14}[:：]|(?:制表|填表|填报|审核|复核|审批|经办|联系)人|[（(](?:盖章|公章|签字|签名|签章)[）)]$"
    r"|(?:制表|填表|填报|审核|复核|审批|经办|负责人|单位负责人|(?:制表|填表|填报)?日期|(?:联系)?电话|盖章|签字|签名)$"
)
"""What stands before who made, looked through and sealed a table, and when."""
_NUMBER_LENGTH = 15
_ORDINAL = re.compile(r"\(?(?:(?P<number>\d{1,3})|[甲乙丙丁戊己庚辛壬癸])\)?")
_DEMAND = re.compile("(?:必填|选填|可选|可不填|非必填)项?|(?:下拉)?选择|下拉|自动(?:生成|计算)|文本|数字|日期")
"""What official forms have in the line below their titles: the numbers of the columns, or what is to be filled in."""
_NUMBERING = re.compile(r"\(?[一二三四五六七八九十]{1,3}\)?[、.．]?")
_LEAST_OF_LINE, _LONGEST_OF_LINE = 3, 5
_LEAVERS = re.compile(
    "(?:退休|离休|退养|调出|调离|辞职|辞退|开除|除名|死亡|去世|病故|离职|减员|出编|不在编)"
    "(?:人员|干部|职工|教职工|教师|名单|花名册|名册|登记表|一览表|统计表|情况表?|信息表?|台账|表)*(?:[（(][^（）()]*[)）])?[:：]?$"
)
_WORDS = "|".join(TOTAL_WORDS)
_TOTAL = re.compile(rf"[（(]?(?P<word>{_WORDS})|.{{1,40}}(?P<of_some>{_WORDS})[)）:：]*$")
_OF_ALL = re.compile("[（(]?(?:全|总|各单位)")
_COMPUTED = "是公式，系统不计算公式。请复制后“选择性粘贴为数值”再导入"
_OF_LEAVERS = "像是退休、调出等人员的标题，其下没有填写出编时间的行都按在编人员读入。请删除这些行或补填出编时间；不是这样的标题，请删除此行"
_OF_GROUP = "此行只有一项内容，像是分组的标题，没有读入；不是标题的，请补填整行后重新上传"
_COVERED = "与上一行是同一个合并单元格，只作上一行的内容读入。一人占一行：请取消合并，补填或删除本行"
_NO_RESULT = "公式没有结果，请填写数值"
_OF_ROW = {
    "隐藏或筛选掉": "此行被隐藏或被筛选掉，也已读入；不应导入的，请删除此行后重新上传",
    "带删除线": "此行带有删除线，也已读入；不应导入的，请删除此行后重新上传",
}
HIDDEN_COLUMN = "此列被隐藏，也已读入；不应导入的，请删除此列后重新上传"
_STRUCK = "内容带有删除线，也已读入；作废的文字，请删除后重新上传"


@dataclass(frozen=True)
class Layout:
    """Where the values of a sheet stand: field names in the order of the cells, then the first columns of the sheet, then what was extracted.
    `csv`: its cells are all text. `tops`: by cell, what stands above the first row: many repeat that on each page.
    `from_1904`: so its bare numbers of days are counted.
    """

    sheet: Sheet
    names: Sequence[str]
    translated: Translated
    extracted: Sequence[str] = ()
    csv: bool = False
    tops: Sequence[Collection[str]] = ()
    from_1904: bool = False

    @property
    def there(self) -> frozenset[str]:
        """The fields that the file, or what stands for it, tells."""
        return frozenset((*self.names, *self.extracted, *self.translated.defaults))


def is_of_leavers(title: str) -> bool:
    """Whether what it stands over are people who left, as 二、退休人员 or 调出人员花名册."""
    return _LEAVERS.search(cells.folded(title)) is not None


def ensure_columns(sheet: Sheet, title: str, found: Mapping[str, int], doubled: Sequence[str], how: Translated) -> None:
    """Every mandatory column must be there, each once. Raises HeaderMissing."""
    labels = {each.name: each.label for each in sheet.fields}
    if doubled:
        raise HeaderMissing(
            sheet=title,
            detail=f"的表头有重复的列：{'、'.join(dict.fromkeys(labels[name] for name in doubled))}（意思相同的列名也算，请只留一列，其余删除或改名）",
        )
    there = {*found, *how.defaults, *(name for _, name, _ in how.extract), "identity", "post_category"}
    if "id_number" in found:
        there |= {"sex", "birth_on"}
    absent = [each.label for each in sheet.fields if each.required and each.name not in there]
    if absent:
        of_one = "（整份文件只有一个单位的，不必加“单位”列，上传时填写“整份文件的单位”，命令行用 --unit）" if UNIT.label in absent else ""
        raise HeaderMissing(sheet=title, detail=f"的表头缺少列：{'、'.join(absent)}{of_one}")


def has_header(find: Callable[[Foreign], object], sheet: Foreign) -> bool:
    """Whether the columns of a sheet are found; `find` raises HeaderMissing where they are not."""
    try:
        find(sheet)
    except HeaderMissing:
        return False
    return True


class SheetJudge:
    """Judges the rows of one sheet in their order, and counts them for the total rows."""

    def __init__(self, layout: Layout, today: date, populations: Mapping[str, str], *, political_legal: bool) -> None:
        self._sheet, self._names, self._how = layout.sheet, layout.names, layout.translated
        self._extracted, self._political_legal, self._tops = layout.extracted, political_legal, layout.tops
        self._agreement = Agreement(layout.sheet, today, populations, layout.there)
        self._columns = [_Column(layout.sheet.by_name[name], layout) for name in (*layout.names, *layout.extracted)]
        self._labels = {name: {*layout.sheet.by_name[name].aliases, layout.sheet.by_name[name].label} for name in layout.names}
        self._named_by = {"name", "id_number", "uscc"} if {"id_number", "uscc"} & {*layout.names} else set()
        self._titles = {"序号", *(title for titles in self._labels.values() for title in titles)}
        self._required = [each.name for each in layout.sheet.fields if each.required]
        self._first: tuple[Row, str] | None = None
        self._above: tuple[Row, str] | None = None
        self._subtotals_above = False
        self.unseen = defaultdict[str, list[int]](list)
        """The rows that are read though nobody sees them, or sees them struck out, by what they look like."""
        self._sums = _Sums([each.name for each in layout.sheet.fields if each.kind is Kind.NUMBER])

    def judge(self, rows: Sequence[Row]) -> list[JudgedRow | list[Problem]]:
        """Rows as values; for one that is none (a total, a footnote, a repeated header) what it tells, mostly nothing."""
        answers = self.read(rows)
        for row, judged in zip(rows, answers, strict=True):
            if isinstance(judged, JudgedRow):
                self._judge(judged, row)
                judged.problems += [] if judged.left_out else self.of_look(row)
        return answers

    def close(self) -> list[Problem]:
        """What is told at the end of the sheet: of a total that stands above all its rows, and of the last that stands above some."""
        return self._total_above() + ([] if self._first is None else self._total(*self._first))

    def _judge(self, judged: JudgedRow, row: Row) -> None:
        self._agreement.fill(judged)
        self._ask_for_missing(judged, row)
        self._agreement.judge(judged)
        if judged.values.get("kind") == POLITICAL_LEGAL and not self._political_legal:
            self._leave_out(judged)

    def _leave_out(self, judged: JudgedRow) -> None:
        """Nothing else is said of it, but of the unit that stands beside its posts: that may come in."""
        of_unit = [each for each in judged.problems if self._sheet is UNITS_WITH_POSTS and each.field not in OF_POSTS]
        left_out = Problem(self._sheet.kind, judged.number, "kind", "政法专项编制由上级管理，本系统未开启导入，此行不导入", warning=True)
        judged.left_out, judged.problems = True, [*of_unit, left_out]

    def read(self, rows: Sequence[Row]) -> list[JudgedRow | list[Problem]]:
        """As `judge`, cell by cell only: what is missing stays missing, and nothing is filled in."""
        asides = [self._aside(row.cells) for row in rows]
        read = iter(self._read([row for row, aside in zip(rows, asides, strict=True) if aside is None]))
        answers: list[JudgedRow | list[Problem]] = []
        for row, aside in zip(rows, asides, strict=True):
            if aside is None:
                judged = next(read)
                self._sums.count(judged.values)
                answers.append(judged)
            else:
                answers.append(self._total_so_far(row, aside) if aside else self._heading(row))
        return answers

    def _read(self, rows: Sequence[Row]) -> list[JudgedRow]:
        """Column by column: in most of them nearly every cell was read before, and that is told of all rows at once."""
        if not rows:
            return []
        judged = [JudgedRow(self._sheet.kind, row.number) for row in rows]
        own = len(self._names)
        columns = [list(column) for column in zip(*(row.cells for row in rows), strict=True)]
        computed = [(index, place) for index, row in enumerate(rows) for place in row.computed if place < own]
        read = []
        for place, (column, written) in enumerate(zip(self._columns, (*columns[:own], *columns[own + LEADS :]), strict=True)):
            for index in (index for index, formula in computed if formula == place and column.name not in FROM_NUMBER):
                said, optional = (_COMPUTED, False) if written[index] is not None else (_NO_RESULT, column.name not in self._required)
                (judged[index].warn if optional else judged[index].complain)(column.name, said)
                written[index] = None
            values, found = column.read(written)
            for index, said in found:
                (judged[index].complain if values[index] is None else judged[index].warn)(column.name, said)
            read.append(values)
        for each, of_row in zip(judged, zip(*read, strict=True), strict=True):
            each.values = self._named(of_row)
        for index, place in computed:
            self._confirm(judged[index], self._names[place])
        return judged

    def _confirm(self, judged: JudgedRow, name: str) -> None:
        """What a formula made of the number beside it is as good as written; anything else that was computed is refused."""
        value, number = judged.values.get(name), judged.values.get("id_number")
        if name in FROM_NUMBER and value is not None and (number is None or not from_number(number)[name].startswith(value)):
            judged.values[name] = None
            judged.complain(name, _COMPUTED)

    def of_look(self, row: Row) -> list[Problem]:
        """Who was filtered or struck out is there all the same. A row is struck out, though a remark beside it is not."""
        if not (row.hidden or row.struck):
            return []
        filled = [place for place, cell in enumerate(row.cells[: len(self._names)]) if cell is not None]
        struck = [place for place in filled if place in row.struck]
        is_struck = 2 * len(struck) > len(filled)
        looks = [look for look, has in zip(_OF_ROW, (row.hidden, is_struck), strict=True) if has]
        for look in looks:
            self.unseen[look].append(row.number)
        said = [("", _OF_ROW[look]) for look in looks] + [(self._names[place], _STRUCK) for place in struck if not is_struck]
        return [Problem(self._sheet.kind, row.number, name, sentence, warning=True) for name, sentence in said]

    def _named(self, values: Sequence[Any]) -> dict[str, Any]:
        """What a column of its own says goes before what was found in another one, and that before a default."""
        own = len(self._names)
        named = {name: value for name, value in zip(self._names, values[:own], strict=True) if value is not None}
        for name, value in zip(self._extracted, values[own:], strict=True):
            if value is not None:
                named.setdefault(name, value)
        for name, value in self._how.defaults.items():
            named.setdefault(name, value)
        return named

    def _ask_for_missing(self, judged: JudgedRow, row: Row) -> None:
        covered = {self._names[place] for place in row.covered if place < len(self._names)}
        for name in self._required:
            if judged.values.get(name) is None and not judged.complained(name):
                judged.complain(name, _COVERED if name in covered else cells.NOT_FILLED)

    def _aside(self, cells_: Sequence[Cell]) -> str | None:
        """None for a row of data; the word of a total row; nothing for a row that tells nothing."""
        width = len(self._names)
        row, leads = cells_[:width], cells_[width : width + LEADS]
        first = next((text for cell in (*leads, *row) if isinstance(cell, str) and (text := cell.strip())), "")
        plain = first.replace(" ", "").replace("\u3000", "")
        if _TOTAL.match(plain) and self._is_no_data(row):
            return plain
        filled = [cell for cell in row if cell is not None]
        if self._is_top(cells_) or self._is_alone(cells_) or _is_below_titles(filled):
            return ""
        if _SIGNED.match(plain) and self._is_signature(row, filled):
            return ""
        if len(filled) <= 3 and _FOOTNOTE.match(plain) and not self._has_key(row):
            return ""
        if first in self._titles and sum(str(cell) in self._labels[name] for name, cell in zip(self._names, row, strict=True)) >= 2:
            return ""
        return "" if all(cells.is_nothing(cell) for cell in filled) else None

    def _is_top(self, cells_: Sequence[Cell]) -> bool:
        """Every cell of it stands above the first row too."""
        return bool(self._tops) and all(str(cell) in tops for cell, tops in zip(cells_, self._tops, strict=False) if cell is not None)

    def _is_no_data(self, row: Sequence[Cell]) -> bool:
        """No person and no code stands in it: a unit may well be called 合计, a total row has none."""
        present = {name for name, cell in zip(self._names, row, strict=True) if cell is not None}
        return present.isdisjoint(_KEYS) or len(present) <= 3

    def _is_alone(self, cells_: Sequence[Cell]) -> bool:
        """A title among the rows of people or units, perhaps with its number (一) before it; who is only named is one of them."""
        texts = {cell for cell in cells_ if cell is not None}
        if not 0 < len(texts) <= 2 or not self._named_by:
            return False
        titles = [text for text in texts if not _NUMBERING.fullmatch(cells.folded(text))]
        return len(titles) == 1 and (is_of_leavers(str(titles[0])) or not self._is_named(cells_))

    def _is_named(self, row: Sequence[Cell]) -> bool:
        """By a name, or by something as long as a number."""
        return any(
            name in self._named_by and cell is not None and (name == "name" or len(cells.folded(cell)) >= _NUMBER_LENGTH)
            for name, cell in zip(self._names, row, strict=False)
        )

    def _heading(self, row: Row) -> list[Problem]:
        """Of a title. Where the end of a post has its column, those below one of leavers may have told it."""
        if not self._is_alone(row.cells) or self._is_top(row.cells):
            return []
        title = next(cell for cell in row.cells if cell is not None and not _NUMBERING.fullmatch(cells.folded(cell)))
        if "id_number" in self._names and is_of_leavers(str(title)):
            return [Problem(self._sheet.kind, row.number, "", _OF_LEAVERS, warning="ended_on" in self._names)]
        quiet = cells.is_nothing(title) or _FOOTNOTE.match(cells.folded(title))
        return [] if quiet else [Problem(self._sheet.kind, row.number, "", _OF_GROUP, warning=True)]

    def _is_signature(self, row: Sequence[Cell], filled: Sequence[Cell]) -> bool:
        """制表人：…　审核：…　填表日期：…, each beside the other: half of its cells say what the others tell, and no number of a person or a unit is there."""
        signed = sum(isinstance(cell, str) and _SIGNED.match(cells.folded(cell)) is not None for cell in filled)
        if signed < 2 or 2 * signed + 1 < len(filled):
            return False
        numbers = (
            cells.folded(cell) for name, cell in zip(self._names, row, strict=True) if name in {"id_number", "uscc"} and cell is not None
        )
        return not any(len(number) >= _NUMBER_LENGTH and _SIGNED.match(number) is None for number in numbers)

    def _has_key(self, row: Sequence[Cell]) -> bool:
        """What names a person, a unit, a kind of posts or a level stands in it, and no other part of a footnote: 审核中心 is a unit then."""
        keys = (str(cell).strip() for name, cell in zip(self._names, row, strict=True) if name in _KEYS and cell is not None)
        return not all(_FOOTNOTE.match(key) for key in keys)

    def _total_so_far(self, row: Row, word: str) -> list[Problem]:
        """Above all rows it is of those below it: a 合计 of all of them; a 小计 of those up to the next, and so is each further one."""
        of_all, told = _total(word)[1], self._total_above()
        if of_all and self._sums.nothing:
            self._first = row, word
        elif not of_all and (self._sums.nothing or self._subtotals_above):
            self._above, self._subtotals_above = (row, word), True
        else:
            told += self._total(row, word)
        return told

    def _total_above(self) -> list[Problem]:
        """Of a 小计 whose rows are over now; one that only others stand below is of all theirs, and not counted."""
        held, self._above = self._above, None
        return self._total(*held) if held and self._sums.some else []

    def _total(self, row: Row, word: str) -> list[Problem]:
        width = len(self._names)
        written = {name: cell for name, cell in zip(self._names, row.cells[:width], strict=True) if cell is not None}
        found = self._sums.differences(word, written, (*row.cells[width : width + LEADS], *row.cells[:width]))
        return [Problem(self._sheet.kind, row.number, name, sentence, warning=True) for name, sentence in found]


class _Column:
    """One column: its field, and what its cells were read as before. Names, numbers and long texts differ from row to row: they are not remembered."""

    def __init__(self, field: Field, layout: Layout) -> None:
        read = _reader(field, layout.translated)
        self.name, self._read, self._remembers = field.name, read, field.kind not in _MANY_VALUES
        if layout.csv:
            self._read = cells.of_csv(field.kind, read)
        if layout.from_1904 and field.kind in {Kind.DAY, Kind.MONTH}:
            self._read = cells.from_1904(self._read)
        self._clear: dict[Cell, Any] = {None: None}
        self._doubtful: dict[Cell, tuple[Any, str]] = {}

    def read(self, cells_: Sequence[Cell]) -> tuple[list[Any], list[tuple[int, str]]]:
        """The value of each cell, and what is said of some (by place); a value of which something is said stands, with a warning."""
        alike = bool in set(map(type, cells_))  # True is 1 where a cell is looked up
        values = [_UNREAD] * len(cells_) if alike else [*map(self._clear.get, cells_, repeat(_UNREAD))]
        said = []
        for place in [place for place, value in enumerate(values) if value is _UNREAD]:
            values[place], sentence = self._read_anew(cells_[place])
            if sentence:
                said.append((place, sentence))
        return values, said

    def _read_anew(self, cell: Cell) -> tuple[Any, str]:
        if not self._remembers or isinstance(cell, bool) or (isinstance(cell, str) and len(cell) > cells.USUAL_LENGTH):
            return _outcome(self._read, cell)
        if (value := self._clear.get(cell, _UNREAD)) is not _UNREAD:
            return value, ""  # it stands a few rows further up
        found = self._doubtful.get(cell)
        if found is None:
            found = _outcome(self._read, cell)
            if len(self._clear) + len(self._doubtful) < _REMEMBERED:
                if found[1]:
                    self._doubtful[cell] = found
                else:
                    self._clear[cell] = found[0]
        return found


class _Sums:
    """Rows and numbers since the beginning, and since the last 小计."""

    def __init__(self, numbers: Sequence[str]) -> None:
        self._numbers = numbers
        self._all, self._part = dict.fromkeys(("", *numbers), 0), dict.fromkeys(("", *numbers), 0)

    @property
    def nothing(self) -> bool:
        """Nothing was counted yet."""
        return not self._all[""]

    @property
    def some(self) -> bool:
        """Something was counted since the last 小计."""
        return bool(self._part[""])

    def count(self, values: Mapping[str, Any]) -> None:
        for sums in (self._all, self._part):
            sums[""] += 1
            for name in self._numbers:
                sums[name] += values.get(name) or 0

    def differences(self, said: str, written: Mapping[str, Cell], row: Sequence[Cell]) -> list[tuple[str, str]]:
        word, of_all = _total(said)
        sums = self._all if of_all else self._part
        self._part = dict.fromkeys(self._part, 0)
        stated = {name: _whole(written[name]) for name in self._numbers if name in written}
        if not self._numbers:
            stated = {"": next((found for cell in row if (found := _whole(cell)) is not None), None)}
        return [
            (
                name,
                f"“{word}”写的是 {number}，实际{'相加为' if name else '共有'} {sums[name]}{'' if name else ' 行'}，请核对是否漏行或重复",
            )
            for name, number in stated.items()
            if number not in {None, sums[name]}
        ]


def _is_below_titles(filled: Sequence[Cell]) -> bool:
    """The columns are numbered there, one by one, or what is to be filled in is told."""
    if len(filled) < _LEAST_OF_LINE or len(first := cells.folded(filled[0])) > _LONGEST_OF_LINE:
        return False
    if _DEMAND.fullmatch(first):
        return all(_DEMAND.fullmatch(cells.folded(cell)) for cell in filled)
    found = [_ORDINAL.fullmatch(cells.folded(cell)) for cell in filled] if _ORDINAL.fullmatch(first) else []
    numbers = [int(each["number"]) for each in found if each is not None and each["number"]]
    return bool(found) and None not in found and numbers == sorted(set(numbers))


def _total(said: str) -> tuple[str, bool]:
    """The word of a total row, and whether it is of all rows above it: a 小计 and that of one page or unit is of those since the last."""
    found = _TOTAL.match(said)
    assert found is not None  # noqa: S101  so it was taken for one
    word = found["word"] or found["of_some"]
    return word, word != "小计" and (found["word"] is not None or bool(_OF_ALL.match(said)))


def _whole(cell: Cell) -> int | None:
    """The number in a cell of a total row, such as 合计 30 人."""
    if isinstance(cell, float | int):
        return int(cell) if cell == cell and cell == int(cell) else None  # noqa: PLR0124  a number that is none
    found = re.search(r"\d+", cells.folded(cell).replace(",", ""))
    return int(found.group()) if found and len(found.group()) < 8 else None


def _reader(field: Field, how: Translated) -> Reader:
    choices = how.choices
    if units := how.units.get(field.name):
        return lambda cell: cells.unit(units.get(cells.folded(cell), cell))
    if field.name == "birth_on":
        return _birth
    if field.name == "certified_birth_on":
        return _certified
    return cells.reader_of(field, {field.codes or "": choices[field.name]} if field.kind is Kind.CODE else {})


def _birth(cell: Cell) -> str | None:
    """A day, or year and month alone (7 characters): the identity number may know the day."""
    try:
        return cells.day(cell)
    except Wrong:
        return (cells.month(cell) or "")[:7] or None


def _certified(cell: Cell) -> str | None:
    """It stands against the identity number: nobody guesses its day."""
    try:
        return cells.day(cell)
    except MonthOnly:
        raise Wrong("只有年月，缺少日，请写成 2026-09-18 这样的完整日期") from None


def _outcome(read: Reader, cell: Cell) -> tuple[Any, str]:
    try:
        return read(cell), ""
    except Doubtful as doubtful:
        return doubtful.value, str(doubtful)
    except Wrong as wrong:
        return None, cells.untold(cells.written(cell)) or str(wrong)
