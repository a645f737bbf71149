"""Exports as they are shown: one's own, and all of them to those who audit."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from shared.auth import Who
from shared.db import Connection
from shared.exports.lists import Exports
from shared.exports.models import STATES, AuditedExport, Download, ExportState, ExportUnknown, ExportView, NotReady
from shared.exports.shelf import Kept

_SHOWN = (
    "id, list, format, filters, fields, unmasked, reason, actor, asked_at, state, rows_total, rows_done, read_at, file_bytes, sha256, note,"
    " ended_at, keep_until"
)
_OWN = "FROM exports WHERE actor = $1"


async def export(conn: Connection, exports: Exports, who: Who, export_id: UUID) -> tuple[ExportView, int]:
    """One export of the caller's own, and its step. Raises ExportUnknown."""
    row = await conn.fetchrow(f"SELECT {_SHOWN}, step {_OWN} AND id = $2", who.name, export_id)
    if row is None:
        raise ExportUnknown(export=export_id)
    return _view(exports, row), row["step"]


async def own_exports(conn: Connection, exports: Exports, who: Who, before: UUID | None, limit: int) -> list[ExportView]:
    """The caller's own, newest first."""
    rows = await conn.fetch(f"SELECT {_SHOWN} {_OWN} AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3", who.name, before, limit)
    return [_view(exports, row) for row in rows]


async def all_exports(
    conn: Connection, exports: Exports, wanted: tuple[str | None, UUID | None], before: UUID | None, limit: int
) -> list[AuditedExport]:
    """Everybody's, newest first, each with who took its file; `wanted`: of one who asked for it or took it, and the one of this number."""
    rows = await conn.fetch(
        f"SELECT {_SHOWN}, coalesce((SELECT jsonb_agg(jsonb_build_object('actor', d.actor, 'at', d.at) ORDER BY d.id) FROM export_downloads d"
        " WHERE d.export_id = exports.id), '[]') AS downloads FROM exports WHERE ($1::uuid IS NULL OR id < $1) AND ($4::uuid IS NULL OR id = $4) AND ($3::text IS NULL OR actor = $3"
        " OR EXISTS (SELECT FROM export_downloads d WHERE d.export_id = exports.id AND d.actor = $3)) ORDER BY id DESC LIMIT $2",
        before,
        limit,
        *wanted,
    )
    return [
        AuditedExport(**_view(exports, row).model_dump(), downloads=tuple(Download.model_validate(each) for each in row["downloads"]))
        for row in rows
    ]


@dataclass(frozen=True)
class Finished:
    """A finished export: its file, and what its asker could see."""

    view: ExportView
    kept: Kept
    scope: tuple[UUID, ...] | None


async def finished(conn: Connection, exports: Exports, who: Who, export_id: UUID) -> Finished:
    """A file of the caller's own. Raises ExportUnknown, NotReady."""
    view, _ = await export(conn, exports, who, export_id)
    if view.state is not ExportState.DONE:
        raise NotReady(why=view.note.rstrip("。") or f"这次导出{view.state_label}")
    row: Any = await conn.fetchrow("SELECT file, file_bytes, sha256, scope FROM exports WHERE id = $1", export_id)
    if row["file"] is None:  # its time was over between the two
        raise gone()
    scope = None if row["scope"] is None else tuple(row["scope"])
    return Finished(view, Kept(row["file"], row["file_bytes"], row["sha256"]), scope)


def gone() -> NotReady:
    """The file is no longer there."""
    return NotReady(why=f"这次导出{STATES[ExportState.EXPIRED]}")


def _view(exports: Exports, row: asyncpg.Record) -> ExportView:
    known = exports.lists.get(row["list"])
    return ExportView(
        **{name: row[name] for name in ExportView.model_fields if name not in {"title", "state_label"}},
        title=known.title if known else row["list"],
        state_label=STATES[ExportState(row["state"])],
    )
