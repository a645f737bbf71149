"""A row of persons against the person of the roster who has its number."""

from collections.abc import Mapping
from typing import Any

from services.roster.models.fields import SHEETS
from services.roster.models.imports import LOAN, JudgedRow, KnownLoan, KnownPerson, Problem, Verdict
from services.roster.models.persons import UpdatePerson
from services.roster.models.refusals import PersonOnRoster
from services.roster.models.requests import CONTRACT
from services.roster.rules.imports.changes import KEY_CHANGED, differences
from shared.glossary import PersonIdentity, PostCategory

WRITABLE = frozenset(UpdatePerson.model_fields) - {"person_id", "since"}
_NOT_SAID = {PersonIdentity.UNKNOWN.value, PostCategory.UNKNOWN.value}
_NOT_CHANGED = "系统中该项与文件不同，属岗位登记事项，不随导入改动。请核对后办理变更"


def verdict_of(
    row: JudgedRow, known: KnownPerson | None, unit_code: str | None, loan: KnownLoan | None = None
) -> tuple[Verdict, list[str]]:
    """What becomes of the row, and the fields it would change; what speaks against it is added to it. `unit_code`: of the row's unit, if known;
    `loan`: the one that lasts.
    """
    if row.left_out:
        return Verdict.LEFT_OUT, []
    here = None if known is None or _is_free(row.values, known) else known
    if here and here.unit_code != unit_code and row.values.get("unit") is not None:
        row.problems.append(Problem(row.sheet, row.number, "id_number", str(PersonOnRoster())))
    if row.wrong:
        return Verdict.WRONG, []
    return _changes(row, here, loan) if here else (Verdict.ADDED, [])


def _is_free(values: Mapping[str, Any], known: KnownPerson) -> bool:
    """Nowhere on a post, or no longer on the day the row speaks of."""
    return known.started_on is None or (known.ended_on is not None and known.ended_on <= (values.get("started_on") or known.ended_on))


def _changes(row: JudgedRow, known: KnownPerson, loan: KnownLoan | None) -> tuple[Verdict, list[str]]:
    sheet = SHEETS[row.sheet]
    said = {name: value for name, value in row.values.items() if value not in _NOT_SAID}
    today = {**known.today, "kind": known.kind, "funding": known.funding, "started_on": known.started_on}
    told = [name for name in differences(sheet, said, today) if name != "unit"]
    writable = WRITABLE if known.today.get("employment_form") else WRITABLE - CONTRACT
    for name in told:
        if sheet.by_name[name].key:
            row.problems.append(Problem(row.sheet, row.number, name, KEY_CHANGED, warning=True))
        elif name not in writable:
            row.problems.append(Problem(row.sheet, row.number, name, _NOT_CHANGED, warning=True))
    changed = [name for name in told if name in writable and not sheet.by_name[name].key] + _lent(row, loan)
    return (Verdict.CHANGED if changed else Verdict.SAME), changed


def _lent(row: JudgedRow, loan: KnownLoan | None) -> list[str]:
    """What the file tells of a loan: a new one, or a later last day of the one that lasts. Whatever else differs somebody must look at."""
    values = row.values
    if values.get("seconded_to") is None:
        return []
    if loan is None:
        return [name for name in LOAN if values.get(name) is not None]
    if values["seconded_to"] in loan.called and values["seconded_from_on"] == loan.started_on:
        if values["seconded_until"] > loan.until:
            return ["seconded_until"]
        if values["seconded_until"] < loan.until:
            said = f"系统中借调至 {loan.until}，与文件不同，未改动。已经返回的，请办理借调结束"
            row.problems.append(Problem(row.sheet, row.number, "seconded_until", said, warning=True))
        return []
    said = f"系统中该人员自 {loan.started_on} 起另有借调，与文件不同，未改动。请核对；已经返回的，请先办理借调结束"
    row.problems.append(Problem(row.sheet, row.number, "seconded_to", said, warning=True))
    return []
