"""Asking for an export, stopping it, and writing down who took its file."""

from uuid import UUID

from shared.db import By, Connection, command
from shared.exports.models import (
    MOST_IN_AN_HOUR,
    MOST_UNDER_WAY,
    UNDER_WAY,
    AskExport,
    ExportOver,
    ExportState,
    ExportUnknown,
    OfExport,
    TooManyInAnHour,
    TooManyUnderWay,
)


@command
async def ask_export(conn: Connection, by: By, what: AskExport) -> UUID:
    """Keep who wants what and why; a worker does the rest. Answers with the export. Raises TooManyUnderWay, TooManyInAnHour."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtext('export of:' || $1))", by.actor)
    (count,) = await conn.fetch(
        "SELECT count(*) FILTER (WHERE state IN ('export_waiting', 'export_running')) AS under_way,"
        " count(*) FILTER (WHERE asked_at > $2::timestamptz - interval '1 hour') AS in_an_hour FROM exports WHERE actor = $1",
        by.actor,
        by.as_of,
    )
    if count["under_way"] >= MOST_UNDER_WAY:
        raise TooManyUnderWay(count=count["under_way"])
    if count["in_an_hour"] >= MOST_IN_AN_HOUR:
        raise TooManyInAnHour(most=MOST_IN_AN_HOUR)
    await conn.execute(
        "INSERT INTO exports (id, list, format, filters, fields, unmasked, reason, actor, actor_name, roles, scope, asked_at, state)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'export_waiting')",
        what.export_id,
        what.list,
        what.format,
        what.filters,
        list(what.fields),
        what.unmasked,
        by.reason,
        by.actor,
        what.called,
        list(what.roles),
        None if what.scope is None else list(what.scope),
        by.as_of,
    )
    return what.export_id


@command
async def cancel_export(conn: Connection, by: By, what: OfExport) -> None:
    """Stop it: at once where nobody has begun, else as soon as its worker looks up. Twice is once."""
    state = await conn.fetchval("SELECT state FROM exports WHERE id = $1 AND actor = $2 FOR UPDATE", what.export_id, by.actor)
    if state is None:
        raise ExportUnknown(export=what.export_id)
    if state == ExportState.CANCELLED:
        return
    if state not in UNDER_WAY:
        raise ExportOver
    await conn.execute(
        "UPDATE exports SET cancel_asked = true, step = step + 1, state = CASE state WHEN 'export_waiting' THEN 'export_cancelled' ELSE state END,"
        " ended_at = CASE state WHEN 'export_waiting' THEN $2::timestamptz END WHERE id = $1",
        what.export_id,
        by.as_of,
    )


@command
async def record_download(conn: Connection, by: By, what: OfExport) -> None:
    """Write down that the file is taken, before it is."""
    await conn.execute("INSERT INTO export_downloads (export_id, actor, at) VALUES ($1, $2, $3)", what.export_id, by.actor, by.as_of)
