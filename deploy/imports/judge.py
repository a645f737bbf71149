"""Every row of the two sheets is judged; what is wrong is said for each cell, and what is right becomes loads, parents first.

Pure: no file, no service. A unit with any bad row of its own is not loaded at all, since its quotas would be half; a bad person is left out alone.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from deploy.imports import cells
from deploy.imports.cells import Cell, Wrong
from deploy.imports.rows import PERSONS, UNITS, Codes, Judgement, Person, Problem, Quota, Unit
from deploy.imports.workbook import Row
from shared.glossary import LABELS, PersonIdentity, PostCategory
from shared.law.citizen_id import CitizenId
from shared.law.retirement import Sex

_SEXES = {"男": "M", "女": "F"}
_RETIREMENT_SEX = {"M60": "M", "F55": "F", "F50": "F", "SPECIAL": "F"}
T = TypeVar("T")


class _Reader:
    """Reads the cells of one row and keeps what is wrong with them."""

    def __init__(self, row: Row, problems: list[Problem]) -> None:
        self._row, self._problems = row, problems
        self.good = True

    def get(self, column: str, read: Callable[[Cell], T]) -> T | None:
        try:
            return read(self._row.cells[column])
        except Wrong as wrong:
            self.complain(column, str(wrong))
            return None

    def complain(self, column: str, sentence: str) -> None:
        self._problems.append(Problem(self._row.sheet, self._row.number, column, sentence))
        self.good = False

    def warn(self, column: str, sentence: str) -> None:
        self._problems.append(Problem(self._row.sheet, self._row.number, column, sentence, warning=True))


def judge(sheets: Mapping[str, list[Row]], codes: Codes, today: date, known_units: Mapping[str, str]) -> Judgement:
    """Judge a whole file. `known_units` are the units of the roster: name to code (USCC)."""
    verdict = Judgement(rows=Counter({name: len(rows) for name, rows in sheets.items()}))
    bad: set[str] = set()
    units = _units(sheets[UNITS], codes, today, verdict.problems, bad)
    _judge_names(units, known_units, verdict.problems, bad)
    ordered = _parents_first(units, known_units, verdict.problems, bad)
    _persons(sheets[PERSONS], units, bad, codes, today, verdict.problems)
    verdict.units = [unit for unit in ordered if unit.name not in bad]
    _warn_beyond_quota(verdict.units, codes, verdict.problems)
    verdict.problems.sort(key=lambda problem: (problem.sheet != UNITS, problem.row))
    return verdict


def _units(rows: Iterable[Row], codes: Codes, today: date, problems: list[Problem], bad: set[str]) -> dict[str, Unit]:
    units: dict[str, Unit] = {}
    seen: dict[tuple[str, str, str], int] = {}
    for row in rows:
        reader = _Reader(row, problems)
        name = reader.get("单位名称", cells.text)
        code = reader.get("统一社会信用代码", cells.uscc)
        category = reader.get("单位类别", lambda cell: cells.one_of(cell, codes.categories))
        parent = reader.get("主管部门", cells.optional_text)
        quota = _quota(reader, row, codes, today)
        if code and code.warning:
            reader.warn("统一社会信用代码", f"{code.warning}（早期试点的代码可能如此），请核对")
        if name and quota and (earlier := seen.setdefault((name, quota.kind, quota.funding), row.number)) != row.number:
            reader.complain("编制类型", f"与第 {earlier} 行重复（同一单位、编制类型和经费形式只能有一行），请合并")
        if name and code and category:
            unit = units.setdefault(name, Unit(row.number, name, code.code, category, parent))
            if (unit.uscc, unit.category, unit.parent) != (code.code, category, parent):
                reader.complain("单位名称", f"与第 {unit.row} 行是同一单位，但代码、类别或主管部门不一致，请核对")
            if quota:
                unit.quotas.append(quota)
        if not reader.good and name:
            bad.add(name)
    return units


def _quota(reader: _Reader, row: Row, codes: Codes, today: date) -> Quota | None:
    kind = reader.get("编制类型", lambda cell: cells.one_of(cell, codes.kinds))
    funding = reader.get("经费形式", lambda cell: cells.one_of(cell, codes.fundings))
    posts = reader.get("编制数", cells.whole_number)
    document_no = reader.get("批准文号", cells.text)
    document_on = reader.get("批准日期", lambda cell: cells.past_day(cell, today))
    if kind is None or funding is None or posts is None or document_no is None or document_on is None:
        return None
    return Quota(row.number, kind, funding, posts, document_no, document_on)


def _judge_names(units: Mapping[str, Unit], known: Mapping[str, str], problems: list[Problem], bad: set[str]) -> None:
    """One code, one unit; a unit of the roster keeps its name and code."""
    by_code: dict[str, Unit] = {}
    names_of = {code: name for name, code in known.items()}
    for unit in units.values():
        first = by_code.setdefault(unit.uscc, unit)
        if first is not unit:
            problems.append(Problem(UNITS, unit.row, "统一社会信用代码", f"与第 {first.row} 行的另一单位相同，请核对"))
            bad.update({unit.name, first.name})
        if names_of.get(unit.uscc, unit.name) != unit.name:
            problems.append(Problem(UNITS, unit.row, "统一社会信用代码", f"系统中已登记为“{names_of[unit.uscc]}”，请核对名称"))
            bad.add(unit.name)
        elif known.get(unit.name, unit.uscc) != unit.uscc:
            problems.append(Problem(UNITS, unit.row, "单位名称", "系统中已有同名单位，但代码不同，请核对"))
            bad.add(unit.name)


def _parents_first(units: Mapping[str, Unit], known: Mapping[str, str], problems: list[Problem], bad: set[str]) -> list[Unit]:
    """Loading order. A parent that is missing, bad or its own descendant keeps the unit out."""
    ordered: list[Unit] = []
    state: dict[str, bool] = {}

    def visit(unit: Unit) -> None:
        state[unit.name] = False
        parent = units.get(unit.parent or "")
        if parent is not None and parent.name not in state:
            visit(parent)
        if reason := _parent_problem(unit, parent, known, bad, ended=parent is None or state[parent.name]):
            problems.append(Problem(UNITS, unit.row, "主管部门", reason))
            bad.add(unit.name)
        state[unit.name] = True
        ordered.append(unit)

    for unit in units.values():
        if unit.name not in state:
            visit(unit)
    return ordered


def _parent_problem(unit: Unit, parent: Unit | None, known: Mapping[str, str], bad: set[str], *, ended: bool) -> str:
    if unit.parent is None:
        return ""
    if parent is None:
        return "" if unit.parent in known else f"“{unit.parent[:40]}”不在本文件中，系统中也没有，请先补上该单位或改正名称"
    if not ended:
        return "主管部门互相指向，成了一圈，请核对"
    return (
        f"主管部门“{parent.name}”（第 {parent.row} 行）有错误，改正后本单位才能导入"
        if parent.name in bad and parent.name not in known
        else ""
    )


def _persons(rows: Iterable[Row], units: Mapping[str, Unit], bad: set[str], codes: Codes, today: date, problems: list[Problem]) -> None:
    seen: dict[str, int] = {}
    waiting: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        reader = _Reader(row, problems)
        name = reader.get("单位", cells.text)
        person = _person(reader, row, codes, today)
        unit = units.get(name or "")
        if name and unit is None and name not in bad:
            reader.complain("单位", f"工作表“{UNITS}”中没有“{name[:40]}”，请补上该单位的编制数或改正名称")
        if person and (earlier := seen.setdefault(person.id_number, row.number)) != row.number:
            reader.complain("公民身份号码", f"与第 {earlier} 行是同一人，一人只能占一个编制，请核对")
        if (
            unit
            and person
            and (person.kind, person.funding) not in {(quota.kind, quota.funding) for quota in unit.quotas}
            and unit.name not in bad
        ):
            reader.complain("编制类型", "该单位没有核定此编制类型和经费形式，请改正，或在“单位”表补一行")
        if reader.good and person and name in bad:
            waiting[name].append(row.number)
        elif reader.good and unit and person:
            unit.persons.append(person)
    for name, numbers in waiting.items():
        rest = f"等 {len(numbers)} 行" if len(numbers) > 1 else ""
        problems.append(Problem(PERSONS, numbers[0], "单位", f"{rest}本身无误，但所属单位“{name[:40]}”有错误，改正后才能导入"))


def _person(reader: _Reader, row: Row, codes: Codes, today: date) -> Person | None:
    kind = reader.get("编制类型", lambda cell: cells.one_of(cell, codes.kinds))
    funding = reader.get("经费形式", lambda cell: cells.one_of(cell, codes.fundings))
    name = reader.get("姓名", cells.person_name)
    number = reader.get("公民身份号码", cells.id_number)
    sex = reader.get("性别", lambda cell: cells.one_of(cell, _SEXES))
    certified = reader.get("出生日期", lambda cell: cells.past_day(cell, today))
    identity = _code_or_unknown(reader, "人员身份", codes.identities, PersonIdentity.UNKNOWN)
    post = _code_or_unknown(reader, "岗位类别", codes.post_categories, PostCategory.UNKNOWN)
    title = reader.get("职务", cells.optional_text)
    professional = reader.get("专业技术职务", cells.optional_text)
    retirement = reader.get("退休类别", lambda cell: cells.optional_one_of(cell, codes.retirement_categories))
    started = reader.get("入编时间", lambda cell: cells.past_day(cell, today))
    if number and sex and certified and started:
        _judge_agreement(reader, number, sex, certified, started, retirement)
    if not (reader.good and kind and funding and name and number and sex and certified and identity and post and started):
        return None
    facts = (kind, funding, name, number.number, sex, number.born_on, certified, identity, post, title, professional, retirement, started)
    return Person(row.number, *facts)


def _code_or_unknown(reader: _Reader, column: str, labels: Mapping[str, str], unknown: StrEnum) -> str | None:
    """What is not filled in is recorded as what it is: to be verified. Nobody's retirement is derived from a guess."""
    code = reader.get(column, lambda cell: cells.optional_one_of(cell, labels) or unknown)
    if code == unknown:
        reader.warn(column, f"未填写，按“{LABELS[unknown]}”记入，请尽快补填")
    return code


def _judge_agreement(reader: _Reader, number: CitizenId, sex: str, certified: date, started: date, retirement: str | None) -> None:
    """The number must agree with the sex; a birth date that differs from it is the certified one and governs (domain §1.4 no. 4)."""
    if (number.sex is Sex.MALE) != (sex == "M"):
        reader.complain("性别", "与公民身份号码不一致，请核对两项中哪一项有误")
    if number.born_on != certified:
        reader.warn("出生日期", "与公民身份号码中的日期不同：以此处（档案认定）的日期为准，请确认")
    if started.year - certified.year < 14 or started < certified:
        reader.complain("入编时间", "入编时不足 14 周岁，请核对出生日期和入编时间")
    if retirement is not None and _RETIREMENT_SEX.get(retirement, sex) != sex:
        reader.complain("退休类别", "与性别不符，请核对")


def _warn_beyond_quota(units: Iterable[Unit], codes: Codes, problems: list[Problem]) -> None:
    """People beyond a quota are loaded and recorded as what they are; they must be seen first."""
    kinds, fundings = ({code: label for label, code in labels.items()} for labels in (codes.kinds, codes.fundings))
    for unit in units:
        counts = Counter((person.kind, person.funding) for person in unit.persons)
        for quota in unit.quotas:
            beyond = counts[quota.kind, quota.funding] - quota.posts
            if beyond > 0:
                what = f"{unit.name} {kinds[quota.kind]}（{fundings[quota.funding]}）核定 {quota.posts}，实有 {quota.posts + beyond}"
                problems.append(Problem(UNITS, quota.row, "编制数", f"{what}，超 {beyond}：按“历史遗留超编”记入，待定性", warning=True))
