"""How many posts each unit has, and how many are taken: scaled to the number of people asked for. Planted problems are planned before the rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import floor
from random import Random
from typing import TypeAlias

from deploy.city import catalogue as units
from deploy.city.catalogue import BW, COUNTED, SY, SYC, XZ, ZZ, Spec, catalogue
from deploy.city.words import CITY, STREETS, TOWNS

Cell: TypeAlias = str | int
Cells: TypeAlias = dict[str, Cell | None]
"""One row of a sheet, by the field names of services/roster/models/fields.py, in the words of a file."""
TALENT, LAND, BILLS = f"{CITY}人才服务中心", f"{CITY}不动产登记中心", f"{CITY}财政票据中心"
SPECIAL_SCHOOL, KINDERGARTEN, CDC = f"{CITY}特殊教育学校", f"{CITY}机关幼儿园", f"{CITY}疾病预防控制中心"
CLINIC, TRADE, DATA = f"{CITY}中医医院", f"{CITY}公共资源交易中心", f"{CITY}数据发展服务中心"
ORGANISATION = f"中共{CITY}委组织部"
FARMING, JUSTICE, FINANCE = f"{CITY}农业农村局", f"{CITY}司法局", f"{CITY}财政局"
UNIT_HEAD, UNIT_DEPUTY, SECTION_HEAD, SECTION_DEPUTY = "单位正职", "单位副职", "内设机构正职", "内设机构副职"
_LATE_FOUNDED = {
    "退役军人": 2019,
    "应急": 2019,
    "医疗保": 2019,
    "数据": 2020,
    "网格": 2021,
    "信息指挥": 2020,
    "社会工作": 2023,
    "中队": 2010,
    "集团": 2016,
}
_ELASTIC = 40
_MOST_VACANT = 0.14


@dataclass
class Quota:
    """Posts of one kind and funding, and how many have somebody. `idle_days`: nobody entered for so long (None: somebody did lately)."""

    kind: str
    funding: str
    posts: int
    heads: int
    planted: bool = False
    idle_days: tuple[int, int] | None = None
    use_until: date | None = None
    granted_on: date | None = None
    cause: str | None = None


@dataclass
class Unit:
    """A unit with its numbers. `seats`: level to (approved, taken)."""

    spec: Spec
    uscc: str
    founded_on: date
    document_no: str
    quotas: list[Quota]
    seats: dict[str, tuple[int, int]] = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    near_retirement: float | None = None

    @property
    def name(self) -> str:
        return self.spec.name

    def quota(self, kind: str) -> Quota:
        """The row of a kind. Raises StopIteration."""
        return next(row for row in self.quotas if row.kind == kind)


@dataclass(frozen=True)
class _Fixed:
    """Posts of a row that plays a part (None: as scaled, at least twenty), and how many are vacant; below zero: people beyond them."""

    kind: str
    posts: int | None
    vacant: int
    idle_days: tuple[int, int] | None = None
    cause: str | None = None


_FIXED: Mapping[str, tuple[_Fixed, ...]] = {
    TOWNS[6]: (_Fixed(XZ, None, -1, cause="历史遗留超编"), _Fixed(SY, None, 3)),
    STREETS[1]: (_Fixed(XZ, None, -2, cause="政策性超编"), _Fixed(SY, None, 2)),
    units.CULTURE: (_Fixed(SY, 24, -1, cause="历史遗留超编"),),
    TALENT: (_Fixed(SY, 20, 4),),
    LAND: (_Fixed(SY, 36, 10),),
    units.LIBRARY: (_Fixed(SY, 30, 2, idle_days=(430, 600)),),
    BILLS: (_Fixed(SY, 14, 1, idle_days=(1200, 1800)),),
    SPECIAL_SCHOOL: (_Fixed(SY, 34, 1), _Fixed(BW, 25, 1)),
    KINDERGARTEN: (_Fixed(SY, 30, 0), _Fixed(BW, 20, -3)),
    units.HOSTEL: (_Fixed(SY, 18, 0),),
    TRADE: (_Fixed(SYC, 24, 0),),
    CLINIC: (_Fixed(SY, None, 3),),
    **{town: (_Fixed(XZ, None, 0), _Fixed(SY, None, 2)) for town in TOWNS[:5]},
}
"""Rows that must be exactly so: the planted ones, and the towns in which the demo's story is played."""
_NEAR_RETIREMENT = {units.HOSTEL: 0.5, TRADE: 0.3}
OVER_SEATS = {FARMING: UNIT_DEPUTY, JUSTICE: SECTION_HEAD}
_ONE_DEPUTY_FEWER = frozenset({FINANCE, units.EDUCATION})
"""The seat left is taken by somebody who is planted."""
STAGE = frozenset({*TOWNS[:5], *(f"{CITY}{name}" for name in ("高级中学", "第一初级中学", "第二初级中学", "实验小学"))})
"""Where the demo's story is played: for some years nobody retires there, so that time alone changes nothing."""


def planned(count: int, persons: int, seed: int, today: date, usccs: Mapping[str, str]) -> list[Unit]:
    """The units with their numbers; the people of all rows together are exactly `persons`. Raises ValueError when that is too few."""
    specs = catalogue(count)
    factor = persons / sum(spec.off + sum(row.posts for row in spec.rows) for spec in specs)
    founded: dict[str, date] = {}
    planned_units = []
    for number, spec in enumerate(specs, start=1):
        chance = Random(f"{seed}/plan/{spec.name}")  # noqa: S311  a city, not a secret
        founded[spec.name] = max(_founded_on(spec, chance), founded.get(spec.parent or "", date.min))
        unit = Unit(
            spec, usccs[spec.name], founded[spec.name], f"望编〔{founded[spec.name].year}〕{number}号", [*_quotas(spec, factor, chance)]
        )
        planned_units.append(unit)
    _lend_posts({unit.name: unit for unit in planned_units}, today)
    _balance(planned_units, persons)
    for unit in planned_units:
        _seat(unit, Random(f"{seed}/seats/{unit.name}"))  # noqa: S311
        unit.near_retirement = _NEAR_RETIREMENT.get(unit.name)
    return planned_units


def _founded_on(spec: Spec, chance: Random) -> date:
    """Organs, towns, and what bears their name are of 1984; institutions came later."""
    late = next((year for word, year in _LATE_FOUNDED.items() if word in spec.name), None)
    old = spec.parent is None or spec.category in {"学校", "医院"} or spec.name in _FIXED
    year = late or (1984 if old else chance.randint(1985, 2014))
    return date(year, chance.randint(1, 6), chance.randint(1, 28))


def _quotas(spec: Spec, factor: float, chance: Random) -> Iterator[Quota]:
    fixed = {each.kind: each for each in _FIXED.get(spec.name, ())}
    for row in spec.rows:
        posts = max(2, round(row.posts * factor))
        if found := fixed.get(row.kind):
            posts = found.posts or max(posts, 20)
            yield Quota(row.kind, row.funding, posts, posts - found.vacant, planted=True, idle_days=found.idle_days, cause=found.cause)
        else:
            yield Quota(row.kind, row.funding, posts, posts - _vacant(spec, row.kind, posts, chance))
    if found := fixed.get(BW):
        yield Quota(BW, spec.funding, found.posts or 0, (found.posts or 0) - found.vacant, planted=True)
    elif off := round(spec.off * factor):
        yield Quota(BW, spec.funding, off, floor(off * 0.9))
    if spec.name == ORGANISATION:
        yield Quota(units.GQ, units.STATE, 0, 0, planted=True)


def _vacant(spec: Spec, kind: str, posts: int, chance: Random) -> int:
    """Vacancies as they are everywhere: fewer than one in seven, none in small rows."""
    usual = (
        max(2, round(posts * 0.05)) if spec.category in {"学校", "镇", "街道"} and kind == SY else round(posts * chance.uniform(0, 0.09))
    )
    return min(usual, floor(posts * _MOST_VACANT))


def _lend_posts(by_name: Mapping[str, Unit], today: date) -> None:
    """周转编制: one past its term, one near it, one with time left."""
    for name, posts, days in ((CDC, 3, -45), (CLINIC, 2, 60), (units.HOSPITAL, 4, 400)):
        unit, until = by_name[name], today + timedelta(days=days)
        granted_on = until - timedelta(days=3 * 365)
        unit.quotas.append(Quota(ZZ, unit.spec.funding, posts, posts, planted=True, use_until=until, granted_on=granted_on))


def _balance(planned_units: list[Unit], persons: int) -> None:
    """Schools and hospitals take what rounding left over, post by post."""
    elastic = [
        row
        for unit in planned_units
        for row in unit.quotas
        if unit.spec.category in {"学校", "医院"} and not row.planted and row.kind == SY
    ]
    missing = persons - sum(row.heads for unit in planned_units for row in unit.quotas)
    step = 1 if missing > 0 else -1
    at = 0
    while missing:
        row = elastic[at % len(elastic)]
        at += 1
        if step > 0 or row.posts > _ELASTIC:
            row.posts, row.heads, missing = row.posts + step, row.heads + step, missing - step
        if at > abs(persons) + len(elastic):
            raise ValueError("too few people for so many units")


def _seat(unit: Unit, chance: Random) -> None:
    """领导职数 and internal units, as many as the unit can bear; a few seats are empty, two units have one too many."""
    heads = sum(row.heads for row in unit.quotas if row.kind in COUNTED | {units.GQE})
    most = unit.quotas[0].heads * 2 // 3 if unit.quotas else 0
    if not heads:
        return
    town = unit.spec.category in {"镇", "街道"}
    wide = {"学校": (30, 12), "医院": (45, 14)}.get(unit.spec.category, (9, 5))
    deputies = min(7, heads // 7) if town else min(5, max(heads // wide[0], int(heads >= 5)))
    sections = min(len(unit.spec.sections), heads // wide[1])
    wanted = {UNIT_HEAD: 2 if town else 1, UNIT_DEPUTY: deputies, SECTION_HEAD: sections, SECTION_DEPUTY: sections // 2}
    unit.sections = unit.spec.sections[:sections]
    for level, number in wanted.items():
        approved = min(number, most)
        most -= approved
        if approved:
            one_fewer = unit.name in _ONE_DEPUTY_FEWER and level == UNIT_DEPUTY
            empty = one_fewer or (level != UNIT_HEAD and approved > 1 and chance.random() < 0.3)
            unit.seats[level] = (approved, approved - empty)
    if unit.name in OVER_SEATS:
        if OVER_SEATS[unit.name] not in unit.seats:
            raise ValueError("too few people for so many units")
        approved, _ = unit.seats[OVER_SEATS[unit.name]]
        unit.seats[OVER_SEATS[unit.name]] = (approved, approved + 1)


def unit_cells(unit: Unit) -> Cells:
    """A row of the sheet of units."""
    spec = unit.spec
    return {
        "name": spec.name,
        "short_name": spec.short_name or spec.name.removeprefix("中共"),
        "uscc": unit.uscc,
        "category": spec.category,
        "nature": spec.nature,
        "public_welfare": spec.public_welfare,
        "unit_funding": spec.funding,
        "sector": spec.sector,
        "rank": spec.rank,
        "system": spec.system,
        "parent": spec.parent,
        "second_names": "、".join(spec.second_names) or None,
        "plates": "、".join(spec.plates) or None,
        "internal_units": "、".join(unit.sections) or None,
        "duties": f"承担本单位职责范围内的{spec.sector}工作，完成上级交办的其他任务。",
        "established_on": unit.founded_on.isoformat(),
        "withheld": "是" if spec.withheld else "否",
        "document_no": unit.document_no,
        "document_on": unit.founded_on.isoformat(),
    }


def quota_cells(unit: Unit) -> Iterator[Cells]:
    """Its rows of the sheet of posts."""
    for row in unit.quotas:
        approved_on = row.granted_on or unit.founded_on
        yield {
            "unit": unit.name,
            "kind": row.kind,
            "funding": row.funding,
            "posts": row.posts,
            "use_until": row.use_until.isoformat() if row.use_until else None,
            "document_no": f"望编周转〔{approved_on.year}〕3号" if row.kind == ZZ else unit.document_no,
            "document_on": approved_on.isoformat(),
        }


def seat_cells(unit: Unit) -> Iterator[Cells]:
    """Its rows of the sheet of leadership posts."""
    for level, (approved, _) in unit.seats.items():
        numbers = {"document_no": unit.document_no, "document_on": unit.founded_on.isoformat()}
        yield {"unit": unit.name, "level": level, "approved": approved, **numbers}
