"""Faults of ownership: a lane lock that expires, a sleeper who wakes up after somebody else has taken over his work, an extra workflow worker."""

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from typing import Any

import psutil

from deploy.chaos.faults import Fault, Scene, Skipped, ready, signal_part
from deploy.databases import logged_in
from deploy.local.place import PROJECT, Service
from deploy.local.process import end_with_parent


async def expire_locks(scene: Scene, service: str) -> int:
    """End the database sessions that hold a service's lane locks; how many there were."""
    async with logged_in(scene.ground.place.database_url("postgres", "bianban")) as superuser:
        rows = await superuser.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1"
            " AND (application_name LIKE 'relay %' OR application_name LIKE 'consumer %')",
            service,
        )
    return len(rows)


class LockExpired(Fault):
    """The sessions that hold the lane locks of a service end, and its worker does not know why."""

    name = "lock-expired"

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("roster", "approval", "monitoring", "reporting")

    async def begin(self, scene: Scene) -> None:
        ended = self.parameters["sessions"] = await expire_locks(scene, self.target)
        if not ended:
            raise Skipped(f"{self.target} 此刻没有占用任何通道")


@dataclass
class Twin:
    """A second process of a part, beside the supervised one."""

    process: Any

    @classmethod
    async def start(cls, scene: Scene, module: str, service: Service | None) -> "Twin":
        with (scene.ground.place.home / "log" / "twin.log").open("ab") as log:
            return cls(
                await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", module),
                    cwd=PROJECT,
                    env=scene.ground.place.variables(service),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=end_with_parent(signal.SIGTERM, os.getpid()),
                )
            )

    async def connected(self, port: int) -> None:
        """Wait until it has reached a server, ten seconds at most."""
        for _ in range(100):
            if self.process.returncode is not None:
                return
            found = psutil.Process(self.process.pid).net_connections("tcp4")
            if any(each.status == psutil.CONN_ESTABLISHED and each.raddr.port == port for each in found):
                return
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """SIGTERM, and kill -9 where that does not help."""
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), 25)
            except TimeoutError:
                self.process.kill()


class Sleeper(Fault):
    """A worker is frozen in the middle of its work and its locks expire; a twin takes its lanes and its activities over; then it wakes up.

    So a relay sends and deletes what is no longer its own, and an activity attempt wakes up after its case has gone on (or was withdrawn: the load
    withdraws applications while their claim is on its way).
    """

    name = "sleeper"
    lasts = 18.0

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("roster-worker", "approval-worker", "monitoring-worker")

    async def begin(self, scene: Scene) -> None:
        service: Any = self.target.removesuffix("-worker")
        self._part = await ready(scene, self.target)
        self._twin = await Twin.start(scene, f"services.{service}.worker", service)
        try:
            await self._twin.connected(scene.ground.place.reached("temporal"))
            signal_part(self._part, signal.SIGSTOP)
            await expire_locks(scene, service)
        except BaseException:
            await self.end(scene)
            raise

    async def end(self, scene: Scene) -> None:  # noqa: ARG002  every fault has this form
        signal_part(self._part, signal.SIGCONT)
        await asyncio.sleep(2)
        await self._twin.stop()


class SecondWorkflows(Fault):
    """A second workflow worker comes and is killed: cases move between processes in the middle of their steps."""

    name = "second-workflows"
    lasts = 12.0
    module = "workflows.worker"

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("workflows-twin",)

    async def begin(self, scene: Scene) -> None:
        self._twin = await Twin.start(scene, self.module, None)
        await self._twin.connected(scene.ground.place.reached("temporal"))

    async def end(self, scene: Scene) -> None:  # noqa: ARG002  as above
        if self._twin.process.returncode is None:
            self._twin.process.kill()
            await self._twin.process.wait()


class OlderWorkflows(SecondWorkflows):
    """The same, of an older build, while today's worker dies and comes again: the cases that it had go to whoever is there.

    The older one carries on what it can replay and begins cases in the old way; the others wait until it is gone.
    """

    name = "older-workflows"
    module = "deploy.chaos.older_workflows"

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("workflows-worker",)

    async def begin(self, scene: Scene) -> None:
        part = await ready(scene, self.target)
        await super().begin(scene)
        signal_part(part, signal.SIGKILL)
