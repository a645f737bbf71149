"""What is known about the running parts: written by the supervisor, read by everybody else."""

import fcntl
import json
import os
import struct
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

import psutil

_LOCK = "hhqqi"


class State(StrEnum):
    """Where a part is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DONE = "done"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


GOOD = {State.READY, State.DONE}


def birth(pid: int) -> int | None:
    """When a process began, in the kernel's ticks since boot: with its number the one name that is never given twice. None when it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in {"Z", "X"} else int(fields[19])


@dataclass
class PartState:
    """One part as the supervisor sees it; `since` is a Unix time, `born` see `birth`, `took` is seconds from its start until ready."""

    name: str
    state: State = State.WAITING
    pid: int | None = None
    born: int | None = None
    port: int | None = None
    since: float = 0.0
    took: float | None = None
    restarts: int = 0
    last_error: str = ""
    aside: bool = False

    @property
    def as_it_should(self) -> bool:
        """Whether nobody need look after it: it is good, or stands aside and is on its way."""
        return self.state in GOOD or (self.aside and self.state is not State.FAILED)

    def become(self, state: State) -> None:
        """Change the state and remember when."""
        self.state, self.since = state, time.time()

    def process(self) -> psutil.Process | None:
        """The living process, unless its number has come to mean another one."""
        if self.pid is None or self.born is None or birth(self.pid) != self.born:
            return None
        try:
            return psutil.Process(self.pid)
        except psutil.NoSuchProcess:
            return None

    def memory(self) -> int:
        """Bytes of memory of the process and its children, shared pages divided among those who share them."""
        process = self.process()
        return sum(_proportional(each) for each in [process, *process.children(recursive=True)]) if process else 0


def _proportional(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:
        return 0


def write(path: Path, parts: Iterable[PartState]) -> None:
    """Publish; a reader sees the old text or the new one, never half of it."""
    half = path.with_suffix(".new")
    half.write_text(json.dumps({"supervisor": os.getpid(), "parts": [asdict(part) for part in parts]}), encoding="utf-8")
    half.rename(path)


def read(path: Path) -> tuple[int | None, list[PartState]]:
    """What was published last, and the pid of the supervisor that did it (it may be gone). A file that a loss of power left empty says nothing."""
    if not path.exists():
        return None, []
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return None, []
    return known["supervisor"], [PartState(**(part | {"state": State(part["state"])})) for part in known["parts"]]


def lock(path: Path) -> int | None:
    """Become the one of a home that may (supervise, start) until this process ends or closes the answer; None when there is one already."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle


def holder(path: Path) -> int | None:
    """The pid of another process that has a lock. The kernel knows it, so that no stale file can lie."""
    if not path.exists():
        return None
    with path.open("rb+") as file:
        answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(_LOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    kind, _, _, _, pid = struct.unpack(_LOCK, answer)
    return None if kind == fcntl.F_UNLCK else int(pid)
