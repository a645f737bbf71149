"""What the workflow of a comparison asks. It may be asked again after a crash: it begins anew."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from temporalio import activity

from services.roster.activities.imports import alive
from services.roster.commands.comparison_runs import compare_registers
from shared.clock import Clock
from shared.crypto import FieldCipher
from shared.db import Database
from workflows.comparison import COMPARE, ComparisonStart


class ComparisonActivities:
    """Answers on the roster's task queue."""

    def __init__(self, database: Database, cipher: FieldCipher, clock: Clock, opening: asyncio.Semaphore) -> None:
        self._database, self._cipher, self._clock, self._opening = database, cipher, clock, opening

    def all(self) -> Sequence[Callable[..., Any]]:
        """What the worker serves."""
        return (self.compare,)

    @activity.defn(name=COMPARE)
    async def compare(self, start: ComparisonStart) -> None:
        """Read the file when it is its turn, compare, and settle what was found with the cases that there are."""
        async with alive(), self._opening:
            await compare_registers(self._database, self._cipher, self._clock, start.run_id)
