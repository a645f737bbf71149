"""A reform tried out: every step is taken, all that speaks against it is gathered, and the whole is undone."""

from collections.abc import Callable
from copy import copy
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from functools import partial
from typing import Any

from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.reform_moves import settle_causes, settle_internal_units
from services.roster.commands.reforms import Work, ensure_new, overfilled, remember, stand_now, take_all, take_step
from services.roster.commands.unit_changes import ensure_kinds_fit
from services.roster.models.fields import UNITS
from services.roster.models.units import (
    Change,
    ChangeTried,
    DocumentAfterEffect,
    Reform,
    ReformProblem,
    ReformTried,
    StepTried,
    UnitChanges,
)
from services.roster.queries.codes import codes
from services.roster.queries.unit_records import names_of, record_of, records_of
from services.roster.rules.reforms import Stand
from shared.db import By, Connection, Database, retried
from shared.errors import DomainError
from shared.events.envelope import uuid7

_FIELDS = {each.name: each for each in UNITS.fields if each.name in UnitChanges.model_fields} | {"parent_id": UNITS.by_name["parent"]}


@dataclass
class _Undone(Exception):  # noqa: N818  named as the fact it states
    found: ReformTried


async def try_reform(database: Database, by: By, what: Reform) -> ReformTried:
    """What the reform would do, step by step, and every reason against it. A step that is refused is left out, and the next one tried.

    It locks as the reform itself would, so a deadlock is met as a command meets it.
    """
    return await retried(partial(_once, database, by, what))


async def _once(database: Database, by: By, what: Reform) -> ReformTried:
    try:
        async with database.transaction() as conn:
            raise _Undone(await _tried(conn, by, what))
    except _Undone as undone:
        return undone.found


async def _tried(conn: Connection, by: By, what: Reform) -> ReformTried:
    problems = _of_document(by, what)
    by = replace(by, document_no=by.document_no or "—")
    reform_id, named = uuid7(), await take_all(conn, what)
    problems += await _done_before(conn, by, what)
    before = await stand_now(conn, named)
    await remember(conn, by, what, reform_id)
    work = Work(what.effective_on, reform_id, what=what)
    steps: list[StepTried] = []
    refused: list[ReformProblem] = []
    for number, step in enumerate(what.steps, start=1):
        work, problem = await _step(conn, by, work, step, number, steps)
        refused += problem
    problems += refused or await _of_whole(conn, work, before)
    done = {"units_changed": len(work.changed), "units_closed": len(work.closed), "people_moved": len(work.movers)}
    left = await settle_internal_units(conn, work.movers)
    return ReformTried(**done, internal_units_left=left, steps=steps, problems=problems)


async def _step(
    conn: Connection, by: By, work: Work, step: object, number: int, steps: list[StepTried]
) -> tuple[Work, list[ReformProblem]]:
    then = _apart(work)
    try:
        async with conn.transaction():
            before = await _attributes(conn, step)
            await take_step(conn, by, then, step, number)
            after = await _attributes(conn, step)
    except DomainError as refusal:
        return work, [_problem(refusal, number)]
    steps.append(
        StepTried(
            step=number,
            posts=then.handed_over - work.handed_over,
            ceilings=then.ceilings - work.ceilings,
            people=len(then.movers) - len(work.movers),
            loans=len(then.loans) - len(work.loans),
            uses=len(then.reservations) - len(work.reservations),
            closes=len(then.closed) > len(work.closed),
            changes=[ChangeTried(label=each, before=before[each], after=after[each]) for each in before if before[each] != after[each]],
        )
    )
    return then, []


async def _attributes(conn: Connection, step: object) -> dict[str, str]:
    """What a step that changes a unit speaks of, as it stands, in words by label."""
    if not isinstance(step, Change):
        return {}
    stands = asdict(await record_of(conn, step.unit_id)) | await names_of(conn, step.unit_id)
    above = await records_of(conn, filter(None, [stands["parent_id"]]))
    stands["parent_id"] = next((each.name for each in above.values()), None)
    tables = await codes(conn, date.max)
    told = {_FIELDS[name]: stands[name] for name in _FIELDS if name in step.model_fields_set}
    words = {each.codes: {code.code: code.label for code in tables.of(each.codes)} for each in told if each.codes}
    return {each.label: each.said(value, words) or "（空）" for each, value in told.items()}


def _apart(work: Work) -> Work:
    """The same in containers of its own; what stands in them no step changes."""
    return replace(work, **{each.name: _contained(getattr(work, each.name)) for each in fields(work)})


def _contained(held: Any) -> Any:
    if isinstance(held, dict):
        return {key: _contained(each) for key, each in held.items()}
    return copy(held) if isinstance(held, list | set) else held


def _of_document(by: By, what: Reform) -> list[ReformProblem]:
    days = (what.effective_on, what.document_on)
    return _problems(partial(document_of, by), partial(today_of, by, *days), partial(_in_order, what))


async def _done_before(conn: Connection, by: By, what: Reform) -> list[ReformProblem]:
    try:
        await ensure_new(conn, by, what)
    except DomainError as refusal:
        return [_problem(refusal, None)]
    return []


def _in_order(what: Reform) -> None:
    if what.document_on > what.effective_on:
        raise DocumentAfterEffect(document_on=what.document_on)


async def _of_whole(conn: Connection, work: Work, before: Stand) -> list[ReformProblem]:
    problems = []
    try:
        await ensure_kinds_fit(conn, work)
        await settle_causes(conn, work.movers, work.what.over_quota_cause)
    except DomainError as refusal:
        problems.append(_problem(refusal, None))
    return problems + [_problem(refusal, None) for refusal in await overfilled(conn, work.what, before)]


def _problems(*checks: Callable[[], object]) -> list[ReformProblem]:
    found = []
    for check in checks:
        try:
            check()
        except DomainError as refusal:
            found.append(_problem(refusal, None))
    return found


def _problem(refusal: DomainError, step: int | None) -> ReformProblem:
    refusal.where = ""
    return ReformProblem(step=step, code=refusal.code, sentence=str(refusal))
