"""Files that people bring (附件、整改材料) on a sealed shelf: what is refused leaves nothing there, and what stays can be read with the key alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

from cryptography.exceptions import InvalidTag

from shared.documents import intact_file, sha256_hex
from shared.errors import DomainError
from shared.events.envelope import uuid7
from shared.exports.shelf import Kept, Shelf


@dataclass
class Laid:
    """A file on the shelf of which it is not decided yet whether it stays."""

    id: UUID
    kept: Kept
    stays: bool = True


@asynccontextmanager
async def laid(shelf: Shelf, content: bytes) -> AsyncIterator[Laid]:
    """Whoever refuses takes it off again; who does not know what became of his command leaves it (`sweep` finds what no row names)."""
    file_id = uuid7()
    shelf.folder.mkdir(parents=True, exist_ok=True)
    file = Laid(file_id, await asyncio.to_thread(shelf.keep, file_id, 0, BytesIO(content)))
    try:
        yield file
    except DomainError:
        file.stays = False
        raise
    finally:
        if not file.stays:
            await asyncio.to_thread(shelf.forget, file.kept.name)


async def content_of(shelf: Shelf, kept: Kept) -> bytes | None:
    """The bytes as they were brought; none where they are gone or altered. What was brought before files were sealed has a name with an ending."""
    return await asyncio.to_thread(_content, shelf, kept)


def _content(shelf: Shelf, kept: Kept) -> bytes | None:
    if "." in kept.name:
        return intact_file(shelf.folder, kept.name, kept.sha256)
    try:
        content = b"".join(shelf.pieces(kept))
    except (OSError, IndexError, InvalidTag):
        return None
    return content if sha256_hex(content) == kept.sha256 else None
