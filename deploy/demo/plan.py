"""The demo city as data: 60 units with their approved posts, and 3 000 people on them. The same every time."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from deploy.demo.invented import Inventor
from deploy.imports.rows import Person, Quota, Unit
from shared.glossary import PersonIdentity, PostCategory

SEED = 330499
PEOPLE = 3_000
TODAY = date(2026, 9, 18)
OFFICE = "中共望汐市委机构编制委员会办公室"
EDUCATION, HEALTH = "望汐市教育局", "望汐市卫生健康局"
_BALANCING = ("望汐市人民医院", "BB")


@dataclass(frozen=True)
class Row:
    """Approved posts of one kind and funding. `vacant` below zero: people beyond quota since before this system."""

    kind: str
    funding: str
    posts: int
    vacant: int


def _organ(name: str, category: str, *rows: Row) -> tuple[str, str, str | None, tuple[Row, ...]]:
    return name, category, None, rows


def _xz(posts: int, vacant: int) -> Row:
    return Row("XZ", "state", posts, vacant)


def _sy(posts: int, vacant: int, funding: str = "full") -> Row:
    return Row("SY", funding, posts, vacant)


_ORGANS = (
    _organ("中共望汐市委办公室", "JG-D", _xz(36, 2), Row("GQ", "state", 3, 0)),
    _organ(OFFICE, "JG-D", _xz(16, 1)),
    _organ("中共望汐市委组织部", "JG-D", _xz(34, 0)),
    _organ("中共望汐市委宣传部", "JG-D", _xz(24, 3)),
    _organ("望汐市人大常委会办公室", "JG-R", _xz(20, 1)),
    _organ("望汐市人民政府办公室", "JG-Z", _xz(40, 2), Row("GQ", "state", 4, 1)),
    _organ("政协望汐市委员会办公室", "JG-X", _xz(18, 0)),
    _organ("中共望汐市纪律检查委员会机关", "JG-JC", _xz(52, 5)),
    _organ(EDUCATION, "JG-Z", _xz(32, 2)),
    _organ(HEALTH, "JG-Z", _xz(28, 0)),
    _organ("望汐市财政局", "JG-Z", _xz(46, 3)),
    _organ("望汐市人力资源和社会保障局", "JG-Z", _xz(42, 4)),
    _organ("望汐市农业农村局", "JG-Z", _xz(44, 1)),
    _organ("望汐市自然资源局", "JG-Z", _xz(48, 6)),
    _organ("望汐市司法局", "JG-Z", _xz(18, 1), Row("ZF", "state", 40, 2)),
    _organ("望汐市总工会", "JG-Q", _xz(8, 0), _sy(5, 1)),
)
_TOWNS = (
    ("栖梧镇", 38, 0, 44, 5),
    ("听澜镇", 36, 0, 40, 4),
    ("云岫镇", 34, 0, 42, 6),
    ("棠溪渡镇", 40, 0, 46, 3),
    ("月泊镇", 35, 0, 38, 4),
    ("青篱镇", 33, 2, 36, 0),
    ("鹤汀镇", 37, 1, 40, 2),
    ("苇岸镇", 32, 0, 34, 5),
)
_STREETS = (("望汐街道", 44, 2, 50, 4), ("春晖里街道", 42, -1, 48, 3), ("锦帆街道", 40, 0, 44, 1), ("漱石街道", 38, 3, 42, 0))
_SCHOOLS = (
    ("望汐市高级中学", 128, 6),
    ("望汐市第一初级中学", 96, 4),
    ("望汐市第二初级中学", 88, 0),
    ("望汐市实验小学", 92, 3),
    ("望汐市栖梧镇中心小学", 62, 5),
    ("望汐市听澜镇中心小学", 58, 4),
    ("望汐市云岫镇中心学校", 66, 3),
    ("望汐市棠溪渡镇中心小学", 60, 0),
    ("望汐市月泊镇初级中学", 54, 2),
    ("望汐市鹤汀镇中心小学", 52, 6),
    ("望汐市特殊教育学校", 30, 1),
    ("望汐市机关幼儿园", 34, 0),
)
_HOSPITALS = (
    ("望汐市人民医院", 190, 12, 150),
    ("望汐市中医医院", 110, 5, 60),
    ("望汐市妇幼保健院", 80, 0, 40),
    ("望汐市疾病预防控制中心", 46, 2, 0),
)
_INSTITUTIONS = (
    ("望汐市图书馆", "SY-1", (_sy(28, 2),)),
    ("望汐市公共资源交易中心", "SY-C", (Row("SYC", "full", 22, 1),)),
    ("望汐市文化馆", "SY-2", (_sy(24, -1, "partial"),)),
    ("望汐市汐园招待所", "SY-S", (_sy(16, 4, "self"),)),
)
_CENTRES = ("便民服务中心", "农业技术服务站")


def city(today: date = TODAY) -> list[Unit]:
    """The units with their people, parents first, as they are on a day: what would lie later has just happened."""
    inventor = Inventor(SEED)
    units = [_unit(inventor, *spec) for spec in _specs()]
    _place_those_near_retirement(inventor, {unit.name: unit for unit in units})
    for number, unit in enumerate(units, start=1):
        _approve(inventor, number, unit)
        unit.quotas = [replace(quota, document_on=min(quota.document_on, today)) for quota in unit.quotas]
        unit.persons = [replace(person, started_on=min(person.started_on, today)) for person in unit.persons]
    return units


def _specs() -> list[tuple[str, str, str | None, tuple[Row, ...]]]:
    specs = list(_ORGANS)
    specs += [(name, "ZJ-Z", None, (_xz(xz, xz_vacant), _sy(sy, sy_vacant))) for name, xz, xz_vacant, sy, sy_vacant in _TOWNS]
    specs += [(name, "ZJ-J", None, (_xz(xz, xz_vacant), _sy(sy, sy_vacant))) for name, xz, xz_vacant, sy, sy_vacant in _STREETS]
    specs += [
        (f"{town[0]}{centre}", "SY-1", town[0], (_sy(14, index % 3),)) for index, town in enumerate(_TOWNS[:6]) for centre in _CENTRES
    ]
    specs += [(name, "SY-E", EDUCATION, (_sy(posts, vacant),)) for name, posts, vacant in _SCHOOLS]
    for name, posts, vacant, contract in _HOSPITALS:
        contracts = (Row("BB", "partial", contract, 8),) if contract else ()
        specs.append((name, "SY-H", HEALTH, (_sy(posts, vacant, "partial"), *contracts)))
    specs += [(name, category, None, rows) for name, category, rows in _INSTITUTIONS]
    missing = PEOPLE - sum(row.posts - row.vacant for *_, rows in specs for row in rows)
    return [(name, category, parent, tuple(_balanced(name, row, missing) for row in rows)) for name, category, parent, rows in specs]


def _balanced(name: str, row: Row, missing: int) -> Row:
    """One row takes what is missing to the round number of people."""
    return replace(row, posts=row.posts + missing) if (name, row.kind) == _BALANCING else row


def _unit(inventor: Inventor, name: str, category: str, parent: str | None, rows: tuple[Row, ...]) -> Unit:
    register = "13" if category == "JG-Q" else "12" if category.startswith("SY") else "11"
    unit = Unit(0, name, inventor.uscc(register), category, parent)
    for row in rows:
        unit.quotas.append(Quota(0, row.kind, row.funding, row.posts, "", TODAY))
        unit.persons += [_person(inventor, unit, row) for _ in range(row.posts - row.vacant)]
    return unit


def _approve(inventor: Inventor, number: int, unit: Unit) -> None:
    """Its posts were approved before the first of its people came: on any day there is a quota to hold them against."""
    approved_on = min(person.started_on for person in unit.persons) - timedelta(days=inventor.chance.randint(30, 300))
    document_no = f"望编〔{approved_on.year}〕{number}号"
    unit.quotas = [replace(quota, document_no=document_no, document_on=approved_on) for quota in unit.quotas]


def _person(inventor: Inventor, unit: Unit, row: Row) -> Person:
    """Somebody whose retirement lies beyond the next three years, so that time alone breaks no rule."""
    chance = inventor.chance
    identity, post, titles, professional = _work(unit.category, row.kind)
    sex = "F" if chance.random() < (0.62 if unit.category in {"SY-E", "SY-H"} else 0.42) else "M"
    born_on = inventor.birth_date(TODAY, 24, 55 if sex == "M" else 45 if post is PostCategory.MANUAL else 50)
    earliest = max(born_on + timedelta(days=23 * 365), date(1996, 1, 1))
    started_on = earliest + timedelta(days=chance.randint(0, max((date(2026, 7, 1) - earliest).days, 0)))
    return Person(
        row=0,
        kind=row.kind,
        funding=row.funding,
        name=inventor.name(sex),
        id_number=inventor.id_number(born_on, sex),
        sex=sex,
        birth_on=born_on,
        certified_birth_on=born_on,
        identity=identity,
        post_category=post,
        title=chance.choice(titles),
        professional_title=chance.choice(professional) if professional else None,
        retirement_category=None,
        started_on=started_on,
    )


def _work(category: str, kind: str) -> tuple[PersonIdentity, PostCategory, tuple[str, ...], tuple[str, ...]]:
    if kind in {"XZ", "ZF"}:
        return PersonIdentity.CIVIL_SERVANT, PostCategory.MANAGERIAL, ("科员", "科员", "股长", "副科长", "科长"), ()
    if kind == "SYC":
        return PersonIdentity.LIKE_CIVIL_SERVANT, PostCategory.MANAGERIAL, ("科员", "科员", "副科长"), ()
    if kind == "GQ":
        return PersonIdentity.WORKER, PostCategory.MANUAL, ("驾驶员", "水电维修", "厨师"), ()
    if category == "SY-E":
        return PersonIdentity.PROFESSIONAL, PostCategory.TECHNICAL, ("教师",), ("二级教师", "二级教师", "一级教师", "一级教师", "高级教师")
    if category == "SY-H":
        return PersonIdentity.PROFESSIONAL, PostCategory.TECHNICAL, ("医师", "护士", "技师"), ("初级", "中级", "中级", "副高级")
    return PersonIdentity.MANAGER, PostCategory.MANAGERIAL, ("工作人员", "工作人员", "主任助理"), ()


def _place_those_near_retirement(inventor: Inventor, units: dict[str, Unit]) -> None:
    """Three men whose statutory month comes in the next months (M60: 63 years less what the transition leaves), far from the story's units."""
    for name, born_on in (
        ("望汐市财政局", date(1966, 6, 11)),
        ("望汐市农业农村局", date(1966, 10, 20)),
        ("望汐市自然资源局", date(1967, 1, 6)),
    ):
        persons = units[name].persons
        persons[0] = replace(
            persons[0],
            name=inventor.name("M"),
            sex="M",
            id_number=inventor.id_number(born_on, "M"),
            birth_on=born_on,
            certified_birth_on=born_on,
            started_on=date(1996, 8, 1),
        )
