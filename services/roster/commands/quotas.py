"""编制数: set, raised, cut and moved, every change with its document, as validity ranges per (unit, kind, funding)."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.roster.commands.locks import hold_paths, take_unit, take_units
from services.roster.commands.mandate import document_of, today_of
from services.roster.commands.spans import ended
from services.roster.models.facts import RowWords
from services.roster.models.loads import LoadedQuota
from services.roster.models.refusals import DatesOutOfOrder, DocumentInFuture, NoPostsOfRow, QuotaBelowZero, QuotaChangedLater, SameUnit
from services.roster.models.requests import CutQuota, MoveQuota, QuotaRow, RaiseQuota, SetQuota
from services.roster.queries.codes import row_words
from services.roster.queries.establishments import establishment, establishments
from services.roster.queries.facts import ensure_allowed_row, frozen_by
from services.roster.rules.posts import ensure_above_use, ensure_may_grow, ensure_not_frozen
from shared import outbox
from shared.db import By, Connection, command
from shared.events.roster import EstablishmentState, QuotaChanged
from shared.glossary import FreezeScope, OverQuotaCause


@command
async def set_quota(conn: Connection, by: By, what: SetQuota) -> None:
    """Set the number of approved posts from a date on. Lowered below what is in use only with the office's recorded cause."""
    today = _granted(by, what)
    version = await take_unit(conn, what.unit_id)
    await ensure_allowed_row(conn, what.unit_id, what.kind, what.funding, today)
    await _ensure_may_grow(conn, what, what.unit_id, what.posts)
    before = await _posts(conn, what, what.unit_id)
    await write_posts(conn, by, what, what.unit_id, what.posts, "set", what.over_quota_cause, what.use_until)
    await _ensure_above_use(conn, what, before, what.over_quota_cause)
    await _publish(conn, by, what, what.unit_id, version, what.over_quota_cause)


@command
async def raise_quota(conn: Connection, by: By, what: RaiseQuota) -> None:
    """Add approved posts (核增), also where more are in use than there will be: the number only rises."""
    today = _granted(by, what)
    version = await take_unit(conn, what.unit_id)
    await ensure_allowed_row(conn, what.unit_id, what.kind, what.funding, today)
    posts = await _posts(conn, what, what.unit_id) + what.posts
    await _ensure_may_grow(conn, what, what.unit_id, posts)
    await write_posts(conn, by, what, what.unit_id, posts, "raise", None, what.use_until)
    await _publish(conn, by, what, what.unit_id, version)


@command
async def cut_quota(conn: Connection, by: By, what: CutQuota) -> None:
    """Take approved posts away (核减). Below what is in use only with the office's recorded cause."""
    _granted(by, what)
    version = await take_unit(conn, what.unit_id)
    await _cut(conn, by, what, "cut", what.over_quota_cause)
    await _publish(conn, by, what, what.unit_id, version, what.over_quota_cause)


@command
async def move_quota(conn: Connection, by: By, what: MoveQuota) -> None:
    """Move approved posts to another unit (划转), one date for both; the giver may not fall below what it uses."""
    today = _granted(by, what)
    if what.to_unit_id == what.unit_id:
        raise SameUnit
    await hold_paths(conn, what.unit_id, what.to_unit_id)
    versions = await take_units(conn, (what.unit_id, what.to_unit_id))
    await ensure_allowed_row(conn, what.to_unit_id, what.kind, what.funding, today)
    posts = await _posts(conn, what, what.to_unit_id) + what.posts
    ensure_not_frozen(await frozen_by(conn, what.unit_id, FreezeScope.ORGANISATION, what.kind))
    await _ensure_may_grow(conn, what, what.to_unit_id, posts)
    await _cut(conn, by, what, "move", None)
    await write_posts(conn, by, what, what.to_unit_id, posts, "move", None)
    for unit_id, version in versions.items():
        await _publish(conn, by, what, unit_id, version)


def _granted(by: By, what: QuotaRow) -> date:
    """The business day, if a document that was issued grants the change and its day has come."""
    document_of(by)
    today = today_of(by, what.effective_on)
    if what.document_on > today:
        raise DocumentInFuture(day=what.document_on)
    return today


async def _ensure_may_grow(conn: Connection, what: QuotaRow, unit_id: UUID, posts: int) -> None:
    """What a first load finds was approved before any freeze."""
    if not what.baseline:
        row = await establishment(conn, unit_id, what.kind, what.funding)
        orders = await frozen_by(conn, unit_id, FreezeScope.ORGANISATION, what.kind)
        ensure_may_grow(orders, posts, row.quota, row.headcount)


async def _ensure_above_use(conn: Connection, what: QuotaRow, before: int, cause: str | None) -> None:
    ensure_above_use(before, await establishment(conn, what.unit_id, what.kind, what.funding), cause)


async def _posts(conn: Connection, what: QuotaRow, unit_id: UUID) -> int:
    return (await establishment(conn, unit_id, what.kind, what.funding)).quota


async def _cut(conn: Connection, by: By, what: CutQuota | MoveQuota, change: str, cause: str | None) -> None:
    now = (await giving(conn, what.unit_id, what.kind, what.funding, what.posts)).quota
    await write_posts(conn, by, what, what.unit_id, now - what.posts, change, cause)
    await _ensure_above_use(conn, what, now, cause)


async def giving(conn: Connection, unit_id: UUID, kind: str, funding: str, posts: int) -> EstablishmentState:
    """The row that gives up so many posts, before it does. Raises NoPostsOfRow, QuotaBelowZero."""
    row = await establishment(conn, unit_id, kind, funding)
    if row.quota >= posts:
        return row
    words = await row_words(conn)
    if row.quota == 0:
        raise NoPostsOfRow(unit=await _name(conn, unit_id), held=await _held(conn, unit_id, words), **words(kind=kind, funding=funding))
    raise QuotaBelowZero(quota=row.quota, posts=posts, **words(kind=kind, funding=funding))


async def _name(conn: Connection, unit_id: UUID) -> str:
    return str(await conn.fetchval("SELECT name FROM units WHERE id = $1", unit_id))


async def _held(conn: Connection, unit_id: UUID, words: RowWords) -> str:
    """What the unit does have, row by row."""
    rows = [(words(kind=row.kind, funding=row.funding), row.quota) for row in await establishments(conn, unit_id) if row.quota]
    return "、".join(f"{called['kind']}（{called['funding']}）{quota} 名" for called, quota in rows) or "没有编制"


async def write_posts(
    conn: Connection,
    by: By,
    what: QuotaRow,
    unit_id: UUID,
    posts: int,
    change: str,
    cause: str | None,
    use_until: date | None = None,
) -> None:
    """The number holds from the effective date on; what was recorded before is closed, not overwritten. Without a new term the row keeps its own;
    what another unit hands over comes with the other's.
    """
    if use_until is not None and use_until < what.effective_on:
        raise DatesOutOfOrder
    term = use_until or await _term(conn, unit_id, what) or await _term(conn, what.unit_id, what)
    at = await _close(conn, by, what, unit_id)
    await conn.execute(
        "INSERT INTO quotas (unit_id, kind, funding, posts, during, recorded, change, over_quota_cause, document_no, document_on, use_until)"
        " VALUES ($1, $2, $3, $4, daterange($5, NULL), tstzrange(coalesce($6, $7::timestamptz), NULL), $8, $9, $10, $11, $12)",
        unit_id,
        what.kind,
        what.funding,
        posts,
        what.effective_on,
        at,
        by.as_of,
        change,
        cause,
        by.document_no,
        what.document_on,
        term,
    )


async def _term(conn: Connection, unit_id: UUID, what: QuotaRow) -> date | None:
    return (await establishment(conn, unit_id, what.kind, what.funding)).use_until


async def add_first_posts(conn: Connection, by: By, rows: Sequence[tuple[UUID, LoadedQuota]]) -> None:
    """The first quotas of units, each on its document: nothing was recorded before."""
    if any(row.use_until is not None and row.use_until < row.document_on for _, row in rows):
        raise DatesOutOfOrder
    await conn.executemany(
        "INSERT INTO quotas (unit_id, kind, funding, posts, during, recorded, change, document_no, document_on, use_until)"
        " VALUES ($1, $2, $3, $4, daterange($7, NULL), tstzrange($5, NULL), 'set', $6, $7, $8)",
        [(unit_id, row.kind, row.funding, row.posts, by.as_of, row.document_no, row.document_on, row.use_until) for unit_id, row in rows],
    )


async def _close(conn: Connection, by: By, what: QuotaRow, unit_id: UUID) -> object:
    """Close what is recorded; up to the effective date it is recorded anew. Answers the instant, none when there was nothing."""
    last = await conn.fetchrow(
        "SELECT id, lower(during) AS since FROM quotas"
        " WHERE unit_id = $1 AND kind = $2 AND funding = $3 AND upper_inf(during) AND upper_inf(recorded)",
        unit_id,
        what.kind,
        what.funding,
    )
    if last is None:
        return None
    if what.effective_on < last["since"]:
        raise QuotaChangedLater(since=last["since"])
    at: object = await conn.fetchval(
        f"UPDATE quotas SET {ended('recorded', '$2')} WHERE id = $1 RETURNING upper(recorded)",
        last["id"],
        by.as_of,
    )
    await conn.execute(
        "INSERT INTO quotas (unit_id, kind, funding, posts, during, recorded, change, over_quota_cause, document_no, document_on,"
        " use_until) SELECT unit_id, kind, funding, posts, daterange(lower(during), $2), tstzrange($3, NULL), change, over_quota_cause,"
        " document_no, document_on, use_until FROM quotas WHERE id = $1 AND lower(during) < $2",
        last["id"],
        what.effective_on,
        at,
    )
    return at


async def _publish(conn: Connection, by: By, what: QuotaRow, unit_id: UUID, version: int, cause: OverQuotaCause | None = None) -> None:
    changed = QuotaChanged(
        occurred_at=by.as_of,
        unit_id=unit_id,
        version=version,
        establishments=(await establishment(conn, unit_id, what.kind, what.funding),),
        document_no=by.document_no,
        baseline=what.baseline,
        effective_on=what.effective_on,
        over_quota_cause=cause,
    )
    await outbox.append(conn, by, changed)
