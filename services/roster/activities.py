"""Door 3: Temporal. What workflows may ask of the roster."""

from collections.abc import Callable, Sequence
from typing import Any

from shared.clock import Clock
from shared.db import Database


class RosterActivities:
    """Answers on the roster's task queue; every answer may be asked for again."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def all(self) -> Sequence[Callable[..., Any]]:
        """What the worker serves."""
        return ()
