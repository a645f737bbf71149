"""Parameters of rules in words: what each is called, how its value reads, and what was typed as the value the service takes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from services.portal.rules.written import NOTHING, label

NAMES = {
    "budget_days": "整改期限（工作日）",
    "plan_days": "消化计划期限（工作日）",
    "grace_days": "宽限（工作日）",
    "extensions": "可延期次数",
    "ladder": "升级阶梯",
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
}
GROUPS = {"*": "所有规则", "freeze": "冻结"}
LIMITS = "roster"
"""The group of the roster's own limits, which no rule owns."""
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
        return "、".join(label(each) for each in value)
    if kind == "ladder":
        return "；".join(f"{label(each['rung'])}：{_offset(each['offset'])}" for each in value)
    return NOTHING if value is None else str(value)


def typed_of(name: str, value: Any) -> list[str]:
    """A value as the fields of the form show it at first: several of them for scopes, and for a ladder (rung, days, rung, days …)."""
    kind = form_of(name)
    if kind == "ladder":
        return [str(part) for each in value for part in (each["rung"], each["offset"])]
    if kind == "scopes":
        return list(value)
    return [("true" if value else "false") if kind == "boolean" else "" if value is None else str(value)]


def value_of(name: str, typed: Sequence[str]) -> Any:
    """What was typed or ticked, as the service takes it. Raises ValueError where it is no number; the rest the service judges."""
    kind, first = form_of(name), typed[0] if typed else ""
    if kind == "scopes":
        return [each for each in typed if each]
    if kind == "ladder":
        return [{"rung": rung, "offset": int(days)} for rung, days in zip(typed[::2], typed[1::2], strict=True) if rung]
    if kind == "policy":
        return first or None
    return first == "true" if kind == "boolean" else first if kind == "text" else int(first)


def lines(monitoring: Iterable[Mapping[str, Any]], roster: Iterable[Mapping[str, Any]], today: str) -> list[dict[str, Any]]:
    """All versions of both services in one form, the latest first."""
    rules = [dict(each) | {"since": each["effective_on"], "until": None} for each in monitoring]
    limits = [
        dict(each)
        | {
            "rule": LIMITS,
            "since": each["valid_from"],
            "until": each["valid_until"],
            "in_force": (each["valid_from"] or "") <= today and (each["valid_until"] is None or today < each["valid_until"]),
        }
        for each in roster
    ]
    return sorted([*rules, *limits], key=lambda each: (each["since"] or "", each.get("version", 0)), reverse=True)


def grouped(found: list[dict[str, Any]]) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Versions by rule and name, rules in the order of their codes, what holds for all of them first."""
    groups: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for each in sorted(found, key=lambda each: (each["rule"] == LIMITS, each["rule"], each["name"])):
        groups.setdefault(each["rule"], {}).setdefault(each["name"], []).append(each)
    return groups


def _offset(days: int) -> str:
    return "到期日" if days == 0 else f"到期前 {-days} 个工作日" if days < 0 else f"到期后 {days} 个工作日"
