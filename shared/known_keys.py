"""Whether the keys of a process are the installation's: of every key the tables keep a mark, written when the key first stood here.

A ring with the ids of another and keys of its own opens nothing that was written and lets every number in a second time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from shared.crypto import FieldCipher, FieldKey
from shared.db import Connection, Database
from shared.exports.shelf import Shelf

_log = structlog.get_logger()


class ForeignKeys(Exception):  # noqa: N818  named as the fact it states
    """The ring is another installation's; the text names its file."""

    def __init__(self, file: str) -> None:
        super().__init__(f"{file} 不是本系统原来的密钥文件，与已有数据不符。请放回原来的文件（或从其他主机复制），再重新启动。")


@dataclass(frozen=True)
class KnownKeys:
    """A ring and the tables that know it. `opens`: whether a cipher opens what lies here (none: nothing does, and any may come); asked where none of its
    keys is known yet.
    """

    database: Database
    cipher: FieldCipher
    file: str
    opens: Callable[[Connection, FieldCipher], Awaitable[bool | None]]

    async def ensure(self) -> None:
        """Compare, and write down what is new. A ring that is not ours is used for nothing until its file is. Raises ForeignKeys."""
        keys = self.cipher.held.keys
        async with self.database.transaction() as conn:
            self.cipher.foreign = not await self._ours(conn, keys)
            if self.cipher.foreign:
                told = ForeignKeys(self.file)
                _log.error("foreign keys", file=self.file, say=str(told))
                raise told

    async def compare(self) -> None:
        """The same at the start of an application, which comes up with a foreign ring too and says so at `/ready`."""
        with suppress(ForeignKeys):
            await self.ensure()

    async def _ours(self, conn: Connection, keys: Sequence[FieldKey]) -> bool:
        known = await _known(conn)
        new = [key for key in keys if key.id not in known]
        if len(new) == len(keys) and not (found := await self.opens(conn, FieldCipher(self.cipher.held))):
            return found is None and not known
        if new:
            rows = [(key.id, key.mark) for key in new]
            await conn.executemany("INSERT INTO key_marks (key_id, mark) VALUES ($1, $2) ON CONFLICT DO NOTHING", rows)
            known = await _known(conn)  # somebody else may have been first
        return all(known[key.id] == key.mark for key in keys)


def of_shelf(database: Database, shelf: Shelf, cipher: FieldCipher) -> KnownKeys:
    """Of a service that seals nothing but the files on one shelf."""

    async def opens(_: Connection, cipher: FieldCipher) -> bool | None:
        return await asyncio.to_thread(shelf.opened_by, cipher)

    return KnownKeys(database, cipher, "field.keys", opens)


async def _known(conn: Connection) -> dict[int, bytes]:
    return {row["key_id"]: row["mark"] for row in await conn.fetch("SELECT key_id, mark FROM key_marks")}
