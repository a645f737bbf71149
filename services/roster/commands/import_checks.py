"""Checking a file: every row judged and kept, then the whole of it against itself and the roster. Nothing of the roster is written."""

from uuid import UUID

from services.roster.commands.import_findings import close_check
from services.roster.commands.import_gathered import Check
from services.roster.commands.import_sheets import read_file
from services.roster.models.fields import SHEETS
from services.roster.models.imports import (
    BOOKS,
    FileForgotten,
    HeaderMissing,
    ImportState,
    Job,
    MappingWrong,
    TemplateTooOld,
)
from services.roster.queries.codes import codes
from services.roster.queries.import_facts import as_job, known_units, readable, words_of
from services.roster.rules.imports.mapping import ensure_fits
from services.roster.rules.imports.sheets import judge_book
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher
from shared.db import Database
from shared.sheets.refusals import Unreadable


async def check_import(database: Database, cipher: FieldCipher, clock: Clock, import_id: UUID) -> None:
    """Check one file from its beginning, whatever an earlier attempt has left. Raises Superseded.

    Temporal may count this attempt and not the other: it asks again, and only one that finds nothing to check ends the step.
    """
    job = await _begin(database, import_id)
    if job is None:
        return
    try:
        await _checked(await _prepare(database, cipher, clock, job), clock)
    except (Unreadable, HeaderMissing, MappingWrong, TemplateTooOld, FileForgotten) as refusal:
        await _refuse(database, job, str(refusal), clock)


async def _checked(check: Check, clock: Clock) -> None:
    try:
        await read_file(check)
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
    choices = readable(tables)
    populations = {kind.code: kind.population for kind in tables.kinds}
    words = words_of(tables)
    roster = judge_book([], known, words)
    check = Check(database, cipher, cipher.ring.oldest.id, job, today, choices, words, populations, known, roster)
    if job.mapping is not None:
        ensure_fits(job.mapping, job.kind, [SHEETS[kind] for kind in BOOKS[job.kind]], choices)
    return check


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
