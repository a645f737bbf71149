"""What is known of a person beside the post: number, studies, party, and the papers of the entry."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from random import Random

from deploy.city import words
from deploy.city.catalogue import COUNTED, GQ, SYC, XZ, ZF
from deploy.city.invented import AREA, OLD_AREA, Inventor
from deploy.city.plan import Cells

MANUAL_EDUCATION = ("高中毕业", "中等专科毕业", "专科毕业")
YEARS_OF_PAPERS = 10
_EXAMINED_SINCE, _RECRUITED_SINCE = 1996, 2005
_EXAMINED_UNTIL, _RECRUITED_UNTIL, _GRADUATE, _OFFICER = 35, 40, 28, 30
"""Ages: the oldest for 考录 and 公开招聘, for 选调生, and the youngest for 军转安置."""
_SERVED, _MOVES = 8, 2
"""Years of work."""
_FIRST_PAPER = 101
"""Lower numbers are for those who are planted."""
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


def facts(
    inventor: Inventor, chance: Random, today: date, who: tuple[str, date, bool], profession: str | None, levels: tuple[str, ...]
) -> Cells:
    """Somebody of a sex, a birth date, and (True) the old area. `levels`: the educations to choose from; none: as people of that age have."""
    sex, born_on, old_area = who
    name, people = inventor.people(sex, born_on.year, chance)
    native = f"{words.PROVINCE}{chance.choice(words.COUNTIES) if chance.random() < 0.35 else words.COUNTIES[0]}"
    cells: Cells = {
        "name": name,
        "id_number": inventor.id_number(born_on, sex, OLD_AREA if old_area else AREA),
        "sex": "男" if sex == "M" else "女",
        "birth_on": born_on.isoformat(),
        "ethnicity": people,
        "native_place": native,
        "birth_place": native,
        "political_status": "群众",
    }
    _study(cells, born_on, today, profession, levels, chance)
    _join_party(cells, born_on, 0.3 if profession else 0.7, today, chance)
    return cells


def _study(cells: Cells, born_on: date, today: date, profession: str | None, levels: tuple[str, ...], chance: Random) -> None:
    """Nobody works before the studies are over: who is too young for them has studied less."""
    first, highest = (chance.choice(levels),) * 2 if levels else _educations(born_on.year, profession, chance)
    while (graduated_on := _graduated_on(born_on, first)) > today - timedelta(days=100):
        first = highest = _LEVELS[_LEVELS.index(first) + 1]
    cells.update(
        work_began_on=month_of(graduated_on + timedelta(days=62)),
        education=highest,
        degree=_DEGREES.get(highest),
        full_time_education=first,
        full_time_degree=_DEGREES.get(first),
        in_service_education=None if highest == first else highest,
        in_service_degree=None if highest == first else _DEGREES.get(highest),
        school=_school(first, profession, chance),
        major=chance.choice(_MAJORS.get(profession or "", _OFFICE_MAJORS)),
        graduated_on=month_of(graduated_on),
    )


def _school(education: str, profession: str | None, chance: Random) -> str:
    """Where one studies that profession at that level."""
    schools = words.LOWER_SCHOOLS if _YEARS[education] < 21 else words.COLLEGES if _YEARS[education] < 22 else words.UNIVERSITIES
    words_of = {"teacher": "师范", "doctor": "医科", "nurse": "卫生" if schools is not words.UNIVERSITIES else "医科"}
    fitting = [school for school in schools if words_of.get(profession or "", "") in school]
    return chance.choice(fitting or schools)


def _graduated_on(born_on: date, education: str) -> date:
    return date(born_on.year + _YEARS[education] + (born_on.month > 8), 6, 1)


def _educations(born_in: int, profession: str | None, chance: Random) -> tuple[str, str]:
    """全日制学历 and the highest one: those of earlier years often took the higher one beside their work."""
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
        cells["political_status"], cells["party_joined_on"] = "中共党员", month_of(joined_on)
    elif age_of(born_on, today) < 28 and chance.random() < 0.7:
        cells["political_status"] = "共青团员"
    elif chance.random() < 0.02:
        cells["political_status"] = chance.choice(("民盟盟员", "民建会员", "农工党党员", "九三学社社员"))


def papers(kind: str, started_on: date, today: date, chance: Random, who: Cells) -> Cells:
    """How somebody came in, and on the strength of which papers: those of the last ten years are kept."""
    cells: Cells = {
        "started_on": started_on.isoformat(),
        "entered_on": started_on.isoformat(),
        "entry_reason": chance.choice(_entry_reasons(kind, started_on, who)),
        "entry_source": chance.choice(words.UNIVERSITIES) if chance.random() < 0.6 else None,
        "entry_document_no": f"望编入〔{started_on.year}〕{chance.randint(1, 900)}号",
    }
    if started_on.year > today.year - YEARS_OF_PAPERS and kind in COUNTED:
        authorised_on = started_on - timedelta(days=chance.randint(15, 120))
        cells["authorisation_no"] = f"望编核〔{authorised_on.year}〕{chance.randint(1, 600)}号"
        cells["authorised_on"] = authorised_on.isoformat()
    return cells


def _entry_reasons(kind: str, on: date, who: Cells) -> tuple[str, ...]:
    """In which ways somebody of his age, with so many years of work, came onto such a post."""
    age = age_of(date.fromisoformat(str(who["birth_on"])), on)
    worked = age_of(date.fromisoformat(f"{who['work_began_on']}-01"), on)
    demobilised = ("军转安置",) if who["sex"] == "男" and age >= _OFFICER and worked >= _SERVED else ()
    if kind in {XZ, ZF, SYC}:
        if on.year <= _EXAMINED_SINCE:
            return "调动", *demobilised
        examined = ("考录", "考录", "考录") if age <= _EXAMINED_UNTIL else ()
        graduate = ("选调生",) if age <= _GRADUATE and worked <= 1 else ()
        moved = ("转任", "调任") if worked >= _MOVES or not examined else ()
        return *examined, *graduate, *moved, *demobilised
    if kind == GQ:
        return ("退役士兵安置", "调动") if who["sex"] == "男" and age <= _GRADUATE else ("调动",)
    if on.year <= _RECRUITED_SINCE:
        return "调动", "划转"
    recruited = ("公开招聘", "公开招聘", "公开招聘", "公开招聘", "人才引进") if age <= _RECRUITED_UNTIL else ()
    return *recruited, *(("调动",) if worked >= _MOVES or not recruited else ())


def number_papers(people: Iterable[Cells]) -> None:
    """One paper for those of a unit who were authorised, or came, for one kind of post on one day; papers are numbered through the year. Who came before
    he was authorised has papers of his own.
    """
    plain = [cells for cells in people if str(cells.get("authorised_on") or "") <= str(cells["started_on"])]
    for number, day, issuer in (("authorisation_no", "authorised_on", "望编核"), ("entry_document_no", "started_on", "望编入")):
        numbers: dict[str, int] = defaultdict(lambda: _FIRST_PAPER)
        mine = [cells for cells in plain if cells.get(number)]
        occasions = sorted({(str(cells[day]), str(cells["unit"]), str(cells["kind"])) for cells in mine})
        written = {}
        for occasion in occasions:
            year = occasion[0][:4]
            written[occasion], numbers[year] = f"{issuer}〔{year}〕{numbers[year]}号", numbers[year] + 1
        for cells in mine:
            cells[number] = written[str(cells[day]), str(cells["unit"]), str(cells["kind"])]


def lent(cells: Cells, borrowers: tuple[str, ...], today: date, chance: Random) -> None:
    """借出 within its term, approved: the post stays here."""
    from_on = today - timedelta(days=chance.randint(10, 130))
    cells.update(
        duty_status="借出",
        seconded_to=chance.choice([name for name in borrowers if name != cells["unit"]]),
        seconded_from_on=from_on.isoformat(),
        seconded_until=(from_on + timedelta(days=182)).isoformat(),
        secondment_document_no=f"望组借〔{from_on.year}〕{chance.randint(1, 90)}号",
    )


def age_of(born_on: date, today: date) -> int:
    """Full years, about."""
    return (today - born_on).days * 100 // 36525


def month_of(day: date) -> str:
    """As a cell holds a month."""
    return f"{day:%Y-%m}"
