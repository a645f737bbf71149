"""Cases, freeze orders and seals whose workflow goes on, as it is started again: all of it stands in the tables."""

from collections.abc import Sequence
from datetime import timedelta

import asyncpg

from services.monitoring.queries.facts import parameters_on
from services.monitoring.queries.ladders import pinned_terms
from services.monitoring.queries.settled import UNSETTLED
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import FreezeScope, FreezeState, IssueState, Rung
from shared.law.deadline import Deadline
from workflows.freeze_case import RELEASING, FreezeAct, FreezeCase, FreezeStart
from workflows.rectification import RectificationStart
from workflows.rectification_case import ABOUT_LONGER, Act, Case
from workflows.rectification_orders import OFFICE_LOOKS
from workflows.roster import Evidence, FrozenPosts
from workflows.sealing_messages import Document, SealStart

_ISSUES = f"""
    SELECT i.*, coalesce(n.working_days, i.budget_days) AS days,
        ARRAY(SELECT rung FROM rungs WHERE issue_id = i.id AND round = i.round AND revision = i.revision ORDER BY fired_at, planned_at) AS fired,
        ARRAY(SELECT rung FROM rungs WHERE issue_id = i.id AND round = i.round) AS ever_fired,
        (SELECT coalesce(max(sequence), 0) FROM issue_entries WHERE issue_id = i.id AND round = i.round) AS recorded,
        (SELECT max(at) FROM issue_entries WHERE issue_id = i.id AND round = i.round AND act = ANY($1)) AS armed_at,
        (SELECT actor FROM issue_entries WHERE issue_id = i.id AND round = i.round AND act = $2 ORDER BY sequence DESC LIMIT 1) AS submitted_by,
        (SELECT CASE WHEN act = 'ask_extension' THEN actor END FROM issue_entries
            WHERE issue_id = i.id AND round = i.round AND act = ANY($3) ORDER BY sequence DESC LIMIT 1) AS longer_asked_by
    FROM issues i LEFT JOIN notices n ON n.issue_id = i.id AND n.round = i.round
    WHERE i.has_case AND i.{UNSETTLED} ORDER BY i.id
"""
_ORDERS = """
    SELECT o.*, (SELECT coalesce(max(sequence), 0) FROM freeze_entries WHERE order_id = o.id) AS recorded,
        EXISTS (SELECT FROM freeze_entries WHERE order_id = o.id AND act = $1) AS refused,
        ARRAY(SELECT issue_id FROM freeze_order_issues WHERE order_id = o.id ORDER BY issue_id) AS issue_ids,
        ARRAY(SELECT issue_id FROM freeze_order_issues WHERE order_id = o.id AND accepted_at IS NULL ORDER BY issue_id) AS open_issues
    FROM freeze_orders o WHERE state NOT IN ('freeze_declined', 'released') ORDER BY id
"""
_SEALS = """
    SELECT 'list' AS kind, id AS document_id, released_at FROM supervision_lists WHERE released_at IS NOT NULL AND sealed_at IS NULL
    UNION ALL SELECT 'notice', id, released_at FROM notice_seals WHERE sealed_at IS NULL ORDER BY document_id
"""
_ARMING = [Act.SERVE, Act.EXTEND, Act.RECOUNT]


async def open_rectifications(conn: Connection, clock_offset: timedelta | None) -> list[RectificationStart]:
    """Every open case of an issue."""
    rows = await conn.fetch(_ISSUES, _ARMING, Act.SUBMIT_EVIDENCE, ABOUT_LONGER)
    return [
        RectificationStart(
            issue_id=row["id"],
            unit_id=row["unit_id"],
            round=row["round"],
            case=await _case(conn, row),
            clock_offset=clock_offset,
            recorded=row["recorded"],
        )
        for row in rows
    ]


async def _case(conn: Connection, row: asyncpg.Record) -> Case:
    """With the terms that its case pinned when it began."""
    terms = await pinned_terms(conn, row)
    deadline = Deadline.model_validate(row["deadline"]) if row["deadline"] else None
    once = [step.rung for step in terms.ladder if step.once and step.rung in row["ever_fired"]]
    waits = row["state"] == IssueState.EVIDENCE_SUBMITTED and deadline is not None and deadline.is_paused
    return Case(
        budget_days=row["days"],
        ladder=terms.ladder,
        extensions_allowed=terms.extensions,
        extension_days=terms.extension_days,
        state=IssueState(row["state"]),
        signed_at=row["signed_at"],
        deadline=deadline,
        revision=row["revision"],
        armed_at=row["armed_at"],
        fired=tuple(dict.fromkeys((*once, *(Rung(rung) for rung in row["fired"])))),
        submitted_by=row["submitted_by"],
        longer_asked_by=row["longer_asked_by"],
        waits_for_office=waits and deadline is not None and deadline.pauses[-1].reason == OFFICE_LOOKS,
    )


async def open_freezes(conn: Connection, clock_offset: timedelta | None) -> list[FreezeStart]:
    """Every freeze order from its proposal to its release."""
    return [await _freeze(conn, row, clock_offset) for row in await conn.fetch(_ORDERS, FreezeAct.REFUSED)]


async def _freeze(conn: Connection, row: asyncpg.Record, clock_offset: timedelta | None) -> FreezeStart:
    """With the policies that held when it was proposed."""
    parameters = await parameters_on(conn, business_day(row["proposed_at"]))
    case = FreezeCase(
        state=FreezeState(row["state"]),
        open_issues=tuple(row["open_issues"]),
        approval=await _signed(conn, row, (FreezeAct.APPROVE,)),
        release=await _signed(conn, row, RELEASING) if row["released_at"] else None,
        refused=row["refused"],
    )
    return FreezeStart(
        order_id=row["id"],
        unit_id=row["unit_id"],
        scopes=tuple(FreezeScope(scope) for scope in row["scopes"]),
        posts=tuple(FrozenPosts.model_validate(each) for each in row["posts"]),
        issue_ids=tuple(row["issue_ids"]),
        proposed_by=row["proposed_by"],
        decide_by_policy=parameters["freeze", "decide_automatically"].value,
        release_by_policy=parameters["freeze", "release_automatically"].value,
        clock_offset=clock_offset,
        case=case,
        recorded=row["recorded"],
    )


async def _signed(conn: Connection, row: asyncpg.Record, acts: Sequence[FreezeAct]) -> Evidence | None:
    entry = await conn.fetchrow(
        "SELECT actor, role, reason, document_no FROM freeze_entries WHERE order_id = $1 AND act = ANY($2) ORDER BY sequence DESC LIMIT 1",
        row["id"],
        list(acts),
    )
    return Evidence(update_id="", **dict(entry)) if entry else None


async def open_seals(conn: Connection, clock_offset: timedelta | None) -> list[SealStart]:
    """Every document that was released and is not sealed yet."""
    return [
        SealStart(kind=Document(row["kind"]), document_id=row["document_id"], released_at=row["released_at"], clock_offset=clock_offset)
        for row in await conn.fetch(_SEALS)
    ]
