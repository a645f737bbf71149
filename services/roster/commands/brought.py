"""Files that were brought: kept sealed, piece by piece, until they are forgotten."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from uuid import UUID

from services.roster.models.imports import FileForgotten
from shared.crypto import FieldCipher
from shared.db import Connection, Database
from shared.sheets.reading import held

PIECE = 2**20


@dataclass(frozen=True)
class Brought:
    """The table of their pieces, and its column that names what each was brought for."""

    table: str
    owner: str

    def sealed(self, cipher: FieldCipher, owner: UUID, content: memoryview) -> Iterator[bytes]:
        """The file, encrypted piece by piece, each bound to its place."""
        for number, start in enumerate(range(0, len(content), PIECE)):
            yield cipher.seal(bytes(content[start : start + PIECE]), self.place(owner, number))

    async def keep(self, conn: Connection, owner: UUID, pieces: Iterable[bytes]) -> None:
        """Write what was sealed."""
        for number, piece in enumerate(pieces):
            await conn.execute(f"INSERT INTO {self.table} ({self.owner}, number, content) VALUES ($1, $2, $3)", owner, number, piece)

    async def opened(self, database: Database, cipher: FieldCipher, owner: UUID) -> int:
        """The file, in memory, as a descriptor that the caller closes. Raises FileForgotten."""
        async with database.reading() as conn:
            rows = await conn.fetch(f"SELECT number, content FROM {self.table} WHERE {self.owner} = $1 ORDER BY number", owner)
        if not rows:
            raise FileForgotten
        return held(cipher.unseal(row["content"], self.place(owner, row["number"])) for row in rows)

    def place(self, owner: UUID, number: int) -> str:
        """What a piece of the file is bound to."""
        return f"{self.table}.content.{owner}/{number}"


IMPORTED, COMPARED = Brought("import_files", "import_id"), Brought("comparison_files", "run_id")
