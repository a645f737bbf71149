"""The whole city: its rows, sheet by sheet, and the answer key. The same for the same size, seed and day."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from deploy.city import catalogue as units
from deploy.city.answers import RED, REFUSED, TO_CLASSIFY, TRAP, YELLOW, Answer
from deploy.city.careers import age_of, number_papers
from deploy.city.catalogue import BB, BW, COUNTED, GQE, SY, XZ, ZZ, catalogue
from deploy.city.history import History, history_of
from deploy.city.invented import Inventor
from deploy.city.people import NEAR_MONTHS, Crowd, crowd_of, in_post, off_establishment
from deploy.city.plan import (
    CLINIC,
    DATA,
    FINANCE,
    LAND,
    ORGANISATION,
    OVER_SEATS,
    TRADE,
    Cells,
    Quota,
    Unit,
    planned,
    quota_cells,
    seat_cells,
    unit_cells,
)
from deploy.city.plants import DISCIPLINE, PARTY_OFFICE, Found, Plant, plants
from deploy.city.words import STREETS, TOWNS
from shared.law.retirement import Category, Sex, YearMonth, retirement

SEED = 330499
TODAY = date(2026, 9, 18)
UNITS, PERSONS = 620, 36_000
"""A county as it is."""
LEAST_UNITS, LEAST_PERSONS, LEAST_EACH = 60, 2_500, 20
"""A city of as many units and people has room for every part in it."""
FIRST_DAY, LAST_DAY = date(2024, 1, 1), date(2039, 12, 31)
"""Its youngest unit is of 2023."""
_FORBIDDEN_WORK = ((units.LIBRARY, "普通辅助", "出纳"), (TOWNS[6], "普通辅助", "人事专员"), (FINANCE, "普通辅助", "机要文书"))
_SAME_PERSON = (
    *("name", "id_number", "sex", "birth_on", "ethnicity", "native_place", "birth_place", "political_status", "party_joined_on"),
    *("work_began_on", "education", "degree", "full_time_education", "full_time_degree"),
    *("in_service_education", "in_service_degree", "school", "major", "graduated_on"),
)


@dataclass
class City:
    """Units with their numbers, rows by the kind of their sheet, the answers, and what stood in ten years before."""

    units: list[Unit]
    rows: dict[str, list[Cells]]
    answers: list[Answer]
    history: History = field(default_factory=History)


def city_of(count: int, persons: int, seed: int = SEED, today: date = TODAY, inventor: Inventor | None = None) -> City:
    """Make the city. Raises ValueError when so few people cannot fill so many units. Cities of one inventor have no number in common; they are for
    measurements, and have no history.
    """
    alone, inventor = inventor is None, inventor or Inventor(f"{seed}/numbers")
    city = City(units_of(count, persons, seed, today), defaultdict(list), [])
    borrowers = tuple(unit.name for unit in city.units if unit.spec.category in {"党委机关", "政府工作部门"} and not unit.spec.withheld)[
        :30
    ]
    cast: dict[str, list[Plant]] = defaultdict(list)
    for plant in plants(today):
        cast[plant.unit].append(plant)
    for unit in city.units:
        _people(city, crowd_of(unit, today, seed, inventor, borrowers), cast[unit.name])
    _twice(city)
    _traps_of_units(city, today)
    if alone:
        city.history = history_of(city.units, city.rows, {answer.id_number for answer in city.answers}, seed, today, inventor)
    number_papers([*city.rows["roster"], *city.history.people])
    return city


def units_of(count: int, persons: int, seed: int = SEED, today: date = TODAY) -> list[Unit]:
    """The units alone, with their numbers: names and codes are the same in a city of any size. Raises ValueError as `city_of`."""
    inventor = Inventor(0)
    usccs = {spec.name: inventor.uscc(spec.register, spec.name) for spec in catalogue(count)}
    group = next(spec.name for spec in catalogue(count) if spec.register == "91")
    usccs[group] = _early_pilot(usccs[group])
    return planned(count, persons, seed, today, usccs)


def _early_pilot(code: str) -> str:
    """A code of the early pilots: its last character is not the check character. Lawful for a company (9x)."""
    return code[:17] + ("A" if code[17] != "A" else "B")


def _people(city: City, crowd: Crowd, cast: list[Plant]) -> None:
    unit, today = crowd.unit, crowd.today
    city.rows["units"].append(unit_cells(unit))
    city.rows["quotas"] += quota_cells(unit)
    city.rows["seats"] += seat_cells(unit)
    waiting = list(cast)
    people: list[Cells] = []
    found: list[tuple[Cells, Found]] = []
    for cells, who in in_post(crowd, [(plant.kind, plant.who) for plant in cast]):
        people.append(cells)
        if who is not None:
            plant = next(each for each in waiting if each.who is who)
            waiting.remove(plant)
            found += [(cells, one) for one in plant.act(cells, today)]
    city.answers += _answers_of_people(unit, found, len(people), today)
    city.answers += _answers_of_numbers(unit, people, today)
    city.rows["roster"] += people
    off = list(off_establishment(crowd))
    city.answers += _answers_of_off(unit, off)
    city.rows["offestablishment"] += off


def _answers_of_people(unit: Unit, found: list[tuple[Cells, Found]], heads: int, today: date) -> Iterator[Answer]:
    wrong = sum(rule == "M11" for _, (rule, *_) in found)
    for cells, (rule, level, item, since, see) in found:
        if rule == "M11":
            of_all = f"{see}；本单位 {heads} 人中 {wrong} 处"
            yield _about(unit, rule, RED if wrong * 100 > 3 * heads else YELLOW, item, today.isoformat(), of_all, cells)
        else:
            yield _about(unit, rule, level, item, since, see, cells)


def _about(unit: Unit, rule: str, level: str, item: str, since: str, see: str, cells: Cells | None = None) -> Answer:
    who = (str(cells["name"]), str(cells["id_number"])) if cells else ("", "")
    return Answer(rule, level, unit.name, unit.uscc, item, since, see, *who)


def _answers_of_numbers(unit: Unit, people: list[Cells], today: date) -> Iterator[Answer]:
    for row in unit.quotas:
        mine = sorted((cells for cells in people if cells["kind"] == row.kind), key=lambda cells: str(cells["started_on"]))
        if row.planted and row.kind != BW:
            yield from _answers_of_row(unit, row, mine, today)
    if level := OVER_SEATS.get(unit.name):
        approved, _ = unit.seats[level]
        held = sorted(str(cells["title_since"]) for cells in people if cells.get("seat_level") == level)
        yield _about(unit, "M02", RED, level, f"{held[approved]}-01", f"核定 {approved}，实配 {len(held)}，超 {len(held) - approved}")
    if unit.near_retirement is not None:
        yield _near_retirement(unit, people, today)


def _answers_of_row(unit: Unit, row: Quota, mine: list[Cells], today: date) -> Iterator[Answer]:
    changed = [str(cells["started_on"]) for cells in mine]
    last = max([*changed, (row.granted_on or unit.founded_on).isoformat()])
    vacant = row.posts - row.heads
    if row.cause:
        level = YELLOW if row.cause == "政策性超编" else TO_CLASSIFY
        for cells in mine[row.posts :]:
            cells["over_quota_cause"] = row.cause
            if level == YELLOW:
                cells["entry_reason"] = _by_policy(cells)
        yield _about(unit, "M01", level, row.kind, changed[row.posts], f"核定 {row.posts}，实有 {row.heads}，超 {-vacant}：{row.cause}")
    if row.posts and vacant * 100 >= 15 * row.posts:
        level = RED if vacant * 100 >= 25 * row.posts and vacant >= 3 else YELLOW
        see = f"编制 {row.posts}，空编 {vacant}（{vacant / row.posts:.1%}），只作提示，不单独亮红灯"
        yield _about(unit, "M04", level, row.kind, last, see)
    if row.idle_days:
        level = RED if date.fromisoformat(last) <= _months_ago(today, 24) else YELLOW
        yield _about(unit, "M05", level, row.kind, last, f"空编 {vacant}，自 {last} 起无人进入，只作提示")
    if row.use_until and row.use_until < today + timedelta(days=91):
        past = row.use_until < today
        since = row.use_until + timedelta(days=1) if past else row.use_until - timedelta(days=90)
        yield _about(unit, "M24", RED if past else YELLOW, ZZ, since.isoformat(), f"周转编制 {row.posts} 名，{row.use_until} 到期，单列")


def _by_policy(cells: Cells) -> str:
    """In which way somebody of his age and sex comes onto a post beyond the number by policy."""
    age = age_of(date.fromisoformat(str(cells["birth_on"])), date.fromisoformat(str(cells["started_on"])))
    return "选调生" if age <= 28 else "军转安置" if cells["sex"] == "男" else "调任"


def _months_ago(day: date, months: int) -> date:
    month = YearMonth(day.year, day.month).plus(-months)
    return date(month.year, month.month, min(day.day, 28))


def _near_retirement(unit: Unit, people: Iterable[Cells], today: date) -> Answer:
    """Counted over the men, who alone are planted near it."""
    this_month = YearMonth(today.year, today.month)
    counted = [cells for cells in people if cells["kind"] in COUNTED]
    months = [_men_month(cells) for cells in counted if cells["sex"] == "男"]
    near = sum(this_month <= month <= this_month.plus(NEAR_MONTHS) for month in months)
    level = RED if near * 100 >= 35 * len(counted) else YELLOW
    see = f"在编 {len(counted)} 人，五年内退休 {near} 人（{near / len(counted):.0%}），只作提示，不是违规"
    return _about(unit, "M26", level, "五年退休占比", today.replace(day=1).isoformat(), see)


def _men_month(cells: Cells) -> YearMonth:
    born_on = date.fromisoformat(str(cells["birth_on"]))
    return retirement(YearMonth(born_on.year, born_on.month), Sex.MALE, Category.M60).latest


def _answers_of_off(unit: Unit, off: list[Cells]) -> Iterator[Answer]:
    for name, kind, title in _FORBIDDEN_WORK:
        if name == unit.name:
            cells = off[0]
            cells.update(off_post_kind=kind, title=title, post_category="管理岗位")
            yield _about(
                unit, "M19", RED, title, str(cells["started_on"]), "编外人员在禁止岗位（财务、人事、执法、涉密），待人工确认", cells
            )
    for row in unit.quotas:
        if row.kind == BW and row.heads * 100 >= 95 * row.posts:
            days = sorted(str(cells["started_on"]) for cells in off)
            over = row.heads > row.posts
            reached = row.posts if over else -(-95 * row.posts // 100) - 1
            see = f"控制数 {row.posts}，编外实有 {row.heads}：{'超控制数' if over else '达到控制数的百分之九十五'}；不计入编制"
            yield _about(unit, "M18", RED if over else YELLOW, BW, days[reached], see)


def _twice(city: City) -> None:
    """The same ID number on two rosters: an import must refuse the second row."""
    people, by_name = city.rows["roster"], {unit.name: unit for unit in city.units}
    planted = {answer.id_number for answer in city.answers}

    def plain(rows: list[Cells], unit: str, kind: str | None) -> Cells:
        """Somebody of the unit about whom nothing else is said."""
        mine = (cells for cells in rows if cells["unit"] == unit and kind in {None, cells.get("kind")} and not cells.get("seat_level"))
        return next(cells for cells in mine if cells["id_number"] not in planted and cells["duty_status" if kind else "name"] != "借出")

    for first, second in (
        (plain(people, FINANCE, XZ), plain(people, CLINIC, SY)),
        (plain(people, TOWNS[5], XZ), plain(city.rows["offestablishment"], units.LIBRARY, None)),
    ):
        second.update({name: first.get(name) for name in _SAME_PERSON})
        second["started_on"] = second["entered_on"] = max(str(first["started_on"]), str(second["started_on"]))
        second["title_since"] = str(second["started_on"])[:7]
        see = f"同一号码已在“{first['unit']}”：导入时本行拒绝，先核实再办理出编或更正"
        city.answers.append(_about(by_name[str(second["unit"])], "M12", REFUSED, "id_number", str(second["started_on"]), see, second))


def _traps_of_units(city: City, today: date) -> None:
    by_name = {unit.name: unit for unit in city.units}
    town, street, land, trade, hospital = (by_name[name] for name in (TOWNS[6], STREETS[1], LAND, TRADE, units.HOSPITAL))
    over, vacant = town.quota(XZ).heads - town.quota(XZ).posts, town.quota(SY).posts - town.quota(SY).heads
    contract, staff = hospital.quota(BB), hospital.quota(SY)
    since = today.isoformat()
    group = next(unit.name for unit in city.units if unit.spec.register == "91")
    add = city.answers.append
    add(_about(town, "T01", TRAP, XZ, since, f"行政编制超 {over}、事业编制空 {vacant}：不相抵，超编 {over}、空编 {vacant}"))
    add(
        _about(
            hospital,
            "T02",
            TRAP,
            BB,
            since,
            f"报备员额 {contract.heads}/{contract.posts} 不是编制：事业编制 {staff.heads}/{staff.posts} 单独计算",
        )
    )
    add(_about(by_name[group], "T02", TRAP, GQE, since, "国企员额不是编制，不计入机关事业单位编制总数"))
    add(_about(trade, "T04", TRAP, "参公事业编制", since, "参公人员按公务员管理，所占仍是事业编制中的参公事业编制，不计入行政编制"))
    add(_about(by_name[PARTY_OFFICE], "T11", TRAP, "plates", since, "加挂牌子是本单位的另一名称，不是另一单位"))
    add(_about(by_name[DISCIPLINE], "T11", TRAP, "second_names", since, "第二名称是本单位的另一名称，不是另一单位"))
    add(_about(by_name[group], "T16", TRAP, "uscc", since, "早期试点的代码校验码不符：登记机关为 9 字头，只提示，不拒绝"))
    add(_about(street, "T17", TRAP, XZ, since, "政策性超编：黄灯、列计划，不上督办阶梯，不冻结"))
    add(_about(land, "T18", TRAP, SY, since, "空编率高只作提示，单位不因此亮红灯"))
    add(_about(by_name[DATA], "T32", TRAP, "", since, "没有任何编制：使用率显示“—”，不是 0，也不是 100%"))
    add(_about(by_name[ORGANISATION], "T32", TRAP, units.GQ, since, "机关工勤编制已收回为 0：使用率显示“—”"))
    for unit in city.units:
        if unit.spec.withheld:
            add(_about(unit, "T33", TRAP, "withheld", since, "不计入公开汇总；政法专项编制未开启时不导入"))
    for month in _gaps(today):
        says = f"{month} 没有人到法定退休月（原六十、五十五周岁）：按月推算的空档，不是错误"
        add(Answer("T14", TRAP, "", "", str(month), since, says))
    city.answers = [replace(answer) for answer in sorted(city.answers, key=lambda each: (each.rule, each.unit, each.id_number, each.item))]


def _gaps(today: date) -> list[YearMonth]:
    """The months of the coming year in which by law nobody of M60 and F55 reaches the statutory month."""
    this_month = YearMonth(today.year, today.month)
    reached = {
        retirement(this_month.plus(-months), sex, category).latest
        for months in range(12 * 50, 12 * 66)
        for sex, category in ((Sex.MALE, Category.M60), (Sex.FEMALE, Category.F55))
    }
    return [month for month in (this_month.plus(ahead) for ahead in range(12)) if month not in reached]
