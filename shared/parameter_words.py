"""Parameters of rules in words: what each is called, and how its value reads."""

from collections.abc import Mapping
from typing import Any

from shared.glossary import LABELS, FreezeScope, Rung

NAMES: Mapping[str, str] = {
    "budget_days": "整改期限（工作日）",
    "plan_days": "消化计划期限（工作日）",
    "grace_days": "宽限（工作日）",
    "extensions": "可延期次数",
    "extension_days": "每次延期最长（工作日）",
    "ladder": "升级阶梯",
    "repeat_months": "同类问题再次发生即约谈的期间（月）",
    "notice_series": "整改通知书字号",
    "notice_sealed": "通知书须先签章",
    "list_series": "督办清单字号",
    "scopes": "冻结建议的范围",
    "decide_automatically": "自动冻结的授权文号",
    "release_automatically": "自动解冻的授权文号",
    "secondment_months": "借调一次最长（月）",
    "secondment_total_months": "借调累计最长（月）",
    "secondment_rest_months": "两次借调间隔（月）",
    "secondment_notice_days": "续借提前办理（工作日）",
    "post_use_months": "核准用编有效期（月）",
}
GROUPS = {"*": "所有规则", "freeze": "冻结"}
LIMITS = "roster"
"""The group of the roster's own limits, which no rule owns."""
LIMITS_CALLED = "借调和用编限额"
_FORMS = {
    "ladder": "ladder",
    "notice_series": "text",
    "list_series": "text",
    "notice_sealed": "boolean",
    "scopes": "scopes",
    "decide_automatically": "policy",
    "release_automatically": "policy",
}


def form_of(name: str) -> str:
    """How its value is typed: number, text, boolean, policy (nothing typed: none), scopes, or ladder."""
    return _FORMS.get(name, "number")


def reads(name: str, value: Any) -> str:
    """A value in words."""
    kind = form_of(name)
    if kind == "boolean":
        return "是" if value else "否"
    if kind == "policy":
        return value or "未授权，由人决定"
    if kind == "scopes":
        return "、".join(LABELS[FreezeScope(each)] for each in value)
    if kind == "ladder":
        return "；".join(f"{LABELS[Rung(each['rung'])]}：{_offset(each['offset'])}" for each in value)
    return "—" if value is None else str(value)


def _offset(days: int) -> str:
    return "到期日" if days == 0 else f"到期前 {-days} 个工作日" if days < 0 else f"到期后 {days} 个工作日"
