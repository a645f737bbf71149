"""Work lists: what waits for somebody, what he should read, what he began, what he did. Row scopes stand in the SQL."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from services.approval.models.tasks import Counts, Tab, Task
from services.approval.queries.documents import in_hand, in_scope
from services.approval.rules import tasks as rules
from shared.auth import Who
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.glossary import LABELS, ApplicationState, ApplicationType, Light, Role
from shared.law.deadline import Deadline
from shared.law.term import term_of
from shared.pages import Cursors, Parameters, ordered, question
from shared.unit_copies import scope

_DECIDING = ", ".join(f"'{kind}'" for kind in rules.DECIDING)
_ROWS = (
    " FROM applications a LEFT JOIN revisions r ON r.application_id = a.id AND r.revision = a.revision"
    " LEFT JOIN unit_copies u ON u.id = a.unit_id LEFT JOIN chain_steps s ON s.application_type = a.application_type"
    " AND s.version = a.chain_version AND s.code = a.step"
)
_DECIDED = (
    "SELECT FROM entries e WHERE e.application_id = a.id AND (a.state = 'in_review' AND e.kind = 'step_approved' AND e.revision_after ="
    " a.revision OR a.state = 'filed' AND e.kind = 'revocation_decided')"
)
_WROTE = "SELECT FROM revisions w WHERE w.application_id = a.id AND w.submitted_by = $2"
_BROUGHT = "SELECT FROM attachments f WHERE f.application_id = a.id AND f.brought_by = $2"
PARTIAL = f"($2 = a.applicant OR $2 = ANY(a.concerned) OR EXISTS ({_WROTE}) OR EXISTS ({_BROUGHT}) OR EXISTS ({_DECIDED} AND $2 IN (e.actor, e.on_behalf_of)))"
"""That $2 may not decide application `a`: it is his own, he wrote a revision of it or brought a file, or he decided what forbids it: in review another step of this
one, of what is filed its revocation. Whoever decided a step may release the notice."""
_REFUSED_AFTER_ALL = (
    "a.state = 'returned' AND (SELECT bool_or(e.kind = 'step_approved' AND e.actor = $2) AND bool_or(e.kind = 'refused_by_roster') FROM entries e"
    " WHERE e.application_id = a.id AND e.revision_after = a.revision)"
)
"""That the roster refused what $2 had approved."""
_REVOKED = "EXISTS (SELECT FROM documents d WHERE d.application_id = a.id AND d.revokes IS NOT NULL)"
GIVEN = "$2::text IS NOT NULL AND $3::text[] IS NOT NULL"
"""Not every tab asks for name and roles; PostgreSQL wants to know of each parameter what it is."""
TABS: dict[Tab, str] = {  # NOT EXISTS stands by itself, so that it is one join and not a question per row
    "todo": "a.holder = ANY($3::text[]) AND a.state <> 'paused' AND (a.state = 'returned' OR NOT ($2 = a.applicant OR $2 = ANY(a.concerned)))"
    f" AND NOT EXISTS ({_WROTE} AND a.state <> 'returned') AND NOT EXISTS ({_BROUGHT} AND a.state <> 'returned')"
    f" AND NOT EXISTS ({_DECIDED} AND e.actor = $2)"
    f" AND NOT EXISTS ({_DECIDED} AND e.on_behalf_of = $2)",
    "to_read": f"(a.state IN ('filed', 'withdrawn', 'paused') AND (a.applicant = $2 OR EXISTS (SELECT FROM entries e WHERE e.actor = $2"
    f" AND e.application_id = a.id)) OR {_REFUSED_AFTER_ALL}) AND (SELECT max(sequence) FROM entries e WHERE e.application_id = a.id)"
    " > coalesce((SELECT sequence FROM readings seen WHERE seen.application_id = a.id AND seen.reader = $2), 0)",
    "started": "a.applicant = $2",
    "done": f"a.id IN (SELECT application_id FROM entries e WHERE e.actor = $2 AND e.kind IN ({_DECIDING}))",
}
SORTS: Mapping[str, Mapping[str, str]] = {
    "due": {"coalesce(a.due_at, 'infinity')": "timestamptz", "a.id": "uuid"},
    "submitted": {"a.submitted_at": "timestamptz", "a.id": "uuid"},
    "unit": {"coalesce(u.name, '')": "text", "a.id": "uuid"},
    "type": {"a.application_type": "text", "a.id": "uuid"},
}


class Wanted(BaseModel):
    """A page of a work list, narrowed. `after` is the cursor of the last line of the page before."""

    model_config = ConfigDict(extra="forbid")

    tab: Tab = "todo"
    type: ApplicationType | None = None
    state: ApplicationState | None = None
    light: Light | None = None
    q: str = Field("", max_length=100, description="Part of a number, a title or a unit's name.")
    sort: str = "due"
    after: str = Field("", max_length=4_000)
    limit: int = Field(50, ge=1, le=200)


def asking(who: Who) -> Parameters:
    """The parameters of every tab."""
    return Parameters([scope(who), who.name, sorted(who.roles)])


async def tasks(conn: Connection, who: Who, wanted: Wanted, now: datetime, cipher: FieldCipher) -> list[Task]:
    """One page, and one more. Raises SortUnknown, CursorUnknown."""
    order, put = ordered(wanted.sort, SORTS), asking(who)
    cursors = Cursors(cipher, question("tasks", order, wanted.model_dump(mode="json", exclude={"sort", "after", "limit"})))
    behind = order.after(cursors.read(wanted.after), put)
    conditions = narrowed(wanted, put)
    rows = await conn.fetch(
        f"WITH found AS MATERIALIZED (SELECT a.id, row_number() OVER (ORDER BY {order.by}) AS place {_ROWS} WHERE {in_tab(who, wanted.tab)}"
        f" AND {conditions} AND {behind} ORDER BY {order.by} LIMIT {put(wanted.limit + 1, 'int')})"
        f" SELECT a.*, {_REVOKED} AS revoked, r.title, r.exception IS NOT NULL AS excepted, coalesce(u.name, '—') AS unit, coalesce(u.light, 'green') AS light, s.label AS step_label, s.reminders,"
        f" {order.places} {_ROWS}"
        " JOIN found ON found.id = a.id ORDER BY found.place",
        *put,
    )
    return [_task(row, wanted.tab, now, cursors.after(order.of(row))) for row in rows]


def narrowed(wanted: Wanted, put: Parameters) -> str:
    """The condition on applications `a`, their revision `r` and unit `u`, whatever the tab."""
    asked = {
        "a.application_type = {}": (wanted.type, "text"),
        "a.state = {}": (wanted.state, "text"),
        "u.light = {}": (wanted.light, "text"),
        "position(lower({}) IN lower(a.number || ' ' || r.title || ' ' || coalesce(u.name, ''))) > 0": (wanted.q.strip(), "text"),
    }
    return put.narrowed(asked)


async def counts(conn: Connection, who: Who, now: datetime, soon: datetime) -> Counts:
    """How many stand under each tab; `soon`: the end of the next working day."""
    put = asking(who)
    late, due_soon = put(now, "timestamptz"), put(soon, "timestamptz")
    others = ", ".join(f"(SELECT count(*) FROM applications a WHERE {in_tab(who, tab)}) AS {tab}" for tab in TABS if tab != "todo")
    row = await conn.fetchrow(
        f"SELECT todo.*, {others} FROM (SELECT count(*) AS todo, count(*) FILTER (WHERE a.due_at <= {late}) AS late,"
        f" count(*) FILTER (WHERE a.due_at > {late} AND a.due_at <= {due_soon}) AS due_soon FROM applications a WHERE {in_tab(who, 'todo')}) todo",
        *put,
    )
    return Counts(**dict(row or {}))


def in_tab(who: Who, tab: Tab) -> str:
    """The condition on applications `a`: what the caller has to do he may do, the rest he may read."""
    return f"{in_hand(who) if tab == 'todo' else in_scope(who)} AND {GIVEN} AND {TABS[tab]}"


_COPIED = (
    "id",
    "number",
    "unit_id",
    "unit",
    "title",
    "revision",
    "step",
    "step_label",
    "applicant",
    "submitted_at",
    "changed_at",
    "excepted",
)


def _task(row: asyncpg.Record, tab: Tab, now: datetime, cursor: str) -> Task:
    state, holder = ApplicationState(row["state"]), Role(row["holder"]) if row["holder"] else None
    deadline = Deadline.model_validate(row["deadline"]) if row["deadline"] else None
    kind = ApplicationType(row["application_type"])
    copied: dict[str, Any] = {name: row[name] for name in _COPIED}
    return Task(
        type=kind,
        type_label=LABELS[kind],
        light=Light(row["light"]),
        state=state,
        state_label=LABELS[state],
        holder=holder,
        holder_label=LABELS[holder] if holder else None,
        term=term_of(deadline, row["reminders"] or (), now),
        why=rules.why(tab, state, row["step_label"], holder, revoked=row["revoked"]),
        cursor=cursor,
        **copied,
    )
