"""Writing a checked file: blocks of units, each a transaction of its own, parents first. Who goes on after a crash doubles nothing."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from uuid import UUID

import asyncpg
from pydantic import ValidationError

from services.roster.commands.import_rows import Gathering
from services.roster.commands.import_units import Lend, WriteUnits, Written, lend_person, tick_off, write_units
from services.roster.commands.loads import counted_anew
from services.roster.models.imports import NOT_LENT, ChangedMeanwhile, ImportState, Superseded
from services.roster.queries.import_facts import as_job
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher
from shared.db import UNRECORDABLE, By, Database
from shared.errors import DomainError

AT_ONCE = 2
BLOCK = 1_000
"""Rows. A unit is never divided: a large one is a block of its own."""
_PARENT_MISSING = "主管部门未写入，本单位因此未写入。请先解决主管部门的问题，再重新导入。"
_NOT_FITTING = "内容不符合要求，未写入。请核对该单位的各行后重新导入。"
_MEANWHILE = "其他文件正在写入同一单位或人员，未写入。请重新导入。"
_WAITING = (
    "SELECT import_units.*, (SELECT count(*) FROM import_rows WHERE import_rows.import_id = $1 AND import_rows.unit_code = import_units.unit_code)"
    " AS rows FROM import_units WHERE import_id = $1 AND state = 'waiting' ORDER BY position"
)


async def apply_import(database: Database, cipher: FieldCipher, clock: Clock, import_id: UUID, block: int = BLOCK) -> None:
    """Write what waits, a few blocks of so many rows at a time; stop between them when somebody cancels. May be called again after a crash."""
    async with database.reading() as conn:
        row = await conn.fetchrow("SELECT * FROM imports WHERE id = $1", import_id)
        units = await conn.fetch(_WAITING, import_id)
        refused = await conn.fetch("SELECT unit_code FROM import_units WHERE import_id = $1 AND state = 'refused'", import_id)
    if row is None or row["state"] != ImportState.APPLYING:
        return
    gathering = Gathering(cipher, as_job(row), business_day(clock.now()))
    writing = _Writing(database, clock, gathering, {each["unit_code"] for each in refused})
    await writing.all(blocks(units, block), {unit["unit_code"] for unit in units})
    await _close(database, clock, import_id, await writing.lend())
    if units:
        await counted_anew(database)


def blocks(units: Sequence[asyncpg.Record], size: int) -> Iterator[list[asyncpg.Record]]:
    """Units in their order, so many that their rows are about `size`."""
    block: list[asyncpg.Record] = []
    for unit in units:
        if block and sum(each["rows"] for each in block) + unit["rows"] > size:
            yield block
            block = []
        block.append(unit)
    if block:
        yield block


class _Writing:
    """One pass over the units that wait."""

    def __init__(self, database: Database, clock: Clock, gathering: Gathering, refused: set[str]) -> None:
        self._database, self._clock, self._gathering, self._job, self._refused = database, clock, gathering, gathering.job, refused
        self._done: dict[str, asyncio.Event] = {}

    async def all(self, queue: Iterator[list[asyncpg.Record]], codes: Collection[str]) -> None:
        """Several writers take blocks in their order; who needs a parent waits for it, and it has been taken before."""
        self._done = {code: asyncio.Event() for code in codes}
        await asyncio.gather(*(self._write_some(queue) for _ in range(AT_ONCE)))

    async def lend(self) -> int:
        """Last of all, who is lent out, or for longer: his borrower may have stood further down in the file. How many; after a crash, all."""
        lent_out = 0
        for row in await self._database.pool.fetch(_LENT, self._job.id):
            values = self._gathering.row(row)["values"]
            lent = Lend(
                import_id=self._job.id,
                sheet=row["sheet"],
                number=row["number"],
                unit_id=row["unit_id"],
                indexes=self._gathering.cipher.indexes(values["id_number"]),
                borrower=values["seconded_to"],
                borrower_code=row["borrower_code"],
                started_on=values["seconded_from_on"],
                until=values["seconded_until"],
                document_no=values.get("secondment_document_no"),
            )
            key = f"import:{self._job.id}:lent:{row['sheet']}:{row['number']}"
            by = By(self._job.actor, self._clock.now(), key, "批量导入", self._job.document_no, f"import:{self._job.id}")
            try:
                await lend_person(self._database, by, lent)
                lent_out += 1
            except DomainError as refusal:
                await self._database.pool.execute(_NOT_LENT, self._job.id, row["sheet"], row["number"], f"{NOT_LENT}{refusal}")
        return lent_out

    async def _write_some(self, queue: Iterator[list[asyncpg.Record]]) -> None:
        """Asks before it takes: who has taken a block writes it, since another writer may wait for a parent in it."""
        while not await self._cancelled():
            block = next(queue, None)
            if block is None:
                return
            mine = {unit["unit_code"] for unit in block}
            for parent in {unit["parent_code"] for unit in block} & (self._done.keys() - mine):
                await self._done[parent].wait()
            try:
                await self._write(block)
            finally:
                for code in mine:
                    self._done[code].set()

    async def _cancelled(self) -> bool:
        asked: bool = await self._database.pool.fetchval("SELECT cancel_asked FROM imports WHERE id = $1", self._job.id)
        return asked

    async def _write(self, block: Sequence[asyncpg.Record]) -> None:
        """What a refusal, or another attempt at this import, keeps from being written together is written unit by unit."""
        what = [unit for unit in block if not await self._without_parent(unit)]
        try:
            if what:
                await self._write_together(what)
        except (DomainError, ValidationError, Superseded, ChangedMeanwhile, *UNRECORDABLE):
            for unit in what:
                if not await self._without_parent(unit):
                    await self._write_alone(unit)

    async def _write_alone(self, unit: asyncpg.Record) -> None:
        """Looked at once more before it is refused: another file may have written the same in this very moment."""
        if await self._refusal(unit) and (sentence := await self._refusal(unit)):
            await self._refuse(unit, sentence)

    async def _refusal(self, unit: asyncpg.Record) -> str | None:
        """Why the unit was not written; none where it is, or is another attempt's to write."""
        try:
            await self._write_together([unit])
        except Superseded:
            return None
        except DomainError as refusal:
            return str(refusal)
        except ValidationError:
            return _NOT_FITTING
        except ChangedMeanwhile:
            return _MEANWHILE
        return None

    async def _write_together(self, what: Sequence[asyncpg.Record]) -> None:
        async with self._database.reading() as conn:
            units = await self._gathering.units(conn, what)
        positions = tuple(unit["position"] for unit in what)
        await write_units(self._database, self._by(what), WriteUnits(import_id=self._job.id, positions=positions, units=units))

    def _by(self, block: Sequence[asyncpg.Record]) -> By:
        first, last = block[0]["position"], block[-1]["position"]
        key = f"import:{self._job.id}:{first}-{last}:{len(block)}"
        return By(self._job.actor, self._clock.now(), key, "批量导入", self._job.document_no, f"import:{self._job.id}")

    async def _without_parent(self, unit: asyncpg.Record) -> bool:
        if unit["parent_code"] not in self._refused:
            return False
        await self._refuse(unit, _PARENT_MISSING)
        return True

    async def _refuse(self, unit: asyncpg.Record, sentence: str) -> None:
        self._refused.add(unit["unit_code"])
        async with self._database.transaction() as conn:
            await tick_off(conn, self._job.id, "refused", [(unit["position"], sentence, Written())])


_LENT = (
    "SELECT sheet, number, sealed, borrower_code, units.id AS unit_id FROM import_rows JOIN import_units USING (import_id, unit_code)"
    " JOIN units ON units.code = unit_code"
    " WHERE import_id = $1 AND seconded AND verdict IN ('added', 'changed') AND state = 'written' ORDER BY sheet, number"
)
_NOT_LENT = (
    "WITH told AS (INSERT INTO import_problems (import_id, sheet, row, field, sentence, warning, at_writing) SELECT $1, $2, $3, 'seconded_to', $4, true, true"
    " WHERE NOT EXISTS (SELECT FROM import_problems WHERE import_id = $1 AND sheet = $2 AND row = $3 AND sentence = $4) RETURNING id)"
    " UPDATE imports SET warnings = warnings + (SELECT count(*) FROM told) WHERE id = $1"
)


async def _close(database: Database, clock: Clock, import_id: UUID, loans: int) -> None:
    """All units are written, or somebody cancelled: the rest stays as it is."""
    async with database.transaction() as conn:
        rows = await conn.fetch("SELECT written FROM import_units WHERE import_id = $1", import_id)
        total: Counter[str] = Counter()
        for row in rows:
            total.update(row["written"])
        if rows:
            total["loans"] = loans
        await conn.execute(
            "UPDATE imports SET state = CASE WHEN cancel_asked AND EXISTS (SELECT FROM import_units WHERE import_id = $1 AND state = 'waiting')"
            " THEN $2 ELSE $3 END, written = $4, ended_at = $5, step = step + 1 WHERE id = $1 AND state = $6",
            import_id,
            ImportState.CANCELLED,
            ImportState.APPLIED,
            dict(total),
            clock.now(),
            ImportState.APPLYING,
        )
