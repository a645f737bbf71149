"""Starting and stopping a stack from outside its supervisor: what `bianban` and the tests do."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager

import psutil

from deploy.local import disks, leftovers, process, state
from deploy.local.place import PORTS, PROJECT, Place
from deploy.local.state import GOOD, PartState, State

GLANCE = 0.1
_AGAIN = "其余部件仍在运行。排除原因后，请用 bianban restart 重启上述部件；换用了另一版本程序的，请先运行 bianban down，再运行 bianban up。"


class StartFailed(Exception):  # noqa: N818  named as the fact it states
    """The stack did not come up; the text names the part and its last error."""


def supervisor(place: Place) -> int | None:
    """The pid of the stack's supervisor, when it runs."""
    return state.holder(place.home / "run" / "supervisor.lock")


def launch(place: Place, parts: Iterable[str] = (), *, with_parent: bool = False) -> None:
    """Start the supervisor, detached from the terminal; harmless when there is one, also one that started meanwhile."""
    place.make_folders()
    if supervisor(place):
        return
    options = ["--parent", str(os.getpid())] if with_parent else []
    with (place.home / "log" / "supervisor.log").open("ab") as log:
        started = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", *options, *parts],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=PROJECT,
            env=place.of_all_parts(),
            start_new_session=True,
        )
    while supervisor(place) != started.pid:
        if started.poll() is not None:
            if supervisor(place):
                return  # somebody else's start was a moment earlier
            raise StartFailed(f"监管进程未能启动，见 {log.name}")
        time.sleep(0.02)


@contextmanager
def starting(place: Place, tell: Callable[[int], None]) -> Iterator[None]:
    """One start of a home at a time: whoever comes later waits until the one before has ended, however it did; `tell` hears the pid of each he waits for."""
    lock, told = place.home / "run" / "start.lock", set[int]()
    while (mine := state.lock(lock)) is None:
        other = state.holder(lock)
        if other and other not in told:
            told.add(other)
            tell(other)
        time.sleep(GLANCE)
    try:
        yield
    finally:
        os.close(mine)


def published(place: Place) -> list[PartState]:
    """The parts as the living supervisor published them; nothing from an earlier life."""
    publisher, parts = state.read(place.state_file)
    return parts if publisher == supervisor(place) else []


def stop(place: Place) -> bool:
    """Stop the stack and wait until nothing of it is left; False when nothing ran."""
    pid = supervisor(place)
    if pid:
        with contextlib.suppress(psutil.NoSuchProcess):
            running = psutil.Process(pid)
            running.send_signal(signal.SIGTERM)
            running.wait()
    return leftovers.end(place) or pid is not None


async def until_ready(place: Place, tell: Callable[[PartState], None] | None = None, patience: float = 180.0) -> None:
    """Wait until every part is good but those that stand aside; `tell` hears of each when it is, and of each that has to be tried again.

    StartFailed when one was given up, or the supervisor ended, or patience (seconds) did.
    """
    told: set[tuple[str, State, int]] = set()
    deadline = time.monotonic() + patience
    while True:
        parts = published(place)
        for part in parts:
            news = (part.name, part.state, part.restarts)
            if tell and part.state in GOOD | {State.RESTARTING} and news not in told:
                told.add(news)
                tell(part)
        if parts and all(part.state in GOOD for part in parts if not part.aside):
            return
        _refuse_hopeless(place, parts, late=time.monotonic() > deadline)
        await pause()


async def pause() -> None:
    """As long as somebody who waits for a part should look away."""
    await asyncio.sleep(GLANCE)


def _refuse_hopeless(place: Place, parts: list[PartState], *, late: bool) -> None:
    _supervised(place)
    lost = [part for part in parts if not part.aside and (part.state is State.FAILED or (late and part.state not in GOOD))]
    if lost:
        told = [f"{part.name}：{part.last_error or f'尚未就绪，请看 bianban logs {part.name}'}" for part in lost]
        raise StartFailed("\n".join(filter(None, [*told, disks.full(place), _AGAIN])))


async def restart(place: Place, part: PartState, patience: float = 180.0) -> None:
    """Ask the supervisor to restart a part and wait until it is good again. StartFailed when it is given up, or the supervisor ended, or patience
    (seconds) did: then it goes on without anybody who waits.
    """
    deadline, watching = time.monotonic() + patience, _supervised(place)
    (place.home / "run" / f"restart.{part.name}").touch()
    os.kill(watching, signal.SIGUSR1)
    now = part
    while now.since <= part.since or now.state not in GOOD:
        await pause()
        _supervised(place)
        now = next((each for each in published(place) if each.name == part.name), part)
        if now.since > part.since and now.state is State.FAILED:
            raise _not_back(place, now, "已放弃启动")
        if time.monotonic() > deadline:
            raise _not_back(place, now, f"{patience:.0f} 秒内没有重启完成，仍在继续")


def _supervised(place: Place) -> int:
    if pid := supervisor(place):
        return pid
    raise StartFailed("监管进程已退出。请运行 bianban up。")


def _not_back(place: Place, part: PartState, how: str) -> StartFailed:
    error = f"（{part.last_error}）" if part.last_error else ""
    told = f"{part.name} {how}{error}。请看 bianban status 和 bianban logs {part.name}。"
    return StartFailed("\n".join(filter(None, [told, disks.full(place)])))


def refuse_taken(place: Place) -> None:
    """Raise PortTaken when somebody else has a port of this stack; harmless while the stack runs itself."""
    if supervisor(place) is None:
        leftovers.end(place)
        process.refuse_taken_ports(PORTS[name] + place.offset for name in PORTS)


def has_data(place: Place) -> bool:
    """Whether this stack was ever started."""
    return (place.home / "pg" / "data").exists()


def ensure_keys(place: Place) -> None:
    """Before the first thing starts. WrongPlace where there is data and a key that opens it is gone."""
    from deploy.local import secret_files  # noqa: PLC0415  most commands need no ciphers

    if has_data(place):
        histories = (secret_files.HISTORIES,) if (place.home / "temporal" / "temporal.db").exists() else ()
        secret_files.ensure_kept(place.home / "secrets", (*secret_files.OPENING, *histories))


@asynccontextmanager
async def running(place: Place, parts: Iterable[str]) -> AsyncIterator[Place]:
    """A fresh stack of the named parts (and what they wait for) for the length of a block. It ends with this process at the latest."""
    if supervisor(place):
        raise StartFailed(f"{place.home} 正在使用中")
    leftovers.end(place)
    place.forget()
    launch(place, parts, with_parent=True)
    try:
        await until_ready(place)
        yield place
    finally:
        stop(place)
