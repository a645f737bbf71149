"""The planted people and what is done to them. Which unit plays which part does not depend on the size of the city."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TypeAlias

from deploy.city import catalogue as units
from deploy.city import posts
from deploy.city.answers import DATA_GAP, RED, TRAP, YELLOW
from deploy.city.careers import age_of
from deploy.city.catalogue import EDUCATION, GQ, HEALTH, SY, XZ
from deploy.city.people import Wanted, retires
from deploy.city.plan import CLINIC, ORGANISATION, SPECIAL_SCHOOL, Cells
from deploy.city.words import CITY, STREETS, TOWNS
from shared.law.notices import load_calendar
from shared.law.retirement import Category, YearMonth

FINANCE, PERSONNEL, FARMING, LAND_BUREAU = (f"{CITY}{name}" for name in ("财政局", "人力资源和社会保障局", "农业农村局", "自然资源局"))
CONGRESS, GOVERNMENT, CONSULTATIVE = f"{CITY}人大常委会办公室", f"{CITY}人民政府办公室", f"政协{CITY}委员会办公室"
DISCIPLINE, PROPAGANDA, PARTY_OFFICE = f"中共{CITY}纪律检查委员会机关", f"中共{CITY}委宣传部", f"中共{CITY}委办公室"
JUSTICE = f"{CITY}司法局"
Found: TypeAlias = tuple[str, str, str, str, str]
"""Rule, level, item, since, what to see."""


@dataclass(frozen=True)
class Plant:
    """Somebody on a unit's post of a kind. `act` changes his row and says what is to be found of him."""

    unit: str
    kind: str
    who: Wanted
    act: Callable[[Cells, date], list[Found]]


def plants(today: date) -> Iterator[Plant]:
    """All of them, for a city as it stands on a day."""
    yield from _past_retirement(today)
    yield from _not_past_retirement(today)
    yield from _wrong_posts(today)
    yield from _early_and_wrong(today)
    yield from _seconded(today)
    yield from _odd_names_and_areas()


def born_to_retire(month: YearMonth, sex: str, category: Category) -> date:
    """A birth date whose statutory month is this one, or the last one before it that is nobody's gap."""
    for back in range(4):
        wanted = month.plus(-back)
        for months in range(12 * 48, 12 * 66):
            born = wanted.plus(-months)
            if retires(date(born.year, born.month, 11), sex, category)[1] == wanted:
                return date(born.year, born.month, 11)
    raise ValueError(f"no birth month leads to {month}")


def _past_retirement(today: date) -> Iterator[Plant]:
    this_month = YearMonth(today.year, today.month)
    for unit, kind, sex, category, months in (
        *((FINANCE, XZ, "M", Category.M60, 3), (units.HOSTEL, SY, "F", Category.F50, 5), (LAND_BUREAU, XZ, "M", Category.M60, 1)),
        *((f"{CITY}{TOWNS[3]}中心小学", SY, "F", Category.F55, 4),),
    ):
        born_on = born_to_retire(this_month.plus(-months), sex, category)
        manual = category is Category.F50
        who = (
            Wanted(sex, born_on, "厨师", "高级工", posts.MANUAL)
            if manual
            else Wanted(sex, born_on, None, "一级教师" if kind == SY else None)
        )
        yield Plant(unit, kind, who, _overdue(born_on, sex, category))


def _overdue(born_on: date, sex: str, category: Category) -> Callable[[Cells, date], list[Found]]:
    def act(cells: Cells, today: date) -> list[Found]:
        if category is Category.F50:
            cells["identity"], cells["post_grade"] = posts.WORKER, "工勤技能三级"
        return [_retired_found(born_on, sex, category, today)]

    return act


def _retired_found(born_on: date, sex: str, category: Category, today: date) -> Found:
    month = retires(born_on, sex, category)[1]
    following = month.plus(1)
    last = date(following.year, following.month, 1) - timedelta(days=1)
    due_on = load_calendar(()).add_working_days(last, 15).due_on
    level = RED if today > due_on else YELLOW
    return "M09", level, str(month), (last + timedelta(days=1)).isoformat(), f"法定退休月 {month}，应于 {due_on} 前出编，仍在编"


def _not_past_retirement(today: date) -> Iterator[Plant]:
    """Those whom a rule of thumb accuses, or misses."""
    this_month = YearMonth(today.year, today.month)
    past = born_to_retire(this_month.plus(-6), "M", Category.M60)
    later = born_to_retire(this_month.plus(14), "M", Category.M60)
    yield Plant(FARMING, XZ, Wanted("M", past), _certified(later, None))
    yield Plant(CONGRESS, XZ, Wanted("M", later), _certified(past, _retired_found(past, "M", Category.M60, today)))
    beyond_55 = today.replace(day=11) - timedelta(days=int(57.5 * 365.25))
    yield Plant(CLINIC, SY, Wanted("F", beyond_55, "主任医师", "主任医师", posts.TECHNICAL), _senior)
    yield Plant(f"{CITY}高级中学", SY, Wanted("F", beyond_55, "教师", "高级教师", posts.TECHNICAL), _senior)
    at_52 = born_to_retire(this_month.plus(-5), "F", Category.F50)
    yield Plant(units.CULTURE, SY, Wanted("F", at_52, "工作人员", None, posts.MANAGERIAL), _from_manual_to_managerial)
    yield Plant(PARTY_OFFICE, GQ, Wanted("F", at_52.replace(year=at_52.year + 4), "打字员", "高级工", posts.MANUAL), _senior_worker)
    middle = today.replace(day=11) - timedelta(days=int(52.5 * 365.25))
    yield Plant(f"{CITY}{TOWNS[1]}中心小学", SY, Wanted("F", middle, "教师", "小学高级教师", posts.TECHNICAL), _primary_senior)
    yield Plant(PROPAGANDA, XZ, Wanted("F", today - timedelta(days=int(56.9 * 365.25)), "科员", None, "岗位待核"), _unknown_post)


def _certified(born_on: date, found: Found | None) -> Callable[[Cells, date], list[Found]]:
    def act(cells: Cells, _: date) -> list[Found]:
        cells["certified_birth_on"] = born_on.isoformat()
        says = f"档案认定出生日期 {born_on} 与号码中的不同，以档案为准：{'已到退休月，应报 M09' if found else '未到退休月，不报 M09'}"
        return [("T15", TRAP, "certified_birth_on", born_on.isoformat(), says), *([found] if found else [])]

    return act


def _senior(cells: Cells, today: date) -> list[Found]:
    cells["post_grade"] = "专业技术四级" if cells["professional_title"] == "主任医师" else "专业技术七级"
    born_on = date.fromisoformat(str(cells["birth_on"]))
    earliest, latest = retires(born_on, "F", Category.SPECIAL)
    see = f"高级职称女性：退休月在 {earliest} 至 {latest} 之间，由本人和单位决定，不报 M09，列为数据缺失"
    return [("T13", DATA_GAP, str(cells["professional_title"]), today.isoformat(), see)]


def _from_manual_to_managerial(cells: Cells, today: date) -> list[Found]:
    cells.update(
        identity=posts.MANAGER,
        post_grade="管理九级",
        retirement_category="女（原五十五周岁）",
        retirement_reason="2019年由工勤技能岗位竞聘至管理岗位",
    )
    return [("T12", TRAP, "retirement_category", today.isoformat(), "现在管理岗位，按原五十五周岁计算；按工人五十周岁计算会误报 M09")]


def _senior_worker(cells: Cells, today: date) -> list[Found]:
    cells["post_grade"] = "工勤技能三级"
    return [("T12", TRAP, "professional_title", today.isoformat(), "高级工是工人等级，不是高级职称：按原五十周岁计算")]


def _primary_senior(cells: Cells, today: date) -> list[Found]:
    cells["post_grade"] = "专业技术九级"
    return [("T13", TRAP, "professional_title", today.isoformat(), "小学高级教师是中级职称：按原五十五周岁计算，不属于高级职称女性")]


def _unknown_post(cells: Cells, today: date) -> list[Found]:
    cells["identity"], cells["civil_servant_registered"], cells["grade"] = "身份待核", "否", None
    return [("T12", DATA_GAP, "post_category", today.isoformat(), "身份和岗位待核，退休类别不能推定：列为数据缺失，不报 M09")]


def _wrong_posts(today: date) -> Iterator[Plant]:
    at_48 = today - timedelta(days=int(48.3 * 365.25))
    yield Plant(units.LIBRARY, SY, Wanted(title="办公室文员"), _identity(posts.CIVIL, "公务员占用事业编制"))
    yield Plant(PERSONNEL, XZ, Wanted(), _identity(posts.MANAGER, "事业管理人员占用行政编制"))
    yield Plant(FINANCE, XZ, Wanted(born_on=at_48, title="副局长（享受正科级）"), _above("否"))
    yield Plant(EDUCATION, XZ, Wanted(born_on=at_48, title="副局长"), _above("是"))


def _identity(identity: str, see: str) -> Callable[[Cells, date], list[Found]]:
    def act(cells: Cells, _: date) -> list[Found]:
        cells.update(identity=identity, post_category=posts.MANAGERIAL, professional_title=None, post_grade=None)
        servant = identity == posts.CIVIL
        cells.update(civil_servant_registered="是" if servant else "否", grade="四级主任科员" if servant else None)
        young = age_of(date.fromisoformat(str(cells["birth_on"])), date.fromisoformat(str(cells["started_on"]))) <= 35
        cells["entry_reason"] = ("考录" if young else "转任") if servant else "调动"
        return [("M06", RED, f"{identity}/{cells['kind']}", str(cells["started_on"]), f"混编混岗（待人工确认）：{see}")]

    return act


def _above(flag: str) -> Callable[[Cells, date], list[Found]]:
    """He takes the place of a deputy who is there already; see plan: the seats of these two units are one short."""

    def act(cells: Cells, today: date) -> list[Found]:
        started_on = date.fromisoformat(str(cells["started_on"]))
        cells["title_since"] = f"{max(started_on + (today - started_on) / 2, today - timedelta(days=1_400)):%Y-%m}"
        cells["duty_status"] = "在编在岗"
        cells.update(leadership_level="乡科级正职", above_rank=flag, person_class="部门副职", seat_level="单位副职", internal_unit=None)
        cells["grade"] = "一级主任科员"
        see = f"超规格配备（待人工确认）：副职岗位为乡科级副职，本人为乡科级正职，是否高配“{flag}”；享受正科级仍计为副职"
        return [("M03", RED, "单位副职", str(cells["title_since"]), see)]

    return act


def _early_and_wrong(today: date) -> Iterator[Plant]:
    at_34, at_48 = (today - timedelta(days=int(years * 365.25)) for years in (34.3, 48.3))
    yield Plant(HEALTH, XZ, Wanted(born_on=at_34), _entered_first)
    yield Plant(SPECIAL_SCHOOL, SY, Wanted(born_on=at_34), _entered_first)
    yield Plant(units.HOSPITAL, SY, Wanted(), _joined_too_young)
    yield Plant(DISCIPLINE, XZ, Wanted(), _no_document)
    yield Plant(CONSULTATIVE, XZ, Wanted(), _joined_too_young)
    yield Plant(CONSULTATIVE, XZ, Wanted(born_on=at_48), _worked_after_entry)


def _entered_first(cells: Cells, today: date) -> list[Found]:
    started_on = date(today.year - 2, 9, 1)
    authorised_on = started_on + timedelta(days=41)
    place = 77 if cells["kind"] == XZ else 78
    number = f"望编核〔{authorised_on.year}〕{place}号"
    cells.update(
        started_on=started_on.isoformat(),
        entered_on=started_on.isoformat(),
        authorised_on=authorised_on.isoformat(),
        authorisation_no=number,
    )
    cells.update(entry_document_no=f"望编入〔{authorised_on.year}〕{place}号", title_since=f"{started_on:%Y-%m}", duty_status="在编在岗")
    cells["entry_reason"] = "公开招聘" if cells["kind"] == SY else "考录"
    see = f"先进人后核编：{started_on} 入编，{authorised_on} 才核准（期初建账的行只在资料核对中可见）"
    return [("M07", RED, number, started_on.isoformat(), see)]


def _joined_too_young(cells: Cells, _: date) -> list[Found]:
    born_on = date.fromisoformat(str(cells["birth_on"]))
    cells.update(political_status="中共党员", party_joined_on=f"{born_on.year + 16}-{born_on.month:02d}")
    return [("M11", "", "party_joined_on", "", "入党时不足十八周岁")]


def _no_document(cells: Cells, _: date) -> list[Found]:
    cells["entry_document_no"] = None
    return [("M11", "", "entry_document_no", "", "关键项入编文号缺失")]


def _worked_after_entry(cells: Cells, _: date) -> list[Found]:
    started_on = date.fromisoformat(str(cells["started_on"]))
    cells["work_began_on"] = f"{started_on.year + 1}-{started_on.month:02d}"
    return [("M11", "", "work_began_on", "", "参加工作时间晚于入编时间")]


def _seconded(today: date) -> Iterator[Plant]:
    yield Plant(TOWNS[7], XZ, Wanted(), _lent(ORGANISATION, today, -170, 20, "M16", YELLOW))
    yield Plant(STREETS[2], XZ, Wanted(), _lent(PARTY_OFFICE, today, -210, -25, "M16", RED))
    yield Plant(JUSTICE, XZ, Wanted(), _lent(DISCIPLINE, today, -430, 90, "M16", RED))
    yield Plant(STREETS[3], XZ, Wanted(), _lent(GOVERNMENT, today, -70, 110, "M17", RED))
    yield Plant(f"{CITY}第二初级中学", SY, Wanted(title="教师"), _lent(EDUCATION, today, -120, 60, "M17", RED))
    yield Plant(TOWNS[5], XZ, Wanted(), _lent(PARTY_OFFICE, today, -60, 120, "", ""))


def _lent(to: str, today: date, since: int, until: int, rule: str, level: str) -> Callable[[Cells, date], list[Found]]:
    from_on, until_on = today + timedelta(days=since), today + timedelta(days=until)

    def act(cells: Cells, _: date) -> list[Found]:
        number = None if rule == "M17" else f"望组借〔{from_on.year}〕{abs(since)}号"
        cells.update(duty_status="借出", seconded_to=to, seconded_from_on=from_on.isoformat(), seconded_until=until_on.isoformat())
        cells["secondment_document_no"] = number
        started_on = min(date.fromisoformat(str(cells["started_on"])), from_on - timedelta(days=400))
        cells.update(
            started_on=started_on.isoformat(),
            entered_on=started_on.isoformat(),
            title_since=f"{started_on:%Y-%m}",
            work_began_on=min(str(cells["work_began_on"]), f"{started_on:%Y-%m}"),
        )
        cells["authorised_on"] = cells["authorisation_no"] = None
        stays = ("T03", TRAP, "seconded_to", from_on.isoformat(), f"借到“{to}”：编制仍在本单位计算，只在借入单位另列“在此工作”")
        return [stays, *([_lent_found(rule, level, from_on, until_on)] if rule else [])]

    return act


def _lent_found(rule: str, level: str, from_on: date, until_on: date) -> Found:
    if rule == "M17":
        return rule, level, "secondment_document_no", from_on.isoformat(), "未批借调（待人工确认）：没有批准文号"
    year_on = date(from_on.year + 1, from_on.month, min(from_on.day, 28) if from_on.month == 2 else from_on.day)
    since = until_on - timedelta(days=30) if level == YELLOW else min(until_on, year_on) + timedelta(days=1)
    return (
        rule,
        level,
        "seconded_until",
        since.isoformat(),
        f"借出自 {from_on} 至 {until_on}：{'三十日内到期' if level == YELLOW else '已超期或累计超过十二个月'}",
    )


_ODD = (
    (units.HOSPITAL, SY, "沈𬱖𫖯", "姓名含基本多文种平面以外的字"),
    (SPECIAL_SCHOOL, SY, "单㛃", "“单”作姓读 Shàn；“㛃”在扩展A区"),
    (f"{CITY}第一初级中学", SY, "仇龑", "“仇”作姓读 Qiú"),
    (units.HOSPITAL, SY, "古丽娜尔·艾尔肯", "少数民族姓名中的间隔号为 U+00B7"),
    (CLINIC, SY, "尉迟䶮", "复姓“尉迟”读 Yùchí"),
)
ODD_NAMES = tuple(name for _, _, name, _ in _ODD)


def _odd_names_and_areas() -> Iterator[Plant]:
    for unit, kind, name, why in _ODD:
        yield Plant(unit, kind, Wanted("F"), _named(name, why))
    for unit, kind in ((f"{CITY}中医医院", SY), (TOWNS[5], SY), (FARMING, XZ)):
        yield Plant(unit, kind, Wanted(old_area=True), _old_area)


def _named(name: str, why: str) -> Callable[[Cells, date], list[Found]]:
    def act(cells: Cells, today: date) -> list[Found]:
        cells["name"] = name
        if "·" in name:
            cells["ethnicity"] = "维吾尔族"
        return [("T35", TRAP, "name", today.isoformat(), f"{why}：原样保存、显示、打印，按读音排序")]

    return act


def _old_area(cells: Cells, _: date) -> list[Found]:
    return [("T16", TRAP, "id_number", str(cells["birth_on"]), "号码的区划代码 330498 不在现行区划表中：校验码正确，应予接受")]
