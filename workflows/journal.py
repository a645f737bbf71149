"""The journal of a case: decisions change the state at once, before any await; `run` alone writes them to the owning service, in order.

A handler waits until its entry is recorded and answers then. So two deciders at the same instant get one yes and one refusal, and whoever gets an
answer can read it. The record's key is (case, sequence): a repeat is harmless. A line that the service refuses for good holds the case where it
is, for everybody to see, until somebody has it tried again.

What a decision leads to belongs to the trace of that decision, not to that of the case's start: an entry keeps the context it was made in, and
`run` goes on in it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

from workflows.guard import guarded, refuse

with workflow.unsafe.imports_passed_through():
    from opentelemetry import context
    from pydantic import BaseModel

Entry = TypeVar("Entry", bound=BaseModel)
RECORD_AGAIN = "record_again"
SENTENCES = {
    "not_recorded": "该决定未能写入台账，案件已停办待查。请联系系统管理员处理，处理后会继续办理，无需重复提交。",
    "held": "案件有一条记录未能写入台账，已停办待查。请联系系统管理员处理后再试。",
    "not_held": "案件没有未写入台账的记录。",
}


class Journal(Generic[Entry]):
    """Entries that wait to be recorded. `recorded` counts all that are; both are carried through continue-as-new."""

    def __init__(self, unwritten: tuple[Entry, ...] = (), recorded: int = 0) -> None:
        self._unwritten = list(unwritten)
        self._causes = [context.get_current() for _ in unwritten]
        self.recorded = recorded
        self.held: str | None = None

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
        self._causes.append(context.get_current())
        return self.recorded + len(self._unwritten)

    async def write(self, record: Callable[[Entry], Awaitable[object]], tell: Callable[[Entry, str], Awaitable[object]]) -> None:
        """Record what waits, oldest first. Only `run` calls this. What is refused for good is told, with its code, and waited for."""
        while self._unwritten:
            context.attach(self._causes[0])
            code = await _refusal(record(self._unwritten[0]))
            if code is None:
                self._unwritten.pop(0)
                self._causes.pop(0)
                self.recorded += 1
            else:
                self.held = code
                await tell(self._unwritten[0], code)
                await workflow.wait_condition(lambda: self.held is None)

    async def until_recorded(self, sequence: int) -> None:
        """Wait until the entry with this number is recorded. Handlers end with it. Refuses when it cannot be."""
        await workflow.wait_condition(lambda: self.recorded >= sequence or self.held is not None)
        if self.recorded < sequence:
            raise refuse("not_recorded", SENTENCES["not_recorded"])

    def ensure_not_held(self) -> None:
        """A validator's question: nobody decides on what is not in the tables."""
        if self.held is not None:
            raise refuse("held", SENTENCES["held"])


class Recorded:
    """What every workflow with a journal answers; mix it in and set `self.journal` in `@workflow.init`."""

    journal: Journal[Any]

    @workflow.update(name=RECORD_AGAIN)
    @guarded
    async def record_again(self) -> int:
        """The cause was mended: try the line that was refused again. Answers how many lines are recorded."""
        sequence, self.journal.held = self.journal.recorded + 1, None
        await self.journal.until_recorded(sequence)
        return self.journal.recorded

    @record_again.validator
    def _may_record_again(self) -> None:
        if self.journal.held is None:
            raise refuse("not_held", SENTENCES["not_held"])


async def _refusal(recording: Awaitable[object]) -> str | None:
    """The code of a refusal that is final; None when the line is recorded. Anything else goes on as it came."""
    try:
        await recording
    except ActivityError as failed:
        if not isinstance(failed.cause, ApplicationError):
            raise
        return failed.cause.type or "refused"
    return None
