"""Checking a file: every row judged and kept, then the whole of it against itself and the roster. Nothing of the roster is written.

Persons come and go in chunks; units, posts and leadership posts of one file are held, since they are few.
"""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from pydantic_core import to_json

from services.roster.commands.import_findings import close_check
from services.roster.commands.imports import kept_file
from services.roster.models.fields import SHEETS, Sheet
from services.roster.models.imports import (
    BOOKS,
    LOAN,
    UNITS_WITH_POSTS,
    FileForgotten,
    HeaderMissing,
    ImportState,
    Job,
    JudgedRow,
    KnownUnit,
    MappingFile,
    MappingWrong,
    Problem,
    Superseded,
    TemplateTooOld,
    Verdict,
    sealed_place,
)
from services.roster.queries.codes import codes
from services.roster.queries.import_facts import as_job, choices_of, known_loans, known_persons, known_units, words_of
from services.roster.rules.imports.book import Book, Words, judge_book
from services.roster.rules.imports.cells import Choices
from services.roster.rules.imports.mapping import ensure_fits, translated
from services.roster.rules.imports.people import verdict_of
from services.roster.rules.imports.rows import LEADS, Layout, SheetJudge, ensure_columns
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher
from shared.db import Connection, Database
from shared.sheets import headers
from shared.sheets.reading import Sheet as ForeignSheet
from shared.sheets.reading import Wanted, opened
from shared.sheets.refusals import Unreadable

BATCH = 1_000
PERSON_SHEETS = ("roster", "offestablishment")
_ROW = (
    "import_id",
    "sheet",
    "number",
    "unit_ref",
    "unit_code",
    "kind",
    "funding",
    "seat_level",
    "mark",
    "verdict",
    "changed",
    "sealed",
    "seconded",
)
_PROBLEM = ("import_id", "sheet", "row", "field", "sentence", "warning")


Record = tuple[object, ...]


@dataclass
class Check:
    """One attempt at one file: what it stands on, and what it has gathered. By their indexes under the key `marking` the rows of one person find each other."""

    database: Database
    cipher: FieldCipher
    marking: int
    job: Job
    today: date
    choices: Mapping[str, Choices]
    words: Words
    populations: Mapping[str, str]
    known: Mapping[str, KnownUnit]
    names: Mapping[str, str] = field(default_factory=dict)
    held: list[JudgedRow] = field(default_factory=list)
    columns: dict[str, dict[str, object]] = field(default_factory=dict)
    note: str = ""
    rows_read: int = 0
    _rows: list[Record] = field(default_factory=list)
    _problems: list[Record] = field(default_factory=list)
    _persons: list[JudgedRow] = field(default_factory=list)
    _writing: "asyncio.Task[None] | None" = None

    async def add(self, row: JudgedRow | list[Problem]) -> None:
        """Take one judged row; persons are written in batches."""
        if isinstance(row, list):
            self._problems += [_problem(self.job.id, problem) for problem in row]
            return
        self.rows_read += 1
        if row.sheet in PERSON_SHEETS:
            self._persons.append(row)
        else:
            self.held.append(row)
        if len(self._persons) >= BATCH:
            await self.flush()

    async def flush(self) -> None:
        """Have what is gathered compared with the roster and written, while the next rows are judged. Raises Superseded for what was written before."""
        await self.settle()
        persons, rows, problems = self._persons, self._rows, self._problems
        self._persons, self._rows, self._problems = [], [], []
        self._writing = asyncio.create_task(self._write(persons, rows, problems))

    async def settle(self) -> None:
        """Wait for what is being written. Raises Superseded."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing

    def give_up(self) -> None:
        """Nothing more shall be written."""
        if self._writing is not None:
            self._writing.cancel()

    async def _write(self, persons: list[JudgedRow], rows: list[Record], problems: list[Record]) -> None:
        for row, verdict, changed, mark in await self._compared(persons):
            rows.append(self._record(row, mark, verdict, changed))
            problems += [_problem(self.job.id, problem) for problem in row.problems]
        async with self.database.transaction() as conn:
            await self.ensure_mine(conn)
            await conn.copy_records_to_table("import_rows", records=rows, columns=_ROW)
            await conn.copy_records_to_table("import_problems", records=problems, columns=_PROBLEM)

    async def close(self, book: Book) -> None:
        """Keep the held rows with what was found about them."""
        for row in self.held:
            verdict, changed = book.verdicts[row.sheet, row.number]
            if row.values.get("parent") is not None:
                row.values["parent"] = book.code_of(row.values["parent"])
            self._rows.append(self._record(row, None, verdict, changed))
            self._problems += [_problem(self.job.id, problem) for problem in row.problems]
        await self.flush()
        await self.settle()

    def warn(self, problems: Sequence[Problem]) -> None:
        """Findings that are not about one row's cells."""
        self._problems += [_problem(self.job.id, problem) for problem in problems]

    async def ensure_mine(self, conn: Connection) -> None:
        """Raises Superseded."""
        mine = await conn.fetchval(
            "UPDATE imports SET rows_read = $3, step = step + 1 WHERE id = $1 AND attempt = $2 AND state = $4 RETURNING true",
            self.job.id,
            self.job.attempt,
            self.rows_read,
            ImportState.CHECKING,
        )
        if not mine:
            raise Superseded

    async def _compared(self, persons: Sequence[JudgedRow]) -> list[tuple[JudgedRow, Verdict, list[str], bytes | None]]:
        """Each with its verdict, the fields it would change, and the mark of its number."""
        numbers = [self.cipher.indexes(number) if (number := row.values.get("id_number")) else {} for row in persons]
        async with self.database.reading() as conn:
            known = await known_persons(conn, self.cipher, numbers)
            told = [known[place].person_id for place, row in enumerate(persons) if row.values.get("seconded_to") and place in known]
            loans = await known_loans(conn, told) if told else {}
        return [
            (
                row,
                *verdict_of(
                    row, here := known.get(place), self.names.get(row.values.get("unit", "")), loans.get(here.person_id) if here else None
                ),
                number.get(self.marking),
            )
            for place, (row, number) in enumerate(zip(persons, numbers, strict=True))
        ]

    def _record(self, row: JudgedRow, mark: bytes | None, verdict: Verdict, changed: Sequence[str]) -> Record:
        values = {name: value for name, value in row.values.items() if value is not None}
        writable = verdict in {Verdict.ADDED, Verdict.CHANGED}
        sealed = self.cipher.seal(to_json(values), sealed_place(self.job.id, row.sheet, row.number)) if writable else None
        unit = values.get("uscc") if row.sheet in {"units", "units_with_posts"} else values.get("unit")
        facts = (unit, self.names.get(unit or ""), values.get("kind"), values.get("funding"), values.get("seat_level"))
        lent = "seconded_to" in values if verdict is Verdict.ADDED else not set(LOAN).isdisjoint(changed)
        return (self.job.id, row.sheet, row.number, *facts, mark, verdict.value, list(changed), sealed, lent)


def _problem(import_id: UUID, problem: Problem) -> tuple[object, ...]:
    return import_id, problem.sheet, problem.row, problem.field, problem.sentence, problem.warning


async def check_import(database: Database, cipher: FieldCipher, clock: Clock, import_id: UUID) -> None:
    """Check one file from its beginning, whatever an earlier attempt has left."""
    job = await _begin(database, import_id)
    if job is None:
        return
    try:
        await _checked(await _prepare(database, cipher, clock, job), clock)
    except (Unreadable, HeaderMissing, MappingWrong, TemplateTooOld, FileForgotten) as refusal:
        await _refuse(database, job, str(refusal), clock)
    except Superseded:
        return


async def _checked(check: Check, clock: Clock) -> None:
    try:
        await _read(check)
        await close_check(check, judge_book(check.held, check.known, check.words, scoped=check.job.scope is not None), clock.now())
    finally:
        check.give_up()


async def _begin(database: Database, import_id: UUID) -> Job | None:
    """A new attempt; None where there is nothing to check any more."""
    async with database.transaction() as conn:
        row = await conn.fetchrow(
            "UPDATE imports SET state = $2, attempt = attempt + 1, rows_read = 0, note = '', step = step + 1"
            " WHERE id = $1 AND state = ANY($3) RETURNING *",
            import_id,
            ImportState.CHECKING,
            [ImportState.RECEIVED, ImportState.CHECKING],
        )
        if row is not None:
            await conn.execute("DELETE FROM import_rows WHERE import_id = $1", import_id)
            await conn.execute("DELETE FROM import_problems WHERE import_id = $1", import_id)
            await conn.execute("DELETE FROM import_units WHERE import_id = $1", import_id)
    return None if row is None else as_job(row)


async def _prepare(database: Database, cipher: FieldCipher, clock: Clock, job: Job) -> Check:
    today = business_day(clock.now())
    async with database.reading() as conn:
        tables = await codes(conn, today)
        known = await known_units(conn, job.scope)
    choices = choices_of(tables)
    populations = {kind.code: kind.population for kind in tables.kinds}
    check = Check(database, cipher, cipher.ring.oldest.id, job, today, choices, words_of(tables), populations, known)
    check.names = {called: code for called, code in judge_book([], known, check.words).codes.items() if code is not None}
    if job.mapping is not None:
        ensure_fits(job.mapping, job.kind, [SHEETS[kind] for kind in BOOKS[job.kind]], choices)
    return check


async def _read(check: Check) -> None:
    """Every sheet that a file of this kind may hold."""
    job = check.job
    place, other_version = await kept_file(check.database, check.cipher, job.id), ""
    try:
        async with opened(place, job.file_name, wanted_of(job.kind, job.mapping)) as book:
            other_version = _note(job.kind, book.mark)
            check.note = "；".join(each for each in (other_version, _unread(book.hidden)) if each)
            async for sheet in book.sheets():
                await _read_sheet(check, sheet)
    except HeaderMissing as missing:
        if other_version:
            raise TemplateTooOld(found=SHEETS[job.kind].title, version=book.mark.rpartition(":")[2], wanted=str(missing)) from None
        raise
    finally:
        os.close(place)
    await check.flush()


def wanted_of(kind: str, mapping: MappingFile | None) -> Wanted:
    """Which sheets are read, under which titles."""
    return Wanted([SHEETS[each].title for each in BOOKS[kind]], SHEETS[kind].title, mapping.sheets if mapping else {})


def _note(kind: str, mark: str) -> str:
    """What is said of a file made from another version of the template. A template of another kind is refused (TemplateTooOld)."""
    if not mark.startswith("bianban:"):
        return ""
    of_kind, _, version = mark.removeprefix("bianban:").partition(":")
    if of_kind not in SHEETS or (of_kind != kind and of_kind not in BOOKS[kind]):
        found = SHEETS[of_kind].title if of_kind in SHEETS else of_kind[:20]
        raise TemplateTooOld(found=found, version=version[:10], wanted=f"不能作为“{SHEETS[kind].title}”导入")
    if version == str(SHEETS[of_kind].version):
        return ""
    return f"文件由模板第 {version[:10]} 版填写，现行为第 {SHEETS[of_kind].version} 版；已按列名读取，请核对各列"


def _unread(hidden: Sequence[str]) -> str:
    names = "、".join(f"“{name[:31]}”" for name in hidden[:20])
    return f"隐藏的工作表{names}没有读取；其中有需要导入的内容的，请取消隐藏、核对后重新上传" if names else ""


async def _read_sheet(check: Check, foreign: ForeignSheet) -> None:
    layout, after, columns, derive = _layout(check, foreign)
    judge = SheetJudge(layout, check.today, check.populations, political_legal=check.job.political_legal)
    async for chunk in foreign.chunks(after, columns, derive):
        for row in chunk:
            await check.add(judge.judge(row.number, row.cells, row.computed))


def _layout(check: Check, foreign: ForeignSheet) -> tuple[Layout, int, list[int], list[tuple[int, str]]]:
    """Which columns hold what. Raises HeaderMissing."""
    sheet = next(SHEETS[kind] for kind in BOOKS[check.job.kind] if SHEETS[kind].title == foreign.title)
    how = translated(sheet, check.choices, check.job.mapping)
    header = headers.find(foreign.head, foreign.merged, how.columns)
    if header is None:
        raise HeaderMissing(sheet=foreign.title, detail="的前 40 行中没有找到表头")
    if sheet.kind == "units":
        combined = translated(UNITS_WITH_POSTS, check.choices, check.job.mapping)
        both = headers.find(foreign.head, foreign.merged, combined.columns)
        if both is not None and {"kind", "posts"} <= both.columns.keys():
            sheet, how, header = UNITS_WITH_POSTS, combined, both
    ensure_columns(sheet, foreign.title, header.columns, header.doubled, how)
    names, columns = list(header.columns), list(header.columns.values())
    titles = {**header.unknown, **{headers.plain(title): place for title, place in _written(foreign, header.after).items()}}
    extract = [(titles[headers.plain(source)], name, pattern) for source, name, pattern in how.extract if headers.plain(source) in titles]
    _ensure_sources(how.extract, titles)
    check.columns[sheet.kind] = {
        "name": foreign.name,
        "places": dict(header.columns),
        "after": header.after,
        "position": len(check.columns),
    }
    _tell_unread(check, sheet, header)
    layout = Layout(sheet, names, how, [name for _, name, _ in extract])
    return layout, header.after, [*columns, *range(LEADS)], [(place, pattern) for place, _, pattern in extract]


def _written(foreign: ForeignSheet, after: int) -> dict[str, int]:
    row = next((cells for number, cells in foreign.head if number == after), ())
    return {str(title): place for place, title in enumerate(row) if title is not None}


def _ensure_sources(extract: Sequence[tuple[str, str, str]], titles: Mapping[str, int]) -> None:
    for source, _, _ in extract:
        if headers.plain(source) not in titles:
            raise MappingWrong(detail=f"extract 的 from“{source[:40]}”不是文件中的表头")


def _tell_unread(check: Check, sheet: Sheet, header: headers.Header) -> None:
    """Columns nobody knows are not imported; that is said once."""
    sources = {headers.plain(each.source) for each in check.job.mapping.extract} if check.job.mapping else set()
    dropped = {headers.plain(written) for written, label in check.job.mapping.columns.items() if not label} if check.job.mapping else set()
    unread = [title for title in header.unknown if title not in sources | dropped | {"序号", "核对结果"}]
    if unread:
        said = "、".join(title[:20] for title in unread[:10])
        check.warn(
            [Problem(sheet.kind, header.after, "", f"不认识的列未导入：{said}（如需导入，请改列名，或用对照文件说明）", warning=True)]
        )


async def _refuse(database: Database, job: Job, sentence: str, clock: Clock) -> None:
    await database.pool.execute(
        "UPDATE imports SET state = $3, note = $4, ended_at = $5, step = step + 1 WHERE id = $1 AND attempt = $2 AND state = $6",
        job.id,
        job.attempt,
        ImportState.UNREADABLE,
        sentence,
        clock.now(),
        ImportState.CHECKING,
    )
