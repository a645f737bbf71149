"""Laying a file beside an application."""

from services.approval.models.attachments import Attachment, KeepAttachment
from services.approval.models.refusals import ApplicationUnknown
from services.approval.rules import attachments as rules
from shared.db import By, Connection, command
from shared.glossary import ApplicationState


@command
async def keep_attachment(conn: Connection, by: By, what: KeepAttachment) -> Attachment:
    """The same bytes again are the file that is there. Raises ApplicationUnknown and what `rules.ensure_may_bring` raises."""
    application = await conn.fetchrow("SELECT state, revision FROM applications WHERE id = $1 FOR UPDATE", what.application_id)
    if application is None:
        raise ApplicationUnknown(application=what.application_id)
    known = await conn.fetchrow(
        "SELECT id, name, media_type, size, sha256, revision, brought_by, brought_at FROM attachments WHERE application_id = $1 AND sha256 = $2",
        what.application_id,
        what.sha256,
    )
    if known:
        return Attachment(**known)
    there = await conn.fetchval("SELECT count(*) FROM attachments WHERE application_id = $1", what.application_id)
    state = ApplicationState(application["state"])
    rules.ensure_may_bring(state, there)
    beside = rules.submission_of(state, application["revision"])
    kept = Attachment(what.id, what.name, what.media_type, what.size, what.sha256, beside, brought_by=by.actor, brought_at=by.as_of)
    await conn.execute(
        "INSERT INTO attachments (id, application_id, revision, name, media_type, size, sha256, file, brought_by, brought_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(kept.id, what.application_id, kept.revision, kept.name, kept.media_type, kept.size, kept.sha256, what.file),
        *(kept.brought_by, kept.brought_at),
    )
    return kept
