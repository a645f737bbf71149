"""The ledger (台账): every change of a unit with what it rests on, from the event log, which only grows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.roster.queries.units import roots_of, seen
from shared.auth import Who
from shared.clock import at_hour
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.pages import Cursors, Day, Order, Parameters, question

MATTERS = {
    "roster.unit_registered.v1": "机构登记",
    "roster.unit_loaded.v1": "期初建账",
    "roster.unit_changed.v1": "机构变更",
    "roster.unit_closed.v1": "机构撤并",
    "roster.quota_changed.v1": "编制数变更",
    "roster.seats_changed.v1": "领导职数变更",
    "roster.posts_reserved.v1": "核准用编",
    "roster.reservation_held.v1": "入编申请占用用编",
    "roster.hold_released.v1": "入编申请退回用编",
    "roster.reservation_expired.v1": "核准用编失效",
    "roster.reservation_moved.v1": "核准用编划转",
    "roster.post_claimed.v1": "终审占用编制",
    "roster.claim_released.v1": "退回占用编制",
    "roster.person_placed.v1": "入编",
    "roster.person_released.v1": "出编",
    "roster.over_quota_recorded.v1": "超编登记",
    "roster.placement_corrected.v1": "在编信息更正",
    "roster.person_registered.v1": "人员登记",
    "roster.secondment_started.v1": "借出",
    "roster.secondment_extended.v1": "借调延期",
    "roster.secondment_ended.v1": "借调返回",
    "roster.unit_frozen.v1": "冻结",
    "roster.unit_unfrozen.v1": "解冻",
}
"""What each event of the roster is called in the ledger."""


class LedgerLine(BaseModel):
    """One change, at the business time `at` at which it was recorded; `effective_on`: from which day it holds. The document: its number, who issued it (发文机关代字), its date where it was told, and the title of a
    reform; `establishments` are the rows of posts it touched, `seats` the levels of leadership posts (领导职数), as they stood after it; where posts were
    changed, each row has `quota_before`, none where nothing was recorded of it before. `unit`: its last name.
    """

    event_id: UUID
    at: datetime
    unit_id: UUID
    unit: str
    unit_code: str
    type: str
    matter: str
    effective_on: date | None
    document_no: str | None
    issuer: str | None
    document_on: date | None
    document_title: str | None
    establishments: list[dict[str, Any]]
    seats: list[dict[str, Any]]
    reason: str
    actor: str
    baseline: bool
    case_id: str | None
    recorded_at: datetime


class LedgerFilter(BaseModel):
    """`unit`: of it and, with `below`, of all that stand below it today. `since` and `until` are days, both counted."""

    unit: UUID | None = None
    below: bool = True
    since: Day | None = None
    until: Day | None = None
    type: str | None = None
    document_no: str | None = None


def told(who: Who) -> str:
    """The condition on `row` of the event log: what is about a person is for those who may read persons."""
    return "true" if who.may("persons.read") else "NOT row.body ? 'person_id'"


SORTS = {"at": {"row.occurred_at": "timestamptz", "row.event_id": "uuid"}}
_REFORM = "FROM reforms WHERE reforms.id = (row.body ->> 'reform_id')::uuid"
_DATED = "(SELECT max(document_on) FROM {} AS dated WHERE dated.unit_id = row.unit_id AND dated.document_no = row.document_no)"
"""A document has one date: what it approved or made of the unit tells it."""
DOCUMENT = {
    "issuer": r"substring(row.document_no FROM '^([^〔\[（(0-9]+)[〔\[（(]')",
    "document_on": f"coalesce((SELECT document_on {_REFORM}), {_DATED.format('quotas')}, {_DATED.format('unit_records')})",
    "document_title": f"(SELECT title {_REFORM})",
}
"""What an event of the log rests on, besides the number; no issuer where the number is none of a document (期初建账-…)."""
EFFECTIVE_ON = (
    "coalesce(row.body ->> 'effective_on', row.body ->> 'closed_on', row.body ->> 'ended_on', row.body ->> 'started_on',"
    " row.body ->> 'valid_from')::date"
)
"""From which day a change holds, whichever word its event has for it."""
_BEFORE = """
    SELECT was -> 'quota' FROM event_log AS earlier, jsonb_array_elements(earlier.body -> 'establishments') AS was
    WHERE earlier.aggregate_type = row.aggregate_type AND earlier.aggregate_id = row.aggregate_id AND earlier.version < row.version
    AND was ->> 'kind' = after ->> 'kind' AND was ->> 'funding' = after ->> 'funding' ORDER BY earlier.version DESC LIMIT 1
"""
ESTABLISHMENTS = f"""coalesce(CASE row.type WHEN 'roster.quota_changed.v1' THEN (
    SELECT jsonb_agg(after || jsonb_build_object('quota_before', ({_BEFORE})) ORDER BY place)
    FROM jsonb_array_elements(row.body -> 'establishments') WITH ORDINALITY AS touched (after, place)
) ELSE row.body -> 'establishments' END, '[]')"""
"""The rows that an event touched, as they stood after it; a change of posts tells of each what the event before it said that was approved (`quota_before`)."""
SEATS = (
    "CASE row.type WHEN 'roster.seats_changed.v1' THEN jsonb_build_array(jsonb_build_object("
    "'level', row.body ->> 'level', 'level_label', row.body ->> 'level_label', 'approved', row.body -> 'approved', 'used', row.body -> 'used'))"
    " || coalesce(row.body -> 'others', '[]') ELSE '[]' END"
)
"""The levels that an event set or took, as they stood after it."""
_COLUMNS = {name: f"row.{name}" for name in LedgerLine.model_fields} | {
    "at": "row.occurred_at",
    "unit": "units.name",
    "unit_code": "units.code",
    "matter": "row.type",
    "effective_on": EFFECTIVE_ON,
    **DOCUMENT,
    "establishments": ESTABLISHMENTS,
    "seats": SEATS,
    "baseline": "coalesce((row.body ->> 'baseline')::boolean, false)",
}


@dataclass(frozen=True)
class LedgerPages:
    """Pages of one ledger."""

    who: Who
    wanted: LedgerFilter
    order: Order
    fields: Sequence[str]

    async def page(self, conn: Connection, cipher: FieldCipher, after: str, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        """One page, and the cursor of the next one."""
        narrowed = self.wanted.model_dump(mode="json", include=set(LedgerFilter.model_fields))
        cursors, put = Cursors(cipher, question("ledger", self.order, narrowed)), Parameters()
        columns = ", ".join(f"{_COLUMNS[name]} AS {name}" for name in self.fields)
        rows = await conn.fetch(
            f"SELECT {columns}, {self.order.keys} FROM event_log AS row JOIN units ON units.id = row.unit_id"
            f" WHERE {' AND '.join(self._conditions(put))} AND {self.order.after(cursors.read(after), put)}"
            f" ORDER BY {self.order.by} LIMIT {limit + 1}",
            *put,
        )
        lines = [
            {name: MATTERS.get(row[name], row[name]) if name == "matter" else row[name] for name in self.fields} for row in rows[:limit]
        ]
        return lines, cursors.after(self.order.of(rows[limit - 1])) if len(rows) > limit else None

    def _conditions(self, put: Parameters) -> Iterator[str]:
        wanted = self.wanted
        yield seen(self.who, roots_of(self.who, put))
        yield told(self.who)
        if wanted.unit:
            unit = put(wanted.unit, "uuid")
            yield f"units.path @> ARRAY[{unit}]" if wanted.below else f"row.unit_id = {unit}"
        if wanted.since:
            yield f"row.occurred_at >= {put(at_hour(wanted.since, 0), 'timestamptz')}"
        if wanted.until:
            end = at_hour(date.fromordinal(wanted.until.toordinal() + 1), 0)
            yield f"row.occurred_at < {put(end, 'timestamptz')}"
        yield from (f"row.{name} = {put(value, 'text')}" for name in ("type", "document_no") if (value := getattr(wanted, name)))
