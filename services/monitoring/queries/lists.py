"""Reads about weekly lists: what goes on an edition, the editions themselves, and the words of their documents."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.monitoring.models.issues import Page
from services.monitoring.models.notices import Kept
from services.monitoring.models.refusals import ListNotSealed, ListUnknown
from services.monitoring.models.tasks import Action
from services.monitoring.models.words import RULE_TITLES, matter_of
from services.monitoring.queries.settled import UNSETTLED
from services.monitoring.rules.lists import Listed
from services.monitoring.rules.tasks import list_actions, list_standing
from shared.auth import OFFICE, Who
from shared.clock import business_day, to_the_minute
from shared.db import Connection
from shared.glossary import LABELS, LIST_STANDINGS, SERVICE_NAMES, IssueState, Light, LineKind
from shared.law.deadline import Deadline
from shared.pages import Parameters, ordered
from shared.unit_copies import of_unit, scope, visible

A_WEEK = "2026-W49"


def _week(text: object) -> object:
    try:
        date.fromisoformat(f"{text}-1")
    except ValueError:
        raise ValueError(f"应为某年的第几周，如 {A_WEEK}") from None
    return text


Week = Annotated[str, BeforeValidator(_week), StringConstraints(pattern=r"^[0-9]{4}-W[0-9]{2}$"), Field(examples=[A_WEEK])]
Standing = Literal["awaiting_release", "awaiting_seal", "awaiting_acknowledgement", "acknowledged"]
_FORM_KINDS = {LineKind.NEW: "new", LineKind.CARRIED: "carried", LineKind.OVERDUE: "overdue", LineKind.CLEARED: "cleared"}

REGISTER = "SELECT deed_id AS id, at, actor, deed AS type, unit_id, reason, number AS document_no, case_id FROM seal_register"
"""用印登记 and 签收 for the trail. Their ids are made of when they were written, as those of events are, so that both stand in one order."""


class ListHead(BaseModel):
    """An edition in a list of them; how many lines of each kind it has. `issued_at`: the moment it was planned for; `made_at`: when it was really made,
    of which its figures are (None: not kept then). `held`: released, it cannot be prepared or filed, by that refusal.
    """

    id: UUID
    number: str
    unit_id: UUID
    unit: str
    iso_week: str
    issued_at: datetime
    made_at: datetime | None
    released_by: str | None
    released_at: datetime | None
    sealed_at: datetime | None
    sealed_sha256: str | None
    signer: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    held: str | None = None
    standing: str
    standing_label: str
    new: int
    carried: int
    overdue: int
    cleared: int


class ListLine(BaseModel):
    """One line of an edition, as it was issued."""

    line_no: int
    issue_id: UUID
    kind: LineKind
    kind_label: str
    rule: str
    level: Light
    state: IssueState
    matter: str
    document_no: str | None
    measure: str | None
    found_on: date
    due_at: datetime | None
    remaining: int | None


class AuditHead(BaseModel):
    """The newest audit seal of a service when the edition was issued: whoever holds the paper can ask whether it still stands in the chain."""

    service: str
    number: int
    head: str


class ListPage(ListHead):
    """One edition with its lines, and what the caller may do with it."""

    lines: list[ListLine]
    audit_heads: list[AuditHead]
    actions: tuple[Action, ...]

    @property
    def as_of(self) -> datetime:
        """The moment of its figures (截至)."""
        return self.made_at or self.issued_at


class Wanted(BaseModel):
    """A page of the editions, narrowed. `unit`: of it and, with `below`, of all below it; `after`: the id of the last of the page before."""

    model_config = ConfigDict(extra="forbid")

    unit: UUID | None = None
    below: bool = True
    week: Week | None = None
    standing: Standing | None = None
    q: str = Field("", max_length=100, description="Part of a number or a unit's name.")
    sort: str = "issued"
    after: UUID | None = None
    limit: int = Field(50, ge=1, le=200)


SORTS: Mapping[str, Mapping[str, str]] = {"issued": {"l.id": "uuid"}, "unit": {"u.name": "text", "l.id": "uuid"}}
_STANDINGS = {
    "awaiting_release": "l.released_at IS NULL",
    "awaiting_seal": "l.released_at IS NOT NULL AND l.sealed_at IS NULL",
    "awaiting_acknowledgement": "l.sealed_at IS NOT NULL AND l.acknowledged_at IS NULL",
    "acknowledged": "l.acknowledged_at IS NOT NULL",
}
_COUNTS = ", ".join(
    f"(SELECT count(*) FROM supervision_lines c WHERE c.list_id = l.id AND c.kind = '{kind}') AS {name}"
    for kind, name in _FORM_KINDS.items()
)


async def audit_heads(conn: Connection) -> list[dict[str, Any]]:
    """The newest audit seal of each service, to be printed: number and head (hex)."""
    rows = await conn.fetch(
        "SELECT service, number, head FROM audit_heads UNION ALL"
        " (SELECT 'monitoring', number, encode(head, 'hex') FROM audit_seals ORDER BY number DESC LIMIT 1) ORDER BY service"
    )
    return [dict(row) for row in rows]


async def heads_kept(conn: Connection) -> dict[str, dict[str, int]]:
    """By service each head (hex) that was told to this one or printed on a weekly list, with the number of its seal."""
    rows = await conn.fetch(
        "SELECT service, number, head FROM audit_heads UNION SELECT h ->> 'service', (h ->> 'number')::integer, h ->> 'head'"
        " FROM supervision_lists, jsonb_array_elements(audit_heads) AS h"
    )
    kept: dict[str, dict[str, int]] = {}
    for row in rows:
        kept.setdefault(row["service"], {})[row["head"]] = row["number"]
    return kept


async def lines_before(conn: Connection, unit_id: UUID) -> tuple[UUID | None, datetime | None, set[tuple[UUID, int]]]:
    """The unit's last edition: its id, its instant, and the issues that were open on it."""
    last = await conn.fetchrow("SELECT id, issued_at FROM supervision_lists WHERE unit_id = $1 ORDER BY issued_at DESC LIMIT 1", unit_id)
    if last is None:
        return None, None, set()
    rows = await conn.fetch("SELECT issue_id, round FROM supervision_lines WHERE list_id = $1 AND kind <> 'cleared'", last["id"])
    return last["id"], last["issued_at"], {(row["issue_id"], row["round"]) for row in rows}


async def listed_issues(conn: Connection, unit_id: UUID, last_id: UUID | None, issued_at: datetime | None) -> list[Listed]:
    """What is open, and what was settled since the last edition (or stood on it, open); before a unit's first, each case that was struck off. An edition
    that ran late may have cleared some of it.
    """
    rows = await conn.fetch(
        f"SELECT i.* FROM issues i WHERE i.unit_id = $1 AND (i.{UNSETTLED}"
        " OR (i.state IN ('closed', 'dismissed') AND i.version > 0 AND (i.closed_at > $3 OR ($3 IS NULL AND i.has_case) OR EXISTS (SELECT FROM supervision_lines l"
        " WHERE l.list_id = $2 AND l.issue_id = i.id AND l.round = i.round AND l.kind <> 'cleared'))"
        " AND NOT EXISTS (SELECT FROM supervision_lines l"
        " WHERE l.list_id = $2 AND l.issue_id = i.id AND l.round = i.round AND l.kind = 'cleared')))",
        unit_id,
        last_id,
        issued_at,
    )
    return [_listed(row) for row in rows] + await _rounds_settled(conn, last_id) + await _rounds_between(conn, unit_id, issued_at)


async def _rounds_settled(conn: Connection, last_id: UUID | None) -> list[Listed]:
    """What stood open on the last edition, was settled, and came back since: its round is over, whatever became of the next one."""
    rows = await conn.fetch(
        "SELECT l.*, coalesce(n.number, l.document_no) AS number, coalesce(n.demand, l.measure) AS demand,"
        " coalesce((SELECT e.state FROM issue_entries e WHERE e.issue_id = l.issue_id AND e.round = l.round ORDER BY e.sequence DESC LIMIT 1),"
        " 'closed') AS settled FROM supervision_lines l JOIN issues i ON i.id = l.issue_id"
        " LEFT JOIN notices n ON n.issue_id = l.issue_id AND n.round = l.round"
        " WHERE l.list_id = $1 AND l.kind <> 'cleared' AND l.round < i.round",
        last_id,
    )
    return [
        Listed(
            issue_id=row["issue_id"],
            round=row["round"],
            rule=row["rule"],
            level=Light(row["level"]),
            state=IssueState(row["settled"]),
            matter=row["matter"],
            document_no=row["number"],
            measure=row["demand"],
            found_on=row["found_on"],
            due_at=row["due_at"],
            deadline=None,
        )
        for row in rows
    ]


async def _rounds_between(conn: Connection, unit_id: UUID, issued_at: datetime | None) -> list[Listed]:
    """Rounds that came and went since the last edition, before the one that the issue is in: no edition has told of them."""
    rows = await conn.fetch(
        "SELECT past.*, past.issue_id AS id, i.rule, NULL AS deadline FROM past_rounds AS past JOIN issues i ON i.id = past.issue_id"
        " WHERE i.unit_id = $1 AND past.closed_at > coalesce($2::timestamptz, '-infinity') AND NOT EXISTS"
        " (SELECT FROM supervision_lines l WHERE l.issue_id = past.issue_id AND l.round = past.round)",
        unit_id,
        issued_at,
    )
    return [_listed(row) for row in rows]


def _listed(row: asyncpg.Record) -> Listed:
    return Listed(
        issue_id=row["id"],
        round=row["round"],
        rule=row["rule"],
        level=Light(row["level"]),
        state=IssueState(row["state"]),
        matter=matter_of(row["rule"], row["inputs"]),
        document_no=row["number"],
        measure=row["demand"],
        found_on=business_day(row["found_at"]),
        due_at=row["due_at"],
        deadline=Deadline.model_validate(row["deadline"]) if row["deadline"] else None,
    )


async def units_to_list(conn: Connection) -> list[UUID]:
    """Units with something open, with a case that was struck off, or with an edition whose lines may have been cleared."""
    rows = await conn.fetch(
        f"SELECT unit_id FROM issues WHERE {UNSETTLED} OR has_case UNION SELECT unit_id FROM supervision_lists ORDER BY unit_id"
    )
    return [row["unit_id"] for row in rows]


_ROWS = "FROM supervision_lists l JOIN unit_copies u ON u.id = l.unit_id"


def drafts(who: Who | None) -> bool:
    """Whether the caller sees editions before they are sealed: a draft is the office's alone (docs/decisions/0063)."""
    return who is None or not who.roles.isdisjoint(OFFICE)


def told_to(who: Who | None) -> str:
    """The condition on editions `l` of units `u`: what the caller may know of."""
    return visible(who) if drafts(who) else f"{visible(who)} AND l.sealed_at IS NOT NULL"


def _heads(who: Who | None) -> str:
    return f"SELECT l.*, u.name AS unit, u.code AS unit_code, {_COUNTS} {_ROWS} WHERE {told_to(who)}"


async def lists(conn: Connection, who: Who, wanted: Wanted) -> Page:
    """Editions in the caller's scope, oldest first unless another order is asked for. Raises SortUnknown."""
    order, put = ordered(wanted.sort, SORTS), Parameters([scope(who)])
    behind = order.behind(put(wanted.after, "uuid"), f"{_ROWS} WHERE {told_to(who)}") if wanted.after else "true"
    asked = f"{_heads(who)} AND {narrowed(wanted, put)} AND {behind} ORDER BY {order.by} LIMIT {put(wanted.limit, 'int')}"
    rows = await conn.fetch(asked, *put)
    return Page(items=[ListHead(**_head(row)) for row in rows], next=str(rows[-1]["id"]) if len(rows) == wanted.limit else None)


def narrowed(wanted: Wanted, put: Parameters) -> str:
    """The condition on editions `l` of units `u`."""
    asked = {
        of_unit(below=wanted.below): (wanted.unit, "uuid"),
        "l.iso_week = {}": (wanted.week, "text"),
        "position(lower({}) IN lower(l.number || ' ' || u.name)) > 0": (wanted.q.strip(), "text"),
    }
    return put.narrowed(asked, *([_STANDINGS[wanted.standing]] if wanted.standing else []))


def _head(row: asyncpg.Record) -> dict[str, Any]:
    done = {name: row[f"{name}_at"] is not None for name in ("released", "sealed", "acknowledged")}
    standing = list_standing(**done)
    return {**row, "standing": standing, "standing_label": LIST_STANDINGS[standing]}


async def supervision_list(conn: Connection, who: Who | None, list_id: UUID) -> ListPage:
    """One edition with its lines. Raises ListUnknown."""
    row = await conn.fetchrow(_heads(who) + " AND l.id = $2", scope(who), list_id)
    if row is None:
        raise ListUnknown(list=list_id)
    found, head = await conn.fetch("SELECT * FROM supervision_lines WHERE list_id = $1 ORDER BY line_no", list_id), _head(row)
    lines = [ListLine(**line, kind_label=LABELS[LineKind(line["kind"])]) for line in found]
    return ListPage(**head, lines=lines, actions=list_actions(head["standing"], who.roles) if who else ())


async def sealed_file(conn: Connection, who: Who, list_id: UUID) -> Kept:
    """The sealed file. Raises ListUnknown, ListNotSealed."""
    row = await conn.fetchrow(_heads(who) + " AND l.id = $2", scope(who), list_id)
    if row is None:
        raise ListUnknown(list=list_id)
    if row["sealed_file"] is None:
        raise ListNotSealed(list=list_id)
    return Kept(row["sealed_file"], row["sealed_sha256"], row["number"])


def words(edition: ListPage, issuer: str, *, demo_seal: bool) -> dict[str, Any]:
    """What the form says, for the template `supervision_list.typ`. `demo_seal`: its seal has no legal effect."""
    monday = date.fromisocalendar(int(edition.iso_week[:4]), int(edition.iso_week[-2:]), 1)
    return {
        "issuer": issuer,
        "number": edition.number,
        "issued_on": str(business_day(edition.as_of)),
        "planned_at": to_the_minute(edition.issued_at),
        "made_at": to_the_minute(edition.made_at) if edition.made_at else None,
        "case_no": edition.number,
        "demo_seal": demo_seal,
        "unit": edition.unit,
        "year": int(edition.iso_week[:4]),
        "week": int(edition.iso_week[-2:]),
        "from": str(monday),
        "to": str(monday + timedelta(days=6)),
        "lines": [_line_words(line) for line in edition.lines],
        "audit": [{"service": SERVICE_NAMES[each.service], "number": each.number, "head": each.head} for each in edition.audit_heads],
    }


def _line_words(line: ListLine) -> dict[str, Any]:
    return {
        "kind": _FORM_KINDS[line.kind],
        "rule": f"{line.rule} {RULE_TITLES[line.rule]}",
        "matter": line.matter,
        "document_no": line.document_no,
        "found_on": str(line.found_on),
        "deadline": str(business_day(line.due_at)) if line.due_at else None,
        "remaining": line.remaining,
        "standing": LABELS[line.state],
        "measure": line.measure,
    }
