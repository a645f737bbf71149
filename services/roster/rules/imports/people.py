"""A row of persons against the person of the roster who has its number."""

from collections.abc import Mapping
from typing import Any

from services.roster.models.fields import SHEETS
from services.roster.models.imports import JudgedRow, KnownPerson, Problem, Verdict
from services.roster.models.persons import UpdatePerson
from services.roster.models.refusals import PersonOnRoster
from services.roster.rules.imports.changes import KEY_CHANGED, differences
from shared.glossary import PersonIdentity, PostCategory

WRITABLE = frozenset(UpdatePerson.model_fields) - {"person_id", "since"}
_NOT_SAID = {PersonIdentity.UNKNOWN.value, PostCategory.UNKNOWN.value}
_NOT_CHANGED = "系统中该项与文件不同，属岗位登记事项，不随导入改动。请核对后办理变更"


def verdict_of(row: JudgedRow, known: KnownPerson | None, unit_code: str | None) -> tuple[Verdict, list[str]]:
    """What becomes of the row, and the fields it would change; what speaks against it is added to it. `unit_code`: of the row's unit, if known."""
    if row.left_out:
        return Verdict.LEFT_OUT, []
    if row.wrong:
        return Verdict.WRONG, []
    if known is None or _is_free(row.values, known):
        return Verdict.ADDED, []
    if unit_code is None or known.unit_code != unit_code:
        row.problems.append(Problem(row.sheet, row.number, "id_number", str(PersonOnRoster())))
        return Verdict.WRONG, []
    return _changes(row, known)


def _is_free(values: Mapping[str, Any], known: KnownPerson) -> bool:
    """Nowhere on a post, or no longer on the day the row speaks of."""
    return known.started_on is None or (known.ended_on is not None and known.ended_on <= values["started_on"])


def _changes(row: JudgedRow, known: KnownPerson) -> tuple[Verdict, list[str]]:
    sheet = SHEETS[row.sheet]
    said = {name: value for name, value in row.values.items() if value not in _NOT_SAID}
    today = {**known.today, "kind": known.kind, "funding": known.funding, "started_on": known.started_on}
    told = [name for name in differences(sheet, said, today) if name != "unit"]
    for name in told:
        if sheet.by_name[name].key:
            row.problems.append(Problem(row.sheet, row.number, name, KEY_CHANGED, warning=True))
        elif name not in WRITABLE:
            row.problems.append(Problem(row.sheet, row.number, name, _NOT_CHANGED, warning=True))
    changed = [name for name in told if name in WRITABLE and not sheet.by_name[name].key]
    return (Verdict.CHANGED if changed else Verdict.SAME), changed
