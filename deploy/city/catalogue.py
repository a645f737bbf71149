"""The units of the city, the indispensable ones first, as many as are asked for. Labels are those of the roster's code tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count, islice

from deploy.city.words import CITY, OFFICE, SPOTS, STREETS, TOWNS

XZ, ZF, GQ, SYC, SY = "行政编制", "政法专项编制", "机关工勤编制", "参公事业编制", "事业编制"
ZZ, BB, BW, GQE = "周转编制", "报备员额", "编外用工控制数", "国企员额"
COUNTED = frozenset({XZ, ZF, GQ, SYC, SY, ZZ, "单列编制"})
STATE, FULL, PARTIAL, SELF, ENTERPRISE = "财政拨款", "全额拨款", "差额补贴", "经费自理", "企业化管理"
EDUCATION, HEALTH, POLICE = f"{CITY}教育局", f"{CITY}卫生健康局", f"{CITY}公安局"
HOSPITAL, LIBRARY, HOSTEL, CULTURE = f"{CITY}人民医院", f"{CITY}图书馆", f"{CITY}汐园招待所", f"{CITY}文化馆"
COURT, PROCURATORATE = f"{CITY}人民法院", f"{CITY}人民检察院"


@dataclass(frozen=True)
class Row:
    """Posts of one kind and funding in a city of natural size."""

    kind: str
    funding: str
    posts: int


@dataclass(frozen=True)
class Spec:
    """A unit before anybody works in it. `off`: its ceiling of 编外 in a city of natural size."""

    name: str
    category: str
    rows: tuple[Row, ...]
    off: int = 0
    parent: str | None = None
    system: str = "政府"
    rank: str = "正科级"
    sector: str = "党政管理"
    sections: tuple[str, ...] = ()
    second_names: tuple[str, ...] = ()
    plates: tuple[str, ...] = ()
    withheld: bool = False
    short_name: str = field(default="")

    @property
    def nature(self) -> str:
        return _NATURES.get(self.category, "事业单位")

    @property
    def public_welfare(self) -> str | None:
        return _WELFARE.get(self.category) if self.rows or self.category.startswith("公益") else None

    @property
    def funding(self) -> str:
        return self.rows[0].funding if self.rows else STATE

    @property
    def register(self) -> str:
        """Who registers it: 11 organs, 12 institutions, 13 people's organisations, 91 companies."""
        return _REGISTERS.get(self.category, "12" if self.nature == "事业单位" else "11")


_NATURES = {
    "党委机关": "党委机关",
    "人大机关": "人大机关",
    "政府工作部门": "行政机关",
    "政协机关": "政协机关",
    "纪检监察机关": "监察机关",
    "法院": "审判机关",
    "检察院": "检察机关",
    "群团机关": "群团机关",
    "民主党派": "民主党派机关",
    "镇": "行政机关",
    "街道": "行政机关",
    "市属国资集团": "国有企业",
}
_WELFARE = {
    "公益一类事业单位": "公益一类",
    "公益二类事业单位": "公益二类",
    "生产经营类事业单位": "生产经营类",
    "学校": "公益一类",
    "医院": "公益二类",
}
_REGISTERS = {"群团机关": "13", "民主党派": "13", "市属国资集团": "91"}
_BUREAU = ("办公室", "政策法规科", "综合业务科", "行政审批科", "监督检查科", "规划财务科", "基层指导科", "人事教育科", "信息科", "督查科")
_SCHOOL = ("办公室", "教务处", "德育处", "总务处", "教科室", "体艺处")
_NURSERY = ("办公室", "保教处", "后勤处")
_HOSPITAL = (
    *(
        "院办公室",
        "医务科",
        "护理部",
        "内科",
        "外科",
        "妇产科",
        "儿科",
        "急诊科",
        "检验科",
        "放射科",
        "药剂科",
        "公共卫生科",
        "财务科",
        "骨科",
    ),
    *("五官科", "中医科", "康复科", "麻醉科"),
)
_CENTRE = ("综合科", "业务科", "服务科", "技术科", "财务科")
_TOWN = (
    *(
        "党政综合办公室",
        "党建工作办公室",
        "经济发展办公室",
        "社会事务办公室",
        "平安法治办公室",
        "村镇建设办公室",
        "农业农村办公室",
        "综合执法办公室",
    ),
    *("财政办公室", "应急管理办公室"),
)


def catalogue(units: int) -> list[Spec]:
    """The first `units` of an endless list, parents before children. Raises ValueError for fewer than 60."""
    if units < len(first := [*_core()]):
        raise ValueError(f"a city has at least {len(first)} units")
    return [*first, *islice(_further(), units - len(first))]


def _xz(posts: int) -> Row:
    return Row(XZ, STATE, posts)


def _sy(posts: int, funding: str = FULL) -> Row:
    return Row(SY, funding, posts)


def _organ(name: str, category: str, system: str, *rows: Row, off: int = 6, **more: object) -> Spec:
    return Spec(name, category, rows, off, system=system, sections=_BUREAU, **more)  # type: ignore[arg-type]  # single words of Spec


def _bureau(name: str, posts: int, *more: Row, sector: str = "党政管理") -> Spec:
    return Spec(CITY + name, "政府工作部门", (_xz(posts), *more), 6, sector=sector, sections=_BUREAU)


def _school(name: str, posts: int, off: int | None = None, rank: str = "股级", category: str = "学校") -> Spec:
    sections = _NURSERY if name.endswith("幼儿园") else _SCHOOL
    return Spec(name, category, (_sy(posts),), posts // 5 if off is None else off, EDUCATION, rank=rank, sector="教育", sections=sections)


def _hospital(name: str, posts: int, contract: int, off: int, rank: str = "股级", funding: str = PARTIAL) -> Spec:
    rows = (_sy(posts, funding), *((Row(BB, funding, contract),) if contract else ()))
    return Spec(name, "医院", rows, off, HEALTH, rank=rank, sector="卫生健康", sections=_HOSPITAL)


def _centre(
    name: str, parent: str, row: Row, category: str = "公益一类事业单位", off: int = 3, sector: str = "其他", rank: str = "股级"
) -> Spec:
    return Spec(name, category, (row,), off, parent, rank=rank, sector=sector, sections=_CENTRE)


def _town(name: str, category: str, xz: int, sy: int) -> Spec:
    return Spec(name, category, (_xz(xz), _sy(sy)), 46, system="镇街道", sections=_TOWN)


def _core() -> Iterator[Spec]:
    """The sixty without which it is no city: each kind of unit is among them."""
    yield _organ(f"中共{CITY}委办公室", "党委机关", "党委", _xz(36), Row(GQ, STATE, 4), plates=(f"{CITY}国家保密局", f"{CITY}档案局"))
    yield _organ(OFFICE, "党委机关", "党委", _xz(16), off=2, short_name=f"{CITY}委编办")
    yield _organ(f"中共{CITY}委组织部", "党委机关", "党委", _xz(34), plates=(f"{CITY}公务员局",))
    yield _organ(f"中共{CITY}委宣传部", "党委机关", "党委", _xz(24), plates=(f"{CITY}新闻出版局",))
    yield _organ(f"{CITY}人大常委会办公室", "人大机关", "人大", _xz(22))
    yield _organ(f"{CITY}人民政府办公室", "政府工作部门", "政府", _xz(40), Row(GQ, STATE, 5), plates=(f"{CITY}外事办公室",))
    yield _organ(f"政协{CITY}委员会办公室", "政协机关", "政协", _xz(18))
    yield _organ(f"中共{CITY}纪律检查委员会机关", "纪检监察机关", "纪委监委", _xz(56), second_names=(f"{CITY}监察委员会",))
    yield _bureau("教育局", 34, sector="教育")
    yield _bureau("卫生健康局", 30, sector="卫生健康")
    yield _bureau("财政局", 46)
    yield _bureau("人力资源和社会保障局", 44, sector="社会保障和社会福利")
    yield _bureau("农业农村局", 46, sector="农林水利")
    yield _bureau("自然资源局", 48, sector="自然资源和环境保护")
    yield _bureau("司法局", 18, Row(ZF, STATE, 40))
    yield _organ(COURT, "法院", "法院", Row(ZF, STATE, 96), off=30, withheld=True, rank="副处级")
    yield _organ(PROCURATORATE, "检察院", "检察院", Row(ZF, STATE, 62), off=16, withheld=True, rank="副处级")
    yield _organ(f"{CITY}总工会", "群团机关", "群团", _xz(8), _sy(8))
    yield _organ(f"中国民主同盟{CITY}委员会", "民主党派", "民主党派", _xz(3), off=0)
    yield from (_town(name, "镇", 38 - 2 * (number % 3), 46 - 3 * (number % 4)) for number, name in enumerate(TOWNS))
    yield from (_town(name, "街道", 44 - 2 * number, 52 - 3 * number) for number, name in enumerate(STREETS))
    yield from (_centre(f"{town}便民服务中心", town, _sy(16), off=6, sector="其他") for town in TOWNS[:3])
    yield from (_centre(f"{town}农业技术服务站", town, _sy(14), sector="农林水利") for town in TOWNS[:3])
    yield _school(f"{CITY}高级中学", 190, rank="副科级")
    yield _school(f"{CITY}第一初级中学", 128)
    yield _school(f"{CITY}第二初级中学", 112)
    yield _school(f"{CITY}实验小学", 118)
    yield from (_school(f"{CITY}{town}中心小学", 84 - 4 * number) for number, town in enumerate(TOWNS[:5]))
    yield _school(f"{CITY}特殊教育学校", 34)
    yield _school(f"{CITY}机关幼儿园", 44, off=30)
    yield _hospital(HOSPITAL, 480, 290, 180, rank="正科级")
    yield _hospital(f"{CITY}中医医院", 260, 130, 90, rank="副科级")
    yield _hospital(f"{CITY}疾病预防控制中心", 64, 0, 12, funding=FULL)
    yield _centre(LIBRARY, f"{CITY}财政局", _sy(30), off=12, sector="文化旅游", rank="副科级")
    yield _centre(f"{CITY}公共资源交易中心", f"{CITY}人民政府办公室", Row(SYC, FULL, 26), "参公事业单位", rank="副科级")
    yield _centre(CULTURE, f"中共{CITY}委宣传部", _sy(26, PARTIAL), "公益二类事业单位", 8, "文化旅游")
    yield _centre(HOSTEL, f"{CITY}人民政府办公室", _sy(18, SELF), "生产经营类事业单位", 20, "机关后勤服务")
    yield _centre(f"{CITY}人才服务中心", f"{CITY}人力资源和社会保障局", _sy(20), sector="社会保障和社会福利")
    yield _centre(f"{CITY}不动产登记中心", f"{CITY}自然资源局", _sy(36), off=24, sector="自然资源和环境保护")
    yield _centre(f"{CITY}财政票据中心", f"{CITY}财政局", _sy(12))
    yield Spec(f"{CITY}数据发展服务中心", "公益一类事业单位", (), 0, f"{CITY}人民政府办公室", rank="股级", sector="科学技术")
    yield Spec(
        f"{CITY}国有资本投资运营集团有限公司", "市属国资集团", (Row(GQE, ENTERPRISE, 46),), system="国资", rank="未定规格", sector="其他"
    )


_PARTY = (
    *(("委统一战线工作部", 18), ("委政法委员会", 26), ("委社会工作部", 16), ("委巡察工作领导小组办公室", 20), ("直属机关工作委员会", 10)),
    ("信访局", 16),
)
_GOVERNMENT = (
    *(("发展和改革局", 40, "其他"), ("经济和信息化局", 38, "其他"), ("科学技术局", 18, "科学技术"), ("民政局", 26, "社会保障和社会福利")),
    *(("住房和城乡建设局", 46, "城乡建设"), ("交通运输局", 40, "交通运输"), ("水利局", 32, "农林水利"), ("商务局", 28, "其他")),
    *(("文化和广电旅游体育局", 34, "文化旅游"), ("退役军人事务局", 20, "社会保障和社会福利"), ("应急管理局", 36, "应急管理")),
    *(
        ("审计局", 34, "其他"),
        ("市场监督管理局", 120, "市场监管和检验检测"),
        ("综合行政执法局", 42, "综合行政执法"),
        ("统计局", 20, "其他"),
    ),
    *(
        ("医疗保障局", 18, "社会保障和社会福利"),
        ("政务服务管理办公室", 22, "其他"),
        ("民族宗教事务局", 10, "其他"),
        ("机关事务服务局", 14, "机关后勤服务"),
    ),
)
_MASS = (
    *(("共产主义青年团{}委员会", 9), ("{}妇女联合会", 10), ("{}科学技术协会", 8), ("{}文学艺术界联合会", 7), ("{}工商业联合会", 8)),
    *(("{}归国华侨联合会", 4), ("{}残疾人联合会", 9), ("{}红十字会", 5), ("{}社会科学界联合会", 4)),
)
_PARTIES = ("中国民主建国会{}委员会", "中国农工民主党{}委员会", "九三学社{}委员会")
_BRANCHES = (
    ("退役军人服务站", 8, "社会保障和社会福利"),
    ("村镇建设服务中心", 16, "城乡建设"),
    ("综合文化站", 10, "文化旅游"),
    ("党群服务中心", 12, "其他"),
    ("综合信息指挥中心", 14, "其他"),
    ("便民服务中心", 16, "其他"),
    ("农业技术服务站", 14, "农林水利"),
)
_STATIONS = (
    ("自然资源局", "自然资源所", 12, "自然资源和环境保护"),
    ("水利局", "水利管理站", 9, "农林水利"),
    ("交通运输局", "公路管理站", 10, "交通运输"),
    ("住房和城乡建设局", "建设管理站", 9, "城乡建设"),
    ("市场监督管理局", "计量检测站", 8, "市场监管和检验检测"),
)
_CENTRES = {
    "教育局": ("教师发展中心 42", "教育考试中心 14", "学生资助服务中心 8", "教育技术中心 12", "校园安全服务中心 8"),
    "卫生健康局": ("急救指挥中心 38", "中心血站 24", "卫生人才服务中心 10", "爱国卫生服务中心 8", "健康教育所 12"),
    "财政局": ("国库支付中心 20", "投资评审中心 18", "国有资产服务中心 14"),
    "人力资源和社会保障局": ("社会保险服务中心 48", "就业服务中心 28", "劳动人事争议仲裁院 14", "职业技能鉴定中心 10"),
    "农业农村局": (
        "农业技术推广中心 46",
        "畜牧兽医服务中心 32",
        "农产品质量安全中心 18",
        "水产技术推广站 12",
        "种子管理站 10",
        "农村经营服务中心 12",
    ),
    "自然资源局": ("土地储备中心 22", "测绘与地理信息中心 20", "林业工作站 18", "规划展示馆 10", "地质环境监测站 9"),
    "司法局": ("公证处 16", "法律援助中心 10"),
    "发展和改革局": ("价格监测中心 12", "粮食储备中心 20", "重点项目服务中心 14", "节能监察中心 10"),
    "经济和信息化局": ("中小企业服务中心 14", "无线电监测站 8", "产业发展中心 18"),
    "科学技术局": ("科技创新服务中心 14", "科技情报研究所 9"),
    "民政局": ("社会福利中心 34", "殡仪馆 30", "救助管理站 12", "婚姻登记中心 9", "养老服务指导中心 10"),
    "住房和城乡建设局": (
        "房产交易中心 26",
        "建设工程质量安全中心 30",
        "城市建设档案馆 12",
        "园林绿化中心 40",
        "物业服务中心 12",
        "公用事业服务中心 22",
    ),
    "交通运输局": ("公路养护中心 60", "港航服务中心 34", "交通工程质量中心 16", "道路运输服务中心 30"),
    "水利局": ("水利建设中心 20", "河道管理中心 24", "水文站 16", "闸站运行中心 32"),
    "商务局": ("投资促进中心 18", "口岸服务中心 10"),
    "文化和广电旅游体育局": (
        "博物馆 34",
        "文物保护所 20",
        "少年体育学校 28",
        "旅游服务中心 14",
        "体育中心 22",
        "非物质文化遗产保护中心 12",
    ),
    "退役军人事务局": ("军休服务中心 12", "烈士陵园 10", "退役军人服务中心 12"),
    "应急管理局": ("应急救援指挥中心 20", "防灾减灾中心 12"),
    "审计局": ("政府投资审计中心 16",),
    "市场监督管理局": ("检验检测中心 44", "消费者权益保护服务中心 10", "知识产权服务中心 12", "特种设备检测中心 20"),
    "综合行政执法局": ("市容环境卫生中心 52", "智慧城管中心 18", "停车服务中心 16"),
    "统计局": ("社会经济调查队 14",),
    "医疗保障局": ("医疗保险服务中心 28",),
    "政务服务管理办公室": ("政务服务中心 30", "大数据中心 20"),
    "机关事务服务局": ("公务用车服务中心 16", "会议服务中心 12"),
}
_PARTY_CENTRES = {
    f"中共{CITY}委组织部": ("党员教育中心 10", "干部人事档案中心 12"),
    f"中共{CITY}委宣传部": ("融媒体中心 96", "新时代文明实践中心 8", "网络信息服务中心 9"),
    f"中共{CITY}委办公室": ("档案馆 28", "接待服务中心 10"),
    f"{CITY}总工会": ("工人文化宫 16", "职工服务中心 9"),
    f"{CITY}人民政府办公室": ("地方志编纂室 8", "金融服务中心 9"),
}
_GROUPS = ("城市建设投资集团", "交通投资集团", "水务集团", "文化旅游投资集团", "产业发展集团")


def _further() -> Iterator[Spec]:
    """The rest of a county: about six hundred; then further kindergartens and stations for as long as somebody asks."""
    yield from (_organ(f"{'' if name == '信访局' else '中共'}{CITY}{name}", "党委机关", "党委", _xz(posts)) for name, posts in _PARTY)
    yield from (_bureau(name, posts, sector=sector) for name, posts, sector in _GOVERNMENT)
    yield Spec(POLICE, "政府工作部门", (Row(ZF, STATE, 640),), 760, sector="其他", rank="副处级", sections=_BUREAU, withheld=True)
    yield from (_organ(name.format(CITY), "群团机关", "群团", _xz(posts), off=2) for name, posts in _MASS)
    yield from (_organ(name.format(CITY), "民主党派", "民主党派", _xz(3), off=0) for name in _PARTIES)
    yield Spec(
        f"中共{CITY}委党校", "参公事业单位", (Row(SYC, FULL, 40),), 6, f"中共{CITY}委组织部", "党委", sector="教育", sections=_CENTRE
    )
    yield from _institutions()
    yield from _by_town()
    yield from _schools()
    yield from _hospitals()
    yield from (
        Spec(f"{CITY}{name}有限公司", "市属国资集团", (Row(GQE, ENTERPRISE, 36),), system="国资", rank="未定规格", sector="其他")
        for name in _GROUPS
    )
    for number in count(3):
        for town in (*TOWNS, *STREETS):
            yield _school(f"{CITY}{town}第{_chinese(number)}幼儿园", 26, off=22)
            yield _centre(f"{town}第{_chinese(number)}网格服务站", town, _sy(8), sector="其他")


def _institutions() -> Iterator[Spec]:
    owners = [(CITY + owner, names) for owner, names in _CENTRES.items()] + list(_PARTY_CENTRES.items())
    sectors = {CITY + name: sector for name, _, sector in _GOVERNMENT}
    for owner, names in owners:
        for name, posts in (each.split() for each in names):
            like_organs = name.endswith(("仲裁院", "监察中心", "支付中心", "调查队"))
            row = Row(SYC if like_organs else SY, FULL, int(posts))
            category = "参公事业单位" if like_organs else "公益一类事业单位"
            yield _centre(CITY + name, owner, row, category, off=int(posts) // 4, sector=sectors.get(owner, "其他"))


def _by_town() -> Iterator[Spec]:
    given = {f"{town}{name}" for town in TOWNS[:3] for name in ("便民服务中心", "农业技术服务站")}
    for town in (*TOWNS, *STREETS):
        for name, posts, sector in _BRANCHES:
            if town + name not in given:
                yield _centre(town + name, town, _sy(posts), off=4, sector=sector)
        for owner, name, posts, sector in _STATIONS:
            yield _centre(f"{CITY}{town}{name}", CITY + owner, _sy(posts), off=2, sector=sector)
        squad = Row(SYC, FULL, 18)
        yield _centre(f"{CITY}综合行政执法队{town}中队", f"{CITY}综合行政执法局", squad, "参公事业单位", off=24, sector="综合行政执法")


def _schools() -> Iterator[Spec]:
    for number in range(2, 5):
        yield _school(f"{CITY}第{_chinese(number)}高级中学", 150, rank="副科级", category="学校")
    yield _school(f"{CITY}职业高级中学", 160, rank="副科级")
    yield _school(f"{CITY}卫生职业学校", 60)
    yield _school(f"{CITY}教师进修学校", 40)
    for number in range(3, 7):
        yield _school(f"{CITY}第{_chinese(number)}初级中学", 110)
    for town in (*TOWNS, *STREETS):
        if town not in TOWNS[:5]:
            yield _school(f"{CITY}{town}中心小学", 82)
        yield _school(f"{CITY}{town}初级中学", 92)
        yield _school(f"{CITY}{town}第二小学", 64)
        yield _school(f"{CITY}{town}中心幼儿园", 36, off=36)
        yield _school(f"{CITY}{town}第二幼儿园", 28, off=26)
        yield _school(f"{CITY}{town}成人文化技术学校", 9, off=2)
    for number, spot in enumerate(SPOTS):
        yield _school(f"{CITY}{spot}{('小学', '幼儿园', '学校')[number % 3]}", (70, 28, 96)[number % 3], off=(12, 28, 16)[number % 3])


def _hospitals() -> Iterator[Spec]:
    yield _hospital(f"{CITY}第二人民医院", 220, 110, 80, rank="副科级")
    yield _hospital(f"{CITY}妇幼保健院", 180, 90, 60, rank="副科级")
    yield _hospital(f"{CITY}康复医院", 90, 40, 40)
    yield _hospital(f"{CITY}口腔医院", 60, 30, 20)
    yield _centre(f"{CITY}卫生监督所", HEALTH, Row(SYC, FULL, 34), "参公事业单位", sector="卫生健康")
    for town in (*TOWNS, *STREETS):
        name = f"{CITY}{town}卫生院" if town.endswith("镇") else f"{CITY}{town}社区卫生服务中心"
        yield _hospital(name, 86, 30, 26)
    for spot in SPOTS[:12]:
        yield _hospital(f"{CITY}{spot}社区卫生服务站", 14, 0, 5, funding=FULL)


def _chinese(number: int) -> str:
    digits = "零一二三四五六七八九"
    tens, ones = divmod(number, 10)
    return f"{'' if tens < 2 else digits[tens]}{'十' if tens else ''}{digits[ones] if ones or not tens else ''}"
