"""Which fault hits what, and when: from the seed alone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

from deploy.chaos import faults, faults_events, faults_lanes, faults_stores
from deploy.chaos.faults import Fault, Scene, Skipped
from deploy.local.place import WrongPlace

KINDS: tuple[type[Fault], ...] = (
    faults.Kill,
    faults.Freeze,
    faults.Restart,
    faults.Crash,
    faults.Refused,
    faults.Slow,
    faults.Silent,
    faults_stores.DiskFull,
    faults_stores.LostTail,
    faults_events.Duplicates,
    faults_events.OldInDisorder,
    faults_events.Swapped,
    faults_events.Leap,
    faults_lanes.LockExpired,
    faults_lanes.Sleeper,
    faults_lanes.SecondWorkflows,
    faults_lanes.OlderWorkflows,
)
EVERY = 5.0
"""Seconds between two beginnings, on average."""
OFTEN = {faults.Kill: 4, faults.Freeze: 2, faults.Restart: 2}
"""Those with many targets come more often than once per round."""
TRIES, REST = 10, 8.0
"""How often a fault insists; how long a target is left alone after a fault, in seconds."""
PAUSE = 3.0
TOO_LATE = 0.12
"""No fault begins in this last share of the time, so that the load goes on after the last one."""


@dataclass
class Done:
    """A fault as it went: begun at (seconds since the start), what it did in particular, and why it was skipped or failed, if it was."""

    name: str
    target: str
    at: float
    seconds: float = 0.0
    skipped: str = ""
    failed: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


def kinds_named(names: Collection[str]) -> list[type[Fault]]:
    """The kinds of these names; all when none is named. WrongPlace for a name that is none."""
    known = {kind.name: kind for kind in KINDS}
    if unknown := set(names) - set(known):
        raise WrongPlace(f"没有名为 {'、'.join(sorted(unknown))} 的故障。现有：{'、'.join(known)}")
    return [kind for name, kind in known.items() if not names or name in names]


def plan(seed: int, seconds: float, kinds: list[type[Fault]]) -> list[tuple[float, Fault]]:
    """When each fault begins, in seconds from the start."""
    chance = Random(f"{seed}/faults")  # noqa: S311  a schedule, not a secret
    count = max(len(kinds), int(seconds * (1 - TOO_LATE) / EVERY))
    order = [
        kind(target, Random(f"{seed}/fault/{number}"))  # noqa: S311  as above
        for number, (kind, target) in enumerate(islice(_endless(chance, kinds), count))
    ]
    moments = sorted(chance.uniform(0.02, 1 - TOO_LATE) * seconds for _ in order)
    return [*zip(moments, order, strict=True)]


def _endless(chance: Random, kinds: list[type[Fault]]) -> Iterator[tuple[type[Fault], str]]:
    """Round after round of all kinds; the targets of a kind take turns."""
    turns = {kind: chance.sample(kind.targets(), len(kind.targets())) for kind in kinds}
    used = dict.fromkeys(kinds, 0)
    while True:
        for kind in chance.sample(kinds, len(kinds), counts=None) + chance.choices(
            kinds, [OFTEN.get(kind, 0) or 0.001 for kind in kinds], k=4
        ):
            yield kind, turns[kind][used[kind] % len(turns[kind])]
            used[kind] += 1


async def carry_out(scene: Scene, planned: list[tuple[float, Fault]], tell: Callable[[Done], None]) -> list[Done]:
    """All of them, side by side where their targets differ; a target rests between two of its faults."""
    began, done = time.monotonic(), list[Done]()
    busy: dict[str, asyncio.Lock] = {}
    async with asyncio.TaskGroup() as group:
        for at, fault in planned:
            await asyncio.sleep(max(0.0, at - (time.monotonic() - began)))
            if scene.client.stopping.is_set():
                break
            busy.setdefault(fault.target, asyncio.Lock())
            group.create_task(_one(scene, fault, busy, began, done, tell))
    return done


async def _one(
    scene: Scene, fault: Fault, busy: dict[str, asyncio.Lock], began: float, done: list[Done], tell: Callable[[Done], None]
) -> None:
    async with busy[fault.target]:
        this = Done(fault.name, fault.target, round(time.monotonic() - began, 1), parameters=fault.parameters)
        try:
            await _as_planned(scene, fault, busy)
        except Skipped as reason:
            this.skipped = str(reason)
        except Exception as error:  # noqa: BLE001  whatever it is, it is told, and the verdict is not kept
            this.failed = f"{type(error).__name__}: {error}"[:200]
        this.seconds = round(time.monotonic() - began - this.at, 1)
        done.append(this)
        tell(this)
        await asyncio.sleep(REST)


async def _as_planned(scene: Scene, fault: Fault, busy: dict[str, asyncio.Lock]) -> None:
    await _insist(fault.begin, scene, fault, busy)
    try:
        await asyncio.sleep(fault.lasts)
    finally:
        await _insist(fault.end, scene, fault, busy)


async def _insist(act: Callable[[Scene], Awaitable[None]], scene: Scene, fault: Fault, busy: dict[str, asyncio.Lock]) -> None:
    """Try again for a while where a server is away. Skipped when that was the doing of another fault."""
    held: set[str] = set()
    for left in reversed(range(TRIES)):
        try:
            await act(scene)
        except faults.AWAY as error:
            held |= {server for server in faults.SERVERS if server != fault.target and server in busy and busy[server].locked()}
            if not left and held:
                raise Skipped(f"{'、'.join(sorted(held))} 正被另一故障占用（{type(error).__name__}）") from error
            if not left:
                raise
            await asyncio.sleep(PAUSE)
        else:
            return
