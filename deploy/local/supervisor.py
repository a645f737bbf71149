"""The supervisor: starts parts in dependency order, keeps them running, stops them in reverse.

Every part is one task. It waits for its predecessors, starts its process, waits until it is ready, and starts it again when it dies.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import Iterable
from typing import TypeAlias

from deploy.local import nursery, process, state
from deploy.local.part import Part
from deploy.local.place import Place
from deploy.local.state import GOOD, PartState, State

RESTART_LIMIT = 10
LIMIT_BEFORE_FIRST_READY = 4
RESTART_WINDOW = 300.0
FIRST_PAUSE = 0.3
LONGEST_PAUSE = 10.0
STEADY = 5.0
"""Who was ready for so many seconds did not die of its start: it is started again as after a first death, and its deaths are counted from there."""
MOST_PATIENT = 3
"""How often the time for a start is doubled while it is not enough. Who is only slow does not die, so it is never given up."""
PROBE_PAUSE = 0.05
HOUSEKEEPING = 30.0

Running: TypeAlias = asyncio.subprocess.Process | nursery.Child


class Keeper:
    """Keeps one part as it should be."""

    def __init__(self, part: Part, supervisor: "Supervisor") -> None:
        self.part, self.supervisor = part, supervisor
        self.log = supervisor.place.home / "log" / f"{part.name}.log"
        self.seen = PartState(part.name, port=part.ports[0] if part.ports else None, aside=part.aside)
        self.good, self.ended, self._wake = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._process: Running | None = None
        self._deaths: list[float] = []
        self._slow, self._late = 0, False
        self._life: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Start the part's life."""
        self._life = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        for name in self.part.after:
            await self.supervisor.keepers[name].good.wait()
        while error := await self._one_life():
            self.good.clear()
            if not self._wake.is_set():
                await self._rest(error)
            self._wake.clear()

    async def _one_life(self) -> str:
        """Run the process until it ends, however it ends; answers with what went wrong, or nothing when a job is done."""
        self._become(State.STARTING)
        self._late = False
        try:
            return await self._live(time.monotonic())
        except Exception as error:  # noqa: BLE001  a part is tried again whatever it was
            if self._process:
                await self._end(self._process)
            self._process, self.seen.pid = None, None
            return str(error) or type(error).__name__

    async def _live(self, started: float) -> str:
        if self.part.prepare:
            await asyncio.to_thread(self.part.prepare)
        self._process = await self._spawn()
        self.seen.pid, self.seen.born = self._process.pid, state.birth(self._process.pid)
        self.supervisor.publish()
        ready = asyncio.create_task(self._await_ready(started))
        try:
            code = await self._process.wait()
        finally:
            ready.cancel()
        error = self._bury(code, started)
        return (ready.done() and ready.result()) or error

    async def _spawn(self) -> Running:
        process.refuse_taken_ports(self.part.ports)
        with contextlib.suppress(OSError):  # on a full disk the log goes on as long as it is
            process.rotate(self.log)
        return await (nursery.fork if self.part.forked else process.spawn)(self.part, self.log)

    async def _await_ready(self, started: float) -> str:
        """Probe until the part can be used; one that takes too long is killed, so that it is started again, and what it lacked is answered."""
        if self.part.job:
            return ""
        patience = self._patience()
        while (problem := await self._problem()) and time.monotonic() - started < patience:  # noqa: ASYNC110  a server tells nobody
            await asyncio.sleep(PROBE_PAUSE)
        if problem:
            self._slow, self._late = self._slow + 1, True
            self._signal(signal.SIGKILL)
            return f"{patience:.0f} 秒内未就绪：{problem}。再试时最多等 {self._patience():.0f} 秒"
        self._slow = 0
        self.seen.took = round(time.monotonic() - started, 2)
        self._become(State.READY)
        return ""

    def _patience(self) -> float:
        return float(self.part.start_seconds * 2 ** min(self._slow, MOST_PATIENT))

    async def _problem(self) -> str:
        """Why the part cannot be used yet; empty when it can."""
        if self.part.probe is None:
            return ""
        try:
            await asyncio.wait_for(self.part.probe(self.seen.pid or 0), 10)
        except Exception as error:  # noqa: BLE001  a driver may raise anything while its server starts
            return str(error) or type(error).__name__
        return ""

    def _bury(self, code: int, started: float) -> str:
        self._process, self.seen.pid = None, None
        if self.part.job and code == 0:
            self.seen.took = round(time.monotonic() - started, 2)
            self._become(State.DONE)
            return ""
        if code < 0:
            return f"被信号 {signal.Signals(-code).name} 终止"
        return f"退出码 {code}；{process.last_line(self.log)}"

    async def _rest(self, error: str) -> None:
        """Pause longer after each death or late start in a row; after too many deaths in a short time wait until somebody asks for a restart."""
        self.seen.last_error = error
        now, steady = time.monotonic(), self.seen.state is State.READY and time.time() - self.seen.since >= STEADY
        self._deaths = [death for death in self._deaths if not steady and now - death < RESTART_WINDOW] + [now] * (not self._late)
        if len(self._deaths) >= (RESTART_LIMIT if self.seen.took else LIMIT_BEFORE_FIRST_READY):
            self._become(State.FAILED)
            await self._wake.wait()
            self._deaths, self._slow = [], 0
            return
        self.seen.restarts += 1
        self._become(State.RESTARTING)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), min(FIRST_PAUSE * 2 ** (len(self._deaths) + self._slow - 1), LONGEST_PAUSE))

    def restart(self) -> None:
        """End the process, so that it is started again at once; what was given up is tried anew, a job that is done is done again."""
        if self._life and self._life.done():
            self.begin()
        else:
            self._wake.set()
            if self._process:
                self._ending = asyncio.create_task(self._end(self._process))

    async def stop(self) -> None:
        """End the part for good, after all that depend on it."""
        for keeper in self.supervisor.keepers.values():
            if self.part.name in keeper.part.after:
                await keeper.ended.wait()
        if self._life:
            self._life.cancel()
            await asyncio.wait([self._life])
        if self._process and self._process.returncode is None:
            self._become(State.STOPPING)
            await self._end(self._process)
        self.seen.pid = None
        self._become(State.STOPPED)
        self.ended.set()

    async def _end(self, running: Running) -> None:
        """Tell it to end; whoever does not is ended."""
        self._signal(self.part.stop_signal)
        try:
            await asyncio.wait_for(running.wait(), self.part.stop_seconds)
        except TimeoutError:
            process.end_group(running.pid, signal.SIGKILL)
            await running.wait()

    def _signal(self, how: signal.Signals) -> None:
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)

    def _become(self, new: State) -> None:
        self.seen.become(new)
        if new in GOOD:
            self.good.set()
        self.supervisor.publish()


class Supervisor:
    """All parts of one stack."""

    def __init__(self, place: Place, parts: Iterable[Part]) -> None:
        self.place = place
        self.keepers = {part.name: Keeper(part, self) for part in parts}
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Run until SIGTERM or SIGINT; a terminal that is closed changes nothing. SIGUSR1: look for requests in the folder `run`."""
        loop = asyncio.get_running_loop()
        for ending in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(ending, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, lambda: None)
        loop.add_signal_handler(signal.SIGUSR1, self._read_requests)
        if any(keeper.part.forked for keeper in self.keepers.values()):
            nursery.open_nursery()
        for keeper in self.keepers.values():
            keeper.begin()
        housekeeping = asyncio.create_task(self._keep_house())
        await self._stop.wait()
        housekeeping.cancel()
        await asyncio.gather(*(keeper.stop() for keeper in self.keepers.values()))

    def publish(self) -> None:
        """Write down what is known now. Where there is no room for it, the next change or the next housekeeping writes it."""
        with contextlib.suppress(OSError):
            state.write(self.place.state_file, (keeper.seen for keeper in self.keepers.values()))

    def _read_requests(self) -> None:
        for request in (self.place.home / "run").glob("restart.*"):
            request.unlink()
            if keeper := self.keepers.get(request.name.removeprefix("restart.")):
                keeper.restart()

    async def _keep_house(self) -> None:
        while True:
            await asyncio.sleep(HOUSEKEEPING)
            self.publish()
            for log in (self.place.home / "log").glob("*.log"):
                with contextlib.suppress(OSError):
                    process.rotate(log)
