"""Comparisons for the roster's tests: the upper level's file made from our own list, changed, brought and compared as the activity does it."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.commands.brought import COMPARED
from services.roster.commands.comparison_runs import compare_registers
from services.roster.commands.comparisons import receive_comparison
from services.roster.models.comparisons import ReceiveComparison
from services.roster.queries import comparisons as queries
from services.roster.queries.comparison_facts import OwnLeads, latest_format, latest_leads
from services.roster.queries.comparisons import ComparisonView, DifferenceView, StepView, Wanted
from shared.auth import Who
from shared.events.envelope import uuid7
from shared.glossary import LeadingSide
from tests.roster import given
from tests.roster.importing import OFFICER, book
from tests.roster.test_provincial import Desk

NOTHING = {"new": 0, "again": 0, "same": 0, "silent": 0, "closed": 0}
OURS, THEIRS, ASK = LeadingSide.OURS, LeadingSide.THEIRS, LeadingSide.ASK
Sheets = dict[str, list[dict[str, Any]]]


class Upper:
    """The upper level's register, as a copy of ours that may be changed."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self.database, self.cipher = desk, desk.database, given.CIPHER
        self.sheets: Sheets = {}

    async def copy(self) -> "Upper":
        """What we would hand up today."""
        taken = await self.desk.take(unmasked=True)
        self.sheets = {
            title: [{name: _cell(value) for name, value in row.items()} for row in taken.records(title)] for title in taken.sheets()
        }
        for rows in self.sheets.values():  # an empty list has one row of empty cells
            rows[:] = [row for row in rows if any(row.values())]
        return self

    @property
    def people(self) -> list[dict[str, Any]]:
        return self.sheets["人员信息"]

    async def bring(
        self,
        content: bytes | None = None,
        name: str = "上级.xlsx",
        root_id: UUID | None = None,
        whole: bool = False,
        own: OwnLeads | None = None,
    ) -> UUID:
        """Receive a file; it waits to be compared. `own`: by the office's own setting."""
        data, run_id = content or book(self.sheets), uuid7()
        what = ReceiveComparison(
            run_id=run_id,
            file_name=name,
            file_bytes=len(data),
            file_hash=given.CIPHER.mark(str(len(data))),
            root_id=root_id,
            whole=whole,
            format=latest_format().version,
            leads=(own.setting if own else latest_leads()).version,
            leads_text=own.text if own else None,
            pieces=lambda: COMPARED.sealed(self.cipher, run_id, memoryview(data)),
        )
        return await receive_comparison(self.database, given.by(), what)

    async def compare(self, content: bytes | None = None, **more: Any) -> ComparisonView:
        """Bring it and have it compared."""
        run_id = await self.bring(content, **more)
        await compare_registers(self.database, self.cipher, self.desk.imports.clock, run_id)
        async with self.database.reading() as conn:
            return await queries.comparison_view(conn, run_id, OFFICER)

    async def differences(self, who: Who = OFFICER, limit: int = 200, **wanted: Any) -> list[DifferenceView]:
        async with self.database.reading() as conn:
            return await queries.differences(conn, self.cipher, who, Wanted(**wanted), None, limit)

    async def found(self, key: Callable[[DifferenceView], Any], **wanted: Any) -> list[Any]:
        return sorted(key(each) for each in await self.differences(**wanted))

    async def steps(self, difference_id: UUID) -> list[StepView]:
        async with self.database.reading() as conn:
            return await queries.steps(conn, difference_id)


def _cell(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return int(value)
    return value or None


def told(each: DifferenceView) -> tuple[str, str, str, str, str | None, str | None, str]:
    return each.sheet, each.kind, each.field, each.name, each.ours, each.theirs, each.leads


async def only(upper: Upper, **wanted: Any) -> DifferenceView:
    (found,) = await upper.differences(**wanted)
    return found


def by_name(upper: Upper, name: str) -> dict[str, Any]:
    return next(each for each in upper.people if each["姓名"] == name)
