"""A row of a file against what the roster has today. What the file leaves empty stays as it is."""

from collections.abc import Collection, Mapping
from typing import Any

from services.roster.models.fields import Field, Kind, Sheet
from services.roster.models.imports import JudgedRow, Problem, Verdict
from services.roster.rules.imports.cells import likeness

KEY_CHANGED = "系统中该项与文件不同（关键指标，不随导入改动）。请核对；如系统有误，请办理信息变更"
UNIT_KEY_CHANGED = "系统中该项与文件不同（关键指标，不随导入改动）。请核对；如单位已有变更，请按批准文件办理（bianban reform 的“变更”步骤）"

Changed = dict[str, Any]
"""What the roster has of the fields that a row would change, in their order; none where it has nothing."""
_ENDED = "所填的代码已停用，新的记录不能再用。请改填现用的代码，可填的内容见模板“代码表”"


def in_force(row: JudgedRow, verdict: Verdict, changed: Changed, ended: Mapping[str, Collection[str]]) -> tuple[Verdict, Changed]:
    """The verdict, unless the row would write a code (`ended`: by field) that has ended; who holds it may keep it."""
    written = row.values if verdict is Verdict.ADDED else _written(row, changed) if verdict is Verdict.CHANGED else ()
    wrong = [Problem(row.sheet, row.number, name, _ENDED) for name in written if row.values.get(name) in ended.get(name, ())]
    row.problems += wrong
    return (Verdict.WRONG, {}) if wrong else (verdict, changed)


def _written(row: JudgedRow, changed: Changed) -> list[str]:
    """A level of 领导职数 is approved anew with its number, unless that is none."""
    return [*changed, "level"] if row.sheet == "seats" and row.values.get("approved") else [*changed]


def differences(sheet: Sheet, values: Mapping[str, Any], today: Mapping[str, Any]) -> list[str]:
    """The names of the fields in which they differ, in the sheet's order. Both hold JSON values; `today` has no entry for what it cannot tell."""
    return [
        each.name
        for each in sheet.fields
        if (told := values.get(each.name)) is not None and each.name in today and _plain(each, told) != _plain(each, today[each.name])
    ]


def _plain(of: Field, value: Any) -> Any:
    if value is None:
        return None
    if of.kind is Kind.MONTH:
        return str(value)[:7]
    if of.kind is Kind.TEXTS:
        return list(value)
    return likeness(value) if of.key and of.kind is Kind.TEXT else value
