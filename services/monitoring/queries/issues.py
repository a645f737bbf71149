"""Reads about issues: the pages of one and of many, with the journal, the rungs and the certificate of the deadline."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel, ConfigDict, Field

from services.monitoring.models.facts import Issue
from services.monitoring.models.issues import (
    AskedExtension,
    FiredRung,
    IssueLine,
    IssuePage,
    LinkedOrder,
    MeasureLine,
    NextRung,
    NoticeSeal,
    Page,
    SealedNotice,
    TimelineEntry,
)
from services.monitoring.models.refusals import CaseMissing, IssueUnknown, StillFound
from services.monitoring.models.words import (
    ACTS,
    BETTER,
    BETTER_BY,
    BETTER_BY_ITSELF,
    GONE_BY_ITSELF,
    GONE_WHEN,
    GROUNDS,
    RULE_TITLES,
    SEAL_STANDINGS,
    details_of,
    matter_of,
)
from services.monitoring.queries.evidence import evidence_files, is_own
from services.monitoring.queries.facts import parameters_on
from services.monitoring.queries.freezes import told_to
from services.monitoring.queries.ladders import pinned_terms
from services.monitoring.queries.measures import measures_of
from services.monitoring.queries.settled import UNSETTLED
from services.monitoring.rules.facts import Parameters as RuleParameters
from services.monitoring.rules.measures import due, recordable
from services.monitoring.rules.stages import issue_stages
from services.monitoring.rules.tasks import RUNNING, Standing, issue_actions, issue_withheld
from shared.auth import Who
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import Connection
from shared.errors import KeyReused
from shared.glossary import LABELS, FreezeState, IssueState, Light, Measure, Rung
from shared.law.deadline import Deadline
from shared.law.term import term_of
from shared.pages import Cursors, Parameters, ordered, question
from shared.unit_copies import of_unit, scope, visible
from workflows.rectification import workflow_id
from workflows.rectification_case import ABOUT_LONGER, OVER, Act
from workflows.rectification_orders import Order


class Wanted(BaseModel):
    """A page of the issues, narrowed. `unit`: of it and, with `below`, of all below it; `after`: `next` of the page before."""

    model_config = ConfigDict(extra="forbid")

    state: IssueState | None = None
    unit: UUID | None = None
    below: bool = True
    rule: str = Field("", max_length=10)
    level: Light | None = None
    open: bool = False
    late: bool = Field(default=False, description="The term has ended and nothing is settled.")
    q: str = Field("", max_length=100, description="Part of a number, a title or a unit's name.")
    sort: str = "found"
    after: str = Field("", max_length=4_000)
    limit: int = Field(50, ge=1, le=200)


SORTS: Mapping[str, Mapping[str, str]] = {
    "found": {"i.id": "uuid"},
    "due": {"coalesce(i.due_at, 'infinity')": "timestamptz", "i.id": "uuid"},
    "unit": {"u.name": "text", "i.id": "uuid"},
    "rule": {"i.rule": "text", "i.id": "uuid"},
}


_ROWS = "FROM issues i JOIN unit_copies u ON u.id = i.unit_id"


def _lines(who: Who, more: str = "") -> str:
    return f"SELECT i.*, u.name AS unit{more} {_ROWS} WHERE {visible(who)}"


async def issues(conn: Connection, who: Who, wanted: Wanted, now: datetime, cipher: FieldCipher) -> Page:
    """Issues in the caller's scope, oldest first unless another order is asked for. Raises SortUnknown, CursorUnknown."""
    order, put = ordered(wanted.sort, SORTS), Parameters([scope(who)])
    cursors = Cursors(cipher, question("issues", order, wanted.model_dump(mode="json", exclude={"sort", "after", "limit"})))
    behind, conditions = order.after(cursors.read(wanted.after), put), narrowed(wanted, put, now)
    rows = await conn.fetch(
        f"{_lines(who, f', {order.places}')} AND {conditions} AND {behind} ORDER BY {order.by} LIMIT {put(wanted.limit, 'int')}",
        *put,
    )
    today = (await parameters_on(conn, business_day(now)))["*", "ladder"].value
    return Page(
        items=[IssueLine(**_line(row, _rungs(today if row["ladder"] is None else row["ladder"]), now)) for row in rows],
        next=cursors.after(order.of(rows[-1])) if len(rows) == wanted.limit else None,
    )


def narrowed(wanted: Wanted, put: Parameters, now: datetime) -> str:
    """The condition on issues `i` of units `u`."""
    asked = {
        "i.state = {}": (wanted.state, "text"),
        of_unit(below=wanted.below): (wanted.unit, "uuid"),
        "i.rule = {}": (wanted.rule, "text"),
        "i.level = {}": (wanted.level, "text"),
        "position(lower({}) IN lower(concat_ws(' ', i.number, i.title, u.name))) > 0": (wanted.q.strip(), "text"),
        "i.due_at <= {}": (now if wanted.late else None, "timestamptz"),
    }
    return put.narrowed(asked, *([f"i.{UNSETTLED}"] if wanted.open or wanted.late else []))


def _line(row: asyncpg.Record, rungs: Sequence[tuple[Rung, int]], now: datetime) -> dict[str, Any]:
    called = RULE_TITLES.get(row["rule"], row["rule"])
    return {
        **row,
        "rule_title": called,
        "title": row["title"] or called,
        "matter": matter_of(row["rule"], row["inputs"]),
        "state_label": LABELS[IssueState(row["state"])],
        "term": term_of(_deadline(row), [offset for _, offset in _of_level(rungs, row)], now),
    }


def _deadline(row: asyncpg.Record) -> Deadline | None:
    return Deadline.model_validate(row["deadline"]) if row["deadline"] and IssueState(row["state"]) not in OVER else None


def _rungs(steps: Sequence[Mapping[str, Any]]) -> list[tuple[Rung, int]]:
    return [(Rung(step["rung"]), step["offset"]) for step in steps]


def _of_level(rungs: Sequence[tuple[Rung, int]], row: asyncpg.Record) -> Sequence[tuple[Rung, int]]:
    """What is absorbed by plan has no ladder."""
    return rungs if row["level"] == Light.RED else ()


async def issue(conn: Connection, who: Who, issue_id: UUID, now: datetime) -> IssuePage:
    """One issue with its journal, its rungs, the certificate of its deadline, and what the caller may do."""
    row = await conn.fetchrow(_lines(who) + " AND i.id = $2", scope(who), issue_id)
    if row is None:
        raise IssueUnknown(issue=issue_id)
    entries = await conn.fetch("SELECT * FROM issue_entries WHERE issue_id = $1 ORDER BY round, sequence", issue_id)
    fired = await conn.fetch("SELECT * FROM rungs WHERE issue_id = $1 ORDER BY fired_at, planned_at", issue_id)
    orders = await _orders(conn, who, issue_id)
    notice = await _notice_seal(conn, issue_id, row["round"])
    deadline = Deadline.model_validate(row["deadline"]) if row["deadline"] else None
    terms = await pinned_terms(conn, row)
    own = await is_own(conn, issue_id, who.name)
    asked = _asked_extension(row, entries, deadline, now)
    standing = _standing(row, notice, deadline, orders, await parameters_on(conn, business_day(now)), terms.extensions, own=own)
    standing = replace(standing, longer_asked=asked is not None, own_request=asked is not None and asked.asked_by == who.name)
    measures = await measures_of(conn, who, issue_id)
    rungs = [(step.rung, step.offset) for step in terms.ladder]
    return IssuePage(
        **_line(row, rungs, now) | {"extension_days": terms.extension_days},
        notice=notice,
        sealed_notices=await _sealed_notices(conn, issue_id),
        certificate=deadline.certificate() if deadline else None,
        details=details_of(row["inputs"], row["threshold"]),
        timeline=[TimelineEntry(**entry, label=ACTS.get(entry["act"], entry["act"])) for entry in entries],
        rungs=[FiredRung(**rung, label=LABELS[Rung(rung["rung"])]) for rung in fired],
        next_rung=_next_rung(row, deadline, rungs, fired, now),
        asked_extension=asked,
        still_found=standing.still_found,
        freezes=orders,
        measures=measures,
        due_measures=_due(row, fired, measures),
        recordable=recordable(standing.state, numbered=row["number"] is not None) if who.may("issues.verify") else (),
        files=await evidence_files(conn, who, issue_id),
        actions=issue_actions(standing, who.roles) if row["has_case"] else (),
        withheld=issue_withheld(standing, who.roles) if row["has_case"] else {},
        **_explained(row),
        stages=issue_stages(standing.state, _times(row, notice, entries), sealed=standing.sealed, paused=standing.paused),
    )


def _asked_extension(
    row: asyncpg.Record, entries: Sequence[asyncpg.Record], deadline: Deadline | None, now: datetime
) -> AskedExtension | None:
    """The unit's last request of this round, unless it was decided; none while evidence is looked at, or once the case is over."""
    said = [entry for entry in entries if entry["round"] == row["round"] and entry["act"] in ABOUT_LONGER]
    if deadline is None or row["state"] not in RUNNING or not said or said[-1]["act"] != Act.ASK_EXTENSION:
        return None
    asked, days = said[-1], said[-1]["details"]["days"]
    granted = deadline.extended(days, now, asked["actor"], asked["reason"])
    return AskedExtension(days=days, reason=asked["reason"], asked_by=asked["actor"], asked_at=asked["at"], due_at=granted.due_at)


def _due(row: asyncpg.Record, fired: Sequence[asyncpg.Record], taken: Sequence[MeasureLine]) -> tuple[Measure, ...]:
    """Asked for by the ladder while the unit rectifies."""
    if row["state"] not in RUNNING:
        return ()
    come_to = {Rung(each["rung"]) for each in fired if each["round"] == row["round"]}
    return due(come_to, {each.measure for each in taken if each.round == row["round"] and each.corrected_at is None})


def _explained(row: asyncpg.Record) -> dict[str, Any]:
    """What the rule rests on, what it has to see, and what would settle the issue."""
    state = IssueState(row["state"])
    words = BETTER_BY | BETTER if row["has_case"] else BETTER | {IssueState.CLOSED: GONE_BY_ITSELF}
    better = words.get(state, BETTER_BY_ITSELF)
    return {"ground": GROUNDS[row["rule"]], "gone_when": GONE_WHEN[row["rule"]] if row["present"] else "", "better_by": better}


def _times(row: asyncpg.Record, notice: NoticeSeal | None, entries: Sequence[asyncpg.Record]) -> dict[str, datetime | None]:
    """When each stage of this round was done last."""
    acts = {entry["act"]: entry["at"] for entry in entries if entry["round"] == row["round"]}
    return acts | {
        "found": row["found_at"],
        "confirm": acts.get("confirm", acts.get("dismiss")),
        "seal": notice.sealed_at if notice else None,
    }


def _next_rung(
    row: asyncpg.Record, deadline: Deadline | None, rungs: Sequence[tuple[Rung, int]], fired: Sequence[asyncpg.Record], now: datetime
) -> NextRung | None:
    """By the ladder that its case pinned; one that has fired in this revision does not come again."""
    if deadline is None or row["state"] not in (IssueState.RECTIFYING, IssueState.OVERDUE):
        return None
    known = {each["rung"] for each in fired if (each["round"], each["revision"]) == (row["round"], row["revision"])}
    ahead = [(at, rung) for rung, offset in rungs if rung not in known and (at := deadline.rung_at(offset)) and at > now]
    return min((NextRung(rung=rung, label=LABELS[rung], at=at) for at, rung in ahead), key=lambda each: each.at, default=None)


def _standing(
    row: asyncpg.Record,
    notice: NoticeSeal | None,
    deadline: Deadline | None,
    orders: Sequence[LinkedOrder],
    today: RuleParameters,
    extensions: int,
    *,
    own: bool,
) -> Standing:
    """`today`: the parameters of today; `extensions`: how many the case has pinned; `own`: the evidence is the caller's."""
    sealed = notice is not None and notice.sealed_at is not None
    return Standing(
        state=IssueState(row["state"]),
        level=Light(row["level"]),
        released=notice is None or notice.released_at is not None,
        sealed=sealed or not today["*", "notice_sealed"].value,
        paused=deadline is not None and deadline.is_paused,
        extendable=deadline is not None and len(deadline.extensions) < extensions,
        still_found=row["must_vanish"] and row["present"] and IssueState(row["state"]) not in OVER,
        own_evidence=own,
        freezing=any(order.round == row["round"] and order.state not in (FreezeState.DECLINED, FreezeState.RELEASED) for order in orders),
        held=row["held"] is not None,
    )


async def _orders(conn: Connection, who: Who, issue_id: UUID) -> list[LinkedOrder]:
    rows = await conn.fetch(
        "SELECT o.id, o.state, l.round FROM freeze_orders o JOIN freeze_order_issues l ON l.order_id = o.id JOIN unit_copies u ON u.id = o.unit_id"
        f" WHERE {told_to(who)} AND l.issue_id = $2 ORDER BY o.id",
        scope(who),
        issue_id,
    )
    return [LinkedOrder(**row, state_label=LABELS[FreezeState(row["state"])]) for row in rows]


async def _notice_seal(conn: Connection, issue_id: UUID, round_no: int) -> NoticeSeal | None:
    row = await conn.fetchrow(
        "SELECT s.*, n.as_of FROM notices n LEFT JOIN notice_seals s USING (issue_id, round) WHERE n.issue_id = $1 AND n.round = $2",
        issue_id,
        round_no,
    )
    if row is None:
        return None
    standing = "sealed" if row["sealed_at"] else "awaiting_seal" if row["released_at"] else "awaiting_release"
    return NoticeSeal(**row, standing=standing, standing_label=SEAL_STANDINGS[standing])


async def _sealed_notices(conn: Connection, issue_id: UUID) -> list[SealedNotice]:
    """Of every round, the earliest first."""
    rows = await conn.fetch(
        "SELECT round, number, sealed_at, sealed_sha256 FROM notices JOIN notice_seals USING (issue_id, round)"
        " WHERE issue_id = $1 AND sealed_at IS NOT NULL ORDER BY round",
        issue_id,
    )
    return [SealedNotice(**row) for row in rows]


async def issue_for_decision(conn: Connection, who: Who, issue_id: UUID) -> tuple[Issue, str]:
    """The issue a decision is about, if it lies in the caller's scope, and the id of its running case."""
    row = await conn.fetchrow(_lines(who) + " AND i.id = $2", scope(who), issue_id)
    if row is None:
        raise IssueUnknown(issue=issue_id)
    kept = {name: row[name] for name in Issue.__dataclass_fields__}
    found = Issue(**{**kept, "level": Light(row["level"]), "state": IssueState(row["state"])})
    if not found.has_case:
        raise CaseMissing(issue=issue_id)
    return found, workflow_id(found.id, found.round)


async def is_recorded(conn: Connection, issue_id: UUID, order: Order) -> bool:
    """Whether this request stands in the journal, in whatever round. Raises KeyReused when it was another decision."""
    signed = order.evidence
    given = await conn.fetchrow(
        "SELECT act, reason, document_no FROM issue_entries WHERE issue_id = $1 AND update_id = $2", issue_id, signed.update_id
    )
    if given is not None and tuple(given) != (order.act, signed.reason, signed.document_no):
        raise KeyReused
    return given is not None


async def ensure_gone(conn: Connection, issue: Issue) -> None:  # noqa: ARG001  all that is ensured before a decision has one form
    """What the rule still finds is not struck off, unless it lies in the past for good or is settled already."""
    if issue.must_vanish and issue.present and issue.state not in OVER:
        raise StillFound(issue=issue.id)
