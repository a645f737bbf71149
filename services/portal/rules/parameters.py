"""Parameters of rules as the forms take them: every version in one form, and what was typed as the value the service takes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.parameter_words import LIMITS, form_of


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
