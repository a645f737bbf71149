"""Which parts that were ready once do not answer now: a process may hang, and its supervisor asks it no more."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import psutil

from deploy.local.parts import parts
from deploy.local.place import Place
from deploy.local.probes import NotReady, Probe, topics
from deploy.local.state import PartState, State

PATIENCE = 10.0
LOOKS = 3


async def silent(place: Place, seen: Sequence[PartState]) -> dict[str, str]:
    """By their names, with what is wrong. A worker has no door: of it is known whether it runs and has reached its server."""
    probes = {part.name: part.probe for part in parts(_as_it_runs(place, seen)) if part.probe}
    asked = [each for each in seen if each.state is State.READY and each.process() and each.name in probes]
    told = await asyncio.gather(*(_answer(probes[each.name], each.pid or 0) for each in asked))
    found = {each.name: wrong for each, wrong in zip(asked, told, strict=True) if wrong}
    answers = "kafka" in {each.name for each in asked} - set(found)
    return found | (await _undone(_as_it_runs(place, seen)) if answers and "bootstrap" in _done(seen) else {})


def _done(seen: Sequence[PartState]) -> set[str]:
    return {each.name for each in seen if each.state is State.DONE}


async def _undone(place: Place) -> dict[str, str]:
    """The topics were made once; a Kafka whose data folder is gone starts with none, and answers."""
    lacking = set[str]()
    for _ in range(LOOKS):  # of those that were just made it tells a moment later
        with suppress(Exception):  # it has answered, and is told of the next time where it does no more
            if not (lacking := await _lacking(place)):
                break
        await asyncio.sleep(1)
    wrong = f"Kafka 中没有事件主题 {'、'.join(sorted(lacking))}，它的数据目录可能丢失或换过（主题建好后，事件由数据库自动重发）"
    return {"bootstrap": wrong} if lacking else {}


async def _lacking(place: Place) -> set[str]:
    from shared.events import TOPICS  # noqa: PLC0415  most commands need none

    return set(TOPICS) - await topics(place.kafka)


def _as_it_runs(place: Place, seen: Sequence[PartState]) -> Place:
    """By the ports it was started with, which the caller's shell may not know."""
    ports = {part.name: part.ports[0] for part in parts(place) if part.ports}
    shift = next((each.port - ports[each.name] for each in seen if each.port and each.name in ports), 0)
    return replace(place, offset=place.offset + shift)


async def _answer(probe: Probe, pid: int) -> str:
    try:
        if psutil.Process(pid).status() == psutil.STATUS_STOPPED:
            return "进程被暂停（SIGSTOP）"
        async with asyncio.timeout(PATIENCE):
            await probe(pid)
    except TimeoutError:
        return f"{PATIENCE:.0f} 秒内没有应答"
    except NotReady as told:
        return f"尚未就绪：{told}"
    except Exception as error:  # noqa: BLE001  whatever the driver makes of a server that does not answer
        return f"没有应答：{type(error).__name__}"
    return ""
