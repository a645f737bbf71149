"""How long a page waits for the services, so that what it costs itself can be told apart (`Server-Timing`)."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Waits:
    """Seconds in which at least one call of this request was under way: calls side by side are waited for once."""

    seconds: float = 0.0
    under_way: int = 0
    since: float = 0.0

    def begin(self) -> None:
        """A call goes out."""
        if not self.under_way:
            self.since = time.perf_counter()
        self.under_way += 1

    def end(self) -> None:
        """Its answer is here."""
        self.under_way -= 1
        if not self.under_way:
            self.seconds += time.perf_counter() - self.since


_waits = ContextVar[Waits | None]("waits", default=None)


def counted() -> Waits:
    """Count from now on, in this request."""
    waits = Waits()
    _waits.set(waits)
    return waits


@contextmanager
def waiting() -> Iterator[None]:
    """One call of a service."""
    waits = _waits.get() or Waits()
    waits.begin()
    try:
        yield
    finally:
        waits.end()
