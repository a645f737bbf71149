"""The fields of the register (实名制台账), sheet by sheet: templates, imports, lists and exports all follow this one table.

Source: 机构编制实名制管理 published field sets (domain §1.1, §1.3, §1.4). `label` is the column's header and the only place where it is worded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a cell holds."""

    TEXT = "text"
    NAME = "name"  # of a person
    ID_NUMBER = "id_number"
    USCC = "uscc"
    DAY = "day"
    MONTH = "month"  # a day may stand there; the month counts
    NUMBER = "number"
    FLAG = "flag"  # 是, 否
    CODE = "code"  # one of the code set `codes`
    UNIT = "unit"  # the name or code of a unit
    TEXTS = "texts"  # several, divided by 、


class Sensitivity(StrEnum):
    """PIPL: what may be shown to whom. SENSITIVE fields are encrypted one by one."""

    NONE = ""
    PERSONAL = "P"
    SENSITIVE = "SP"


_FLAGS = {"true": "是", "false": "否"}


@dataclass(frozen=True)
class Field:
    """One column. `key` marks 关键指标 (★): changed only by a case with proof. `aliases` are headers of older registers."""

    name: str
    label: str
    kind: Kind = Kind.TEXT
    codes: str | None = None
    required: bool = False
    key: bool = False
    sensitivity: Sensitivity = Sensitivity.NONE
    aliases: tuple[str, ...] = ()
    example: str = ""
    hint: str = ""

    def said(self, value: object, words: Mapping[str, Mapping[str, str]]) -> str | None:
        """A value as people say it: as JSON has it, or as the text that is kept of it (true, false). `words`: labels by code set and code. None: nothing."""
        if value in (None, "", [], ()):
            return None
        if isinstance(value, list | tuple):
            return "、".join(value)
        text = str(value)
        if self.kind is Kind.FLAG:
            return _FLAGS.get(text.lower(), text)
        return text[:7] if self.kind is Kind.MONTH else words.get(self.codes or "", {}).get(text, text)


@dataclass(frozen=True)
class Sheet:
    """One kind of file, and the sheet of a workbook that holds it. `identity` are the fields by which a row is recognised."""

    kind: str
    title: str
    fields: tuple[Field, ...]
    identity: tuple[str, ...]
    version: int = 1
    by_name: dict[str, Field] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {each.name: each for each in self.fields})


P, SP = Sensitivity.PERSONAL, Sensitivity.SENSITIVE
UNIT = Field(
    "unit", "单位", Kind.UNIT, required=True, key=True, aliases=("所在单位", "单位名称", "工作单位"), example="示例市临江镇人民政府"
)
_KIND = Field(
    "kind", "编制类型", Kind.CODE, "kinds", required=True, key=True, aliases=("编制性质", "编制类别", "占用编制类型"), example="行政编制"
)
_FUNDING = Field(
    "funding", "经费形式", Kind.CODE, "fundings", required=True, key=True, aliases=("经费来源", "经费渠道"), example="财政拨款"
)
_DOCUMENT = Field("document_no", "批准文号", required=True, aliases=("批文号", "文号"), example="示编〔2020〕1号")
_DOCUMENT_ON = Field("document_on", "批准日期", Kind.DAY, required=True, aliases=("批文日期", "批准时间"), example="2020-03-01")

UNITS = Sheet(
    "units",
    "单位",
    (
        Field("name", "单位名称", required=True, key=True, aliases=("机构名称", "单位全称"), example="示例市临江镇人民政府"),
        Field("short_name", "单位简称", aliases=("简称", "规范简称")),
        Field(
            "uscc", "统一社会信用代码", Kind.USCC, required=True, key=True, aliases=("信用代码", "机构代码"), example="11330499MB0000000X"
        ),
        Field("category", "单位类别", Kind.CODE, "categories", required=True, key=True, aliases=("机构类别",), example="镇"),
        Field("nature", "单位性质", Kind.CODE, "natures", aliases=("机构性质",), example="行政机关"),
        Field("public_welfare", "公益类别", Kind.CODE, "public_welfare_classes", aliases=("事业单位分类",)),
        Field("unit_funding", "单位经费形式", Kind.CODE, "fundings", example="财政拨款"),
        Field("sector", "行业", Kind.CODE, "sectors", aliases=("行业类别",)),
        Field("rank", "机构规格", Kind.CODE, "ranks", key=True, aliases=("单位规格", "规格", "级别"), example="正科级"),
        Field("system", "所属系统", Kind.CODE, "systems", aliases=("系统",), example="政府"),
        Field("leaders_above_rank", "单位领导高配", aliases=("领导高配", "高配情况"), hint="如：镇长高配副处级"),
        Field("leaders_above_rank_no", "高配批准文号", aliases=("高配文号", "高配依据")),
        Field("parent", "主管部门", Kind.UNIT, key=True, aliases=("上级单位", "举办单位", "隶属关系")),
        Field("second_names", "第二名称", Kind.TEXTS, aliases=("其他名称",)),
        Field("plates", "加挂牌子", Kind.TEXTS, aliases=("挂牌", "挂牌名称")),
        Field("internal_units", "内设机构", Kind.TEXTS, aliases=("内设科室",)),
        Field("duties", "主要职责", aliases=("职责",)),
        Field("established_on", "成立日期", Kind.DAY, aliases=("成立时间",)),
        Field("withheld", "不计入公开汇总", Kind.FLAG, aliases=("不公开",)),
        _DOCUMENT,
        _DOCUMENT_ON,
    ),
    ("uscc",),
)
"""机构."""

QUOTAS = Sheet(
    "quotas",
    "编制",
    (
        UNIT,
        _KIND,
        _FUNDING,
        Field("posts", "编制数", Kind.NUMBER, required=True, key=True, aliases=("核定编制数", "核编数"), example="30"),
        Field("use_until", "使用期限", Kind.DAY, hint="周转编制填写"),
        _DOCUMENT,
        _DOCUMENT_ON,
    ),
    ("unit", "kind", "funding"),
)
"""核定编制."""

SEATS = Sheet(
    "seats",
    "领导职数",
    (
        UNIT,
        Field("level", "职务层次", Kind.CODE, "leadership_levels", required=True, key=True, aliases=("职数级别",), example="单位正职"),
        Field("approved", "核定职数", Kind.NUMBER, required=True, key=True, aliases=("职数",), example="1"),
        _DOCUMENT,
        _DOCUMENT_ON,
    ),
    ("unit", "level"),
)
"""领导职数."""

_PERSON = (
    Field("name", "姓名", Kind.NAME, required=True, key=True, sensitivity=P, example="张示例"),
    Field(
        *("id_number", "公民身份号码", Kind.ID_NUMBER),
        required=True,
        key=True,
        sensitivity=SP,
        aliases=("身份证号", "身份证号码", "证件号码"),
        example="330499196501150013",
    ),
    Field("sex", "性别", Kind.CODE, "sexes", required=True, key=True, sensitivity=P, example="男"),
    Field("birth_on", "出生日期", Kind.DAY, required=True, key=True, sensitivity=P, aliases=("出生年月", "出生时间"), example="1965-01-15"),
    Field(
        *("certified_birth_on", "档案认定出生日期", Kind.DAY),
        key=True,
        sensitivity=P,
        aliases=("档案认定出生时间", "认定出生日期"),
        hint="与身份证不同时填写，以此计算退休时间",
    ),
    Field("ethnicity", "民族", Kind.CODE, "ethnicities", sensitivity=SP, example="汉族"),
    Field("native_place", "籍贯", sensitivity=P),
    Field("birth_place", "出生地", sensitivity=P),
    Field("political_status", "政治面貌", Kind.CODE, "political_statuses", sensitivity=SP, example="中共党员"),
    Field("party_joined_on", "入党时间", Kind.MONTH, sensitivity=SP),
    Field("work_began_on", "参加工作时间", Kind.MONTH, sensitivity=P, aliases=("工作时间", "参工时间"), example="1985-08"),
    Field("education", "学历", Kind.CODE, "educations", sensitivity=P, aliases=("最高学历", "文化程度"), example="本科"),
    Field("degree", "学位", Kind.CODE, "degrees", sensitivity=P, aliases=("最高学位",)),
    Field("full_time_education", "全日制学历", Kind.CODE, "educations", sensitivity=P, aliases=("全日制教育学历",)),
    Field("full_time_degree", "全日制学位", Kind.CODE, "degrees", sensitivity=P, aliases=("全日制教育学位",)),
    Field("in_service_education", "在职学历", Kind.CODE, "educations", sensitivity=P, aliases=("在职教育学历",)),
    Field("in_service_degree", "在职学位", Kind.CODE, "degrees", sensitivity=P, aliases=("在职教育学位",)),
    Field("school", "毕业院校", sensitivity=P, aliases=("毕业学校",)),
    Field("major", "专业", sensitivity=P, aliases=("所学专业",)),
    Field("graduated_on", "毕业时间", Kind.MONTH, sensitivity=P),
    Field("identity", "人员身份", Kind.CODE, "identities", required=True, sensitivity=P, aliases=("身份",), example="公务员"),
    Field("person_class", "人员分类", Kind.CODE, "person_classes", sensitivity=P),
    Field("title", "职务", key=True, sensitivity=P, aliases=("现任职务", "行政职务")),
    Field("title_since", "任现职时间", Kind.MONTH, sensitivity=P),
    Field("leadership_level", "领导职务级别", Kind.CODE, "leadership_grades", key=True, sensitivity=P, aliases=("职务级别",)),
    Field("grade", "职级", Kind.CODE, "civil_grades", sensitivity=P, aliases=("公务员职级",)),
    Field("post_category", "岗位类别", Kind.CODE, "post_categories", required=True, sensitivity=P, example="管理岗位"),
    Field("post_grade", "岗位等级", Kind.CODE, "post_grades", sensitivity=P),
    Field("professional_title", "专业技术职务", sensitivity=P, aliases=("职称", "专业技术职称", "技术职称")),
    Field(
        *("professional_title_level", "职称级别", Kind.CODE, "professional_title_levels"),
        sensitivity=P,
        aliases=("职称等级", "专业技术职务级别"),
        hint="新登记的人员不填则按专业技术职务推定",
    ),
    Field("above_rank", "是否高配", Kind.FLAG, sensitivity=P, aliases=("高配",)),
    Field("civil_servant_registered", "是否公务员登记", Kind.FLAG, sensitivity=P, aliases=("公务员登记",)),
)
_IN_POST = (
    UNIT,
    Field("internal_unit", "所在内设机构", sensitivity=P, aliases=("内设机构", "科室", "所在科室")),
    _KIND,
    _FUNDING,
    Field("duty_status", "人员状态", Kind.CODE, "duty_statuses", key=True, sensitivity=P, aliases=("在岗状态",), example="在编在岗"),
)
_ENTERED = Field(
    "started_on",
    "入编时间",
    Kind.DAY,
    required=True,
    key=True,
    sensitivity=P,
    aliases=("进编时间", "上编时间", "入编日期"),
    example="2010-08-01",
)

_LEFT = (
    Field(
        "ended_on", "出编时间", Kind.DAY, sensitivity=P, aliases=("出编日期",), hint="只填已经出编的人员：以前的在编经历随期初建账一并记入"
    ),
    Field("exit_reason", "出编原因", Kind.CODE, "exit_reasons", sensitivity=P, aliases=("减员方式",)),
    Field("exit_document_no", "出编文号", aliases=("出编批准文号",)),
)
"""Of who has left before the first load: his post is history, and counts on no day after it."""

PERSONS = Sheet(
    "roster",
    "人员",
    (
        *_IN_POST,
        *_PERSON,
        Field("seat_level", "占用职数", Kind.CODE, "leadership_levels", sensitivity=P),
        Field("entry_reason", "进入形式", Kind.CODE, "entry_reasons", key=True, sensitivity=P, aliases=("进入方式", "增员方式")),
        Field("entry_source", "进入来源", sensitivity=P, aliases=("原工作单位",)),
        Field("entered_on", "进入时间", Kind.DAY, sensitivity=P, aliases=("进入本系统时间", "进入本单位时间", "调入时间")),
        _ENTERED,
        Field("entry_document_no", "入编文号", key=True, aliases=("入编批准文号",)),
        Field("authorisation_no", "用编单编号", key=True, aliases=("控编单编号", "控编单号", "用编单号")),
        Field("authorised_on", "核编日期", Kind.DAY, key=True, aliases=("用编核准日期",)),
        Field("over_quota_cause", "超编原因", Kind.CODE, "over_quota_causes"),
        Field(
            "retirement_category", "退休类别", Kind.CODE, "retirement_categories", key=True, sensitivity=P, hint="不填则按职务、职称推定"
        ),
        Field("retirement_reason", "退休类别依据", sensitivity=P, hint="自行填写退休类别时写明依据"),
        Field("flexible_retirement", "弹性选择", Kind.CODE, "flexible_retirements", sensitivity=P, aliases=("弹性退休", "弹性退休选择")),
        Field("seconded_to", "借出单位", Kind.UNIT, sensitivity=P, aliases=("借用单位", "借调单位", "借入单位")),
        Field("seconded_from_on", "借调开始", Kind.DAY, sensitivity=P, aliases=("借调起始日期",)),
        Field("seconded_until", "借调到期", Kind.DAY, sensitivity=P, aliases=("借调截止日期",)),
        Field("secondment_document_no", "借调文号", sensitivity=P),
        *_LEFT,
    ),
    ("id_number",),
    version=2,
)
"""在编人员."""

OFF_ESTABLISHMENT = Sheet(
    "offestablishment",
    "编外人员",
    (
        *_IN_POST[:2],
        *(
            replace(each, example="编外人员") if each.name == "identity" else each
            for each in _PERSON
            if each.name not in {"leadership_level", "grade", "above_rank", "civil_servant_registered"}
        ),
        Field("off_post_kind", "编外岗位类别", Kind.CODE, "off_post_kinds", required=True, sensitivity=P, example="窗口服务"),
        Field("employment_form", "用工方式", Kind.CODE, "employment_forms", required=True, sensitivity=P, example="劳务派遣"),
        Field("dispatch_company", "派遣单位", sensitivity=P),
        Field("started_on", "用工起始", Kind.DAY, required=True, sensitivity=P, aliases=("合同起始", "进入时间"), example="2021-05-01"),
        Field("contract_until", "合同到期", Kind.DAY, sensitivity=P, aliases=("合同截止",)),
    ),
    ("id_number",),
    version=2,
)
"""编外人员: under their own ceiling (编外用工控制数), never counted as 编制."""

FROM_INSURANCE = (
    Field("pension_scheme", "养老保险险种", Kind.CODE, "pension_schemes", sensitivity=SP),
    Field("pension_unit", "参保单位", sensitivity=SP),
    Field("pension_status", "参保状态", Kind.CODE, "pension_statuses", sensitivity=SP),
)
"""What a comparison with the pension insurance finds (domain §1.4 no. 26): shown and exported; no form and no file tells it."""

SHEETS = {sheet.kind: sheet for sheet in (UNITS, QUOTAS, SEATS, PERSONS, OFF_ESTABLISHMENT)}
"""By kind, in the order in which they are imported."""
