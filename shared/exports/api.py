"""The door to a service's lists: what there is, asking for one, watching it, stopping it, taking it."""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Annotated, cast
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from shared.auth import Permit, Who
from shared.clock import Clock, business_day
from shared.db import By, Database
from shared.events.envelope import uuid7
from shared.exports import commands, queries
from shared.exports.lists import ExportList, Exports
from shared.exports.models import (
    UNDER_WAY,
    AskExport,
    AuditedExport,
    ExportView,
    Format,
    ListUnknown,
    NotToBeUnmasked,
    OfExport,
    OneSheetOnly,
    ReasonMissing,
    RightsChanged,
)
from shared.exports.shelf import Shelf
from shared.http import IdempotencyKey, files
from shared.pages import Limit
from shared.progress import EVENTS, LastEventId, Progress, watched
from shared.reasons import is_reason

Asker = Annotated[Who, Depends(Permit("exports.make", "self"))]
_TYPES = {"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "csv": "text/csv; charset=utf-8"}


class ExportBody(BaseModel):
    """Which list, narrowed how, which columns (none: all). `unmasked` needs the right to see sensitive fields, and a reason; the file names it."""

    model_config = ConfigDict(extra="forbid")

    list: str = Field(min_length=1, max_length=50)
    filters: dict[str, Annotated[str, Field(max_length=20_000)]] = Field(default_factory=dict, max_length=20)
    format: Format = "xlsx"
    fields: tuple[Annotated[str, Field(max_length=60)], ...] = Field((), max_length=200)
    unmasked: bool = False
    reason: str = Field("", max_length=200)


class ColumnLine(BaseModel):
    """A column one may choose."""

    name: str
    label: str
    sensitive: bool


class ListLine(BaseModel):
    """A list one may export. Without columns it has several sheets: it is had whole, as xlsx. `sensitive`: something in it is masked by default."""

    name: str
    title: str
    filters: list[str]
    sensitive: bool
    columns: list[ColumnLine]


class Lists(BaseModel):
    """All that the caller may read."""

    items: list[ListLine]


class ExportPage(BaseModel):
    """A page, newest first; `next` is its cursor."""

    items: list[ExportView]
    next: UUID | None


class AuditPage(BaseModel):
    """A page, newest first; `next` is its cursor."""

    items: list[AuditedExport]
    next: UUID | None


class Door:
    """The parts behind a request."""

    def __init__(self, request: Request) -> None:
        state = request.app.state
        self.database = cast("Database", state.database)
        self.clock = cast("Clock", state.clock)
        self.exports = cast("Exports", state.exports)
        self.shelf = cast("Shelf", state.shelf)

    def by(self, who: Who, key: str, reason: str = "") -> By:
        """On whose behalf."""
        return By(actor=who.name, as_of=self.clock.now(), key=f"{who.name}:{key}", reason=reason)


async def _door(request: Request) -> Door:
    return Door(request)


InDoor = Annotated[Door, Depends(_door)]
router = APIRouter(tags=["exports"])


@router.get("/exports/lists")
async def lists(who: Asker, door: InDoor) -> Lists:
    """What the caller may export, with the columns and filters of each."""
    return Lists(items=[_line(each) for each in door.exports.lists.values() if who.may(each.permission)])


@router.get("/exports/audit")
async def audit(
    _: Annotated[Who, Depends(Permit("audit.read", "public"))],
    door: InDoor,
    actor: Annotated[str | None, Query(max_length=200)] = None,
    export: UUID | None = None,
    after: UUID | None = None,
    limit: Limit = 50,
) -> AuditPage:
    """Every export of this service: who, what, which rows, masked or not, why, and who took the file. `actor`: who asked for it or took it; `export`: one by
    its number, which stands in the first line of its file.
    """
    async with door.database.searching() as conn:
        items = await queries.all_exports(conn, door.exports, (actor, export), after, limit)
    return AuditPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.post("/exports", status_code=202)
async def ask(body: ExportBody, who: Asker, key: IdempotencyKey, door: InDoor) -> ExportView:
    """Ask for a list; it is written by a worker and waits to be taken."""
    wanted = _asked(door.exports, body, who)
    async with door.database.glancing() as conn:
        _list_for(door.exports, body.list, who).ensure_coded(body.filters, await door.exports.words(conn))
    export_id = await commands.ask_export(door.database, door.by(who, key, body.reason), wanted)
    async with door.database.glancing() as conn:
        return (await queries.export(conn, door.exports, who, export_id))[0]


@router.get("/exports")
async def own(who: Asker, door: InDoor, after: UUID | None = None, limit: Limit = 50) -> ExportPage:
    """The caller's own exports."""
    async with door.database.glancing() as conn:
        items = await queries.own_exports(conn, door.exports, who, after, limit)
    return ExportPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/exports/{export_id}")
async def export(export_id: UUID, who: Asker, door: InDoor) -> ExportView:
    """One export of the caller's own."""
    async with door.database.glancing() as conn:
        return (await queries.export(conn, door.exports, who, export_id))[0]


@router.get("/exports/{export_id}/progress", response_class=Response, responses=files(EVENTS))
async def progress(export_id: UUID, who: Asker, door: InDoor, last_event_id: LastEventId = 0) -> Response:
    """How far it is, as server-sent events, until it is over."""

    async def look() -> Progress:
        async with door.database.glancing() as conn:
            view, step = await queries.export(conn, door.exports, who, export_id)
        return Progress(step, view, rests=view.state not in UNDER_WAY)

    return await watched(look, last_event_id)


@router.post("/exports/{export_id}/cancel", status_code=204)
async def cancel(export_id: UUID, who: Asker, key: IdempotencyKey, door: InDoor) -> None:
    """Stop it; nothing of it stays."""
    await commands.cancel_export(door.database, door.by(who, key), OfExport(export_id=export_id))


@router.get("/exports/{export_id}/file", response_class=StreamingResponse, responses=files(*_TYPES.values()))
async def file(export_id: UUID, who: Asker, door: InDoor) -> StreamingResponse:
    """The file, opened before who takes it, and when, is written down: what is on record as taken was there."""
    async with door.database.glancing() as conn:
        found = await queries.finished(conn, door.exports, who, export_id)
    _ensure_still_may(door.exports, who, found)
    try:
        pieces = door.shelf.pieces(found.kept)
    except FileNotFoundError:
        raise queries.gone() from None
    with ExitStack() as unless_recorded:
        unless_recorded.callback(pieces.close)
        await commands.record_download(door.database, door.by(who, f"download:{uuid7()}"), OfExport(export_id=export_id))
        unless_recorded.pop_all()
    return StreamingResponse(pieces, media_type=_TYPES[found.view.format], headers=_headers(found))


def _line(each: ExportList) -> ListLine:
    chosen_from = each.sheets[0].columns if len(each.sheets) == 1 else ()
    columns = [ColumnLine(name=column.name, label=column.label, sensitive=column.sensitive) for column in chosen_from]
    return ListLine(name=each.name, title=each.title, filters=list(each.filters), sensitive=each.sensitive, columns=columns)


def _asked(exports: Exports, body: ExportBody, who: Who) -> AskExport:
    """What is kept, judged now: whether there is such a list for him, and whether it can be had like this."""
    wanted = _list_for(exports, body.list, who)
    wanted.understood(body.filters)
    if len(wanted.sheets) > 1 and (body.fields or body.format == "csv"):
        raise OneSheetOnly
    wanted.sheets[0].chosen(body.fields)
    unmasked = body.unmasked and wanted.sensitive
    if unmasked:
        _ensure_may_unmask(who, body.reason)
    return AskExport(
        export_id=uuid7(),
        **body.model_dump(include={"list", "filters", "format", "fields"}),
        unmasked=unmasked,
        roles=tuple(sorted(who.roles)),
        scope=who.units,
        called=who.called,
    )


def _list_for(exports: Exports, name: str, who: Who) -> ExportList:
    wanted = exports.lists.get(name)
    if wanted is None or not who.may(wanted.permission):
        raise ListUnknown(list=name)
    return wanted


def _ensure_may_unmask(who: Who, reason: str) -> None:
    if not who.may("persons.reveal"):
        raise NotToBeUnmasked
    if not is_reason(reason):
        raise ReasonMissing


def _ensure_still_may(exports: Exports, who: Who, found: queries.Finished) -> None:
    """A right that is gone since the export was made opens no file any more."""
    if found.view.unmasked and not who.may("persons.reveal"):
        raise RightsChanged
    inside = who.units is None or (found.scope is not None and set(found.scope) <= set(who.units))
    if not inside or not who.may(exports.lists[found.view.list].permission):
        raise RightsChanged


def _headers(found: queries.Finished) -> Mapping[str, str]:
    """The name is that of the list and the day; the place it is kept in by a browser is not for others."""
    view = found.view
    name = f"{view.title}-{business_day(view.asked_at):%Y%m%d}.{view.format}"
    return {
        "Content-Disposition": f"attachment; filename=\"export.{view.format}\"; filename*=UTF-8''{quote(name)}",
        "Content-Length": str(found.kept.size),
        "Cache-Control": "no-store",
    }
