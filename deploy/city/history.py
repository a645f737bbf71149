"""Ten years of history: who has left, how numbers changed, what units were called before. Nobody and nothing of today depends on it.

Whoever left had the post of somebody who came after him, so that on no day more people stand on a row than its posts of that day bear.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cache
from random import Random

from deploy.city import catalogue as units
from deploy.city.careers import month_of, papers
from deploy.city.catalogue import BW, SYC, XZ, ZF
from deploy.city.invented import Inventor
from deploy.city.people import Crowd, category_of, predecessor
from deploy.city.plan import FARMING, Cells, Quota, Unit, unit_cells
from deploy.city.plants import LAND_BUREAU, born_to_retire
from deploy.city.words import CITY
from shared.law.retirement import Category, YearMonth

YEARS = 10
LEFT = "已出编"
_SUCCEEDED, _MOVED, _RETIRED = 0.3, 0.12, 0.6
_CHANGED, _TWICE = 0.25, 0.3
_REFORM = (2019, 1, 25, "望委发〔2019〕1号")
_CALLED = {
    FARMING: f"{CITY}农业局",
    LAND_BUREAU: f"{CITY}国土资源局",
    units.HEALTH: f"{CITY}卫生和计划生育局",
    f"{CITY}国有资本投资运营集团有限公司": f"{CITY}国有资产投资控股有限公司",
}
"""What units of today were called before the reform of institutions of 2019."""
_MERGED = {f"{CITY}农业机械管理局": FARMING, f"{CITY}测绘与地理信息局": LAND_BUREAU}
"""Units that went into others then."""
_SAME = (
    *("name", "id_number", "sex", "birth_on", "certified_birth_on", "ethnicity", "native_place", "birth_place", "political_status"),
    *("party_joined_on", "work_began_on", "education", "degree", "full_time_education", "school", "major", "graduated_on", "identity"),
    *("person_class", "title", "post_category", "post_grade", "professional_title", "grade", "civil_servant_registered"),
)


@dataclass(frozen=True)
class Reform:
    """A unit's change of a day. `into`: it was merged into this one; else `name` is what it is called since."""

    uscc: str
    former: str
    name: str
    short_name: str
    on: date
    document_no: str
    into: str = ""


@dataclass
class History:
    """Rows as they stood before, by sheet: posts by the year at whose end they did; who has left; units under their former names."""

    quotas: dict[int, list[Cells]] = field(default_factory=lambda: defaultdict(list))
    people: list[Cells] = field(default_factory=list)
    units: list[Cells] = field(default_factory=list)
    reforms: list[Reform] = field(default_factory=list)


def history_of(
    planned: list[Unit], rows: Mapping[str, list[Cells]], planted: set[str], seed: int, today: date, inventor: Inventor
) -> History:
    """Invent it. The rows of today get the documents of their last change, and say where somebody was before. `planted`: the numbers of those of whom
    the answer key speaks.
    """
    history = History()
    _reform(history, planned, rows["units"], today, inventor)
    by_row: dict[tuple[str, str], list[Cells]] = defaultdict(list)
    for cells in sorted(rows["roster"], key=lambda each: str(each["started_on"])):
        by_row[str(cells["unit"]), str(cells["kind"])].append(cells)
    movers = _Movers(rows["roster"], planted)
    numbers = {(cells["unit"], cells["kind"]): cells for cells in rows["quotas"]}
    for unit in planned:
        chance = Random(f"{seed}/history/{unit.name}")  # noqa: S311  a city, not a secret
        crowd = Crowd(unit, today, chance, inventor, ())
        for row in unit.quotas:
            if row.kind != BW and not row.planted:
                came = [cells for cells in by_row[unit.name, row.kind] if str(cells["started_on"]) > str(_ago(today, YEARS))]
                followed = [cells for cells in came if chance.random() < _SUCCEEDED]
                gone = [person for cells in followed if (person := _before(crowd, row, cells, movers))]
                history.people += gone
                alone = [str(cells["started_on"]) for cells in came if cells not in followed]
                _change_posts(history, unit, row, numbers[unit.name, row.kind], alone, chance, today)
    return history


def _ago(day: date, years: int) -> date:
    return date(day.year - years, day.month, min(day.day, 28))


class _Movers:
    """People of today who came from a post elsewhere in the city, by kind of post and the day they came; each is taken once."""

    def __init__(self, people: Iterable[Cells], apart: set[str]) -> None:
        self._by_kind: dict[object, list[tuple[str, str, Cells]]] = defaultdict(list)
        for cells in people:
            plain = not cells.get("seat_level") and cells["duty_status"] == "在编在岗" and cells["entry_reason"] in {"调动", "转任"}
            if plain and cells["id_number"] not in apart:
                self._by_kind[cells["kind"]].append((str(cells["started_on"]), str(cells["id_number"]), cells))
        for each in self._by_kind.values():
            each.sort(key=lambda entry: entry[:2])

    def take(self, row: Quota, unit: str, since: date, until: date) -> Cells | None:
        """Somebody who came elsewhere between these days, to the same kind and funding."""
        waiting = self._by_kind[row.kind]
        at = bisect_left(waiting, (str(since), ""), key=lambda entry: entry[:2])
        while at < len(waiting) and waiting[at][0] <= str(until):
            cells = waiting[at][2]
            if cells["unit"] != unit and cells["funding"] == row.funding:
                del waiting[at]
                return cells
            at += 1
        return None


def _before(crowd: Crowd, row: Quota, successor: Cells, movers: _Movers) -> Cells | None:
    """Who had the post before its holder of today; None where the time between is too short."""
    chance = crowd.chance
    came_on = date.fromisoformat(str(successor["started_on"]))
    last = came_on - timedelta(days=5)
    draw = chance.random()
    if draw < _MOVED and (mover := movers.take(row, crowd.unit.name, _ago(last, 1), last)):
        return _moved(crowd, row, mover)
    if draw < _MOVED + _RETIRED:
        return _retired(crowd, row, YearMonth(last.year, last.month).plus(-chance.randint(1, 6)))
    return _resigned(crowd, row, last - timedelta(days=chance.randint(0, 180)))


def _retired(crowd: Crowd, row: Quota, month: YearMonth) -> Cells | None:
    """Gone on the first day after the statutory month."""
    after = month.plus(1)
    ended_on, sex = date(after.year, after.month, 1), "F" if crowd.chance.random() < 0.45 else "M"
    then = replace(crowd, today=ended_on)
    category = Category.M60 if sex == "M" else Category.F55
    born_on = _born(month, sex, category).replace(day=crowd.chance.randint(1, 28))
    cells = predecessor(then, row, sex, born_on)
    found = category_of(sex, str(cells["post_category"]), str(cells["title"]), _text(cells["professional_title"]))
    if found not in {category, Category.SPECIAL}:  # a woman who worked with her hands
        return None
    started_on = born_on + timedelta(days=crowd.chance.randint(22 * 366, 34 * 365))
    return _gone(then, row, cells, started_on, "退休")


@cache
def _born(month: YearMonth, sex: str, category: Category) -> date:
    return born_to_retire(month, sex, category)


def _text(cell: object) -> str | None:
    return None if cell is None else str(cell)


def _resigned(crowd: Crowd, row: Quota, ended_on: date) -> Cells | None:
    chance = crowd.chance
    sex = chance.choice("FM")
    born_on = ended_on - timedelta(days=chance.randint(29 * 366, 45 * 365))
    then = replace(crowd, today=ended_on)
    servant = row.kind in {XZ, ZF, SYC}
    reason = chance.choice(("调出本市", "调出本市", "辞职") if servant else ("解除或终止聘用合同", "辞职", "调出本市"))
    cells = predecessor(then, row, sex, born_on)
    return _gone(then, row, cells, ended_on - timedelta(days=chance.randint(500, 9 * 365)), reason)


def _moved(crowd: Crowd, row: Quota, mover: Cells) -> Cells | None:
    """Somebody who is elsewhere in the city today: the same person, on his post of before."""
    ended_on = date.fromisoformat(str(mover["started_on"]))
    cells: Cells = {name: mover.get(name) for name in _SAME} | {"unit": crowd.unit.name, "kind": row.kind, "funding": row.funding}
    wanted_on = ended_on - timedelta(days=crowd.chance.randint(500, 9 * 365))
    gone = _gone(replace(crowd, today=ended_on), row, cells, wanted_on, "市内调动")
    if gone is not None:
        mover["entry_source"] = crowd.unit.name
    return gone


def _gone(crowd: Crowd, row: Quota, cells: Cells, started_on: date, reason: str) -> Cells | None:
    """With his entry and his exit on the crowd's day; None where the unit, his work or a year of service do not allow it."""
    ended_on, chance = crowd.today, crowd.chance
    founded_on = max(crowd.unit.founded_on, row.granted_on or date.min) + timedelta(days=30)
    started_on = max(started_on, founded_on, date.fromisoformat(f"{cells['work_began_on']}-01"))
    if started_on > ended_on - timedelta(days=365):
        return None
    cells.update(papers(row.kind, started_on, ended_on, chance, cells))
    cells.update(
        title_since=month_of(started_on),
        duty_status=LEFT,
        ended_on=ended_on.isoformat(),
        exit_reason=reason,
        exit_document_no=f"望编出〔{ended_on.year}〕{chance.randint(1, 900)}号",
    )
    return cells


def _change_posts(history: History, unit: Unit, row: Quota, now: Cells, alone: list[str], chance: Random, today: date) -> None:
    """One or two changes of the number in ten years; it was never below who stood there. `alone`: the days on which somebody came to a post
    that nobody left.
    """
    if chance.random() >= _CHANGED or row.posts < 6:
        return
    first, second = date(today.year - YEARS, 12, 31), date(today.year - YEARS // 2, 12, 31)
    twice = chance.random() < _TWICE
    days = [_a_day(first, second, chance), _a_day(second, _ago(today, 1), chance)] if twice else [_a_day(first, _ago(today, 1), chance)]
    posts_then, after = row.posts, dict[date, int]()
    for day in reversed(days):
        after[day] = posts_then
        came_since = len(alone) - bisect_left(alone, str(day)) - (row.posts - posts_then)
        posts_then += chance.choice((1, 2, -min(came_since, 3), -min(came_since, 2)) if came_since > 0 else (1, 2))
    if days[0] <= unit.founded_on + timedelta(days=365):
        return
    history.quotas[first.year].append(dict(now) | {"posts": posts_then})
    for day in days:
        stands = now if day == days[-1] else dict(now)
        stands.update(posts=after[day], document_no=f"望编〔{day.year}〕{chance.randint(1, 200)}号", document_on=day.isoformat())
        if stands is not now:
            history.quotas[second.year].append(stands)


def _a_day(after: date, before: date, chance: Random) -> date:
    return after + timedelta(days=chance.randint(30, (before - after).days - 30))


def _reform(history: History, planned: list[Unit], rows: list[Cells], today: date, inventor: Inventor) -> None:
    on, document_no = date(*_REFORM[:3]), _REFORM[3]
    if not _ago(today, YEARS) < on < today:
        return
    by_name = {str(cells["name"]): cells for cells in rows}
    for name, former in _CALLED.items():
        cells = by_name[name]
        history.units.append(dict(cells) | {"name": former, "short_name": None})
        history.reforms.append(Reform(str(cells["uscc"]), former, name, str(cells["short_name"]), on, document_no))
        cells.update(document_no=document_no, document_on=on.isoformat())
    pattern = next(unit for unit in planned if unit.name == FARMING)
    for name, into in _MERGED.items():
        spec = replace(pattern.spec, name=name, plates=(), second_names=(), short_name="")
        gone = replace(pattern, spec=spec, uscc=inventor.uscc("11", name), sections=())
        history.units.append(unit_cells(gone))
        history.reforms.append(Reform(gone.uscc, name, "", "", on, document_no, into=str(by_name[into]["uscc"])))
