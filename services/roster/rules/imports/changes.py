"""A row of a file against what the roster has today. What the file leaves empty stays as it is."""

from collections.abc import Mapping
from typing import Any

from services.roster.models.fields import Kind, Sheet

KEY_CHANGED = "系统中该项与文件不同（关键指标，不随导入改动）。请核对；如系统有误，请办理信息变更"


def differences(sheet: Sheet, values: Mapping[str, Any], today: Mapping[str, Any]) -> list[str]:
    """The names of the fields in which they differ, in the sheet's order. Both hold JSON values; `today` has no entry for what it cannot tell."""
    return [
        each.name
        for each in sheet.fields
        if (told := values.get(each.name)) is not None
        and each.name in today
        and _plain(each.kind, told) != _plain(each.kind, today[each.name])
    ]


def _plain(kind: Kind, value: Any) -> Any:
    if value is None:
        return None
    if kind is Kind.MONTH:
        return str(value)[:7]
    if kind is Kind.TEXTS:
        return list(value)
    return value
