"""One comparison: the file read, ours beside it, and what was found settled with the cases that there are. Nothing of the roster is written."""

import os
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from uuid import UUID

import asyncpg

from services.roster.commands.brought import COMPARED
from services.roster.commands.comparisons import end
from services.roster.commands.import_sheets import unseen
from services.roster.models.comparisons import ComparisonState, FileOfPart, Found, NumbersHidden, subject_of, whom_of
from services.roster.models.imports import FileForgotten, HeaderMissing, MappingWrong, NationalHeaderMissing, Problem
from services.roster.queries.comparison_facts import Plan, all_units, kept_only_here, known_here, leads_of, our_rows, plans
from services.roster.queries.difference_values import is_sensitive, number_of, opened_values, place_in
from services.roster.queries.exports.provincial import formats
from services.roster.queries.indexes import known_by
from services.roster.rules.comparisons import (
    PersonsComparison,
    SheetComparison,
    TheirRow,
    Units,
    compare_rows,
    compare_units,
    found_again,
    spoken_of,
)
from services.roster.rules.imports.cells import MASKED, ROUNDED
from services.roster.rules.imports.rows import LEADS, Layout, SheetJudge, ensure_columns, has_header
from services.roster.rules.leads import Outside
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database
from shared.events.envelope import uuid7
from shared.glossary import DifferenceState
from shared.sheets import headers
from shared.sheets.reading import Row, Wanted, opened
from shared.sheets.reading import Sheet as ForeignSheet
from shared.sheets.refusals import Unreadable

PROBLEMS = 500
BATCH = 1_000
PERSONS = "roster"
_OF_NUMBERS = frozenset({MASKED, ROUNDED})
"""The comparison says these itself, once it knows whose number it is."""
GONE, CHANGED, AGAIN, FIRST = "比对一致，自动销号", "事实有变化，重新核实", "处理后比对仍不一致", "比对发现"


class _Superseded(Exception):  # noqa: N818  named as the fact it states
    """Cancelled, or a later attempt compares it."""


@dataclass
class _Run:
    """One attempt at one file."""

    database: Database
    cipher: FieldCipher
    row: asyncpg.Record
    plans: Mapping[str, Plan]
    outside: Outside
    units: Units
    rows_read: int = 0
    sheets: dict[str, SheetComparison] = field(default_factory=dict)
    problems: list[dict[str, object]] = field(default_factory=list)
    unread: int = 0
    notes: list[str] = field(default_factory=list)
    ours: set[UUID] = field(default_factory=set)
    theirs: set[UUID] = field(default_factory=set)

    def problem(self, plan: Plan, number: int, name: str, sentence: str) -> None:
        """A row or cell that could not be compared; no sentence repeats a cell."""
        self.unread += 1
        if len(self.problems) < PROBLEMS:
            column = plan.fields.by_name[name].label if name in plan.fields.by_name else ""
            self.problems.append({"sheet": plan.fields.title, "row": number, "column": column, "sentence": sentence})

    def ensure_whole(self) -> None:
        """Who names no unit sends the county. Raises FileOfPart."""
        if self.row["root_id"] is None and not self.row["whole"] and 2 * len(self.theirs) < len(self.ours):
            raise FileOfPart(here=len(self.ours), there=len(self.theirs))

    async def tell(self) -> None:
        """Let watchers know how far it is. Raises _Superseded."""
        mine = await self.database.pool.fetchval(
            "UPDATE comparison_runs SET rows_read = $3, step = step + 1 WHERE id = $1 AND attempt = $2 AND state = $4 RETURNING true",
            *(self.row["id"], self.row["attempt"], self.rows_read, ComparisonState.COMPARING),
        )
        if not mine:
            raise _Superseded


async def compare_registers(database: Database, cipher: FieldCipher, clock: Clock, run_id: UUID) -> None:
    """Compare one file from its beginning, whatever an earlier attempt has left. Raises _Superseded: it is asked again (as `check_import`)."""
    row = await database.pool.fetchrow(
        "UPDATE comparison_runs SET state = $2, attempt = attempt + 1, rows_read = 0, step = step + 1 WHERE id = $1 AND state = ANY($3)"
        " RETURNING *",
        *(run_id, ComparisonState.COMPARING, [ComparisonState.RECEIVED, ComparisonState.COMPARING]),
    )
    if row is None:
        return
    by = By(actor=row["actor"], as_of=clock.now(), key=f"comparison:{run_id}")
    try:
        run = await _prepare(database, cipher, by.as_of, row)
        await _compare(run)
        run.ensure_whole()
        await _settle(run, by)
    except (Unreadable, HeaderMissing, MappingWrong, FileForgotten, FileOfPart, NumbersHidden) as refusal:
        async with database.transaction() as conn:
            if await conn.fetchval("SELECT state FROM comparison_runs WHERE id = $1 FOR UPDATE", run_id) == ComparisonState.COMPARING:
                told = NationalHeaderMissing(**refusal.facts) if isinstance(refusal, HeaderMissing) else refusal
                await end(conn, run_id, ComparisonState.UNREADABLE, by, str(told))


async def _prepare(database: Database, cipher: FieldCipher, at: datetime, row: asyncpg.Record) -> _Run:
    format_ = next(each for each in formats() if each.version == row["format"])
    async with database.reading() as conn:
        setting = await leads_of(conn, row["leads"])
        by_title = await plans(conn, format_, setting, business_day(at))
        outside = Outside(kinds=setting.outside.kinds | await kept_only_here(conn), categories=setting.outside.categories)
        return _Run(database, cipher, row, by_title, outside, await all_units(conn, row["root_id"]))


async def _compare(run: _Run) -> None:
    """Sheet after sheet of the file; what the file does not have is not compared."""
    place = await COMPARED.opened(run.database, run.cipher, run.row["id"])
    lone = next(title for title, plan in run.plans.items() if plan.kind == PERSONS)
    try:
        async with opened(place, run.row["file_name"], Wanted(list(run.plans), lone)) as book:
            async for foreign in book.sheets(partial(has_header, partial(_header, run.plans[lone]))):
                plan = run.plans[foreign.title]
                await _compare_sheet(run, plan, foreign)
                await run.tell()
            if book.hidden:
                run.notes.append(f"隐藏的工作表{'、'.join(f'“{name}”' for name in book.hidden)}没有比对；应比对的，请取消隐藏后重新上传")
    finally:
        os.close(place)


async def _compare_sheet(run: _Run, plan: Plan, foreign: ForeignSheet) -> None:
    columns, rows = _rows_of(run, plan, foreign)
    compared = {name: how for name, how in plan.compared.items() if name in columns or name == "kind"}
    sheet = SheetComparison(plan.kind, plan.leads, run.outside, run.units, compared, run.row["root_id"])
    if plan.kind == PERSONS:
        await _compare_persons(run, plan, sheet, rows)
    else:
        theirs = [row async for row in rows]
        async with run.database.reading() as conn:
            ours = [row async for chunk in our_rows(conn, run.cipher, plan, run.row["root_id"]) for row in chunk]
        run.ours |= {row.unit_id for row in ours}
        run.theirs |= spoken_of(sheet, theirs)
        (compare_units if plan.kind == "units" else compare_rows)(sheet, ours, theirs)
    for number, name, sentence in sheet.problems:
        run.problem(plan, number, name, sentence)
    run.sheets[plan.kind] = sheet


async def _compare_persons(run: _Run, plan: Plan, sheet: SheetComparison, rows: AsyncIterator[TheirRow]) -> None:
    persons, theirs = PersonsComparison(sheet), [row async for row in rows]
    run.theirs |= spoken_of(sheet, theirs)
    if theirs and not any(row.values.get("id_number") for row in theirs):
        raise NumbersHidden(rows=len(theirs))
    for start in range(0, len(theirs), BATCH):
        batch = theirs[start : start + BATCH]
        numbers = [row.values.get("id_number") for row in batch]
        async with run.database.reading() as conn:
            known = await known_by(conn, [run.cipher.indexes(number) if number else {} for number in numbers])
        for place, row in enumerate(batch):
            persons.theirs(row, known.get(place))
    async with run.database.reading() as conn:
        async for chunk in our_rows(conn, run.cipher, plan, run.row["root_id"]):
            for ours in chunk:
                run.ours.add(ours.unit_id)
                persons.ours(ours)
        persons.close(await known_here(conn, persons.known_left))


def _header(plan: Plan, foreign: ForeignSheet) -> headers.Header:
    """Raises HeaderMissing."""
    header = headers.find(foreign.head, foreign.merged, plan.how.columns)
    if header is None:
        raise HeaderMissing(sheet=foreign.name or foreign.title, detail="的前 40 行中没有找到表头")
    ensure_columns(plan.fields, foreign.name or foreign.title, header.columns, header.doubled, plan.how)
    return header


def _rows_of(run: _Run, plan: Plan, foreign: ForeignSheet) -> tuple[frozenset[str], AsyncIterator[TheirRow]]:
    """Which fields the file has columns for, and its rows as values. Raises HeaderMissing."""
    header = _header(plan, foreign)
    layout = Layout(plan.fields, list(header.columns), plan.how, csv=not foreign.name, from_1904=foreign.from_1904)
    judge, name = SheetJudge(layout, business_day(run.row["received_at"]), {}, political_legal=True), foreign.name or foreign.title
    hidden = [plan.fields.by_name[each].label for each, place in header.columns.items() if place in foreign.hidden]
    if hidden:
        run.notes.append(f"工作表“{name}”中被隐藏的列（{'、'.join(hidden)}）也已参加比对；不应比对的，请删除后重新上传")
    places = [*header.columns.values(), *range(LEADS)]

    async def rows() -> AsyncIterator[TheirRow]:
        async for chunk in foreign.chunks(header.after, places):
            run.rows_read += len(chunk)
            for row, judged in zip(chunk, judge.read(chunk), strict=True):
                problems: Sequence[Problem] = judged if isinstance(judged, list) else judged.problems
                doubt = next((problem.sentence for problem in problems if problem.sentence in _OF_NUMBERS), "")
                for problem in problems:
                    if problem.sentence not in _OF_NUMBERS:
                        run.problem(plan, problem.row, problem.field, problem.sentence)
                if not isinstance(judged, list):
                    _note_look(judge, row)
                    yield TheirRow(judged.number, judged.values, frozenset(problem.field for problem in problems), doubt)
            await run.tell()
        run.notes += unseen({(name, look): rows for look, rows in judge.unseen.items()}, "参加比对", "比对")

    return frozenset(header.columns), rows()


def _note_look(judge: SheetJudge, row: Row) -> None:
    """Whoever was filtered or struck out in the file is compared all the same."""
    if any(problem.field for problem in judge.of_look(row)):
        judge.unseen["有内容带删除线"].append(row.number)


async def _settle(run: _Run, by: By) -> None:
    """One transaction: cases found again stay, come back or are new; those found no more are struck off; the file goes."""
    async with run.database.transaction() as conn:
        await conn.execute("SELECT pg_advisory_xact_lock(hashtext('comparison'))")
        state = await conn.fetchrow("SELECT state, attempt FROM comparison_runs WHERE id = $1 FOR UPDATE", run.row["id"])
        if state is None or (state["state"], state["attempt"]) != (ComparisonState.COMPARING, run.row["attempt"]):
            raise _Superseded
        outcome = await _Settling(conn, run, by, await _cases(conn, run)).settle()
        await conn.execute(
            "UPDATE comparison_runs SET counts = $2, outcome = $3, problems = $4, unread = $5, compared_at = $6 WHERE id = $1",
            run.row["id"],
            {kind: dict(sheet.counts) for kind, sheet in run.sheets.items()},
            outcome,
            run.problems,
            run.unread,
            by.as_of,
        )
        await end(conn, run.row["id"], ComparisonState.COMPARED, by, "；".join(run.notes))


async def _cases(conn: Connection, run: _Run) -> dict[str, asyncpg.Record]:
    """All cases of the sheets that were compared, by what they are about: those within the subtree, and those outside of it that may be found in it."""
    rows = await conn.fetch(
        "SELECT cases.*, $2::uuid IS NULL OR coalesce($2 = ANY(units.path), false) AS inside"
        " FROM comparison_differences cases LEFT JOIN units ON units.id = cases.unit_id WHERE sheet = ANY($1)"
        " AND ($2 IS NULL OR $2 = ANY(units.path) OR number_sealed IS NOT NULL OR subject = ANY($3)) ORDER BY inside",
        list(run.sheets),
        run.row["root_id"],
        [found.subject for sheet in run.sheets.values() for found in sheet.found if found.number is None],
    )
    return {_subject(run.cipher, row): row for row in rows}


def _subject(cipher: FieldCipher, case: asyncpg.Record) -> str:
    number = number_of(cipher, case)
    return str(case["subject"]) if number is None else subject_of(case["sheet"], case["kind"], case["field"], "", number)


_NEW = (
    *("id", "subject", "sheet", "kind", "field", "unit_id", "person_id", "name", "number_sealed", "ours", "theirs", "ours_sealed"),
    *("theirs_sealed", "leads", "state", "first_run", "last_run", "found_at", "moved_at"),
)
_STEP = ("difference_id", "run_id", "at", "actor", "action", "state", "reason")


class _Settling:
    """Differences against cases."""

    def __init__(self, conn: Connection, run: _Run, by: By, cases: dict[str, asyncpg.Record]) -> None:
        self._conn, self._run, self._by, self._left = conn, run, by, cases
        self._new: list[tuple[object, ...]] = []
        self._kept: list[tuple[object, ...]] = []
        self._steps: list[tuple[object, ...]] = []
        self._outcome = dict.fromkeys(("new", "again", "same", "silent", "closed"), 0)

    async def settle(self) -> dict[str, int]:
        """Write it all; answers with how many of each."""
        for found in _once(each for sheet in self._run.sheets.values() for each in sheet.found):
            case = self._left.pop(found.subject, None)
            if case is None:
                self._open(found)
            else:
                self._again(found, case)
        gone = [case for subject, case in self._left.items() if self._judged(case, subject)]
        for case in gone:
            if case["state"] != DifferenceState.CLOSED:
                self._step(case["id"], DifferenceState.CLOSED, GONE)
                self._outcome["closed"] += 1
        await self._write([case["id"] for case in gone])
        return self._outcome

    def _judged(self, case: asyncpg.Record, subject: str) -> bool:
        """What this file says nothing of stays as it is."""
        sheet = self._run.sheets[case["sheet"]]
        return case["inside"] and sheet.judged(case["kind"], case["field"], whom_of(subject), case["name"])

    async def _write(self, gone: list[UUID]) -> None:
        await self._conn.copy_records_to_table("comparison_differences", records=self._new, columns=_NEW)
        await self._conn.executemany(
            "UPDATE comparison_differences SET subject = $2, unit_id = $3, person_id = $4, name = $5, number_sealed = $6, ours = $7,"
            " theirs = $8, ours_sealed = $9, theirs_sealed = $10, leads = $11, state = $12, explained = $13, moved_at = $14,"
            " decided = CASE WHEN $15 THEN NULL ELSE decided END, last_run = $16 WHERE id = $1",
            self._kept,
        )
        await self._conn.execute(
            "UPDATE comparison_differences SET state = $2, explained = false, moved_at = CASE state WHEN $2 THEN moved_at ELSE $3 END"
            " WHERE id = ANY($1)",
            gone,
            DifferenceState.CLOSED,
            self._by.as_of,
        )
        await self._conn.copy_records_to_table("comparison_steps", records=self._steps, columns=_STEP)

    def _open(self, found: Found) -> None:
        case_id, run_id, at = uuid7(), self._run.row["id"], self._by.as_of
        whom = (found.unit_id, found.person_id, found.name)
        self._new.append(
            (
                *(case_id, _kept_subject(found, case_id), found.sheet, found.kind, found.field, *whom, *self._values(case_id, found)),
                *(found.leads, DifferenceState.TO_VERIFY, run_id, run_id, at, at),
            )
        )
        self._outcome["new"] += 1
        self._step(case_id, DifferenceState.TO_VERIFY, FIRST)

    def _again(self, found: Found, case: asyncpg.Record) -> None:
        state, explained = DifferenceState(case["state"]), case["explained"]
        same = opened_values(self._run.cipher, case) == (found.ours, found.theirs)
        moved = found_again(state, explained=explained, same_facts=same)
        if moved is not None:
            self._step(case["id"], moved, AGAIN if same else CHANGED)
        self._outcome["again" if moved else "silent" if explained else "same"] += 1
        keeps = explained and moved is None
        self._kept.append(
            (
                *(
                    case["id"],
                    _kept_subject(found, case["id"]),
                    found.unit_id,
                    found.person_id,
                    found.name,
                    *self._values(case["id"], found),
                ),
                *(found.leads, moved or state, keeps, self._by.as_of if moved else case["moved_at"], moved is not None),
                self._run.row["id"],
            )
        )

    def _values(self, case_id: UUID, found: Found) -> tuple[object, ...]:
        """number_sealed, ours, theirs, ours_sealed, theirs_sealed."""
        cipher, sealed = self._run.cipher, is_sensitive(found.sheet, found.field)
        number = found.number and cipher.encrypt(found.number, place_in(case_id, "number"))
        if not sealed:
            return number, found.ours, found.theirs, None, None
        both = {"ours": found.ours, "theirs": found.theirs}
        return number, None, None, *(text and cipher.encrypt(text, place_in(case_id, name)) for name, text in both.items())

    def _step(self, case_id: UUID, state: DifferenceState, reason: str) -> None:
        self._steps.append((case_id, self._run.row["id"], self._by.as_of, self._by.actor, "comparison", state, reason))


def _once(found: Iterable[Found]) -> Iterable[Found]:
    """A third row of the same says no more than the second."""
    return {each.subject: each for each in found}.values()


def _kept_subject(found: Found, case_id: UUID) -> str:
    """A number stands in no table in plain: the case is found by its encrypted one."""
    return found.subject if found.number is None else subject_of(found.sheet, found.kind, found.field, "", f"sealed:{case_id}")
