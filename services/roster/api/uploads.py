"""Files that come in by a form: taken into memory, never onto a disk in plain."""

import asyncio
import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.roster.models.imports import UploadMalformed
from shared.sheets.reading import FILE_BYTES, held
from shared.sheets.refusals import unreadable

_REQUEST_BYTES = FILE_BYTES + 2**20


@dataclass(frozen=True)
class Upload:
    """A file as it came: its name without a path, and the SHA-256 of its content in hex."""

    name: str
    content: bytes = field(repr=False)
    digest: str


class _InMemory(MultiPartParser):
    """Uploads never touch a disk in plain."""

    spool_max_size = _REQUEST_BYTES


async def form_of(request: Request) -> dict[str, object]:
    """The parts of an upload, in memory. Raises UploadMalformed, Unreadable."""
    try:
        parser = _InMemory(request.headers, _measured(request), max_files=2, max_fields=10, max_part_size=2**18)
        return dict((await parser.parse()).multi_items())
    except (MultiPartException, KeyError):
        raise UploadMalformed from None


async def _measured(request: Request) -> AsyncGenerator[bytes, None]:
    """The body, up to the largest that is taken. Raises Unreadable, by its announced length at once."""
    size = int(request.headers.get("content-length", "0"))
    if size <= _REQUEST_BYTES:
        size = 0
        async for piece in request.stream():
            size += len(piece)
            if size > _REQUEST_BYTES:
                break
            yield piece
    if size > _REQUEST_BYTES:
        raise unreadable("too_large", limit=FILE_BYTES // 1_000_000)


async def file_of(form: Mapping[str, object]) -> Upload:
    """The part `file`. Raises UploadMalformed."""
    sent = form.get("file")
    if not isinstance(sent, UploadFile) or not sent.filename:
        raise UploadMalformed
    name = "".join(each for each in Path(sent.filename.replace("\\", "/")).name if each.isprintable()).strip()[-200:]
    content = await sent.read()
    return Upload(name, content, await asyncio.to_thread(lambda: hashlib.sha256(content).hexdigest()))


@asynccontextmanager
async def held_for(request: Request, content: bytes) -> AsyncIterator[int]:
    """A file in memory, for as long as it is looked at; so many at a time (`app.state.opening`), whoever comes later waits."""
    async with request.app.state.opening:
        place = held([content])
        try:
            yield place
        finally:
            os.close(place)
