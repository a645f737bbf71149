"""The people: one after the other in each row of posts, with a career that fits the post. Nobody is past his statutory month unless it is planted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from deploy.city import catalogue as units
from deploy.city import posts, words
from deploy.city.careers import MANUAL_EDUCATION, age_of, facts, lent, month_of, papers
from deploy.city.catalogue import BB, BW, COUNTED, SYC, XZ, ZF
from deploy.city.invented import Inventor
from deploy.city.plan import STAGE, UNIT_DEPUTY, UNIT_HEAD, Cells, Quota, Unit
from shared.law.retirement import Category, Sex, YearMonth, retirement

NEAR_MONTHS = 60
_TRIES = 200
_A_YEAR = 365.25
_CLASSES = {"单位正职": "部门正职", "单位副职": "部门副职", "内设机构正职": "内设机构正职", "内设机构副职": "内设机构副职"}
_SHARE_OF_WOMEN = {"学校": 0.68, "医院": 0.7, "街道": 0.5, "镇": 0.42, "法院": 0.5}


@dataclass(frozen=True)
class Wanted:
    """What a planted person must be; the rest is chance."""

    sex: str | None = None
    born_on: date | None = None
    title: str | None = None
    professional_title: str | None = None
    post_category: str | None = None
    old_area: bool = False


@dataclass
class Crowd:
    """What is counted while a unit is being peopled. `seats`: level and number of those still to be taken."""

    unit: Unit
    today: date
    chance: Random
    inventor: Inventor
    borrowers: tuple[str, ...]
    near_left: int = 0
    near_wanted: int = 0
    seats: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True)
class _Post:
    """A post about to be filled: who is wanted on it, and what kind of work it is. `recent`: somebody who has just come."""

    row: Quota
    last: bool
    leads: tuple[str, int] | None
    wanted: Wanted
    section: str | None
    identity: str
    profession: str | None
    sex: str
    recent: bool


class _Life(NamedTuple):
    """Birth date, title, 职称, 岗位等级 and 岗位类别."""

    born_on: date
    title: str
    professional_title: str | None
    grade: str | None
    category: str


def retires(born_on: date, sex: str, category: Category) -> tuple[YearMonth, YearMonth]:
    """The earliest and the latest statutory month."""
    found = retirement(YearMonth(born_on.year, born_on.month), Sex(sex), category)
    return found.earliest, found.latest


def category_of(sex: str, post_category: str, title: str, professional_title: str | None) -> Category:
    """By post and title, not by sex alone."""
    if sex == "M":
        return Category.M60
    if professional_title in posts.SENIOR or "县处级" in title:
        return Category.SPECIAL
    return Category.F50 if post_category == posts.MANUAL else Category.F55


def crowd_of(unit: Unit, today: date, seed: int, inventor: Inventor, borrowers: tuple[str, ...]) -> Crowd:
    """Ready to be peopled: fewer than a quarter will retire within five years, unless it is planted."""
    heads = sum(row.heads for row in unit.quotas if row.kind in COUNTED)
    crowd = Crowd(unit, today, Random(f"{seed}/people/{unit.name}"), inventor, borrowers)  # noqa: S311  a city, not a secret
    crowd.near_left = 0 if unit.name in STAGE else int(heads * 0.2)
    if unit.near_retirement is not None:
        crowd.near_wanted = round(heads * unit.near_retirement)
    crowd.seats = [(level, number) for level, (_, taken) in unit.seats.items() for number in range(taken)]
    return crowd


def in_post(crowd: Crowd, wanted: list[tuple[str, Wanted]]) -> Iterator[tuple[Cells, Wanted | None]]:
    """Everybody on the unit's posts, row by row: leaders, those who are wanted, the rest. `wanted`: kind of post and person."""
    for row in crowd.unit.quotas:
        if row.kind != BW:
            mine = [who for kind, who in wanted if kind == row.kind]
            for number in range(row.heads):
                leads = crowd.seats.pop(0) if crowd.seats and row is crowd.unit.quotas[0] else None
                who = mine.pop(0) if mine and leads is None else None
                yield _person(crowd, _post(crowd, row, leads, who, last=number == row.heads - 1)), who
            if mine:
                raise ValueError(f"{crowd.unit.name} has no room for who is planted there")


def off_establishment(crowd: Crowd) -> Iterator[Cells]:
    """Everybody under the ceiling of 编外."""
    for row in crowd.unit.quotas:
        if row.kind == BW:
            yield from (_off_person(crowd) for _ in range(row.heads))


def _post(crowd: Crowd, row: Quota, leads: tuple[str, int] | None, planted: Wanted | None, *, last: bool) -> _Post:
    unit, chance = crowd.unit, crowd.chance
    plain = leads is None and planted is None
    section = _section(crowd, leads)
    identity = posts.identity(unit, row.kind)
    profession = posts.ladder(unit, section, chance) if identity == posts.MANAGER else None
    wanted = planted or Wanted()
    sex = wanted.sex or ("F" if chance.random() < _SHARE_OF_WOMEN.get(unit.spec.category, 0.4) else "M")
    recent = plain and last and row.heads < row.posts and row.idle_days is None  # in a row with vacancies somebody has entered lately
    if plain and not recent and crowd.near_wanted:
        crowd.near_wanted -= 1
        soon = crowd.today - timedelta(days=int(_A_YEAR * chance.uniform(57, 59.5)))  # a man, with some years left
        sex, profession, wanted = "M", None, Wanted(born_on=soon)
    return _Post(row, last, leads, wanted, section, identity, profession, sex, recent)


def predecessor(crowd: Crowd, row: Quota, sex: str, born_on: date) -> Cells:
    """Somebody who was on a post of this row: what he was on the crowd's day, but not when he came."""
    section = _section(crowd, None)
    identity = posts.identity(crowd.unit, row.kind)
    profession = posts.ladder(crowd.unit, section, crowd.chance) if identity == posts.MANAGER else None
    post = _Post(row, False, None, Wanted(sex, born_on), section, identity, profession, sex, recent=False)
    return _described(crowd, post, _work(crowd, post, born_on))


def _person(crowd: Crowd, post: _Post) -> Cells:
    life = _life(crowd, post)
    cells = _described(crowd, post, life)
    _enter(crowd, post, cells, life.born_on)
    return cells


def _described(crowd: Crowd, post: _Post, life: _Life) -> Cells:
    who = (post.sex, life.born_on, post.wanted.old_area)
    levels = MANUAL_EDUCATION if life.category == posts.MANUAL else ()
    cells = facts(crowd.inventor, crowd.chance, crowd.today, who, post.profession, levels)
    professional = post.profession is not None or (post.identity == posts.MANAGER and life.category == posts.TECHNICAL)
    cells.update(
        unit=crowd.unit.name,
        kind=post.row.kind,
        funding=post.row.funding,
        internal_unit=post.section,
        identity=posts.PROFESSIONAL if professional else post.identity,
        person_class="非领导",
        title=life.title,
        post_category=life.category,
        post_grade=life.grade,
        professional_title=life.professional_title,
    )
    _lead(crowd, post, cells, age_of(life.born_on, crowd.today))
    return cells


def _lead(crowd: Crowd, post: _Post, cells: Cells, age: int) -> None:
    """What a seat and the Civil Servant Law add."""
    if post.leads:
        level = post.leads[0]
        grade = posts.leadership_grade(crowd.unit, level)
        cells.update(person_class=_CLASSES[level], leadership_level=grade, above_rank="否", seat_level=level)
    if post.identity in {posts.CIVIL, posts.LIKE_CIVIL}:
        cells["grade"] = posts.civil_grade(age, leads=post.leads is not None, chance=crowd.chance)
        cells["civil_servant_registered"] = "是"


def _section(crowd: Crowd, leads: tuple[str, int] | None) -> str | None:
    """Leaders sit on the unit itself, not on an internal unit."""
    sections = crowd.unit.sections
    if not sections or (leads and leads[0] in {UNIT_HEAD, UNIT_DEPUTY}):
        return None
    return sections[leads[1] % len(sections)] if leads else crowd.chance.choice(sections)


def _life(crowd: Crowd, post: _Post) -> _Life:
    """Drawn until the statutory month lies ahead, and not too many of the unit are near it."""
    for _ in range(_TRIES):
        life = _work(crowd, post, post.wanted.born_on or _born_on(crowd, post))
        if post.wanted.born_on or _may_stay(crowd, post, life):
            return life
    raise ValueError(f"nobody fits {crowd.unit.name}")


def _may_stay(crowd: Crowd, post: _Post, life: _Life) -> bool:
    this_month = YearMonth(crowd.today.year, crowd.today.month)
    category = category_of(post.sex, life.category, life.title, life.professional_title)
    earliest, latest = retires(life.born_on, post.sex, category)
    if latest <= this_month or earliest > this_month.plus(NEAR_MONTHS):
        return latest > this_month
    if crowd.near_left == 0 or post.row.kind not in COUNTED or crowd.unit.near_retirement is not None:
        return False
    crowd.near_left -= 1
    return True


def _born_on(crowd: Crowd, post: _Post) -> date:
    chance = crowd.chance
    if post.recent:
        years = chance.uniform(23, 31)
    elif post.leads:
        low = {UNIT_HEAD: 42, UNIT_DEPUTY: 37}.get(post.leads[0], 31)
        years = chance.triangular(low, 58, low + 6)
    elif post.row.idle_days:
        years = chance.uniform(32, 56)
    elif post.row.kind == BB:
        years = chance.triangular(23, 44, 28)
    else:
        [(low, high)] = chance.choices(((23, 30), (30, 40), (40, 50), (50, 61)), (18, 34, 28, 20))
        years = chance.uniform(low, high)
    return crowd.today - timedelta(days=int(years * _A_YEAR))


def _work(crowd: Crowd, post: _Post, born_on: date) -> _Life:
    age = age_of(born_on, crowd.today)
    professional, grade, category = None, None, posts.MANAGERIAL
    if post.profession:
        (professional, grade), category = posts.rung(post.profession, age, crowd.chance), posts.TECHNICAL
    elif post.identity == posts.WORKER:
        professional, grade = ("高级工", "工勤技能三级") if age > 38 else ("中级工", "工勤技能四级")
        category = posts.MANUAL
    elif post.identity == posts.MANAGER:
        grade = "管理七级" if post.leads and post.leads[0] == UNIT_HEAD else "管理八级" if post.leads else "管理九级"
    title = posts.leader_title(crowd.unit, *post.leads) if post.leads else _plain_title(crowd, post, professional)
    who = post.wanted
    return _Life(born_on, who.title or title, who.professional_title or professional, grade, who.post_category or category)


def _plain_title(crowd: Crowd, post: _Post, professional: str | None) -> str:
    if post.profession:
        return "教师" if post.profession == "teacher" else professional or "专业技术人员"
    if post.identity == posts.WORKER:
        return crowd.chance.choice(("驾驶员", "水电维修工", "厨师"))
    if post.identity == posts.COMPANY:
        return crowd.chance.choice(("项目主管", "财务主管", "业务员", "行政专员"))
    of_justice = {units.COURT: "法官助理", units.PROCURATORATE: "检察官助理", units.POLICE: "民警"}
    return of_justice.get(crowd.unit.name, "科员" if post.row.kind in {XZ, ZF, SYC} else "工作人员")


def _enter(crowd: Crowd, post: _Post, cells: Cells, born_on: date) -> None:
    """入编: after the studies and the unit's foundation; nearly half came straight from school."""
    chance, today = crowd.chance, crowd.today
    began_on = date.fromisoformat(f"{cells['work_began_on']}-01")
    earliest, latest = _span(crowd, post, born_on, began_on)
    days = max((latest - earliest).days, 0)
    started_on = min(earliest, latest) + timedelta(days=0 if chance.random() < 0.45 else int(days * chance.random()))
    cells["work_began_on"] = month_of(min(began_on, latest))
    cells.update(papers(post.row.kind, started_on, today, chance, cells))
    promoted_on = max(started_on, today - timedelta(days=chance.randint(90, 3000)))
    cells["title_since"] = month_of(promoted_on if post.leads else started_on)
    fresh = started_on > today - timedelta(days=330) and not post.leads
    cells["duty_status"] = "试用期" if fresh else "长期病事假" if chance.random() < 0.004 else "在编在岗"
    if (
        started_on <= today - timedelta(days=330)
        and not post.leads
        and post.row.kind in {XZ, SYC}
        and crowd.borrowers
        and chance.random() < 0.008
    ):
        lent(cells, crowd.borrowers, today, chance)


def _span(crowd: Crowd, post: _Post, born_on: date, began_on: date) -> tuple[date, date]:
    """Between which days somebody came: into a row where nobody has for long, the last one at a day that is planted."""
    today, idle = crowd.today, post.row.idle_days
    founded_on = max(crowd.unit.founded_on, post.row.granted_on or date.min) + timedelta(days=30)
    earliest, latest = max(began_on, founded_on), today - timedelta(days=20)
    if idle:
        before = today - timedelta(days=idle[1])
        return (before, today - timedelta(days=idle[0])) if post.last else (min(earliest, before), before)
    if post.recent:
        return max(earliest, today - timedelta(days=300)), latest
    if post.leads:
        return earliest, latest
    return earliest, min(latest, max(earliest, born_on + timedelta(days=int(_A_YEAR * 45))))


def _off_person(crowd: Crowd) -> Cells:
    unit, chance, today = crowd.unit, crowd.chance, crowd.today
    kind, title = posts.off_work(unit, chance)
    sex, manual = ("F" if chance.random() < 0.5 else "M"), title in posts.MANUAL_WORK
    born_on = today - timedelta(days=int(_A_YEAR * chance.triangular(21, 48 if sex == "F" else 57, 34)))
    levels = MANUAL_EDUCATION if manual else ("专科毕业", "本科毕业")
    cells = facts(crowd.inventor, chance, today, (sex, born_on, False), None, levels)
    started_on = _hired_on(crowd, cells)
    cells.update(
        unit=unit.name,
        internal_unit=chance.choice(unit.sections) if unit.sections else None,
        identity=posts.OFF,
        person_class="非领导",
        title=title,
        title_since=month_of(started_on),
        post_category=posts.MANUAL if manual else posts.TECHNICAL if kind == "技术技能" else posts.MANAGERIAL,
        off_post_kind=kind,
        started_on=started_on.isoformat(),
        contract_until=date(today.year + chance.randint(1, 3), 12, 31).isoformat(),
    )
    dispatched = started_on.year >= 2019 or chance.random() < 0.3
    cells["employment_form"] = "劳务派遣" if dispatched else "劳动合同"
    cells["dispatch_company"] = chance.choice(words.DISPATCHERS) if dispatched else None
    return cells


def _hired_on(crowd: Crowd, cells: Cells) -> date:
    began_on, latest = date.fromisoformat(f"{cells['work_began_on']}-01"), crowd.today - timedelta(days=30)
    cells["work_began_on"] = month_of(min(began_on, latest))
    earliest = min(max(began_on, date(2012, 1, 1), crowd.unit.founded_on + timedelta(days=30)), latest)
    return earliest + timedelta(days=int((latest - earliest).days * crowd.chance.random()))
