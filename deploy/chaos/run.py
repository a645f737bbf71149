"""One run from its beginning to its verdict."""

import asyncio
import json
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy import clock
from deploy.chaos import recovery
from deploy.chaos.compare import CHECKS
from deploy.chaos.faults import Scene
from deploy.chaos.faults_events import replay_all
from deploy.chaos.ground import Ground, ground
from deploy.chaos.ledger import Ledger, Line
from deploy.chaos.load import load
from deploy.chaos.quiet import PATIENCE, come_to_rest
from deploy.chaos.recovery import Recovered
from deploy.chaos.schedule import Done, carry_out, kinds_named, plan
from deploy.chaos.silence import acknowledged, load_that_stopped, unanswered
from deploy.chaos.topics import compare_topics
from deploy.databases import logged_in
from deploy.local.place import Place
from deploy.quiet import Pulse, StillBusy, pulse_of
from shared.clock import Clock
from workflows.schedules import SCHEDULES

RECOVERY = 5.0
"""A part is ready this many seconds after its start, says the aim; it is told, and no part of the verdict."""
PROGRESS = 15.0
_A_WHILE = 3.0
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Asked:
    """What is to be run. `rate`: requests a second of the registers; 0 for what a few of them can."""

    minutes: float
    seed: int
    faults: Collection[str] = ()
    rate: float = 0.0


@dataclass(frozen=True)
class Verdict:
    """The figures of a run. `findings`: promises and the cases that broke them; `figures`: all else worth telling."""

    findings: dict[str, list[str]]
    figures: dict[str, Any]

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not any(self.findings.values())


async def run(place: Place, asked: Asked, tell: Tell) -> Verdict:
    """Start, load, break, heal, compare. Everything it starts has ended when it returns, however it returns."""
    planned = plan(asked.seed, asked.minutes * 60, kinds_named(asked.faults))
    tell(f"启动专用系统 {place.home}（端口 +{place.offset}），种子 {asked.seed}，{asked.minutes:g} 分钟，{len(planned)} 次故障")
    async with ground(place) as there:
        with Ledger(place.home / "ledger.jsonl") as ledger:
            seen: dict[str, list[Recovered]] = {}
            watching = asyncio.create_task(recovery.watch(place, seen))
            try:
                scene, done, seconds = await _storm(there, ledger, asked, planned, tell)
                tell("故障与新请求停止，等待全部恢复")
                return await _judge(there, scene, ledger, done, seen, seconds)
            finally:
                watching.cancel()


async def _storm(there: Ground, ledger: Ledger, asked: Asked, planned: list[Any], tell: Tell) -> tuple[Scene, list[Done], float]:
    """Load and faults, for the time that was asked; then the load finishes what it has begun."""
    began = time.monotonic()
    async with load(there, ledger, asked.seed, asked.rate) as client:
        scene = Scene(there, client)
        telling = asyncio.create_task(_tell_progress(ledger, began, tell))
        try:
            done = await carry_out(scene, planned, lambda each: tell(_said(each)))
            await asyncio.sleep(max(0.0, asked.minutes * 60 - (time.monotonic() - began)))
        finally:
            telling.cancel()
        tell("负载停止，办完手上的请求")
        loaded = ledger.seconds()
    return scene, done, loaded


def _said(done: Done) -> str:
    return f"  {done.at:7.1f} 秒  {done.name} {done.target}" + (
        f"（跳过：{done.skipped}）" if done.skipped else f"（未能实施：{done.failed}）" if done.failed else f"  {done.seconds:.1f} 秒"
    )


async def _tell_progress(ledger: Ledger, began: float, tell: Tell) -> None:
    while True:
        await asyncio.sleep(PROGRESS)
        counts = ledger.counts
        tell(f"[{time.monotonic() - began:6.0f} 秒] 已应答 {counts['acknowledged']}，拒绝 {counts['refused']}，未定 {counts['in_doubt']}")


async def _judge(
    there: Ground, scene: Scene, ledger: Ledger, done: list[Done], seen: dict[str, list[Recovered]], seconds: float
) -> Verdict:
    place, healing = there.place, time.monotonic()
    for way in there.ways.values():
        way.speak()
    down = await recovery.all_ready(place)
    async with clock.mover(place) as mover, pulse_of(place, [schedule.workflow for schedule in SCHEDULES]) as pulse:
        replays = await _replay(scene, pulse)
        async with logged_in(place.database_url("bianban")) as owner:
            rest = await come_to_rest(Clock(place.clock_file), mover, pulse, owner)
    healed = time.monotonic() - healing
    lines = ledger.lines()
    async with logged_in(place.database_url("bianban")) as owner:
        findings = {name: await check(owner, lines) for name, check in CHECKS.items()}
        findings |= await compare_topics(owner, place.kafka, scene.planted)
    findings |= rest.findings | {
        "parts_down": down,
        "server_errors": [f"{what}: {times}" for what, times in scene.client.server_errors.items()],
    }
    findings |= {"unanswered": unanswered(lines), "load_that_stopped": load_that_stopped(lines, seconds)}
    findings |= {"failed_faults": [f"{each.name} {each.target}: {each.failed}" for each in done if each.failed]}
    return Verdict(
        findings, _figures(lines, done, seen) | {"seconds": round(seconds), "healed_after": round(healed, 1), "replayed": replays}
    )


async def _replay(scene: Scene, pulse: Pulse) -> int:
    """What a fault has had parked on purpose is replayed, as an operator would ask for it, until all is read and nothing is parked, or nothing helps."""
    replayed, deadline = 0, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        replayed += (asked := await replay_all(scene))
        with suppress(StillBusy):  # it is told by `come_to_rest`
            await pulse.drained(_A_WHILE)
            if not asked:
                break
        await asyncio.sleep(_A_WHILE)
    return replayed


def _figures(lines: list[Line], done: list[Done], seen: dict[str, list[Recovered]]) -> dict[str, Any]:
    by_outcome = Counter(line.outcome for line in lines)
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        kinds[line.kind][line.code or line.outcome] += 1
    return {
        "requests": dict(by_outcome),
        "acknowledged_by": {actor: len(times) for actor, times in acknowledged(lines).items()},
        "repeated": sum(line.tries > 1 for line in lines),
        "longest_wait": max((line.seconds for line in lines), default=0.0),
        "kinds": {kind: dict(counts) for kind, counts in sorted(kinds.items())},
        "faults": dict(Counter(each.name for each in done if not each.skipped and not each.failed)),
        "skipped": dict(Counter(f"{each.name} {each.target}: {each.skipped}" for each in done if each.skipped)),
        "faults_in_order": [asdict(each) for each in done],
        "recovery": recovery.table(seen),
    }


def keep(verdict: Verdict, asked: Asked, folder: Path) -> Path:
    """The figures as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-seed{asked.seed}.json"
    body = {"asked": asdict(asked) | {"faults": [*asked.faults]}, "kept": verdict.kept, "findings": verdict.findings, **verdict.figures}
    target.write_text(json.dumps(body, ensure_ascii=False, indent=1), encoding="utf-8")
    return target
