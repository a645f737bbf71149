"""What one attempt at checking a file has gathered: persons come and go in batches; units, posts and leadership posts are held, since they are few."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from pydantic_core import to_json

from services.roster.models.imports import (
    BEFORE,
    LOAN,
    ImportState,
    Job,
    JudgedRow,
    KnownUnit,
    Problem,
    Superseded,
    Verdict,
    sealed_place,
)
from services.roster.queries.import_facts import known_loans, known_persons, posts_held
from services.roster.rules.imports.book import Book, Words
from services.roster.rules.imports.cells import ROUNDED, Choices
from services.roster.rules.imports.changes import Changed, in_force
from services.roster.rules.imports.people import verdict_of
from shared.crypto import FieldCipher
from shared.db import Connection, Database

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
    "borrower_ref",
    "history",
)
_PROBLEM = ("import_id", "sheet", "row", "field", "sentence", "warning")


Record = tuple[object, ...]
Judged = tuple[JudgedRow, Verdict, Changed, bytes | None]
"""A row, what becomes of it, what it would change, and the mark of its number."""


@dataclass
class Check:
    """One attempt at one file: what it stands on, and what it has gathered. By their indexes under the key `marking` the rows of one person find each other.
    `labels`: of the fields of the sheets that were read, and whether the file tells the field. `unseen`: by sheet and look, the rows that nobody sees there.
    """

    database: Database
    cipher: FieldCipher
    marking: int
    job: Job
    today: date
    choices: Mapping[str, Choices]
    words: Words
    populations: Mapping[str, str]
    known: Mapping[str, KnownUnit]
    roster: Book
    held: list[JudgedRow] = field(default_factory=list)
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    labels: dict[str, bool] = field(default_factory=dict)
    unseen: dict[tuple[str, str], list[int]] = field(default_factory=dict)
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
        rows += self._records(judged := await self._compared(persons))
        problems += [_problem(self.job.id, problem) for row, *_ in judged for problem in row.problems]
        async with self.database.transaction() as conn:
            await self.ensure_mine(conn)
            await conn.copy_records_to_table("import_rows", records=rows, columns=_ROW)
            await conn.copy_records_to_table("import_problems", records=problems, columns=_PROBLEM)

    async def close(self, book: Book) -> None:
        """Keep the held rows with what was found about them."""
        for row in self.held:
            if row.values.get("parent") is not None:
                row.values["parent"] = book.code_of(row.values["parent"])
            self._problems += [_problem(self.job.id, problem) for problem in row.problems]
        self._rows += self._records([(row, *book.verdicts[row.place], None) for row in self.held])
        await self.flush()
        await self.settle()

    def warn(self, problems: Iterable[Problem]) -> None:
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

    async def _compared(self, persons: Sequence[JudgedRow]) -> list[Judged]:
        """Each with its verdict, the fields it would change, and the mark of its number."""
        numbers = [self.cipher.indexes(number) if (number := row.values.get("id_number")) else {} for row in persons]
        async with self.database.reading() as conn:
            known = await known_persons(conn, self.cipher, numbers)
            told = [known[place].person_id for place, row in enumerate(persons) if row.values.get("seconded_to") and place in known]
            loans = await known_loans(conn, told) if told else {}
            past = [known[place].person_id for place, row in enumerate(persons) if row.values.get("ended_on") and place in known]
            held = await posts_held(conn, past) if past else {}
        for place in known:
            persons[place].problems = [each for each in persons[place].problems if each.sentence != ROUNDED]
        compared = []
        for place, (row, number) in enumerate(zip(persons, numbers, strict=True)):
            here = known.get(place)
            loan, posts = (loans.get(here.person_id), held.get(here.person_id, ())) if here else (None, ())
            unit, borrower = (self.roster.code_of(row.values.get(name)) for name in ("unit", "seconded_to"))
            verdict, changed = verdict_of(row, here, unit, self.today, loan, borrower, posts)
            compared.append((row, *in_force(row, verdict, changed, self.words.ended), number.get(self.marking)))
        return compared

    def _records(self, judged: Sequence[Judged]) -> list[Record]:
        """As they are kept; the values of those that may be written, sealed, with what they would change."""
        writable = [(row, changed) for row, verdict, changed, _ in judged if verdict in {Verdict.ADDED, Verdict.CHANGED}]
        pieces = [
            (
                to_json({name: value for name, value in row.values.items() if value is not None} | ({BEFORE: changed} if changed else {})),
                sealed_place(self.job.id, *row.place),
            )
            for row, changed in writable
        ]
        sealed = dict(zip((row.place for row, _ in writable), self.cipher.seal_all(pieces), strict=True))
        return [self._record(each, sealed.get((each[0].sheet, each[0].number))) for each in judged]

    def _record(self, judged: Judged, sealed: bytes | None) -> Record:
        row, verdict, changed, mark = judged
        values = row.values
        unit = values.get("uscc") if row.sheet in {"units", "units_with_posts"} else values.get("unit")
        facts = (unit, self.roster.code_of(unit), values.get("kind"), values.get("funding"), values.get("seat_level"))
        lent = values.get("seconded_to") is not None if verdict is Verdict.ADDED else not set(LOAN).isdisjoint(changed)
        borrower = values.get("seconded_to") if lent else None
        return (
            self.job.id,
            row.sheet,
            row.number,
            *facts,
            mark,
            verdict.value,
            list(changed),
            sealed,
            lent,
            borrower,
            values.get("ended_on") is not None,
        )


def _problem(import_id: UUID, problem: Problem) -> tuple[object, ...]:
    return import_id, problem.sheet, problem.row, problem.field, problem.sentence, problem.warning
