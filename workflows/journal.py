"""The journal of a case: decisions change the state at once, before any await; `run` alone writes them to the owning service, in order.

A handler waits until its entry is recorded and answers then. So two deciders at the same instant get one yes and one refusal, and whoever gets an
answer can read it. The record's key is (case, sequence): a repeat is harmless.
"""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from pydantic import BaseModel

Entry = TypeVar("Entry", bound=BaseModel)


class Journal(Generic[Entry]):
    """Entries that wait to be recorded. `recorded` counts all that are; both are carried through continue-as-new."""

    def __init__(self, unwritten: tuple[Entry, ...] = (), recorded: int = 0) -> None:
        self._unwritten = list(unwritten)
        self.recorded = recorded

    @property
    def unwritten(self) -> tuple[Entry, ...]:
        """What still has to be recorded."""
        return tuple(self._unwritten)

    @property
    def next_sequence(self) -> int:
        """The sequence number of the next entry; the first is 1."""
        return self.recorded + len(self._unwritten) + 1

    def append(self, entry: Entry) -> int:
        """Add an entry; its sequence number."""
        self._unwritten.append(entry)
        return self.recorded + len(self._unwritten)

    async def write(self, record: Callable[[Entry], Awaitable[object]]) -> None:
        """Record what waits, oldest first. Only `run` calls this."""
        while self._unwritten:
            await record(self._unwritten[0])
            self._unwritten.pop(0)
            self.recorded += 1

    async def until_recorded(self, sequence: int) -> None:
        """Wait until the entry with this number is recorded. Handlers end with it."""
        await workflow.wait_condition(lambda: self.recorded >= sequence)
