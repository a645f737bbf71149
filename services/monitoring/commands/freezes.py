"""Freeze orders: proposed by an officer or by an overdue case, decided in their workflow, recorded here entry by entry."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from services.monitoring.commands.lights import lock_light
from services.monitoring.models.facts import Issue
from services.monitoring.models.refusals import AlreadyFreezing, FreezeNotJustified, FrozenBeyondQuota
from services.monitoring.models.requests import ProposeFreeze
from services.monitoring.queries.facts import parameters_on
from services.monitoring.rules import freeze_scopes
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.events.envelope import uuid7
from shared.events.monitoring import FreezeOrderChanged
from shared.glossary import FreezeScope, FreezeState, IssueState, Light
from shared.outbox import append, start_workflow
from workflows.freeze_case import RELEASING, FreezeAct, FreezeEntry, FreezeHeld, FreezeStart, workflow_id

CONFIRMED = (IssueState.NOTICE_SIGNED, IssueState.RECTIFYING, IssueState.OVERDUE, IssueState.EVIDENCE_SUBMITTED)
_DECIDED = "decided_by = $2, decided_at = $3, document_no = $4"
_RELEASED = "released_by = $2, released_at = $3, release_document_no = $4"
_SIGNED = {
    **dict.fromkeys((FreezeAct.APPROVE, FreezeAct.DECLINE), _DECIDED),
    **dict.fromkeys((*RELEASING, FreezeAct.REFUSED), _RELEASED),
}
"""What an act writes on the order itself: who, when, by which document."""


@command
async def propose_freeze(conn: Connection, by: By, what: ProposeFreeze) -> UUID:
    """An officer proposes a freeze for confirmed red issues of one unit. Answers the order's id."""
    await lock_light(conn, what.unit_id)
    found = await conn.fetch(
        "SELECT id, round FROM issues WHERE id = ANY($1) AND unit_id = $2 AND level = $3 AND state = ANY($4)",
        list(what.issue_ids),
        what.unit_id,
        Light.RED,
        list(CONFIRMED),
    )
    if len(found) != len(set(what.issue_ids)):
        raise FreezeNotJustified(unit=what.unit_id)
    if await _is_linked(conn, what.issue_ids):
        raise AlreadyFreezing(unit=what.unit_id)
    await _ensure_within_quota(conn, what)
    rounds = {row["id"]: row["round"] for row in found}
    return await _create(conn, by, what, rounds)


async def propose_after_overdue(conn: Connection, by: By, issue: Issue, clock_offset: timedelta | None) -> None:
    """The ladder proposes a freeze, in the scopes of the rule's own policy row, or of that for all; a proposal only, and none where one is on its way.
    Holds the light.
    """
    if await _is_linked(conn, [issue.id]):
        return
    scopes = freeze_scopes(await parameters_on(conn, business_day(by.as_of)), issue.rule)
    what = ProposeFreeze(unit_id=issue.unit_id, scopes=scopes, issue_ids=(issue.id,), clock_offset=clock_offset)
    await _create(conn, by, what, {issue.id: issue.round})


async def _ensure_within_quota(conn: Connection, what: ProposeFreeze) -> None:
    for each in what.posts:
        key = (what.unit_id, each.kind, each.funding)
        quota = await conn.fetchval("SELECT quota FROM establishments WHERE unit_id = $1 AND kind = $2 AND funding = $3", *key)
        if quota is not None and each.posts > quota:
            raise FrozenBeyondQuota(posts=each.posts, quota=quota)


async def _is_linked(conn: Connection, issue_ids: Sequence[UUID]) -> bool:
    """Whether an order waits for one of these. One that came back since it was struck off is waited for no longer."""
    return bool(
        await conn.fetchval(
            "SELECT EXISTS (SELECT FROM freeze_order_issues l JOIN freeze_orders o ON o.id = l.order_id"
            " WHERE l.issue_id = ANY($1) AND l.accepted_at IS NULL AND o.state NOT IN ('freeze_declined', 'released'))",
            list(issue_ids),
        )
    )


async def _create(conn: Connection, by: By, what: ProposeFreeze, rounds: dict[UUID, int]) -> UUID:
    order_id = uuid7()
    await conn.execute(
        "INSERT INTO freeze_orders (id, unit_id, scopes, posts, state, reason, proposed_by, proposed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        order_id,
        what.unit_id,
        list(what.scopes),
        [each.model_dump() for each in what.posts],
        FreezeState.PROPOSED,
        by.reason,
        by.actor,
        by.as_of,
    )
    await conn.executemany(
        "INSERT INTO freeze_order_issues (order_id, issue_id, round) VALUES ($1, $2, $3)",
        [(order_id, issue_id, number) for issue_id, number in rounds.items()],
    )
    await _publish(conn, by, order_id)
    start = await _start(conn, by, what, order_id, tuple(rounds))
    await start_workflow(conn, "FreezeWorkflow", workflow_id(order_id), start)
    return order_id


async def _start(conn: Connection, by: By, what: ProposeFreeze, order_id: UUID, issue_ids: tuple[UUID, ...]) -> FreezeStart:
    parameters = await parameters_on(conn, business_day(by.as_of))
    return FreezeStart(
        order_id=order_id,
        unit_id=what.unit_id,
        scopes=what.scopes,
        posts=what.posts,
        issue_ids=issue_ids,
        proposed_by=by.actor,
        decide_by_policy=parameters["freeze", "decide_automatically"].value,
        release_by_policy=parameters["freeze", "release_automatically"].value,
        clock_offset=what.clock_offset,
    )


@command
async def record_freeze_entry(conn: Connection, by: By, entry: FreezeEntry) -> int:
    """Write one entry of an order's journal and tell it. Answers its sequence."""
    await conn.execute("UPDATE freeze_orders SET state = $2, held = NULL WHERE id = $1", entry.order_id, entry.state)
    await conn.execute(
        "INSERT INTO freeze_entries (order_id, sequence, act, state, at, actor, role, reason, document_no)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        entry.order_id,
        entry.sequence,
        entry.act,
        entry.state,
        entry.at,
        by.actor,
        entry.evidence.role,
        by.reason,
        by.document_no,
    )
    if entry.act in _SIGNED:
        signed = (None, None, None) if entry.act is FreezeAct.REFUSED else (by.actor, by.as_of, by.document_no)
        await conn.execute(f"UPDATE freeze_orders SET {_SIGNED[entry.act]} WHERE id = $1", entry.order_id, *signed)
    await _publish(conn, by, entry.order_id)
    return entry.sequence


@command
async def mark_freeze_held(conn: Connection, by: By, held: FreezeHeld) -> None:  # noqa: ARG001  every command has this form
    """Show that a line of the order's journal could not be recorded; recording it takes the mark away."""
    await conn.execute("UPDATE freeze_orders SET held = $2 WHERE id = $1", held.order_id, held.code)


async def _publish(conn: Connection, by: By, order_id: UUID) -> None:
    row = await conn.fetchrow(
        "UPDATE freeze_orders SET version = version + 1 WHERE id = $1 RETURNING version, unit_id, state, scopes,"
        " ARRAY(SELECT issue_id FROM freeze_order_issues WHERE order_id = $1 ORDER BY issue_id) AS issue_ids",
        order_id,
    )
    if row is None:
        raise LookupError("no such freeze order")
    await append(
        conn,
        by,
        FreezeOrderChanged(
            occurred_at=by.as_of,
            unit_id=row["unit_id"],
            version=row["version"],
            case_id=workflow_id(order_id),
            order_id=order_id,
            state=FreezeState(row["state"]),
            scopes=tuple(FreezeScope(scope) for scope in row["scopes"]),
            issue_ids=tuple(row["issue_ids"]),
        ),
    )
