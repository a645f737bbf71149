"""Files in: templates, uploads, what was found, the decision to write, and the file again with its findings.

An import is its owner's, not a unit's: who sees a part of the county reads his own ones, from the whole of the tables (`queries.import_view`).
"""

import asyncio
import json
import os
import re
import tomllib
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile

from services.roster.api.door import Door, InDoor, Write
from services.roster.api.uploads import file_of, form_of, held_for
from services.roster.commands import imports as commands
from services.roster.commands.brought import IMPORTED
from services.roster.commands.import_sheets import wanted_of
from services.roster.models.fields import SHEETS, UNIT
from services.roster.models.imports import (
    BOOKS,
    RUNNING,
    BeginApplying,
    CancelImport,
    ImportKindUnknown,
    MappingFile,
    MappingWrong,
    NotChecked,
    NotYourFile,
    ReceiveImport,
    RowsAreUnits,
)
from services.roster.queries import import_changes
from services.roster.queries import imports as queries
from services.roster.queries.codes import codes
from services.roster.queries.import_facts import readable
from services.roster.queries.templates import template
from services.roster.rules.imports.mapping import ensure_fits
from shared.auth import Permit, Who
from shared.clock import business_day
from shared.events.envelope import uuid7
from shared.http import IdempotencyKey, files, saved_as
from shared.pages import Limit, RowNumber
from shared.progress import EVENTS, LastEventId, Progress, watched
from shared.sheets.reading import ensure_readable
from shared.sheets.returned import annotated

router = APIRouter()
Maintainer = Annotated[Who, Depends(Permit("roster.maintain"))]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LARGEST_MAPPING = 2**18
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "kind"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "kind": {"type": "string", "enum": list(SHEETS), "description": "文件的种类，即所用导入模板"},
                        "mapping": {"type": "string", "format": "binary", "description": "对照文件：TOML 或 JSON"},
                        "unit": {
                            "type": "string",
                            "description": "整份文件的单位（全称、简称、曾用名、编码或统一社会信用代码）：没有写单位的行按它导入",
                        },
                        "political_legal": {
                            "type": "string",
                            "enum": ["true", "false"],
                            "description": "导入政法专项编制（须本系统已开启）",
                        },
                    },
                }
            }
        },
    }
}


class ImportId(BaseModel):
    """The new import."""

    import_id: UUID


class ApplyBody(Write):
    """`accept_valid`: write the good rows of a file that has errors. `document_no`: the load's own document."""

    accept_valid: bool = False


class ImportDetail(queries.ImportView):
    """With the units that could not be written."""

    refused: list[queries.RefusedUnit]


class ImportPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[queries.ImportView]
    next: UUID | None


class ProblemPage(BaseModel):
    """A page; `next` is its cursor."""

    items: list[queries.ProblemView]
    next: int | None


class ChangePage(BaseModel):
    """Rows that would change something; `next` is `after` of the next page."""

    items: list[import_changes.ChangeView]
    next: int | None


@router.get("/templates/{kind}", response_class=Response, responses=files(XLSX))
async def read_template(kind: str, who: Maintainer, door: InDoor) -> Response:  # noqa: ARG001  the permission is all that is asked
    """The empty workbook of a kind: instructions, choices, and a mark by which it is recognised on return."""
    if kind not in SHEETS:
        raise ImportKindUnknown
    async with door.whole.reading() as conn:
        tables = await codes(conn, business_day(door.clock.now()))
    content = await asyncio.to_thread(template, SHEETS[kind], tables)
    return _file(content, f"{SHEETS[kind].title}模板.xlsx")


@router.post("/imports", status_code=202, openapi_extra=_FORM, max_body_size=2**62)  # judged by _measured, which can say so
async def receive_import(request: Request, who: Maintainer, idempotency_key: IdempotencyKey, door: InDoor) -> ImportId:
    """Take a file in and have it checked. What is no honest file is refused at once and not kept."""
    form = await form_of(request)
    kind, mapping = str(form.get("kind", "")), form.get("mapping")
    if kind not in SHEETS:
        raise ImportKindUnknown
    file = await file_of(form)
    settings, import_id, told = request.app.state.imports, uuid7(), await _mapping(mapping)
    if called := str(form.get("unit") or "").strip():
        told = await _of_one_unit(door, who, kind, called, told or MappingFile())
    if told is not None:
        await _ensure_fits(door, kind, told)
    async with held_for(request, file.content) as place:
        book = await ensure_readable(place, file.name, wanted_of(kind, told))
    what = ReceiveImport(
        import_id=import_id,
        kind=kind,
        file_name=file.name,
        file_bytes=len(file.content),
        file_hash=file.digest,
        plain=book.plain,
        mapping=told,
        political_legal=form.get("political_legal") == "true" and settings.import_political_legal,
        scope=who.units,
        keep_days=settings.import_keep_days,
        pieces=lambda: IMPORTED.sealed(door.cipher, import_id, memoryview(file.content)),
        clock_offset=request.app.state.clock_offset(),
    )
    by = door.by(who, idempotency_key, Write(reason="上传待导入的文件"))
    return ImportId(import_id=await commands.receive_import(door.database, by, what))


@router.get("/imports")
async def list_imports(who: Maintainer, door: InDoor, before: UUID | None = None, limit: Limit = 50) -> ImportPage:
    """The latest first."""
    async with door.whole.reading() as conn:
        items = await queries.imports(conn, who, before, limit)
    return ImportPage(items=items, next=items[-1].id if len(items) == limit else None)


@router.get("/imports/{import_id}")
async def read_import(import_id: UUID, who: Maintainer, door: InDoor) -> ImportDetail:
    """Where it stands, what was found, what was written."""
    async with door.whole.reading() as conn:
        view = await queries.import_view(conn, import_id, who)
        return ImportDetail(**view.model_dump(), refused=await queries.refused_units(conn, import_id))


@router.get("/imports/{import_id}/problems")
async def read_problems(import_id: UUID, who: Maintainer, door: InDoor, after: RowNumber = 0, limit: Limit = 50) -> ProblemPage:
    """What was found, sheet by sheet, row by row."""
    async with door.whole.reading() as conn:
        await queries.import_view(conn, import_id, who)
        found = await queries.problems(conn, import_id, after, limit)
    return ProblemPage(items=[item for _, item in found], next=found[-1][0] if len(found) == limit else None)


@router.get("/imports/{import_id}/changes")
async def read_changes(import_id: UUID, who: Maintainer, door: InDoor, after: RowNumber = 0, limit: Limit = 50) -> ChangePage:
    """Rows that would change what the roster has, each field from what to what; added and equal rows are counted in the import itself."""
    async with door.whole.reading() as conn:
        await queries.import_view(conn, import_id, who)
        found = await import_changes.changes(conn, door.cipher, import_id, after, limit)
    return ChangePage(items=[item for _, item in found], next=found[-1][0] if len(found) == limit else None)


@router.get("/imports/{import_id}/progress", response_class=Response, responses=files(EVENTS))
async def watch_import(import_id: UUID, who: Maintainer, door: InDoor, last_event_id: LastEventId = 0) -> Response:
    """Server-sent events: the import whenever it moved; the id of an event is the import's `step`, so a watcher goes on where he was.

    The stream ends when the import rests (checked, written, cancelled, refused); who has seen that already gets 204 and need not come again.
    """

    async def look() -> Progress:
        view = await _view(door, import_id, who)
        return Progress(view.step, view, rests=view.state not in RUNNING)

    return await watched(look, last_event_id)


@router.post("/imports/{import_id}/apply", status_code=202)
async def apply_import(import_id: UUID, body: ApplyBody, who: Maintainer, idempotency_key: IdempotencyKey, door: InDoor) -> ImportDetail:
    """Have a checked file written; what was found stays to be read."""
    await _view(door, import_id, who)
    what = BeginApplying(import_id=import_id, accept_valid=body.accept_valid)
    await commands.begin_applying(door.database, door.by(who, idempotency_key, body), what)
    return await read_import(import_id, who, door)


@router.post("/imports/{import_id}/cancel", status_code=202)
async def cancel_import(import_id: UUID, body: Write, who: Maintainer, idempotency_key: IdempotencyKey, door: InDoor) -> ImportDetail:
    """Stop it; units that are written stay whole, and the same file, brought again, brings the rest (`left`)."""
    await _view(door, import_id, who)
    await commands.cancel_import(door.database, door.by(who, idempotency_key, body), CancelImport(import_id=import_id))
    return await read_import(import_id, who, door)


@router.get("/imports/{import_id}/result", response_class=Response, responses=files(XLSX, "text/csv"))
async def read_result(request: Request, import_id: UUID, who: Maintainer, door: InDoor) -> Response:
    """The same file with a column of findings and coloured cells, for the one who brought it."""
    view = await _view(door, import_id, who)
    if view.actor != who.name:
        raise NotYourFile
    if view.checked_at is None:
        raise NotChecked
    async with request.app.state.opening:
        place = await IMPORTED.opened(door.whole, door.cipher, import_id)
        try:
            async with door.whole.reading() as conn:
                marks = await queries.marks(conn, import_id)
            content = await annotated(place, view.file_name, marks)
        finally:
            os.close(place)
    return _file(content, f"核对结果-{view.file_name}")


async def _mapping(sent: object) -> MappingFile | None:
    """TOML or JSON. Raises MappingWrong."""
    if not sent:
        return None
    raw = await _told(sent)
    try:
        text = raw.decode("utf-8-sig")
        values = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        if "\\u0000" in text or "\0" in text:
            raise ValueError
        return MappingFile.model_validate(values)
    except ValidationError as wrong:
        raise MappingWrong(detail="；".join(_misplaced(each["loc"], each["type"]) for each in wrong.errors()[:3])) from None
    except (ValueError, RecursionError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise MappingWrong(detail=f"不是有效的 TOML 或 JSON（UTF-8 编码）{f'，第 {line[1]} 行附近写法不对' if line else ''}") from None


async def _told(sent: object) -> bytes:
    """What a mapping holds. Raises MappingWrong for a workbook, which was meant for the other field, and for what is too large."""
    raw = (await sent.read(LARGEST_MAPPING + 1)) if isinstance(sent, UploadFile) else str(sent).encode()
    if raw.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise MappingWrong(detail="选作对照文件的是工作簿，对照文件是 TOML 或 JSON 文本；要导入的工作簿请放在“文件”一栏")
    if len(raw) > LARGEST_MAPPING:
        raise MappingWrong(detail=f"超过 {LARGEST_MAPPING // 1024} KB，不像是对照文件")
    return raw


async def _of_one_unit(door: Door, who: Who, kind: str, called: str, mapping: MappingFile) -> MappingFile:
    """Where a row names no unit, it is of this one. Raises RowsAreUnits, UnitOfFileUnknown."""
    if UNIT not in SHEETS[kind].fields:
        raise RowsAreUnits
    async with door.whole.reading() as conn:
        code = await queries.code_of_unit(conn, called, who)
    return mapping.model_copy(update={"defaults": mapping.defaults | {UNIT.label: code}})


async def _ensure_fits(door: Door, kind: str, mapping: MappingFile) -> None:
    """What is wrong in itself is refused before the file is kept. Raises MappingWrong."""
    async with door.whole.reading() as conn:
        tables = await codes(conn, business_day(door.clock.now()))
    ensure_fits(mapping, kind, [SHEETS[each] for each in BOOKS[kind]], readable(tables))


def _misplaced(place: tuple[int | str, ...], kind: str) -> str:
    where = ".".join(str(part) for part in place)
    if kind == "extra_forbidden" and len(place) == 1:
        return f"没有“{where[:40]}”这一部分，只有 {'、'.join(MappingFile.model_fields)}"
    return f"{where[:80]} 的写法不对，等号两边都要写成带引号的文字"


async def _view(door: Door, import_id: UUID, who: Who) -> queries.ImportView:
    async with door.whole.reading() as conn:
        return await queries.import_view(conn, import_id, who)


def _file(content: bytes, name: str) -> Response:
    kind = "text/csv; charset=utf-8" if name.endswith((".csv", ".txt")) else XLSX
    return Response(content, media_type=kind, headers=saved_as(name))
