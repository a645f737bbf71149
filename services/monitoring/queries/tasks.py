"""Work lists: issues, freeze orders and editions that wait for somebody, that he began, that he handled. Row scopes stand in the SQL."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from services.monitoring.models.tasks import Counts, Kind, Tab, Task
from services.monitoring.models.words import RULE_TITLES, WHY_DONE, WHY_LONGER, WHY_MEASURE, WHY_RELEASE, WHY_STARTED, WHYS, matter_of
from services.monitoring.queries.evidence import OWN
from services.monitoring.queries.facts import parameters_on
from services.monitoring.queries.freezes import UNSIGNED, deliberates
from services.monitoring.queries.lists import drafts
from services.monitoring.rules.measures import ASKED_BY
from services.monitoring.rules.tasks import RUNNING
from shared.auth import Who
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.glossary import LABELS, LIST_STANDINGS, WORK_KINDS, FreezeScope, FreezeState, IssueState, Light, Role
from shared.law.deadline import Deadline
from shared.law.term import term_of
from shared.pages import Cursors, Parameters, ordered, question
from shared.unit_copies import scope, visible
from workflows.rectification_case import ABOUT_LONGER

_SEALED = (
    "(SELECT value::boolean FROM parameters WHERE rule = '*' AND name = 'notice_sealed' AND effective_on <= $4::date"
    " ORDER BY effective_on DESC, version DESC LIMIT 1)"
)
"""Whether a notice must be sealed on the day $4."""
_ASKED = ", ".join(f"('{rung}', '{measure}')" for rung, measure in ASKED_BY.items())
_MEASURE_DUE = (
    f"EXISTS (SELECT FROM rungs r JOIN (VALUES {_ASKED}) AS asked (rung, measure) USING (rung) WHERE r.issue_id = i.id AND r.round = i.round"
    " AND NOT EXISTS (SELECT FROM measures t WHERE t.issue_id = i.id AND t.round = i.round AND t.measure = asked.measure"
    " AND NOT EXISTS (SELECT FROM measure_corrections c WHERE c.measure_id = t.id)))"
)
"""The ladder has come to a measure that nobody has recorded."""
_ABOUT_LONGER = ", ".join(f"'{act}'" for act in ABOUT_LONGER)
_LONGER_ASKED = (
    "coalesce((SELECT e.act = 'ask_extension' AND e.actor <> $2 FROM issue_entries e WHERE e.issue_id = i.id AND e.round = i.round"
    f" AND e.act IN ({_ABOUT_LONGER}) ORDER BY e.sequence DESC LIMIT 1), false)"
)
"""The unit asked for an extension, and somebody other than the caller did."""
_ISSUES = f"""
    SELECT 'issue' AS kind, i.id, i.number, i.unit_id, i.title, i.rule, i.inputs, NULL::text[] AS scopes, i.state, i.due_at, i.deadline,
        i.level, i.found_at AS submitted_at, CASE
            WHEN i.state = 'to_verify' OR (i.state = 'evidence_submitted' AND NOT {OWN}) THEN ARRAY['supervision_officer']
            WHEN i.state = 'notice_signed' THEN array_remove(ARRAY[CASE WHEN s.sealed_at IS NOT NULL OR NOT {_SEALED} THEN 'supervision_officer' END,
                CASE WHEN s.released_at IS NULL THEN 'seal_operator' END], NULL)
            WHEN i.state IN ('rectifying', 'overdue_issue') THEN array_remove(ARRAY['unit_clerk',
                CASE WHEN {_MEASURE_DUE} OR {_LONGER_ASKED} THEN 'supervision_officer' END], NULL) ELSE '{{}}' END AS holders,
        false AS started, s.released_by = $2 OR EXISTS (SELECT FROM issue_entries e WHERE e.issue_id = i.id AND e.actor = $2) AS handled,
        i.state IN ('rectifying', 'overdue_issue') AND {_LONGER_ASKED} AS longer_asked
    FROM issues i LEFT JOIN notice_seals s ON s.issue_id = i.id AND s.round = i.round WHERE i.has_case
"""
_RELEASE_DECLINED = (
    "coalesce((SELECT e.act = 'decline_release' FROM freeze_entries e WHERE e.order_id = o.id ORDER BY e.sequence DESC LIMIT 1), false)"
)
"""The director said that the freeze stands: nothing waits for him, though he may still release it on its page."""
_ORDERS = f"""
    SELECT 'freeze', o.id, o.document_no, o.unit_id, NULL, NULL, NULL, o.scopes, o.state, NULL, NULL, NULL, o.proposed_at,
        CASE WHEN (o.state = 'release_proposed' AND o.released_at IS NULL AND NOT {_RELEASE_DECLINED})
            OR (o.state = 'freeze_proposed' AND o.decided_at IS NULL AND o.proposed_by <> $2) THEN ARRAY['office_director'] ELSE '{{}}' END,
        o.proposed_by = $2, EXISTS (SELECT FROM freeze_entries e WHERE e.order_id = o.id AND e.actor = $2), false
    FROM freeze_orders o
"""
_STANDING = (
    "CASE WHEN l.acknowledged_at IS NOT NULL THEN 'acknowledged' WHEN l.sealed_at IS NOT NULL THEN 'awaiting_acknowledgement'"
    " WHEN l.released_at IS NOT NULL THEN 'awaiting_seal' ELSE 'awaiting_release' END"
)
_LISTS = f"""
    SELECT 'list', l.id, l.number, l.unit_id, l.iso_week, NULL, NULL, NULL, {_STANDING}, NULL, NULL, NULL, l.issued_at,
        CASE WHEN l.released_at IS NULL THEN ARRAY['seal_operator'] WHEN l.sealed_at IS NOT NULL AND l.acknowledged_at IS NULL
            THEN ARRAY['unit_clerk', 'unit_head'] ELSE '{{}}' END,
        false, coalesce($2 IN (l.released_by, l.acknowledged_by), false), false
    FROM supervision_lists l
"""
ROWS = f" FROM ({_ISSUES} UNION ALL {_ORDERS} UNION ALL {_LISTS}) m JOIN unit_copies u ON u.id = m.unit_id"
_UNSEALED = "('awaiting_release', 'awaiting_seal')"
GIVEN = "$2::text IS NOT NULL AND $3::text[] IS NOT NULL AND $4::date IS NOT NULL"
"""PostgreSQL wants to know of each parameter what it is."""
TABS: dict[Tab, str] = {"todo": "m.holders && $3::text[]", "to_read": "false", "started": "m.started", "done": "m.handled"}
SORTS: Mapping[str, Mapping[str, str]] = {
    "due": {"coalesce(m.due_at, 'infinity')": "timestamptz", "m.id": "uuid"},
    "submitted": {"m.submitted_at": "timestamptz", "m.id": "uuid"},
    "unit": {"u.name": "text", "m.id": "uuid"},
    "type": {"m.kind": "text", "m.id": "uuid"},
}


class Wanted(BaseModel):
    """A page of a work list, narrowed. `after` is the cursor of the last line of the page before."""

    model_config = ConfigDict(extra="forbid")

    tab: Tab = "todo"
    type: Kind | None = None
    state: str = Field("", max_length=40)
    light: Light | None = None
    q: str = Field("", max_length=100, description="Part of a number, a title or a unit's name.")
    sort: str = "due"
    after: str = Field("", max_length=4_000)
    limit: int = Field(50, ge=1, le=200)


def told_to(who: Who) -> str:
    """The condition on work `m` of units `u`: what the caller may know of; what is not decided is not for the one it concerns."""
    conditions = [visible(who)]
    conditions += [] if deliberates(who) else [f"NOT (m.kind = 'freeze' AND m.state IN {UNSIGNED})"]
    conditions += [] if drafts(who) else [f"NOT (m.kind = 'list' AND m.state IN {_UNSEALED})"]
    return " AND ".join(conditions)


def asking(who: Who, now: datetime) -> Parameters:
    """The parameters of every tab."""
    return Parameters([scope(who), who.name, sorted(who.roles), business_day(now)])


async def tasks(conn: Connection, who: Who, wanted: Wanted, now: datetime, cipher: FieldCipher) -> list[Task]:
    """One page, and one more. Raises SortUnknown, CursorUnknown."""
    order, put = ordered(wanted.sort, SORTS), asking(who, now)
    cursors = Cursors(cipher, question("tasks", order, wanted.model_dump(mode="json", exclude={"sort", "after", "limit"})))
    behind = order.after(cursors.read(wanted.after), put)
    rows = await conn.fetch(
        f"SELECT m.*, u.name AS unit, u.light, {order.places} {ROWS} WHERE {told_to(who)} AND {GIVEN} AND {TABS[wanted.tab]} AND {narrowed(wanted, put)}"
        f" AND {behind} ORDER BY {order.by} LIMIT {put(wanted.limit + 1, 'int')}",
        *put,
    )
    ladder = (await parameters_on(conn, business_day(now)))["*", "ladder"].value
    rungs = [step["offset"] for step in ladder]
    return [_task(row, wanted.tab, who, rungs, now, cursors.after(order.of(row))) for row in rows]


def narrowed(wanted: Wanted, put: Parameters) -> str:
    """The condition on work `m` of units `u`, whatever the tab."""
    asked = {
        "m.kind = {}": (wanted.type, "text"),
        "m.state = {}": (wanted.state, "text"),
        "u.light = {}": (wanted.light, "text"),
        "position(lower({}) IN lower(concat_ws(' ', m.number, m.title, u.name))) > 0": (wanted.q.strip(), "text"),
    }
    return put.narrowed(asked)


async def counts(conn: Connection, who: Who, now: datetime, soon: datetime) -> Counts:
    """How many stand under each tab; `soon`: the end of the next working day."""
    put = asking(who, now)
    late, due_soon = put(now, "timestamptz"), put(soon, "timestamptz")
    sums = ", ".join(f"count(*) FILTER (WHERE {condition}) AS {tab}" for tab, condition in TABS.items())
    row = await conn.fetchrow(
        f"SELECT {sums}, count(*) FILTER (WHERE {TABS['todo']} AND m.due_at <= {late}) AS late,"
        f" count(*) FILTER (WHERE {TABS['todo']} AND m.due_at > {late} AND m.due_at <= {due_soon}) AS due_soon"
        f" {ROWS} WHERE {told_to(who)} AND {GIVEN}",
        *put,
    )
    return Counts(**dict(row or {}))


def _task(row: asyncpg.Record, tab: Tab, who: Who, rungs: Sequence[int], now: datetime, cursor: str) -> Task:
    deadline = Deadline.model_validate(row["deadline"]) if row["deadline"] else None
    holder = next((Role(each) for each in sorted(row["holders"], key=lambda each: each not in who.roles)), None)
    copied: dict[str, Any] = {name: row[name] for name in ("kind", "id", "number", "unit_id", "unit", "state", "due_at", "submitted_at")}
    return Task(
        type=row["kind"],
        type_label=WORK_KINDS[row["kind"]],
        light=Light(row["light"]),
        title=title_of(row),
        matter=matter_of(row["rule"], row["inputs"]) if row["rule"] else "",
        state_label=state_of(row),
        holder=holder,
        holder_label=LABELS[holder] if holder else None,
        term=term_of(deadline, rungs if row["level"] == Light.RED else (), now),
        why=_why(row, tab, holder),
        cursor=cursor,
        **copied,
    )


def title_of(row: asyncpg.Record) -> str:
    """What it is about, by its kind."""
    if row["kind"] == "list":
        return f"{row['title'][:4]} 年第 {int(row['title'][-2:])} 周督办清单"
    if row["kind"] == "freeze":
        return "、".join(LABELS[FreezeScope(each)] for each in row["scopes"]) or "冻结编制名额"
    return str(row["title"] or RULE_TITLES.get(row["rule"], row["rule"]))


def state_of(row: asyncpg.Record) -> str:
    """Its state in words, by its kind."""
    if row["kind"] == "list":
        return LIST_STANDINGS[row["state"]]
    return LABELS[FreezeState(row["state"])] if row["kind"] == "freeze" else LABELS[IssueState(row["state"])]


def _why(row: asyncpg.Record, tab: Tab, holder: Role | None) -> str:
    if tab != "todo":
        return WHY_STARTED if tab == "started" else WHY_DONE
    if row["kind"] == "issue" and holder is Role.SEAL_OPERATOR:
        return WHY_RELEASE
    if holder is Role.SUPERVISION_OFFICER and row["state"] in RUNNING:
        return WHY_LONGER if row["longer_asked"] else WHY_MEASURE
    return WHYS[row["kind"], row["state"]]
