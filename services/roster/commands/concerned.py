"""Requests of the person concerned: received, a copy handed out, decided. A correction itself is made where corrections are made, on proof."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import asyncpg

from services.roster.commands.locks import lock_person
from services.roster.models.audited import DECIDED
from services.roster.models.concerned import (
    ANSWER_DAYS,
    DecideRequest,
    DeletionForbidden,
    DeletionWaits,
    FieldsMissing,
    GroundMissing,
    HandOutCopy,
    NotACopy,
    NothingCorrectedYet,
    ReceivedByDecider,
    ReceiveRequest,
    RequestDecided,
    RequestKind,
    RequestUnknown,
    place_of_words,
)
from services.roster.queries.persons import LABELS, label_of
from shared.clock import business_day
from shared.crypto import FieldCipher
from shared.db import By, Connection, Database, command
from shared.events.envelope import uuid7

COPY_REASON = "本人查阅、复制个人信息（《个人信息保护法》第四十五条），申请 {request}"
_BY_LABEL = {label: name for name, label in LABELS.items()}
_BLANK = "name = '', number_sealed = NULL, ours = NULL, theirs = NULL, ours_sealed = NULL, theirs_sealed = NULL"
_ASKED_FOR = """
    SELECT EXISTS (SELECT FROM holds WHERE person_id = $1) OR EXISTS (SELECT FROM claims WHERE person_id = $1 AND state = 'claimed')
    OR EXISTS (SELECT FROM pending_changes LEFT JOIN change_holds ON change_id = pending_changes.id
        WHERE person_id = $1 AND (state = 'claimed' OR change_id IS NOT NULL))
"""
"""Whether an application that is decided, or waits for its day, is about him."""
_DETAILS = ("person_records", "person_changes", "person_indexes", "pending_changes")


async def receive_request(
    database: Database,
    cipher: FieldCipher,
    by: By,
    person_id: UUID,
    kind: RequestKind,
    asked: str,
    proof: str,
    fields: Collection[str],
) -> UUID:
    """Take a request in; answers with its id. `fields`: what he wants corrected, each by its name or label in the register. Raises FieldsMissing."""
    named = {_BY_LABEL.get(each, each) for each in fields}
    if bool(named) != (kind == RequestKind.CORRECTION) or named - LABELS.keys():
        raise FieldsMissing
    request_id = uuid7()
    sealed = cipher.encrypt(asked, place_of_words(request_id))
    what = ReceiveRequest(
        request_id=request_id,
        person_id=person_id,
        kind=kind,
        sealed=sealed,
        mark=cipher.mark(asked),
        fields=tuple(sorted(named)),
        proof=proof,
    )
    return await _receive(database, by, what)


async def _receive_request(conn: Connection, by: By, what: ReceiveRequest) -> UUID:
    await lock_person(conn, what.person_id)
    await conn.execute(
        "INSERT INTO person_requests (id, person_id, kind, asked, fields, proof, received_at, received_by, due_on)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        what.request_id,
        what.person_id,
        what.kind,
        what.sealed,
        what.fields,
        what.proof,
        by.as_of,
        by.actor,
        business_day(by.as_of) + timedelta(days=ANSWER_DAYS),
    )
    return what.request_id


_receive = command(_receive_request)


@command
async def hand_out_copy(conn: Connection, by: By, what: HandOutCopy) -> UUID:
    """Write down that everything is shown, before it is; answers whose it is. Raises RequestUnknown, NotACopy."""
    row = await _request(conn, what.request_id)
    if row["kind"] != RequestKind.COPY or row["outcome"] == "refused":
        raise NotACopy
    await conn.execute(
        "INSERT INTO person_reveals (person_id, actor, reason, at) VALUES ($1, $2, $3, $4)",
        row["person_id"],
        by.actor,
        COPY_REASON.format(request=what.request_id),
        by.as_of,
    )
    if row["outcome"] is None:
        await _close(conn, by, what.request_id, "granted", None, "已提供")
    person_id: UUID = row["person_id"]
    return person_id


@command
async def decide_request(conn: Connection, by: By, what: DecideRequest) -> None:
    """Answer a request. A correction is granted when it has been made, a deletion where nothing has to be kept."""
    row = await _request(conn, what.request_id)
    if row["outcome"] is not None:
        raise RequestDecided
    if row["received_by"] == by.actor:
        raise ReceivedByDecider
    if not what.granted:
        if not what.ground:
            raise GroundMissing
        await _close(conn, by, what.request_id, "refused", what.ground, what.answer)
        return
    if row["kind"] == RequestKind.COPY:
        raise NotACopy
    if row["kind"] == RequestKind.CORRECTION:
        await _ensure_corrected(conn, row)
    else:
        await _erase(conn, row["person_id"])
    await _close(conn, by, what.request_id, "granted", what.ground, what.answer)


async def _request(conn: Connection, request_id: UUID) -> asyncpg.Record:
    row = await conn.fetchrow(
        "SELECT person_id, kind, fields, outcome, received_at, received_by FROM person_requests WHERE id = $1 FOR UPDATE", request_id
    )
    if row is None:
        raise RequestUnknown
    return row


async def _close(conn: Connection, by: By, request_id: UUID, outcome: str, ground: str | None, answer: str) -> None:
    await conn.execute(
        "UPDATE person_requests SET outcome = $2, ground = $3, answer = $4, decided_at = $5, decided_by = $6 WHERE id = $1",
        request_id,
        outcome,
        ground,
        answer,
        by.as_of,
        by.actor,
    )
    columns = ", ".join(DECIDED)
    await conn.execute(
        f"INSERT INTO person_decisions (request_id, {columns}) SELECT id, {columns} FROM person_requests WHERE id = $1", request_id
    )


async def _ensure_corrected(conn: Connection, row: asyncpg.Record) -> None:
    made = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM person_changes WHERE person_id = $1 AND at >= $2 AND (field = ANY($3) OR $3 = '{}'))",
        row["person_id"],
        row["received_at"],
        row["fields"],
    )
    if not made:
        raise NothingCorrectedYet(fields="、".join(map(label_of, row["fields"])))


async def _erase(conn: Connection, person_id: UUID) -> None:
    """All that tells who he is; an empty row stays, so that events and audits still point somewhere. Raises DeletionWaits, DeletionForbidden."""
    await lock_person(conn, person_id)
    kept = await conn.fetchval(
        "SELECT EXISTS (SELECT FROM placements WHERE person_id = $1) OR EXISTS (SELECT FROM claims WHERE person_id = $1 AND state = 'effected')",
        person_id,
    )
    if kept:
        raise DeletionForbidden
    if await conn.fetchval(_ASKED_FOR, person_id):
        raise DeletionWaits
    for table in _DETAILS:
        await conn.execute(f"DELETE FROM {table} WHERE person_id = $1", person_id)
    await conn.execute(f"UPDATE comparison_differences SET {_BLANK} WHERE person_id = $1", person_id)
