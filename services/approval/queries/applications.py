"""Lists, one application, and what its workflow needs when it starts. Row scopes stand in the SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg

from services.approval.models.facts import Alongside, Chain, Detail, Document, Line, Pinned, TimelineEntry
from services.approval.models.refusals import ApplicationUnknown, ConcernedUnknown
from services.approval.models.tasks import Action, Stage
from services.approval.queries import documents
from services.approval.queries.documents import in_hand, in_scope
from services.approval.queries.tasks import PARTIAL
from services.approval.rules import tasks
from shared.auth import Who
from shared.clock import business_day
from shared.db import Connection
from shared.glossary import LABELS, ApplicationState, ApplicationType, EntryKind, FreezeScope, Role
from shared.law.deadline import Deadline
from shared.law.term import term_of
from shared.temporal import NOT_RECORDABLE
from shared.unit_copies import scope
from workflows.approval_messages import Answer, Content, revocation_id, workflow_id
from workflows.approval_steps import Step

_PENDING = (ApplicationState.IN_REVIEW, ApplicationState.PAUSED, ApplicationState.RETURNED, ApplicationState.EFFECTING)


async def chain(conn: Connection, application_type: ApplicationType, on: date) -> Chain | None:
    """The newest chain in force on a day."""
    version: int | None = await conn.fetchval(
        "SELECT version FROM chains WHERE application_type = $1 AND effective_on <= $2 ORDER BY effective_on DESC, version DESC LIMIT 1",
        application_type,
        on,
    )
    return Chain(version, await _steps(conn, application_type, version)) if version else None


async def _steps(conn: Connection, application_type: str, version: int) -> tuple[Step, ...]:
    rows = await conn.fetch(
        "SELECT code, label, role, budget_days, reminders FROM chain_steps WHERE application_type = $1 AND version = $2 ORDER BY position",
        application_type,
        version,
    )
    return tuple(Step.model_validate(dict(row)) for row in rows)


async def pinned(conn: Connection, application_id: UUID) -> Pinned:
    """The chain an application was submitted under, and the content of its latest revision. Raises ApplicationUnknown."""
    row = await conn.fetchrow(
        "SELECT a.application_type, a.chain_version, a.unit_id, a.from_unit_id, r.kind, r.funding, r.posts, r.person_id, r.reservation_id,"
        " r.reason_code, r.effective_on, r.change_id, r.off_establishment, r.off_post_kind, r.employment_form, r.exception FROM applications a"
        " JOIN revisions r ON r.application_id = a.id AND r.revision = a.revision WHERE a.id = $1",
        application_id,
    )
    if row is None:
        raise ApplicationUnknown(application=application_id)
    content = Content.model_validate({name: row[name] for name in Content.model_fields})
    steps = await _steps(conn, row["application_type"], row["chain_version"])
    return Pinned(ApplicationType(row["application_type"]), steps, content, row["off_establishment"])


async def authors_of(conn: Connection, application_id: UUID) -> tuple[str, ...]:
    """Who wrote a revision of an application, the applicant among them."""
    rows = await conn.fetch("SELECT DISTINCT submitted_by FROM revisions WHERE application_id = $1 ORDER BY submitted_by", application_id)
    return tuple(row["submitted_by"] for row in rows)


async def case_of(conn: Connection, application_id: UUID) -> str:
    """The case that writes its timeline: its own until it is filed, then that of the revocation, if there is one. Raises ApplicationUnknown."""
    filed = await state_of(conn, application_id) is ApplicationState.FILED
    revoked: UUID | None = await conn.fetchval(
        "SELECT revokes FROM documents WHERE application_id = $1 AND revokes IS NOT NULL", application_id
    )
    return revocation_id(revoked) if filed and revoked else workflow_id(application_id)


async def last_sequence(conn: Connection, application_id: UUID) -> int:
    """The number of the last line of the timeline; 0 where there is none."""
    return int(await conn.fetchval("SELECT coalesce(max(sequence), 0) FROM entries WHERE application_id = $1", application_id))


async def unknown_reasons(conn: Connection, codes: Sequence[str], on: date) -> list[str]:
    """The codes that are no reason for a return on this day."""
    rows = await conn.fetch(
        "SELECT code FROM return_reasons WHERE code = ANY($1) AND effective_on <= $2 AND (ended_on IS NULL OR ended_on > $2)",
        list(codes),
        on,
    )
    known = {row["code"] for row in rows}
    return [code for code in codes if code not in known]


async def freezes_in_force(conn: Connection, unit_id: UUID, stopping: FreezeScope | None) -> tuple[UUID, ...]:
    """The freeze orders that stop this kind of application of a unit."""
    rows = await conn.fetch(
        "SELECT order_id FROM unit_freezes WHERE unit_id = $1 AND NOT ended AND $2::text = ANY(scopes) ORDER BY order_id", unit_id, stopping
    )
    return tuple(row["order_id"] for row in rows)


async def pending(conn: Connection, unit_id: UUID) -> list[UUID]:
    """The applications of a unit that a freeze may still stop."""
    rows = await conn.fetch("SELECT id FROM applications WHERE unit_id = $1 AND state = ANY($2) ORDER BY id", unit_id, list(_PENDING))
    return [row["id"] for row in rows]


async def stopped(conn: Connection, unit_id: UUID, inside: Sequence[ApplicationType], outside: Sequence[ApplicationType]) -> list[UUID]:
    """Of these, those that a freeze stops: its types, and its types of what asks for 编外."""
    rows = await conn.fetch(
        "SELECT a.id FROM applications a JOIN revisions r ON r.application_id = a.id AND r.revision = a.revision WHERE unit_id = $1"
        " AND state = ANY($2) AND application_type = ANY(CASE WHEN off_establishment THEN $4::text[] ELSE $3 END) ORDER BY a.id",
        unit_id,
        list(_PENDING),
        list(inside),
        list(outside),
    )
    return [row["id"] for row in rows]


async def answer_given(conn: Connection, application_id: UUID, update_id: str) -> tuple[str | None, Answer] | None:
    """The answer to a request that was recorded, with the hash of its body; none where it was another application's."""
    row = await conn.fetchrow(
        "SELECT CASE WHEN application_id = $1 THEN request_hash END AS request_hash, sequence, state_after, revision_after, step_after,"
        " holder_after FROM entries WHERE update_id = $2 ORDER BY application_id <> $1 LIMIT 1",
        application_id,
        update_id,
    )
    if row is None:
        return None
    holder = Role(row["holder_after"]) if row["holder_after"] else None
    state = ApplicationState(row["state_after"])
    given = Answer(sequence=row["sequence"], state=state, revision=row["revision_after"], step=row["step_after"], holder=holder)
    return row["request_hash"], given


async def ensure_visible(conn: Connection, application_id: UUID, who: Who) -> ApplicationType:
    """The type of an application that this caller may read. Raises ApplicationUnknown, also for what others may see."""
    return await _type_of(conn, application_id, who, in_scope(who))


async def ensure_in_hand(conn: Connection, application_id: UUID, who: Who) -> ApplicationType:
    """The type of an application that this caller may do something with. Raises ApplicationUnknown, also for what he may only read."""
    return await _type_of(conn, application_id, who, in_hand(who))


async def _type_of(conn: Connection, application_id: UUID, who: Who, inside: str) -> ApplicationType:
    found = await conn.fetchval(f"SELECT application_type FROM applications a WHERE a.id = $2 AND {inside}", scope(who), application_id)
    if found is None:
        raise ApplicationUnknown(application=application_id)
    return ApplicationType(found)


async def state_of(conn: Connection, application_id: UUID) -> ApplicationState:
    """Where an application stands. Raises ApplicationUnknown."""
    found = await conn.fetchval("SELECT state FROM applications WHERE id = $1", application_id)
    if found is None:
        raise ApplicationUnknown(application=application_id)
    return ApplicationState(found)


async def ensure_known(conn: Connection, names: Sequence[str]) -> None:
    """Each is somebody's login name. Raises ConcernedUnknown."""
    known = {row["name"] for row in await conn.fetch("SELECT name FROM user_copies WHERE name = ANY($1)", list(names))}
    unknown = [str(place) for place, name in enumerate(names, 1) if name not in known]
    if unknown:
        raise ConcernedUnknown(places="、".join(unknown))


@dataclass(frozen=True)
class Narrowed:
    """Which applications are listed: in a state, of a unit, held up by a freeze order, asking for an exception to one."""

    state: ApplicationState | None
    unit_id: UUID | None
    blocked_by: UUID | None
    excepted_from: UUID | None


async def applications(conn: Connection, who: Who, only: Narrowed, after: UUID, limit: int) -> list[Line]:
    """A page of applications in the caller's scope, oldest first."""
    rows = await conn.fetch(
        "SELECT a.*, r.title, coalesce(u.name, '—') AS unit FROM applications a JOIN revisions r ON r.application_id = a.id AND r.revision ="
        f" a.revision LEFT JOIN unit_copies u ON u.id = a.unit_id WHERE {in_scope(who)} AND ($2::text IS NULL OR a.state = $2)"
        " AND ($3::uuid IS NULL OR a.unit_id = $3) AND a.id > $4 AND ($6::uuid IS NULL OR $6 = ANY(a.blocked_by))"
        " AND ($7::text IS NULL OR r.exception -> 'orders' ? $7) ORDER BY a.id LIMIT $5",
        scope(who),
        only.state,
        only.unit_id,
        after,
        limit,
        only.blocked_by,
        only.excepted_from and str(only.excepted_from),
    )
    return [
        Line(
            type=ApplicationType(row["application_type"]),
            state=ApplicationState(row["state"]),
            holder=_role(row["holder"]),
            **_picked(row, "id", "number", "unit_id", "unit", "title", "revision", "step", "due_at", "submitted_at", "held"),
        )
        for row in rows
    ]


_COPIED = (
    *("id", "number", "unit_id", "unit", "from_unit_id", "kind", "funding", "posts", "person_id", "reservation_id", "reason_code"),
    *(
        "effective_on",
        "change_id",
        "off_post_kind",
        "employment_form",
        "exception",
        "title",
        "justification",
        "applicant",
        "concerned",
        "chain_version",
    ),
    *("revision", "reviews", "step", "step_label", "due_at", "held", "checks"),
)


async def application(conn: Connection, application_id: UUID, who: Who, now: datetime) -> Detail:
    """One application with all that led to where it stands at `now`. Raises ApplicationUnknown."""
    row = await _one(conn, application_id, who)
    state, deadline = ApplicationState(row["state"]), Deadline.model_validate(row["deadline"]) if row["deadline"] else None
    timeline, written = await _timeline(conn, application_id), await documents.of_application(conn, application_id)
    return Detail(
        type=ApplicationType(row["application_type"]),
        submitted_at=row["first_submitted_at"],
        state=state,
        state_label=LABELS[state],
        holder=_role(row["holder"]),
        blocked_by=tuple(row["blocked_by"]),
        deadline=deadline.certificate() if deadline else None,
        term=term_of(deadline, row["reminders"] or (), now),
        stages=await _stages(conn, row, timeline),
        actions=_actions(row, who, timeline, written, now) if row["in_hand"] else (),
        timeline=timeline,
        documents=written,
        alongside=await _alongside(conn, who, application_id, row["person_id"]) if state in _PENDING else (),
        withheld=tasks.withheld(state, _role(row["holder"]), who.roles, impartial=not row["partial"]) if row["in_hand"] else "",
        **_picked(row, *_COPIED),
    )


async def _one(conn: Connection, application_id: UUID, who: Who) -> asyncpg.Record:
    row = await conn.fetchrow(
        f"SELECT a.*, r.*, {PARTIAL} AS partial, {in_hand(who)} AS in_hand, a.submitted_at AS first_submitted_at, coalesce(u.name, '—') AS unit, s.label AS step_label,"
        " s.reminders, (SELECT count(*) FROM revisions WHERE application_id = a.id) AS reviews FROM applications a"
        " JOIN revisions r ON r.application_id = a.id AND r.revision = a.revision LEFT JOIN unit_copies u ON u.id = a.unit_id"
        " LEFT JOIN chain_steps s ON s.application_type = a.application_type AND s.version = a.chain_version AND s.code = a.step"
        f" WHERE a.id = $3 AND {in_scope(who)}",
        scope(who),
        who.name,
        application_id,
    )
    if row is None:
        raise ApplicationUnknown(application=application_id)
    return row


async def _alongside(conn: Connection, who: Who, application_id: UUID, person_id: UUID | None) -> tuple[Alongside, ...]:
    """Those in the caller's scope, oldest first."""
    if person_id is None:
        return ()
    rows = await conn.fetch(
        "SELECT a.*, coalesce(u.name, '—') AS unit FROM applications a JOIN revisions r ON r.application_id = a.id AND r.revision = a.revision"
        f" LEFT JOIN unit_copies u ON u.id = a.unit_id WHERE {in_scope(who)} AND r.person_id = $2 AND a.id <> $3 AND a.state = ANY($4) ORDER BY a.id",
        scope(who),
        person_id,
        application_id,
        list(_PENDING),
    )
    return tuple(
        Alongside(
            type=ApplicationType(row["application_type"]), state=ApplicationState(row["state"]), **_picked(row, "id", "number", "unit")
        )
        for row in rows
    )


def _actions(
    row: asyncpg.Record, who: Who, timeline: Sequence[TimelineEntry], written: Sequence[Document], now: datetime
) -> tuple[Action, ...]:
    return tasks.actions(
        ApplicationState(row["state"]),
        _role(row["holder"]),
        who.roles,
        impartial=not row["partial"],
        urged_today=_urged(timeline, business_day(now)),
        unrecorded=row["held"] == NOT_RECORDABLE,
        revocable=row["state"] == ApplicationState.FILED and not any(each.revokes for each in written),
        awaits_day=row["effective_on"] is not None and row["effective_on"] > business_day(now),
    )


async def _stages(conn: Connection, row: asyncpg.Record, timeline: Sequence[TimelineEntry]) -> tuple[Stage, ...]:
    """Where it is on its way; what was decided about an earlier revision is not part of it."""
    steps = await _steps(conn, row["application_type"], row["chain_version"])
    begun = max((each.sequence for each in timeline if each.kind in {EntryKind.RECEIVED, EntryKind.RESUBMITTED}), default=0)
    approved = {
        each.step: (each.actor, each.at) for each in timeline if each.kind is EntryKind.APPROVED and each.step and each.sequence > begun
    }
    submitted = (row["applicant"], row["submitted_at"])
    return tasks.stages(steps, ApplicationState(row["state"]), row["step"], approved, submitted)


def _urged(timeline: Sequence[TimelineEntry], day: date) -> bool:
    return any(each.kind is EntryKind.URGED and business_day(each.at) == day for each in timeline)


async def _timeline(conn: Connection, application_id: UUID) -> tuple[TimelineEntry, ...]:
    rows = await conn.fetch("SELECT * FROM entries WHERE application_id = $1 ORDER BY sequence", application_id)
    return tuple(
        TimelineEntry(
            kind=EntryKind(row["kind"]),
            label=LABELS[EntryKind(row["kind"])],
            role=Role(row["role"]),
            reason_codes=tuple(row["reason_codes"]),
            order_ids=tuple(row["order_ids"]),
            state_after=ApplicationState(row["state_after"]),
            **_picked(row, "sequence", "at", "actor", "on_behalf_of", "step", "text", "document_id"),
        )
        for row in rows
    )


def _role(code: str | None) -> Role | None:
    return Role(code) if code else None


def _picked(row: asyncpg.Record, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}
