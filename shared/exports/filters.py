"""What the filters of lists are called, and the values that are no terms of their own and in no code set."""

from collections.abc import Mapping

from shared.glossary import LIST_STANDINGS, WORK_KINDS, WORK_TABS

FILTERS: Mapping[str, str] = {
    "unit": "单位（含下级）",
    "as_of": "以哪一天为准",
    "known_on": "以哪一天所知为准",
    "since": "从哪一天起",
    "state": "状态",
    "type": "类型",
    "light": "亮灯",
    "level": "等级",
    "rule": "规则",
    "kind": "编制类型",
    "funding": "经费形式",
    "counted": "是否计入编制",
    "over": "超编与否",
    "vacant": "空编与否",
    "duty_status": "人员状态",
    "seat_level": "占用职数",
    "entry_reason": "进入形式",
    "lent": "借出与否",
    "identity": "人员身份",
    "post_category": "岗位类别",
    "post_grade": "岗位等级",
    "leadership_level": "领导职务级别",
    "grade": "职级",
    "title": "职务（开头）",
    "sex": "性别",
    "education": "学历",
    "degree": "学位",
    "leads": "以谁为准",
    "run": "比对",
    "sheet": "表",
    "field": "列",
    "week": "期次",
    "group": "分组",
    "population": "人员范围",
    "on_roster": "在册与否",
    "persons": "指定人员",
    "category": "单位类别",
    "nature": "单位性质",
    "public_welfare": "公益类别",
    "unit_funding": "经费形式",
    "sector": "行业",
    "rank": "级别",
    "system": "系统",
    "q": "查找",
    "tab": "栏目",
    "late": "期限",
    "standing": "进展",
    "matter": "事项",
    "measure": "措施",
    "below": "范围",
    "open_only": "未了与否",
    "role": "角色",
    "user": "登录名",
    "person": "人员编号",
    "of_unit": "单位",
    "case": "案件编号",
    "order": "冻结单编号",
    "actor": "查看人登录名",
    "sort": "次序",
}
_ORDERS = {
    "due": "期限",
    "submitted": "提交时间",
    "unit": "单位",
    "type": "类型",
    "found": "发现时间",
    "rule": "规则",
    "proposed": "提出时间",
    "issued": "应发时间",
    "code": "编码",
    "name": "名称",
    "at": "时间",
    "birth_on": "出生",
    "started_on": "到岗",
    "level": "职务层次",
    "effective_on": "生效日期",
    "recorded_at": "实施时间",
    "quota": "编制数",
    "headcount": "实有数",
    "available": "可用编",
    "saturation": "使用率",
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "state": {"open": "未了的"},
    "population": {"public": "机关事业", "state_enterprise": "国资", "off_establishment": "编外"},
    "on_roster": {"on": "在册（含编外）", "off": "不在册", "never": "从未在册", "all": "不论是否在册"},
    "group": {"kind": "编制类型", "category": "单位类别", "parent": "主管部门", "town": "镇街"},
    "tab": WORK_TABS,
    "type": WORK_KINDS,
    "late": {"true": "已超期"},
    "standing": LIST_STANDINGS,
    "below": {"true": "含下级单位", "false": "仅本单位"},
    "counted": {"true": "计入编制", "false": "不计入编制"},
    "over": {"true": "只要超编的", "false": "不论是否超编"},
    "vacant": {"true": "只要有空编的", "false": "不论有无空编"},
    "lent": {"true": "已借出", "false": "未借出"},
    "open_only": {"true": "只要未销号的", "false": "连同已销号的"},
    "sort": _ORDERS | {f"-{name}": f"{words}（倒序）" for name, words in _ORDERS.items()},
}
CODE_SETS: Mapping[str, str] = {
    "category": "categories",
    "nature": "natures",
    "public_welfare": "public_welfare_classes",
    "unit_funding": "fundings",
    "sector": "sectors",
    "rank": "ranks",
    "system": "systems",
    "matter": "matters",
    "rule": "rules",
    "sheet": "sheets",
    "kind": "kinds",
    "funding": "fundings",
    "duty_status": "duty_statuses",
    "seat_level": "leadership_levels",
    "entry_reason": "entry_reasons",
    "identity": "identities",
    "post_category": "post_categories",
    "post_grade": "post_grades",
    "leadership_level": "leadership_grades",
    "grade": "civil_grades",
    "sex": "sexes",
    "education": "educations",
    "degree": "degrees",
    "field": "fields",
}
"""Filters whose values are codes of a set."""


OF_LISTS: Mapping[tuple[str, str], tuple[str, Mapping[str, str], str]] = {
    ("seats", "level"): ("职务层次", {}, "leadership_levels"),
    ("seats", "over"): ("超职数与否", {"true": "只要超职数的", "false": "不论是否超职数"}, ""),
    ("seats", "vacant"): ("空缺与否", {"true": "只要有空缺的", "false": "不论有无空缺"}, ""),
    ("differences", "kind"): ("差异种类", {}, ""),
    ("person_finds", "actor"): ("核对人登录名", {}, ""),
}
"""What one list means by a filter that other lists have too: its name, its values, its code set."""


def label_of(list_name: str, name: str) -> str:
    """What a list calls a filter."""
    return OF_LISTS[list_name, name][0] if (list_name, name) in OF_LISTS else FILTERS.get(name, name)


def values_of(list_name: str, name: str) -> Mapping[str, str]:
    """The values of a filter of a list that have words here."""
    return OF_LISTS[list_name, name][1] if (list_name, name) in OF_LISTS else VALUES.get(name, {})


def code_set_of(list_name: str, name: str) -> str:
    """The code set that holds the values of a filter of a list; empty where none does."""
    return OF_LISTS[list_name, name][2] if (list_name, name) in OF_LISTS else CODE_SETS.get(name, "")


def called(list_name: str, name: str, filters: Mapping[str, object]) -> str:
    """The word for a filter beside the others: a unit alone has none below it."""
    return "单位" if name == "unit" and filters.get("below") in {False, "false"} else label_of(list_name, name)
