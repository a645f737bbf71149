"""The people: one after the other in each row of posts, with a career that fits the post. Nobody is past his statutory month unless it is planted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from deploy.city import catalogue as units
from deploy.city import posts, words
from deploy.city.catalogue import BB, BW, COUNTED, GQ, SYC, XZ, ZF
from deploy.city.invented import AREA, OLD_AREA, Inventor
from deploy.city.plan import STAGE, UNIT_DEPUTY, UNIT_HEAD, Cells, Quota, Unit
from shared.law.retirement import Category, Sex, YearMonth, retirement

FIRST_OF_TEN_YEARS = 10
_CLASSES = {"单位正职": "部门正职", "单位副职": "部门副职", "内设机构正职": "内设机构正职", "内设机构副职": "内设机构副职"}
_SHARE_OF_WOMEN = {"学校": 0.68, "医院": 0.7, "街道": 0.5, "镇": 0.42, "法院": 0.5}
_LEVELS = ("博士研究生毕业", "硕士研究生毕业", "本科毕业", "专科毕业", "中等专科毕业", "高中毕业")
_YEARS = {"博士研究生毕业": 28, "硕士研究生毕业": 25, "本科毕业": 22, "专科毕业": 21, "中等专科毕业": 19, "高中毕业": 18}
_DEGREES = {"博士研究生毕业": "博士", "硕士研究生毕业": "硕士", "本科毕业": "学士"}
_MAJORS = {
    "teacher": ("汉语言文学", "数学与应用数学", "英语", "物理学", "学前教育", "体育教育", "化学", "历史学", "音乐学"),
    "doctor": ("临床医学", "中医学", "口腔医学", "预防医学"),
    "nurse": ("护理学",),
    "technician": ("医学检验技术", "医学影像技术"),
    "pharmacist": ("药学",),
    "agronomist": ("农学", "植物保护", "水利工程", "园艺"),
    "librarian": ("图书馆学", "文物与博物馆学", "音乐表演"),
    "engineer": ("土木工程", "计算机科学与技术", "测绘工程", "给排水科学与工程"),
}
_OFFICE_MAJORS = ("法学", "行政管理", "汉语言文学", "会计学", "公共事业管理", "经济学", "社会工作", "计算机科学与技术", "土木工程", "农学")
NEAR_MONTHS = 60


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
    """What is counted while a unit is being peopled."""

    unit: Unit
    today: date
    chance: Random
    inventor: Inventor
    secondments: tuple[str, ...]
    near_left: int = 0
    near_wanted: int = 0
    seats: list[tuple[str, int]] = field(default_factory=list)
    place: int = 0


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


def crowd_of(unit: Unit, today: date, seed: int, inventor: Inventor, secondments: tuple[str, ...]) -> Crowd:
    """Ready to be peopled: fewer than a quarter will retire within five years, unless it is planted."""
    heads = sum(row.heads for row in unit.quotas if row.kind in COUNTED)
    crowd = Crowd(unit, today, Random(f"{seed}/people/{unit.name}"), inventor, secondments)  # noqa: S311  a city, not a secret
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
                yield _person(crowd, row, leads, who, last=number == row.heads - 1), who
            if mine:
                raise ValueError(f"{crowd.unit.name} has no room for who is planted there")


def off_establishment(crowd: Crowd) -> Iterator[Cells]:
    """Everybody under the ceiling of 编外."""
    for row in crowd.unit.quotas:
        if row.kind == BW:
            yield from (_off_person(crowd) for _ in range(row.heads))


def _person(crowd: Crowd, row: Quota, leads: tuple[str, int] | None, wanted: Wanted | None, *, last: bool) -> Cells:
    unit, chance, who = crowd.unit, crowd.chance, wanted or Wanted()
    crowd.place += 1
    section = _section(crowd, leads)
    identity = posts.identity(unit, row.kind)
    profession = posts.ladder(unit, section, chance) if identity == posts.MANAGER else None
    sex = who.sex or ("F" if chance.random() < _SHARE_OF_WOMEN.get(unit.spec.category, 0.4) else "M")
    if crowd.near_wanted and leads is None and not wanted and not _is_recent(row, last):
        sex, profession, who = "M", None, Wanted(born_on=_soon_retired(crowd))
        crowd.near_wanted -= 1
    recent = _is_recent(row, last) and wanted is None and leads is None
    born_on, title, professional, grade, post = _life(crowd, row, leads, who, (sex, identity, profession, section), recent=recent)
    cells = _facts(crowd, who, sex, born_on, profession, MANUAL_EDUCATION if post == posts.MANUAL else None)
    leader = leads is not None
    cells.update(
        unit=unit.name,
        kind=row.kind,
        funding=row.funding,
        internal_unit=section,
        identity=posts.PROFESSIONAL if profession or (identity == posts.MANAGER and post == posts.TECHNICAL) else identity,
        person_class=_CLASSES[leads[0]] if leads else "非领导",
        title=title,
        leadership_level=posts.leadership_grade(unit, leads[0]) if leads else None,
        post_category=post,
        post_grade=grade,
        professional_title=professional,
        above_rank="否" if leader else None,
        seat_level=leads[0] if leads else None,
    )
    if identity in {posts.CIVIL, posts.LIKE_CIVIL}:
        cells["grade"] = posts.civil_grade(_age(born_on, crowd.today), leads=leader, chance=chance)
        cells["civil_servant_registered"] = "是"
    _enter(crowd, row, cells, born_on, leads, recent=recent, last=last)
    return cells


MANUAL_EDUCATION = ("高中毕业", "中等专科毕业", "专科毕业")


def _is_recent(row: Quota, last: bool) -> bool:
    """In a row with vacancies somebody has entered lately; where nobody has, it is planted."""
    return last and row.heads < row.posts and row.idle_days is None


def _section(crowd: Crowd, leads: tuple[str, int] | None) -> str | None:
    """Leaders sit on the unit itself, not on an internal unit."""
    sections = crowd.unit.sections
    if not sections or (leads and leads[0] in {UNIT_HEAD, UNIT_DEPUTY}):
        return None
    return sections[leads[1] % len(sections)] if leads else crowd.chance.choice(sections)


def _life(
    crowd: Crowd, row: Quota, leads: tuple[str, int] | None, who: Wanted, work: tuple[str, str, str | None, str | None], *, recent: bool
) -> tuple[date, str, str | None, str | None, str]:
    """Birth date and post: drawn until the statutory month lies ahead, and not too many of the unit are near it."""
    sex = work[0]
    for _ in range(200):
        born_on = who.born_on or _born_on(crowd, row, leads, recent=recent)
        title, professional, grade, post = _post(crowd, row, leads, who, work, _age(born_on, crowd.today))
        if who.born_on:
            break
        earliest, latest = retires(born_on, sex, category_of(sex, post, title, professional))
        this_month = YearMonth(crowd.today.year, crowd.today.month)
        if latest <= this_month:
            continue
        if earliest > this_month.plus(NEAR_MONTHS):
            break
        if crowd.near_left > 0 and row.kind in COUNTED and crowd.unit.near_retirement is None:
            crowd.near_left -= 1
            break
    else:
        raise ValueError(f"nobody fits {crowd.unit.name}")
    return born_on, title, professional, grade, post


def _born_on(crowd: Crowd, row: Quota, leads: tuple[str, int] | None, *, recent: bool) -> date:
    chance = crowd.chance
    if recent:
        years = chance.uniform(23, 31)
    elif leads:
        low = {UNIT_HEAD: 42, UNIT_DEPUTY: 37}.get(leads[0], 31)
        years = chance.triangular(low, 58, low + 6)
    elif row.idle_days:
        years = chance.uniform(32, 56)
    elif row.kind == BB:
        years = chance.triangular(23, 44, 28)
    else:
        draw = chance.random()
        low, high = (23, 30) if draw < 0.18 else (30, 40) if draw < 0.52 else (40, 50) if draw < 0.8 else (50, 61)
        years = chance.uniform(low, high)
    return crowd.today - timedelta(days=int(years * 365.25))


def _post(
    crowd: Crowd, row: Quota, leads: tuple[str, int] | None, who: Wanted, work: tuple[str, str, str | None, str | None], age: int
) -> tuple[str, str | None, str | None, str]:
    """Title, 职称, 岗位等级 and 岗位类别."""
    chance = crowd.chance
    _, identity, profession, _ = work
    professional, grade, post = None, None, posts.MANAGERIAL
    if profession:
        (professional, grade), post = posts.rung(profession, age, chance), posts.TECHNICAL
    elif identity == posts.WORKER:
        professional, grade, post = ("高级工", "工勤技能三级", posts.MANUAL) if age > 38 else ("中级工", "工勤技能四级", posts.MANUAL)
    elif identity == posts.MANAGER:
        grade = "管理七级" if leads and leads[0] == UNIT_HEAD else "管理八级" if leads else "管理九级"
    title = posts.leader_title(crowd.unit, *leads) if leads else _plain_title(crowd, row, identity, profession, professional)
    return who.title or title, who.professional_title or professional, grade, who.post_category or post


def _plain_title(crowd: Crowd, row: Quota, identity: str, profession: str | None, professional: str | None) -> str:
    if profession == "teacher":
        return "教师"
    if profession:
        return professional or "专业技术人员"
    if identity == posts.WORKER:
        return crowd.chance.choice(("驾驶员", "水电维修工", "厨师"))
    if identity == posts.COMPANY:
        return crowd.chance.choice(("项目主管", "财务主管", "业务员", "行政专员"))
    if row.kind == ZF and crowd.unit.name in {units.COURT, units.PROCURATORATE, units.POLICE}:
        return {units.COURT: "法官助理", units.PROCURATORATE: "检察官助理"}.get(crowd.unit.name, "民警")
    return "科员" if row.kind in {XZ, ZF, SYC} else "工作人员"


def _facts(crowd: Crowd, who: Wanted, sex: str, born_on: date, profession: str | None, educations: tuple[str, ...] | None) -> Cells:
    """Who the person is, before any post."""
    chance, today = crowd.chance, crowd.today
    name, people = crowd.inventor.people(sex, born_on.year, chance)
    number = crowd.inventor.id_number(born_on, sex, OLD_AREA if who.old_area else AREA)
    native = chance.choice(words.COUNTIES) if chance.random() < 0.35 else words.COUNTIES[0]
    first, highest = _educations(born_on.year, profession, educations, chance)
    graduated_on = _graduated_on(born_on, first)
    while graduated_on > today - timedelta(days=100):
        first = highest = _LEVELS[_LEVELS.index(first) + 1]
        graduated_on = _graduated_on(born_on, first)
    cells: Cells = {
        "name": name,
        "id_number": number,
        "sex": "男" if sex == "M" else "女",
        "birth_on": born_on.isoformat(),
        "ethnicity": people,
        "native_place": f"{words.PROVINCE}{native}",
        "birth_place": f"{words.PROVINCE}{native}",
        "work_began_on": _month(graduated_on + timedelta(days=62)),
        "education": highest,
        "degree": _DEGREES.get(highest),
        "full_time_education": first,
        "school": _school(first, profession, chance),
        "major": chance.choice(_MAJORS.get(profession or "", _OFFICE_MAJORS)),
        "graduated_on": _month(graduated_on),
        "political_status": "群众",
    }
    _join_party(cells, born_on, 0.3 if profession else 0.7, today, chance)
    return cells


def _school(education: str, profession: str | None, chance: Random) -> str:
    """Where one studies that profession at that level."""
    schools = words.LOWER_SCHOOLS if _YEARS[education] < 21 else words.COLLEGES if _YEARS[education] < 22 else words.UNIVERSITIES
    words_of = {"teacher": "师范", "doctor": "医科", "nurse": "卫生" if schools is not words.UNIVERSITIES else "医科"}
    fitting = [school for school in schools if words_of.get(profession or "", "") in school]
    return chance.choice(fitting or schools)


def _graduated_on(born_on: date, education: str) -> date:
    return date(born_on.year + _YEARS[education] + (born_on.month > 8), 6, 1)


def _educations(born_in: int, profession: str | None, educations: tuple[str, ...] | None, chance: Random) -> tuple[str, str]:
    """全日制学历 and the highest one: those of earlier years often took the higher one beside their work."""
    if educations:
        first = chance.choice(educations)
        return first, first
    low = 0.9 if born_in < 1975 else 0.35 if born_in < 1985 else 0.08
    if chance.random() < low:
        return chance.choice(("中等专科毕业", "专科毕业")), chance.choice(("专科毕业", "本科毕业", "本科毕业"))
    draw = chance.random()
    first = (
        "博士研究生毕业" if draw < 0.01 and profession == "doctor" else "硕士研究生毕业" if draw < 0.18 and born_in >= 1980 else "本科毕业"
    )
    return first, first


def _join_party(cells: Cells, born_on: date, share: float, today: date, chance: Random) -> None:
    joined_on = born_on + timedelta(days=int(365.25 * chance.uniform(19, 35)))
    if chance.random() < share and joined_on < today - timedelta(days=400):
        cells["political_status"], cells["party_joined_on"] = "中共党员", _month(joined_on)
    elif _age(born_on, today) < 28 and chance.random() < 0.7:
        cells["political_status"] = "共青团员"
    elif chance.random() < 0.02:
        cells["political_status"] = chance.choice(("民盟盟员", "民建会员", "农工党党员", "九三学社社员"))


def _enter(crowd: Crowd, row: Quota, cells: Cells, born_on: date, leads: tuple[str, int] | None, *, recent: bool, last: bool) -> None:
    """入编: after the studies and the unit's foundation, with the papers of the last ten years."""
    chance, today = crowd.chance, crowd.today
    founded_on = max(crowd.unit.founded_on, row.granted_on or date.min) + timedelta(days=30)
    began_on = date.fromisoformat(f"{cells['work_began_on']}-01")
    earliest, latest = max(began_on, founded_on), today - timedelta(days=20)
    if recent:
        earliest = max(earliest, today - timedelta(days=300))
    elif not row.idle_days and leads is None:
        latest = min(latest, max(earliest, born_on + timedelta(days=int(365.25 * 45))))
    elif row.idle_days:
        latest = today - timedelta(days=row.idle_days[1 if not last else 0])
        earliest = min(earliest, latest) if not last else today - timedelta(days=row.idle_days[1])
    began_on = min(began_on, latest)
    cells["work_began_on"] = _month(began_on)
    days = max((latest - earliest).days, 0)
    started_on = min(earliest, latest) + timedelta(days=int(days * (0 if chance.random() < 0.45 else chance.random())))
    cells.update(_papers(crowd, row, started_on))
    since = max(started_on, today - timedelta(days=chance.randint(90, 3000)))
    cells["title_since"] = _month(since if leads else started_on)
    fresh = started_on > today - timedelta(days=330)
    cells["duty_status"] = "试用期" if fresh else "长期病事假" if chance.random() < 0.004 else "在编在岗"
    if not fresh and leads is None and row.kind in {XZ, SYC} and crowd.secondments and chance.random() < 0.008:
        _second(crowd, cells)


def _papers(crowd: Crowd, row: Quota, started_on: date) -> Cells:
    chance = crowd.chance
    cells: Cells = {
        "started_on": started_on.isoformat(),
        "entry_reason": _entry_reason(row.kind, started_on.year, chance),
        "entry_source": chance.choice(words.UNIVERSITIES) if chance.random() < 0.6 else None,
        "entry_document_no": f"望编入〔{started_on.year}〕{chance.randint(1, 900)}号",
    }
    if started_on.year > crowd.today.year - FIRST_OF_TEN_YEARS and row.kind in COUNTED:
        authorised_on = started_on - timedelta(days=chance.randint(15, 120))
        cells["authorisation_no"] = f"望编核〔{authorised_on.year}〕{chance.randint(1, 600)}号"
        cells["authorised_on"] = authorised_on.isoformat()
    return cells


def _entry_reason(kind: str, year: int, chance: Random) -> str:
    if kind in {XZ, ZF, SYC}:
        return (
            chance.choice(("考录", "考录", "考录", "选调生", "转任", "调任", "军转安置"))
            if year > 1996
            else chance.choice(("调动", "军转安置"))
        )
    if kind == GQ:
        return "退役士兵安置" if chance.random() < 0.4 else "调动"
    return (
        chance.choice(("公开招聘", "公开招聘", "公开招聘", "公开招聘", "调动", "人才引进"))
        if year > 2005
        else chance.choice(("调动", "划转"))
    )


def _second(crowd: Crowd, cells: Cells) -> None:
    """借出 within its term, approved: the post stays here."""
    from_on = crowd.today - timedelta(days=crowd.chance.randint(10, 130))
    cells.update(
        duty_status="借出",
        seconded_to=crowd.chance.choice([name for name in crowd.secondments if name != crowd.unit.name]),
        seconded_from_on=from_on.isoformat(),
        seconded_until=(from_on + timedelta(days=182)).isoformat(),
        secondment_document_no=f"望组借〔{from_on.year}〕{crowd.chance.randint(1, 90)}号",
    )


def _soon_retired(crowd: Crowd) -> date:
    """The birth date of a man who retires within the five years, with some time left."""
    return crowd.today - timedelta(days=int(365.25 * crowd.chance.uniform(57, 59.5)))


def _off_person(crowd: Crowd) -> Cells:
    unit, chance, today = crowd.unit, crowd.chance, crowd.today
    kind, title = posts.off_work(unit, chance)
    sex = "F" if chance.random() < 0.5 else "M"
    born_on = today - timedelta(days=int(365.25 * chance.triangular(21, 48 if sex == "F" else 57, 34)))
    manual = title in posts.MANUAL_WORK
    cells = _facts(crowd, Wanted(), sex, born_on, None, MANUAL_EDUCATION if manual else ("专科毕业", "本科毕业"))
    began_on = date.fromisoformat(f"{cells['work_began_on']}-01")
    latest = today - timedelta(days=30)
    cells["work_began_on"] = _month(min(began_on, latest))
    earliest = min(max(began_on, date(2012, 1, 1), unit.founded_on + timedelta(days=30)), latest)
    started_on = earliest + timedelta(days=int((latest - earliest).days * chance.random()))
    dispatched = started_on.year >= 2019 or chance.random() < 0.3
    cells.update(
        unit=unit.name,
        internal_unit=chance.choice(unit.sections) if unit.sections else None,
        identity=posts.OFF,
        person_class="非领导",
        title=title,
        title_since=_month(started_on),
        post_category=posts.MANUAL if manual else posts.TECHNICAL if kind == "技术技能" else posts.MANAGERIAL,
        off_post_kind=kind,
        employment_form="劳务派遣" if dispatched else "劳动合同",
        dispatch_company=chance.choice(words.DISPATCHERS) if dispatched else None,
        started_on=started_on.isoformat(),
        contract_until=date(today.year + chance.randint(1, 3), 12, 31).isoformat(),
    )
    return cells


def _age(born_on: date, today: date) -> int:
    return (today - born_on).days * 100 // 36525


def _month(day: date) -> str:
    return f"{day:%Y-%m}"
