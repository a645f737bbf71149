"""A row of persons against the person of the roster who has its number."""

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from services.roster.models.fields import SHEETS
from services.roster.models.imports import LOAN, Held, JudgedRow, KnownLoan, KnownPerson, Verdict
from services.roster.models.persons import UpdatePerson
from services.roster.models.refusals import PersonOnRoster
from services.roster.models.requests import CONTRACT
from services.roster.rules.imports.changes import KEY_CHANGED, Changed, differences
from services.roster.rules.persons import LATE, late_is_closed
from shared.glossary import PersonIdentity, PostCategory

WRITABLE = frozenset(UpdatePerson.model_fields) - {"person_id", "since"}
_NOT_SAID = {PersonIdentity.UNKNOWN.value, PostCategory.UNKNOWN.value}
_CHOICE = "flexible_retirement"
_CHOICE_CLOSED = "该人员按系统登记的身份或领导职务级别不适用弹性延迟退休，未改动。请核对"
_EVER = "9999-12-31"
_HELD_OTHERWISE = "系统中该人员在这段时间另有在编记录，与本行不同，未改动。请核对；出编请在系统中办理，如系统有误请办理更正"
_CONTRACT_OVER = "合同到期早于今天，不是续签，用工合同未改动。续签的请填新的到期日期；原到期日期登记有误的，请办理更正"
_NOT_CHANGED = "系统中该项与文件不同，属岗位登记事项，不随导入改动。请核对后办理变更"


def verdict_of(
    row: JudgedRow,
    known: KnownPerson | None,
    unit_code: str | None,
    today: date,
    loan: KnownLoan | None,
    borrower: str | None,
    held: Collection[Held],
) -> tuple[Verdict, Changed]:
    """What becomes of the row, and what it would change; what speaks against it is added to it. `unit_code`: of the row's unit, if known;
    `loan`: the one that lasts; `borrower`: the code of the unit that borrows, if known; `held`: the posts that the person holds and held.
    """
    if row.left_out:
        return Verdict.LEFT_OUT, {}
    if row.values.get("ended_on") is not None:
        return _history(row, known, unit_code, held)
    here = None if known is None or _is_free(row.values, known) else known
    if here and here.unit_code != unit_code and row.values.get("unit") is not None:
        row.complain("id_number", str(PersonOnRoster()))
    if row.wrong:
        return Verdict.WRONG, {}
    return _changes(row, here, today, loan, borrower) if here else (Verdict.ADDED, {})


def _history(row: JudgedRow, known: KnownPerson | None, unit_code: str | None, held: Collection[Held]) -> tuple[Verdict, Changed]:
    """A post of the past is there already, or stands in nobody's way; else somebody must look at it. It changes nothing of the person."""
    values = row.values
    mine = Held(unit_code or "", *(str(values.get(name)) for name in ("kind", "funding", "started_on", "ended_on")))
    if known is not None and mine in held:
        return (Verdict.WRONG if row.wrong else Verdict.SAME), {}
    if any((each.ended_on or _EVER) > str(values.get("started_on")) and each.started_on < values["ended_on"] for each in held):
        row.complain("ended_on", _HELD_OTHERWISE)
    return (Verdict.WRONG if row.wrong else Verdict.ADDED), {}


def _is_free(values: Mapping[str, Any], known: KnownPerson) -> bool:
    """Nowhere on a post, or no longer on the day the row speaks of."""
    return known.started_on is None or (known.ended_on is not None and known.ended_on <= (values.get("started_on") or known.ended_on))


def _changes(row: JudgedRow, known: KnownPerson, today: date, loan: KnownLoan | None, borrower: str | None) -> tuple[Verdict, Changed]:
    sheet = SHEETS[row.sheet]
    said = {name: value for name, value in row.values.items() if value not in _NOT_SAID}
    there = {**known.today, "kind": known.kind, "funding": known.funding, "started_on": known.started_on}
    told = [name for name in differences(sheet, said, there) if name != "unit"]
    if _CHOICE in told and said[_CHOICE] == LATE and _late_is_closed(said, known.today):
        told.remove(_CHOICE)
        row.warn(_CHOICE, _CHOICE_CLOSED)
    writable = WRITABLE if known.today.get("employment_form") else WRITABLE - CONTRACT
    if writable & CONTRACT.intersection(told) and _is_over(said, known.today, today):
        told = [name for name in told if name not in CONTRACT]
        row.warn("contract_until", _CONTRACT_OVER)
    for name in told:
        if sheet.by_name[name].key:
            row.warn(name, KEY_CHANGED)
        elif name not in writable:
            row.warn(name, _NOT_CHANGED)
    changed = {name: there[name] for name in told if name in writable and not sheet.by_name[name].key} | _lent(row, loan, borrower)
    return (Verdict.CHANGED if changed else Verdict.SAME), changed


def _is_over(said: Mapping[str, Any], there: Mapping[str, Any], today: date) -> bool:
    """The contract that the file tells had ended before the day on which it is written."""
    until = said.get("contract_until") or there.get("contract_until")
    return until is not None and until < today.isoformat()


def _late_is_closed(said: Mapping[str, Any], today: Mapping[str, Any]) -> bool:
    """By what the person will be; his leading post is a key item, which no file changes."""
    identity, post_category = (said.get(name) or today.get(name) for name in ("identity", "post_category"))
    return late_is_closed(identity, today.get("leadership_level"), post_category)


def _lent(row: JudgedRow, loan: KnownLoan | None, borrower: str | None) -> Changed:
    """What the file tells of a loan: a new one, or a later last day of the one that lasts. Whatever else differs somebody must look at."""
    values = row.values
    if values.get("seconded_to") is None:
        return {}
    if loan is None:
        return {name: None for name in LOAN if values.get(name) is not None}
    if {values["seconded_to"], borrower} & loan.called and values["seconded_from_on"] == loan.started_on:
        if values["seconded_until"] > loan.until:
            return {"seconded_until": loan.until}
        if values["seconded_until"] < loan.until:
            said = f"系统中借调至 {loan.until}，与文件不同，未改动。已经返回的，请办理借调结束"
            row.warn("seconded_until", said)
        return {}
    said = f"系统中该人员自 {loan.started_on} 起另有借调，与文件不同，未改动。请核对；已经返回的，请先办理借调结束"
    row.warn("seconded_to", said)
    return {}
