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
    "kind": "差异种类",
    "leads": "以谁为准",
    "run": "比对",
    "sheet": "表",
    "field": "列",
    "week": "期次",
    "group": "分组",
    "population": "人员范围",
    "category": "单位类别",
    "unit_funding": "经费形式",
    "rank": "级别",
    "system": "系统",
    "q": "查找",
    "tab": "栏目",
    "late": "期限",
    "standing": "进展",
    "matter": "事项",
    "below": "范围",
    "open_only": "未了与否",
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
    "issued": "签发时间",
    "code": "编码",
    "name": "名称",
    "at": "时间",
    "birth_on": "出生",
    "started_on": "到岗",
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "state": {"open": "未了的"},
    "population": {"public": "机关事业", "state_enterprise": "国资"},
    "group": {"kind": "编制类型", "category": "单位类别", "parent": "主管部门", "town": "镇街"},
    "tab": WORK_TABS,
    "type": WORK_KINDS,
    "late": {"true": "已逾期"},
    "standing": LIST_STANDINGS,
    "below": {"true": "含下级单位", "false": "仅本单位"},
    "open_only": {"true": "只要未销号的", "false": "连同已销号的"},
    "sort": _ORDERS | {f"-{name}": f"{words}（倒序）" for name, words in _ORDERS.items()},
}
CODE_SETS: Mapping[str, str] = {
    "category": "categories",
    "unit_funding": "fundings",
    "rank": "ranks",
    "system": "systems",
    "matter": "matters",
}
"""Filters whose values are codes of a set."""
