"""The usual posts: what people are called at work, by the kind of unit, and what follows from it (职级, 岗位等级, 职称)."""

from random import Random

from deploy.city import catalogue as units
from deploy.city.plan import SECTION_HEAD, UNIT_DEPUTY, UNIT_HEAD, Unit

CIVIL, LIKE_CIVIL, MANAGER, PROFESSIONAL, WORKER = "公务员", "参公人员", "事业管理人员", "专业技术人员", "工勤人员"
OFF, COMPANY = "编外人员", "国企人员"
MANAGERIAL, TECHNICAL, MANUAL = "管理岗位", "专业技术岗位", "工勤技能岗位"
SENIOR = frozenset(
    {"高级教师", "正高级教师", "副主任医师", "主任医师", "副主任护师", "副主任技师", "副主任药师", "高级工程师", "高级农艺师", "副研究馆员"}
)
"""高级职称 as they occur here: women who hold one belong to the special group (组通字〔2015〕14号)."""
_HEADS = (
    *((name, ("书记",)) for name in ("纪律检查委员会机关", "政法委员会", "工作委员会", "青年团望汐市委员会")),
    *(("总工会", ("主席",)), ("联合会", ("主席",)), ("协会", ("主席",)), ("红十字会", ("会长",)), ("委党校", ("校长",))),
    *(
        ("镇", ("党委书记", "镇长")),
        ("街道", ("党工委书记", "办事处主任")),
        ("局", ("局长",)),
        ("部", ("部长",)),
        ("法院", ("院长",)),
        ("检察院", ("检察长",)),
    ),
    *(("办公室", ("主任",)), ("高级中学", ("校长",)), ("中学", ("校长",)), ("小学", ("校长",)), ("学校", ("校长",)), ("幼儿园", ("园长",))),
    *(
        ("医院", ("院长",)),
        ("保健院", ("院长",)),
        ("卫生院", ("院长",)),
        ("馆", ("馆长",)),
        ("所", ("所长",)),
        ("站", ("站长",)),
        ("中队", ("中队长",)),
    ),
    *(("集团有限公司", ("董事长",)), ("队", ("队长",)), ("室", ("主任",)), ("处", ("主任",)), ("委员会", ("主任委员",))),
    ("院", ("院长",)),
)
_LADDERS = {
    "teacher": ("二级教师", "一级教师", "高级教师", "正高级教师"),
    "doctor": ("医师", "主治医师", "副主任医师", "主任医师"),
    "nurse": ("护士", "主管护师", "副主任护师", "副主任护师"),
    "technician": ("技师", "主管技师", "副主任技师", "副主任技师"),
    "pharmacist": ("药师", "主管药师", "副主任药师", "副主任药师"),
    "engineer": ("助理工程师", "工程师", "高级工程师", "高级工程师"),
    "agronomist": ("助理农艺师", "农艺师", "高级农艺师", "高级农艺师"),
    "librarian": ("助理馆员", "馆员", "副研究馆员", "副研究馆员"),
}
_STEPS = ("专业技术十二级", "专业技术九级", "专业技术七级", "专业技术四级")
_OFF = {
    "学校": (
        ("后勤服务", ("食堂员工", "保洁员", "门卫")),
        ("普通辅助", ("校园协管员", "生活指导员")),
        ("技术技能", ("保育员", "校医助理")),
    ),
    "医院": (
        ("后勤服务", ("保洁员", "配送员", "食堂员工")),
        ("技术技能", ("导诊护理员", "检验助理", "药房辅助")),
        ("窗口服务", ("挂号收费窗口服务员",)),
    ),
    "镇": (
        ("普通辅助", ("网格员", "文员")),
        ("执法辅助", ("执法辅助员", "城管协管员")),
        ("窗口服务", ("便民窗口服务员",)),
        ("后勤服务", ("驾驶员", "厨师")),
    ),
    "": (
        ("普通辅助", ("文员", "档案整理员")),
        ("窗口服务", ("政务窗口服务员",)),
        ("后勤服务", ("保洁员", "驾驶员", "门卫")),
        ("技术技能", ("系统运维员",)),
    ),
}
MANUAL_WORK = frozenset({"食堂员工", "保洁员", "门卫", "保育员", "配送员", "驾驶员", "厨师", "导诊护理员"})


def leader_title(unit: Unit, level: str, place: int) -> str:
    """What the n-th holder of a seat of this level is called."""
    heads = next((titles for ending, titles in _HEADS if unit.name.endswith(ending)), ("主任",))
    if level == UNIT_HEAD:
        return heads[place % len(heads)]
    if level == UNIT_DEPUTY:
        return f"副{heads[-1].removeprefix('党委').removeprefix('办事处')}"
    section = unit.sections[place % len(unit.sections)] if unit.sections else "综合科"
    title = "科长" if section.endswith("科") and unit.spec.category != "医院" else "主任"
    return f"{section}{'' if level == SECTION_HEAD else '副'}{title}"


def leadership_grade(unit: Unit, level: str) -> str | None:
    """领导职务级别 of a seat: the unit's rank, and below it one step for a deputy, two for a section."""
    ranks = ("县处级正职", "县处级副职", "乡科级正职", "乡科级副职", "股级正职", "股级副职")
    at = {"正处级": 0, "副处级": 1, "正科级": 2, "副科级": 3, "股级": 4}.get(unit.spec.rank)
    if at is None:
        return None
    below = at + {UNIT_HEAD: 0, UNIT_DEPUTY: 1, SECTION_HEAD: 2}.get(level, 3)
    return ranks[below] if below < len(ranks) else None


def civil_grade(age: int, *, leads: bool, chance: Random) -> str:
    """职级 of a civil servant; it is no leadership post."""
    if age >= 50 and chance.random() < 0.06:
        return "四级调研员"
    step = min((age - 24) // 7 + leads, 4)
    return ("一级科员", "四级主任科员", "三级主任科员", "二级主任科员", "一级主任科员")[max(step, 0)]


def ladder(unit: Unit, section: str | None, chance: Random) -> str | None:
    """The profession somebody on 事业编制 follows here; None for a manager."""
    category, draw = unit.spec.category, chance.random()
    if category == "学校":
        return "teacher"
    if category == "医院":
        kind = {"护理部": "nurse", "检验科": "technician", "放射科": "technician", "药剂科": "pharmacist", "院办公室": None, "财务科": None}
        return kind.get(section or "", "nurse" if draw < 0.45 else "doctor")
    if unit.spec.sector == "农林水利":
        return "agronomist" if draw < 0.6 else None
    if unit.spec.sector == "文化旅游":
        return "librarian" if draw < 0.6 else None
    return "engineer" if draw < 0.25 and category not in {"镇", "街道"} else None


def rung(profession: str, age: int, chance: Random) -> tuple[str, str]:
    """职称 and 岗位等级 at an age."""
    draw = chance.random()
    step = 0 if age < 30 else 1 if age < 41 or draw < 0.6 else 2 if draw < 0.985 else 3
    return _LADDERS[profession][step], _STEPS[step]


def off_work(unit: Unit, chance: Random) -> tuple[str, str]:
    """编外岗位类别 and what the person does."""
    if unit.spec.sector == "综合行政执法" or unit.name == units.POLICE:
        return "执法辅助", "警务辅助员" if unit.name == units.POLICE else "执法辅助员"
    kinds = _OFF["镇" if unit.spec.category == "街道" else unit.spec.category if unit.spec.category in _OFF else ""]
    kind, titles = chance.choice(kinds)
    return kind, chance.choice(titles)


def identity(unit: Unit, kind: str) -> str:
    """人员身份 that goes with a kind of post; those on 事业编制 may be professionals as well."""
    if kind == units.ZZ:
        kind = unit.quotas[0].kind
    return {
        units.XZ: CIVIL,
        units.ZF: CIVIL,
        units.SYC: LIKE_CIVIL,
        units.GQ: WORKER,
        units.GQE: COMPANY,
    }.get(kind, MANAGER)
