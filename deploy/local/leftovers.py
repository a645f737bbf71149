"""What a supervisor that was killed with -9 may leave: children that the kernel is ending, or that hang. The next start ends them first."""

import contextlib
import os
import signal

import psutil

from deploy.local import state
from deploy.local.place import Place

PATIENCE = 15.0


def end(place: Place) -> bool:
    """End every process of an earlier life of this stack and wait until its ports and files are free; False when there was none."""
    _, parts = state.read(place.state_file)
    left = {part.name: process for part in parts if (process := part.process())}
    for name, process in left.items():
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGINT if name == "postgres" else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(list(left.values()), PATIENCE)
    for process in stubborn:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    psutil.wait_procs(stubborn, PATIENCE)
    return bool(left)
