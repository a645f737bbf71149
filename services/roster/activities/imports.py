"""What the workflow of an import asks. Both long steps may be asked again after a crash: a check begins anew, a writing goes on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from temporalio import activity

from services.roster.commands.import_checks import check_import
from services.roster.commands.import_writes import apply_import
from services.roster.commands.imports import forget_import, of_retention
from services.roster.models.imports import CancelImport
from shared.clock import Clock
from shared.crypto import FieldCipher
from shared.db import Database
from workflows.imports import APPLY_IMPORT, CHECK_IMPORT, FORGET_IMPORT, ImportTold

_BEAT = 5.0


class ImportActivities:
    """Answers on the roster's task queue."""

    def __init__(self, database: Database, cipher: FieldCipher, clock: Clock, opening: asyncio.Semaphore) -> None:
        self._database, self._cipher, self._clock, self._opening = database, cipher, clock, opening

    def all(self) -> Sequence[Callable[..., Any]]:
        """What the worker serves."""
        return self.check_import, self.apply_import, self.forget_import

    @activity.defn(name=CHECK_IMPORT)
    async def check_import(self, told: ImportTold) -> None:
        """Read and judge the file, when it is its turn."""
        async with alive(), self._opening:
            await check_import(self._database, self._cipher, self._clock, told.import_id)

    @activity.defn(name=APPLY_IMPORT)
    async def apply_import(self, told: ImportTold) -> None:
        """Write what the check found good, unit by unit."""
        async with alive():
            await apply_import(self._database, self._cipher, self._clock, told.import_id)

    @activity.defn(name=FORGET_IMPORT)
    async def forget_import(self, told: ImportTold) -> None:
        """The retention of the file is over."""
        by = of_retention(told.import_id, self._clock.now())
        await forget_import(self._database, by, CancelImport(import_id=told.import_id))


@asynccontextmanager
async def alive() -> AsyncIterator[None]:
    """A sign of life every few seconds: a worker that dies is noticed, one that only works long is not disturbed."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_BEAT)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
