"""Applications: submitting one, and recording what its workflow's journal says."""

from uuid import UUID

from pydantic_core import to_jsonable_python

from services.approval import rules
from services.approval.models.facts import Chain, Submitted
from services.approval.models.refusals import ApplicationUnknown, ChainMissing, DocumentDamaged
from services.approval.models.requests import SubmitApplication
from services.approval.queries import applications as queries
from shared import outbox
from shared.clock import business_day
from shared.db import By, Connection, command
from shared.events.approval import ApplicationMoved, ApplicationSubmitted
from shared.events.envelope import uuid7
from shared.glossary import ApplicationState, ApplicationType, EntryKind
from shared.unit_copies import UnitEnded, UnitUnknown
from workflows.approval_messages import ApprovalStart, Entry, Held, Resubmission, workflow_id

WORKFLOW = "ApprovalWorkflow"


@command
async def submit_application(conn: Connection, by: By, what: SubmitApplication) -> Submitted:
    """Take an application in and have its workflow started. Raises UnitUnknown, UnitEnded, ExceptionNeedless, ChainMissing and what `rules.ensure_complete` raises."""
    rules.ensure_complete(what.type, what.content)
    await _share_unit(conn, what.content.unit_id)
    stopping = rules.stopped_by(what.type, off_establishment=what.off_establishment)
    orders = await queries.freezes_in_force(conn, what.content.unit_id, stopping)
    what = what.model_copy(update={"content": rules.under(what.content, orders)})
    chain = await queries.chain(conn, what.type, business_day(by.as_of))
    if chain is None:
        raise ChainMissing(type=what.type)
    application_id = uuid7()
    number = await next_number(conn, rules.SERIES, business_day(by.as_of).year)
    await _insert(conn, by, what, application_id, number, chain.version)
    await _insert_revision(conn, by, application_id, 1, what)
    await outbox.append(conn, by, _submitted(by, what, application_id, number))
    await outbox.start_workflow(conn, WORKFLOW, workflow_id(application_id), _start(by, what, application_id, chain, orders))
    return Submitted(application_id, number)


def _submitted(by: By, what: SubmitApplication, application_id: UUID, number: str) -> ApplicationSubmitted:
    return ApplicationSubmitted(
        occurred_at=by.as_of,
        unit_id=what.content.unit_id,
        version=1,
        case_id=workflow_id(application_id),
        application_id=application_id,
        application_type=what.type,
        number=number,
        kind=what.content.kind,
        funding=what.content.funding,
        posts=what.content.posts,
    )


def _start(by: By, what: SubmitApplication, application_id: UUID, chain: Chain, orders: tuple[UUID, ...]) -> ApprovalStart:
    return ApprovalStart(
        application_id=application_id,
        application_type=what.type,
        content=what.content,
        applicant=by.actor,
        concerned=what.concerned,
        chain=chain.steps,
        calendar=what.calendar.since(business_day(by.as_of)),
        submitted_at=by.as_of,
        blocked_by=orders,
        clock_offset=what.clock_offset,
    )


async def _share_unit(conn: Connection, unit_id: UUID) -> None:
    """A freeze that arrives now waits for this transaction, or this one for it: so none falls between start input and block."""
    row = await conn.fetchrow("SELECT closed_on FROM unit_copies WHERE id = $1 FOR SHARE", unit_id)
    if row is None:
        raise UnitUnknown(unit=unit_id)
    if row["closed_on"] is not None:
        raise UnitEnded(closed_on=row["closed_on"])


async def _insert(conn: Connection, by: By, what: SubmitApplication, application_id: UUID, number: str, chain_version: int) -> None:
    await conn.execute(
        "INSERT INTO applications (id, number, application_type, unit_id, from_unit_id, applicant, concerned, chain_version, submitted_at,"
        " version, state, revision, changed_at, calendar_version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, 1, $9, $11)",
        application_id,
        number,
        what.type,
        what.content.unit_id,
        what.content.from_unit_id,
        by.actor,
        list(what.concerned),
        chain_version,
        by.as_of,
        ApplicationState.IN_REVIEW,
        what.calendar.version,
    )


async def _insert_revision(conn: Connection, by: By, application_id: UUID, revision: int, what: SubmitApplication | Resubmission) -> None:
    content = what.content
    await conn.execute(
        "INSERT INTO revisions (application_id, revision, title, justification, kind, funding, posts, person_id, reservation_id, reason_code,"
        " effective_on, submitted_by, submitted_at, change_id, off_establishment, off_post_kind, employment_form, exception)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        application_id,
        revision,
        what.title,
        what.justification,
        content.kind,
        content.funding,
        content.posts,
        content.person_id,
        content.reservation_id,
        content.reason_code,
        content.effective_on,
        by.actor,
        by.as_of,
        content.change_id,
        what.off_establishment,
        content.off_post_kind,
        content.employment_form,
        to_jsonable_python(content.exception),
    )


async def next_number(conn: Connection, series: str, year: int) -> str:
    """The next number of a series; a transaction that fails gives it back, so numbers have no gap."""
    running: int = await conn.fetchval(
        "INSERT INTO counters (series, year, last) VALUES ($1, $2, 1)"
        " ON CONFLICT (series, year) DO UPDATE SET last = counters.last + 1 RETURNING last",
        series,
        year,
    )
    return rules.number(series, year, running)


@command
async def record_entry(conn: Connection, by: By, entry: Entry) -> None:
    """Write one line of the journal and where the application stands after it; that of a revocation says only whose move it is. Raises ApplicationUnknown."""
    await insert_entry(conn, entry)
    await _keep_attachments(conn, by, entry)
    if entry.revocation:
        await conn.execute(
            "UPDATE applications SET held = NULL, holder = $2 WHERE id = $1 AND (held IS NOT NULL OR holder IS DISTINCT FROM $2)",
            entry.application_id,
            entry.standing.holder,
        )
    else:
        await _move(conn, by, entry)


@command
async def mark_held(conn: Connection, by: By, held: Held) -> None:  # noqa: ARG001  every command has it
    """Show that a line of the journal could not be recorded, that the roster does not take back what is held, or that a file is not what was released;
    recording the next line, or that it is over, takes the mark away. A late try of a document that is sealed since marks nothing.
    """
    if held.over:
        await conn.execute("UPDATE applications SET held = NULL WHERE id = $1 AND held = $2", held.application_id, held.code)
        return
    await conn.execute(
        "UPDATE applications SET held = $2 WHERE id = $1"
        " AND ($2 <> $3 OR EXISTS (SELECT FROM documents WHERE application_id = $1 AND sealed_sha256 IS NULL))",
        held.application_id,
        held.code,
        DocumentDamaged.code,
    )


async def _move(conn: Connection, by: By, entry: Entry) -> None:
    row = await conn.fetchrow(
        "UPDATE applications SET version = version + 1, state = $2, revision = $3, step = $4, holder = $5, blocked_by = $6, deadline = $7,"
        " due_at = $8, changed_at = $9, held = NULL WHERE id = $1 RETURNING unit_id, application_type, version",
        entry.application_id,
        entry.standing.state,
        entry.standing.revision,
        entry.standing.step,
        entry.standing.holder,
        list(entry.standing.blocked_by),
        to_jsonable_python(entry.standing.deadline),
        entry.standing.deadline.due_at if entry.standing.deadline else None,
        entry.at,
    )
    if row is None:
        raise ApplicationUnknown(application=entry.application_id)
    await outbox.append(
        conn,
        by,
        ApplicationMoved(
            occurred_at=entry.at,
            unit_id=row["unit_id"],
            version=row["version"],
            case_id=workflow_id(entry.application_id),
            application_id=entry.application_id,
            application_type=ApplicationType(row["application_type"]),
            **entry.standing.model_dump(exclude={"deadline"}),
        ),
    )


async def insert_entry(conn: Connection, entry: Entry) -> None:
    await conn.execute(
        "INSERT INTO entries (application_id, sequence, kind, at, actor, role, on_behalf_of, update_id, request_hash, step, text, reason_codes,"
        " order_ids, document_id, state_after, revision_after, step_after, holder_after)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        entry.application_id,
        entry.sequence,
        entry.kind,
        entry.at,
        entry.actor,
        entry.role,
        entry.on_behalf_of,
        entry.update_id,
        entry.request_hash,
        entry.step,
        entry.text,
        list(entry.reason_codes),
        list(entry.order_ids),
        entry.document_id,
        entry.standing.state,
        entry.standing.revision,
        entry.standing.step,
        entry.standing.holder,
    )


async def _keep_attachments(conn: Connection, by: By, entry: Entry) -> None:
    """What some entries bring along: the checks, the mended content, the registration of the seal's use."""
    if entry.checks:
        await conn.execute(
            "UPDATE revisions SET checks = $3 WHERE application_id = $1 AND revision = $2",
            entry.application_id,
            entry.standing.revision,
            to_jsonable_python(entry.checks),
        )
    if entry.resubmission:
        await _insert_revision(conn, by, entry.application_id, entry.standing.revision, entry.resubmission)
        await conn.execute(
            "UPDATE applications SET concerned = concerned || ARRAY(SELECT unnest($2::text[]) EXCEPT SELECT unnest(concerned)) WHERE id = $1",
            entry.application_id,
            list(entry.resubmission.concerned or ()),
        )
    if entry.kind is EntryKind.RELEASED:
        await conn.execute(
            "INSERT INTO seal_register (document_id, sha256, operator, on_behalf_of, reason, released_at)"
            " SELECT id, sha256, $2, $3, $4, $5 FROM documents WHERE id = $1",
            entry.document_id,
            entry.actor,
            entry.on_behalf_of,
            entry.text,
            entry.at,
        )
