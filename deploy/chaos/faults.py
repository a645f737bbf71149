"""Faults of processes: each begins, lasts as long as it says, and ends so that the part heals by itself."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

import asyncpg
from aiokafka.errors import KafkaError
from temporalio.service import RPCError

from deploy.chaos.client import Client
from deploy.chaos.ground import Ground
from deploy.local.stack import published, restart
from deploy.local.state import PartState, State

SERVICES = ("identity", "roster", "approval", "monitoring", "reporting")
PROCESSES = (*(f"{service}-{half}" for service in SERVICES for half in ("app", "worker")), "portal", "workflows-worker", "seal")
SERVERS = ("postgres", "kafka", "temporal")
AWAY = (OSError, KafkaError, RPCError, RuntimeError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What is raised where a server does not answer; RuntimeError by Temporal's client, where it cannot connect."""
FREEZE = 20.0
PATIENCE = 90.0


class Skipped(Exception):  # noqa: N818  named as the fact it states
    """The fault cannot be had here, or has met nothing that it could hit; the text says why."""


class Unfinished(Exception):  # noqa: N818  as above
    """The fault was begun and did not come to its end."""


@dataclass
class Scene:
    """What a fault may use: the stack and the load's client. `planted`: events whose order a fault has broken on purpose."""

    ground: Ground
    client: Client
    planted: set[str] = field(default_factory=set)


class Fault:
    """One kind of fault on one target. `lasts` is seconds between `begin` and `end`; nothing else is done to the target meanwhile.

    `chance` are random numbers of its own, so that no other fault changes what it does; `parameters` tell what it has done.
    """

    name: ClassVar[str]
    lasts: float = 0.0

    def __init__(self, target: str, chance: Random) -> None:
        self.target, self.chance = target, chance
        self.parameters: dict[str, Any] = {}

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        """What it may hit."""
        return (*PROCESSES, *SERVERS)

    async def begin(self, scene: Scene) -> None:
        """Do it. Raises Skipped; whatever else it raises, nothing of it is left."""

    async def end(self, scene: Scene) -> None:
        """Undo what does not go by itself."""

    def __str__(self) -> str:
        return f"{self.name} {self.target}"


def part_of(scene: Scene, name: str) -> PartState:
    """The part as its supervisor sees it."""
    return next(each for each in published(scene.ground.place) if each.name == name)


async def ready(scene: Scene, name: str) -> PartState:
    """Wait until a part has a living process and is ready."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        part = part_of(scene, name)
        if part.state is State.READY and part.process():
            return part
        await asyncio.sleep(0.1)
    raise Skipped(f"{name} 没有就绪")


def signal_part(part: PartState, how: signal.Signals) -> None:
    """Signal a part's process and its children, if it is still the same one."""
    for pid in [*children_of(part), part.pid]:
        if pid and part.process():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, how)


def children_of(part: PartState) -> Iterator[int]:
    """PostgreSQL's backends; none for most."""
    process = part.process()
    yield from (each.pid for each in process.children(recursive=True)) if process else ()


class Kill(Fault):
    """kill -9 of the process and its children."""

    name = "kill"

    async def begin(self, scene: Scene) -> None:
        signal_part(await ready(scene, self.target), signal.SIGKILL)


class Freeze(Fault):
    """SIGSTOP, and SIGCONT after twenty seconds: it wakes up and knows nothing of the time between."""

    name = "freeze"
    lasts = FREEZE

    async def begin(self, scene: Scene) -> None:
        self._part = await ready(scene, self.target)
        signal_part(self._part, signal.SIGSTOP)

    async def end(self, scene: Scene) -> None:  # noqa: ARG002  every fault has this form
        signal_part(self._part, signal.SIGCONT)


class Restart(Fault):
    """As `bianban restart`."""

    name = "restart"

    async def begin(self, scene: Scene) -> None:
        await restart(scene.ground.place, await ready(scene, self.target))


class Crash(Fault):
    """kill -9 of every worker at once."""

    name = "kill-all-workers"

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("workers",)

    async def begin(self, scene: Scene) -> None:
        for part in published(scene.ground.place):
            if part.name.endswith("-worker"):
                signal_part(part, signal.SIGKILL)


class Network(Fault):
    """What the way to one server does to everybody who goes it."""

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return SERVERS


class Refused(Network):
    """Connections are cut and new ones refused."""

    name = "refused"
    lasts = 5.0

    async def begin(self, scene: Scene) -> None:
        await scene.ground.ways[self.target].shut()

    async def end(self, scene: Scene) -> None:
        await scene.ground.ways[self.target].open()


class Slow(Network):
    """Every piece comes 0.2 to 2 seconds late."""

    name = "slow"
    lasts = 8.0

    async def begin(self, scene: Scene) -> None:
        delay = self.parameters["delay"] = self.chance.choice([0.2, 0.5, 2.0])
        scene.ground.ways[self.target].delay = delay

    async def end(self, scene: Scene) -> None:
        scene.ground.ways[self.target].speak()


class Silent(Network):
    """Half-open: connections stay, nothing goes either way."""

    name = "silent"
    lasts = 12.0

    async def begin(self, scene: Scene) -> None:
        scene.ground.ways[self.target].hush()

    async def end(self, scene: Scene) -> None:
        scene.ground.ways[self.target].speak()
