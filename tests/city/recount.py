"""An independent count of what stands in the files: it knows the rules and the law, and nothing of how the city was made.

Each finding is (rule, level, unit, identity number or "", item, since).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeAlias
from uuid import UUID

from services.roster.models.facts import PersonRecord
from services.roster.rules.persons import retirement_category
from shared.glossary import LABELS, PersonIdentity, PostCategory
from shared.law.notices import load_calendar
from shared.law.retirement import Category, Sex, YearMonth, retirement
from tests.city.books import Books, Line

Finding: TypeAlias = tuple[str, str, str, str, str, str]
NOT_COUNTED = {"报备员额", "编外用工控制数", "国企员额"}
CALENDAR = load_calendar()
_RANKS = ["正处级", "副处级", "正科级", "副科级", "股级", "副股级"]
_GRADES = ["县处级正职", "县处级副职", "乡科级正职", "乡科级副职", "股级正职", "股级副职"]
_BELOW = {"单位正职": 0, "单位副职": 1, "内设机构正职": 2, "内设机构副职": 3}
_FITS = {
    "行政编制": {"公务员"},
    "政法专项编制": {"公务员"},
    "参公事业编制": {"参公人员"},
    "事业编制": {"事业管理人员", "专业技术人员", "工勤人员"},
    "机关工勤编制": {"工勤人员"},
    "报备员额": {"事业管理人员", "专业技术人员", "工勤人员"},
    "国企员额": {"国企人员"},
}
_FORBIDDEN = re.compile(r"会计|出纳|人事|机要|保密|执法(?!辅助)")
_KEY_FIELDS = {"职务": "title", "进入形式": "entry_reason", "入编文号": "entry_document_no", "人员状态": "duty_status"}
_BY_LABEL = {LABELS[each]: each for each in (*PersonIdentity, *PostCategory)}
_CATEGORIES = {"男（原六十周岁）": "M60", "女（原五十五周岁）": "F55", "女（原五十周岁）": "F50", "女（县处级或高级职称）": "SPECIAL"}


@dataclass
class Roster:
    """The rows an import can take: the second row of one identity number is none of them."""

    today: date
    units: dict[str, Line]
    quotas: dict[tuple[str, str], Line]
    seats: list[Line]
    people: list[Line] = field(default_factory=list)
    off: list[Line] = field(default_factory=list)
    refused: list[Line] = field(default_factory=list)

    def on(self, unit: str, kind: str) -> list[Line]:
        """Who is on a row of posts, by the day of entry."""
        return self._by_row[unit, kind]

    def __post_init__(self) -> None:
        self._by_row: dict[tuple[str, str], list[Line]] = defaultdict(list)

    def take(self, books: Books) -> "Roster":
        seen: set[str] = set()
        for kind, taken in (("roster", self.people), ("offestablishment", self.off)):
            for line in books[kind]:
                (self.refused if line["公民身份号码"] in seen else taken).append(line)
                seen.add(line["公民身份号码"])
        for line in self.people:
            self._by_row[line["单位"], line["编制类型"]].append(line)
        for line in self.off:
            self._by_row[line["单位"], "编外用工控制数"].append(line)
        for lines in self._by_row.values():
            lines.sort(key=started)
        return self


def roster_of(books: Books, today: date) -> Roster:
    """What an import would make of the files."""
    units = {line["单位名称"]: line for line in books["units"]}
    quotas = {(line["单位"], line["编制类型"]): line for line in books["quotas"]}
    return Roster(today, units, quotas, books["seats"]).take(books)


def findings(roster: Roster) -> Iterator[Finding]:
    """Everything that the rules find."""
    yield from _rows(roster)
    yield from _seats(roster)
    yield from _retirement(roster)
    yield from _people(roster)
    yield from _errors(roster)
    yield from _off(roster)
    for line in roster.refused:
        yield "M12", "导入拒绝", line["单位"], line["公民身份号码"], "id_number", started(line)


def started(line: Line) -> str:
    """入编时间 or 用工起始."""
    return line.get("入编时间") or line["用工起始"]


def _rows(roster: Roster) -> Iterator[Finding]:
    for (unit, kind), quota in roster.quotas.items():
        mine, posts = roster.on(unit, kind), int(quota["编制数"])
        last = max([quota["批准日期"], *map(started, mine)])
        vacant = max(0, posts - len(mine))
        if kind not in NOT_COUNTED:
            if len(mine) > posts:
                level = "黄" if "政策性超编" in {line["超编原因"] for line in mine} else "待定性"
                yield "M01", level, unit, "", kind, started(mine[posts])
            if posts and vacant / posts >= 0.15:
                yield "M04", "红" if vacant / posts >= 0.25 and vacant >= 3 else "黄", unit, "", kind, last
            if vacant and (idle := _months(last, roster.today)) >= 12:
                yield "M05", "红" if idle >= 24 else "黄", unit, "", kind, last
        if kind == "编外用工控制数" and len(mine) / posts >= 0.95:
            over = len(mine) > posts
            reached = posts if over else next(n for n in range(posts) if (n + 1) / posts >= 0.95)
            yield "M18", "红" if over else "黄", unit, "", kind, started(mine[reached])
        yield from _lent_posts(roster, unit, quota)


def _lent_posts(roster: Roster, unit: str, quota: Line) -> Iterator[Finding]:
    if quota["使用期限"]:
        until = date.fromisoformat(quota["使用期限"])
        if until < roster.today:
            yield "M24", "红", unit, "", "周转编制", str(until + timedelta(days=1))
        elif (until - roster.today).days <= 90:
            yield "M24", "黄", unit, "", "周转编制", str(until - timedelta(days=90))


def _seats(roster: Roster) -> Iterator[Finding]:
    held: dict[tuple[str, str], list[str]] = defaultdict(list)
    for line in roster.people:
        if level := line["占用职数"]:
            held[line["单位"], level].append(line["任现职时间"])
            rank = roster.units[line["单位"]]["机构规格"]
            if rank in _RANKS and line["领导职务级别"]:
                post = _RANKS.index(rank) + _BELOW[level]
                if _GRADES.index(line["领导职务级别"]) < post:
                    yield "M03", "红", line["单位"], line["公民身份号码"], level, line["任现职时间"]
    for seat in roster.seats:
        days = sorted(held.pop((seat["单位"], seat["职务层次"]), []))
        if len(days) > int(seat["核定职数"]):
            yield "M02", "红", seat["单位"], "", seat["职务层次"], f"{days[int(seat['核定职数'])]}-01"
    assert held == {}, "a seat is taken that was never approved"


def _retirement(roster: Roster) -> Iterator[Finding]:
    now = YearMonth(roster.today.year, roster.today.month)
    near: Counter[str] = Counter()
    heads: Counter[str] = Counter()
    for line in roster.people:
        if line["编制类型"] in NOT_COUNTED:
            continue
        month = statutory_month(line)
        heads[line["单位"]] += 1
        near[line["单位"]] += month is not None and now <= month <= now.plus(60)
        if month is not None and month < now:
            after = month.plus(1)
            last = date(after.year, after.month, 1) - timedelta(days=1)
            late = CALENDAR.add_working_days(last, 15).due_on < roster.today
            yield "M09", "红" if late else "黄", line["单位"], line["公民身份号码"], str(month), str(last + timedelta(days=1))
    for unit, number in near.items():
        if number / heads[unit] >= 0.25:
            level = "红" if number / heads[unit] >= 0.35 else "黄"
            yield "M26", level, unit, "", "五年退休占比", str(roster.today.replace(day=1))


def statutory_month(line: Line) -> YearMonth | None:
    """By the product's own rule for the category; None where the law does not tell."""
    override = _CATEGORIES.get(line["退休类别"])
    sex = Sex.MALE if line["性别"] == "男" else Sex.FEMALE
    born = date.fromisoformat(line["档案认定出生日期"] or line["出生日期"])
    identity, post = _BY_LABEL[line["人员身份"]], _BY_LABEL[line["岗位类别"]]
    assert isinstance(identity, PersonIdentity)
    assert isinstance(post, PostCategory)
    record = PersonRecord(
        person_id=UUID(int=0),
        name="",
        sex=sex,
        birth_on=born,
        certified_birth_on=None,
        identity=identity,
        post_category=post,
        title=line["职务"] or None,
        professional_title=line["专业技术职务"] or None,
        retirement_override=Category(override) if override else None,
    )
    category = retirement_category(record)
    return retirement(YearMonth(born.year, born.month), sex, category).month if category else None


def _people(roster: Roster) -> Iterator[Finding]:
    for line in roster.people:
        who = (line["单位"], line["公民身份号码"])
        fits = _FITS.get(line["编制类型"])
        if fits and line["人员身份"] not in {*fits, "身份待核"}:
            yield "M06", "红", *who, f"{line['人员身份']}/{line['编制类型']}", line["入编时间"]
        if line["核编日期"] and line["入编时间"] < line["核编日期"]:
            yield "M07", "红", *who, line["用编单编号"], line["入编时间"]
        if line["借出单位"]:
            yield from _secondment(roster.today, line, who)


def _secondment(today: date, line: Line, who: tuple[str, str]) -> Iterator[Finding]:
    from_on, until = date.fromisoformat(line["借调开始"]), date.fromisoformat(line["借调到期"])
    leap = (from_on.month, from_on.day) == (2, 29)
    a_year = from_on.replace(year=from_on.year + 1, day=28 if leap else from_on.day)
    if today > min(until, a_year):
        yield "M16", "红", *who, "seconded_until", str(min(until, a_year) + timedelta(days=1))
    elif (until - today).days <= 30:
        yield "M16", "黄", *who, "seconded_until", str(until - timedelta(days=30))
    if not line["借调文号"]:
        yield "M17", "红", *who, "secondment_document_no", str(from_on)


def _errors(roster: Roster) -> Iterator[Finding]:
    wrong: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for line in roster.people:
        wrong[line["单位"]] += [(line["公民身份号码"], item) for item in _errors_of(line)]
    heads = Counter(line["单位"] for line in [*roster.people, *(line for line in roster.refused if "入编时间" in line)])
    for unit, errors in wrong.items():
        for number, item in errors:
            level = "红" if len(errors) / heads[unit] * 100 > 3 else "黄"
            yield "M11", level, unit, number, item, str(roster.today)


def _errors_of(line: Line) -> Iterator[str]:
    born = line["出生日期"]
    if line["入党时间"] and line["入党时间"] < f"{int(born[:4]) + 18}{born[4:7]}":
        yield "party_joined_on"
    if line["参加工作时间"] > line["入编时间"][:7]:
        yield "work_began_on"
    yield from (item for label, item in _KEY_FIELDS.items() if not line[label])
    number = line["公民身份号码"]
    if number[6:14] != born.replace("-", "") or (int(number[16]) % 2 == 1) != (line["性别"] == "男"):
        yield "id_number"


def _off(roster: Roster) -> Iterator[Finding]:
    for line in roster.off:
        if _FORBIDDEN.search(line["职务"]):
            yield "M19", "红", line["单位"], line["公民身份号码"], line["职务"], line["用工起始"]


def _months(since: str, today: date) -> int:
    first = date.fromisoformat(since)
    return (today.year - first.year) * 12 + today.month - first.month - (today.day < first.day)
