"""One look at the table of changes for all who listen at this process."""

import asyncio
import time

from services.monitoring.queries.board import turns_mark
from shared.db import Database

GLANCE = 0.5


class Turns:
    """Whether any light has turned since somebody looked; who may see it is asked only then."""

    def __init__(self) -> None:
        self._looked, self._mark, self._looking = 0.0, (0, 0), asyncio.Lock()

    async def mark(self, database: Database) -> tuple[int, int]:
        """The same as long as none has."""
        async with self._looking:
            if time.monotonic() - self._looked >= GLANCE:
                async with database.glancing() as conn:
                    self._mark = await turns_mark(conn)
                self._looked = time.monotonic()
        return self._mark
