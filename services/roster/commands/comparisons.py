"""Comparisons with the upper level's register: a file taken in, a comparison cancelled; and its differences, step by step until they are struck off."""

from datetime import timedelta
from uuid import UUID

import asyncpg

from services.roster.commands.brought import COMPARED
from services.roster.commands.changes import register_change
from services.roster.commands.persons import record_reveal, update_person
from services.roster.models.changes import OF_POST, RegisterChange
from services.roster.models.comparisons import (
    UNDER_WAY,
    AnswerDifference,
    ComparisonOver,
    ComparisonState,
    ComparisonUnknown,
    CorrectionElsewhere,
    CorrectionNotTheirs,
    CorrectionOutdated,
    DifferenceMoveRefused,
    DifferenceReasonMissing,
    DifferenceSideMissing,
    DifferenceUnknown,
    LeadsChanged,
    MoveDifference,
    OfComparison,
    ReceiveComparison,
    SeeDifference,
)
from services.roster.models.persons import KeyItems, RevealPerson, UpdatePerson
from services.roster.queries.comparisons import Standing, standing_of
from services.roster.rules.comparisons import MOVES, may_be_answered
from services.roster.rules.leads import leads
from shared import outbox
from shared.clock import Clock, business_day
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.glossary import LABELS, DifferenceKind, DifferenceState, LeadingSide
from shared.reasons import is_reason
from workflows.comparison import ComparisonStart, workflow_id

_BY_UNIT = frozenset(UpdatePerson.model_fields) - {"person_id", "since"}
_BY_CASE = (frozenset(KeyItems.model_fields) | set(OF_POST)) - {"person_id", "since", "id_number"}


@command
async def receive_comparison(conn: Connection, by: By, what: ReceiveComparison) -> UUID:
    """Keep the file until it is compared, with the versions by which that is done. Raises LeadsChanged."""
    if what.leads_text is not None:
        await _keep_leads(conn, by, what.leads, what.leads_text)
    await conn.execute(
        "INSERT INTO comparison_runs (id, state, file_name, file_bytes, file_hash, format, leads, root_id, whole, actor, received_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *(what.run_id, ComparisonState.RECEIVED, what.file_name, what.file_bytes, what.file_hash, what.format, what.leads),
        *(what.root_id, what.whole, by.actor, by.as_of),
    )
    await COMPARED.keep(conn, what.run_id, what.pieces())
    await outbox.start_workflow(conn, "ComparisonWorkflow", workflow_id(what.run_id), ComparisonStart(run_id=what.run_id))
    return what.run_id


async def _keep_leads(conn: Connection, by: By, version: str, text: str) -> None:
    await conn.execute(
        "INSERT INTO comparison_leads (version, setting, first_used_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", version, text, by.as_of
    )
    if leads(text) != leads(await conn.fetchval("SELECT setting FROM comparison_leads WHERE version = $1", version)):
        raise LeadsChanged(version=version)


@command
async def cancel_comparison(conn: Connection, by: By, what: OfComparison) -> None:
    """Stop it; no difference is touched, the file goes. Raises ComparisonOver."""
    state = await conn.fetchval("SELECT state FROM comparison_runs WHERE id = $1 FOR UPDATE", what.run_id)
    if state is None:
        raise ComparisonUnknown
    if state not in UNDER_WAY:
        raise ComparisonOver
    await end(conn, what.run_id, ComparisonState.CANCELLED, by)


async def end(conn: Connection, run_id: UUID, state: ComparisonState, by: By, note: str = "") -> None:
    """Close a comparison; its file goes."""
    await conn.execute(
        "UPDATE comparison_runs SET state = $2, ended_at = $3, note = $4, step = step + 1 WHERE id = $1", run_id, state, by.as_of, note
    )
    await conn.execute("DELETE FROM comparison_files WHERE run_id = $1", run_id)


async def forget_lost_files(database: Database, clock: Clock, keep: timedelta) -> int:
    """Files of comparisons that never came to an end, kept beyond their time: the comparison ends, the file goes; how many. What is found stays."""
    now = clock.now()
    async with database.reading() as conn:
        rows = await conn.fetch(
            "SELECT id FROM comparison_runs WHERE received_at < $1 AND EXISTS (SELECT FROM comparison_files WHERE run_id = comparison_runs.id)"
            " ORDER BY id",
            now - keep,
        )
    for row in rows:
        await _forget_file(
            database, By("system", now, f"comparison:{row['id']}:forget", "上传文件保存期满"), OfComparison(run_id=row["id"])
        )
    return len(rows)


@command
async def _forget_file(conn: Connection, by: By, what: OfComparison) -> None:
    state = await conn.fetchval("SELECT state FROM comparison_runs WHERE id = $1 FOR UPDATE", what.run_id)
    if state in UNDER_WAY:
        await end(conn, what.run_id, ComparisonState.CANCELLED, by, "上传文件保存期满，比对没有完成。请重新上传")
    await conn.execute("DELETE FROM comparison_files WHERE run_id = $1", what.run_id)


@command
async def answer_difference(conn: Connection, by: By, what: AnswerDifference) -> None:
    """单位反馈: how it comes, on which document. Raises DifferenceMoveRefused."""
    row = await _locked(conn, by, what.difference_id)
    if not may_be_answered(DifferenceState(row["state"])):
        raise _refusal(DifferenceState(row["state"]), DifferenceState.ANSWERED)
    await _move(conn, by, row, DifferenceState.ANSWERED, "answer")


@command
async def move_difference(conn: Connection, by: By, what: MoveDifference) -> None:
    """The office reviews, takes for rectified, takes for explained, strikes off, or sends back to the unit; and says which register is right."""
    row = await _locked(conn, by, what.difference_id)
    state = DifferenceState(row["state"])
    if what.to not in MOVES[state]:
        raise _refusal(state, what.to)
    side = what.side or (LeadingSide(row["decided"]) if row["decided"] else LeadingSide(row["leads"]))
    if what.to is DifferenceState.RECTIFIED and side is LeadingSide.ASK:
        raise DifferenceSideMissing
    if what.to in {DifferenceState.EXPLAINED, DifferenceState.TO_VERIFY}:
        explained = what.to is DifferenceState.EXPLAINED
        await conn.execute("UPDATE comparison_differences SET explained = $2 WHERE id = $1", row["id"], explained)
    await conn.execute(
        "UPDATE comparison_differences SET decided = coalesce($2, decided), change_id = coalesce($3, change_id) WHERE id = $1",
        row["id"],
        what.side,
        what.change_id,
    )
    await _move(conn, by, row, what.to, "move", what.side)


async def _locked(conn: Connection, by: By, difference_id: UUID) -> asyncpg.Record:
    if not is_reason(by.reason):
        raise DifferenceReasonMissing
    row = await conn.fetchrow("SELECT id, state, leads, decided FROM comparison_differences WHERE id = $1 FOR UPDATE", difference_id)
    if row is None:
        raise DifferenceUnknown
    return row


async def _move(conn: Connection, by: By, row: asyncpg.Record, to: DifferenceState, action: str, side: LeadingSide | None = None) -> None:
    await conn.execute("UPDATE comparison_differences SET state = $2, moved_at = $3 WHERE id = $1", row["id"], to, by.as_of)
    await _keep_step(conn, by, row["id"], action, to, side)


async def _keep_step(conn: Connection, by: By, difference_id: UUID, action: str, state: str, side: LeadingSide | None = None) -> None:
    await conn.execute(
        "INSERT INTO comparison_steps (difference_id, at, actor, action, state, side, reason, document_no)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(difference_id, by.as_of, by.actor, action, state, side, by.reason, by.document_no),
    )


def _refusal(state: DifferenceState, to: DifferenceState) -> DifferenceMoveRefused:
    possible = "、".join(LABELS[each] for each in MOVES[state]) or "无"
    return DifferenceMoveRefused(state=LABELS[state], to=LABELS[to], possible=possible)


async def accept_theirs(database: Database, cipher: FieldCipher, by: By, difference_id: UUID) -> UUID | None:
    """Take over what the upper level's register says of a person, where it is right: what a unit may change is changed as of today; a key item (★) is
    registered for its case, whose id is answered. Repeated under the same key it goes on where it was.
    """
    if not is_reason(by.reason):
        raise DifferenceReasonMissing
    async with database.reading() as conn:
        standing = await standing_of(conn, cipher, difference_id)
    to = taken_over(standing)
    change_id, given = None, {"person_id": standing.person_id, standing.field: standing.theirs}
    if standing.field in _BY_UNIT:
        since = business_day(by.as_of)
        await update_person(database, cipher, by.part("correction"), UpdatePerson.model_validate({**given, "since": since}))
    else:
        change_id = await register_change(database, cipher, by.part("correction"), RegisterChange.model_validate(given))
    what = MoveDifference(difference_id=difference_id, to=to, change_id=change_id)
    if standing.state is not to:
        await move_difference(database, by.part("move"), what)
    elif change_id:
        await _name_change(database, by.part("move"), what)
    return change_id


@command
async def _name_change(conn: Connection, by: By, what: MoveDifference) -> None:
    """It is in review already; now it is known by which 信息变更."""
    await conn.execute("UPDATE comparison_differences SET change_id = $2 WHERE id = $1", what.difference_id, what.change_id)
    await _keep_step(conn, by, what.difference_id, "move", what.to)


def taken_over(standing: Standing) -> DifferenceState:
    """Where a difference goes when what is theirs is taken over. Raises what `accept_theirs` is refused for."""
    _ensure_theirs(standing)
    to = DifferenceState.RECTIFIED if standing.field in _BY_UNIT else DifferenceState.IN_REVIEW
    if standing.state is not to and to not in MOVES[standing.state]:
        raise _refusal(standing.state, to)
    return to


def _ensure_theirs(standing: Standing) -> None:
    if standing.side is not LeadingSide.THEIRS:
        raise CorrectionNotTheirs
    taken = standing.kind is DifferenceKind.FIELD and standing.sheet == "roster" and standing.person_id is not None
    if not taken or standing.field not in _BY_UNIT | _BY_CASE or standing.theirs is None:
        raise CorrectionElsewhere(field=standing.label)
    if standing.today not in {standing.ours, standing.theirs}:
        raise CorrectionOutdated(field=standing.label)


async def record_seen(database: Database, by: By, what: SeeDifference, person_id: UUID | None) -> None:
    """Write down that somebody sees the values in full, and why."""
    await _record_seen(database, by, what)
    if person_id is not None:
        await record_reveal(database, by.part("person"), RevealPerson(person_id=person_id, reason=what.reason))


@command
async def _record_seen(conn: Connection, by: By, what: SeeDifference) -> None:
    state = await conn.fetchval("SELECT state FROM comparison_differences WHERE id = $1", what.difference_id)
    await _keep_step(conn, by, what.difference_id, "reveal", state)
