"""Whether a transaction put anything into the outbox. The one who commits it wakes the relay then, and spares everybody the round trips otherwise."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Stir:
    """`told`: something waits for the relay once the transaction is committed."""

    told: bool = False


_stir = ContextVar[Stir]("stir")


@contextmanager
def watched() -> Iterator[Stir]:
    """Watch what is done inside."""
    stir = Stir()
    before = _stir.set(stir)
    try:
        yield stir
    finally:
        _stir.reset(before)


def tell() -> None:
    """Something was put into the outbox."""
    if stir := _stir.get(None):
        stir.told = True
