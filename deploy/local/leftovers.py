"""What a supervisor that was killed with -9 may leave: children that the kernel is ending, or that hang. The next start ends them first."""

import contextlib
import os
import signal
import time

from deploy.local import state
from deploy.local.place import Place
from deploy.local.state import PartState

PATIENCE = 15.0


def end(place: Place) -> bool:
    """End every process of an earlier life of this stack and wait until its ports and files are free; False when there was none."""
    _, parts = state.read(place.state_file)
    left = [part for part in parts if part.process()]
    for part in left:
        _signal(part, signal.SIGINT if part.name == "postgres" else signal.SIGTERM)
    for part in _still_there_after(PATIENCE, left):
        _signal(part, signal.SIGKILL)
    _still_there_after(PATIENCE, left)
    return bool(left)


def _signal(part: PartState, how: signal.Signals) -> None:
    if part.pid and part.process():
        with contextlib.suppress(ProcessLookupError):
            (os.killpg if how is signal.SIGKILL else os.kill)(part.pid, how)


def _still_there_after(seconds: float, parts: list[PartState]) -> list[PartState]:
    deadline = time.monotonic() + seconds
    while (left := [part for part in parts if part.process()]) and time.monotonic() < deadline:
        time.sleep(0.05)
    return left
