"""What the filters of lists are called, and the values that no glossary and no code set knows."""

from collections.abc import Mapping

FILTERS: Mapping[str, str] = {
    "unit": "单位（含下级）",
    "as_of": "以哪一天为准",
    "known_on": "以哪一天所知为准",
    "since": "从哪一天起",
    "state": "状态",
    "type": "申请类型",
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
}
VALUES: Mapping[str, Mapping[str, str]] = {
    "state": {"open": "未了的"},
    "population": {"public": "机关事业", "state_enterprise": "国资"},
    "group": {"kind": "编制类型", "category": "单位类别", "parent": "主管部门", "town": "镇街"},
}
CODE_SETS: Mapping[str, str] = {"category": "categories", "unit_funding": "fundings", "rank": "ranks", "system": "systems"}
"""Filters whose values are codes of a set."""
