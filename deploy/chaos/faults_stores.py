"""Faults of the stores: a disk that is full, and a broker that loses what it had not written to the disk."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

from deploy.chaos.faults import Fault, Scene, Skipped, ready, signal_part
from deploy.chaos.ground import DISKS, resize_disk
from shared.events import TOPICS

_TRIES = 20


class DiskFull(Fault):
    """The small disk under a store shrinks to what is used: not one byte is left."""

    name = "disk-full"
    lasts = 6.0

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("postgres", "kafka")

    async def begin(self, scene: Scene) -> None:
        self._disk = "pg" if self.target == "postgres" else self.target
        if self._disk not in scene.ground.small_disks:
            raise Skipped("没有 root 权限，不能为它挂载可写满的小磁盘")
        folder = scene.ground.place.home / self._disk
        for _ in range(_TRIES):  # it may take some more while it is measured
            if resize_disk(folder, str(shutil.disk_usage(folder).used)):
                return
        raise Skipped("磁盘没有写满")

    async def end(self, scene: Scene) -> None:
        resize_disk(scene.ground.place.home / self._disk, DISKS[self._disk])


class LostTail(Fault):
    """kill -9 of the broker, and the end of a partition's log is gone when it comes back, as after a loss of power without fsync."""

    name = "lost-tail"

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("kafka",)

    async def begin(self, scene: Scene) -> None:
        part = await ready(scene, self.target)
        signal_part(part, signal.SIGKILL)
        while part.process():  # noqa: ASYNC110  a process tells nobody but its parent
            await asyncio.sleep(0.002)
        written = written_segments(scene.ground.place.home / "kafka" / "data")
        if not written:
            raise Skipped("消息队列中还没有写下任何事件")
        for segment in self.chance.sample(written, min(8, len(written))):
            size = segment.stat().st_size
            left = max(0, size - self.chance.randint(1, 6000))
            os.truncate(segment, left)
            self.parameters[segment.parent.name] = size - left


def written_segments(logs: Path) -> list[Path]:
    """The last segment of each partition that has anything in it."""
    last = [max(folder.glob("*.log"), default=None) for topic in TOPICS for folder in logs.glob(f"{topic}-*")]
    return sorted(segment for segment in last if segment and segment.stat().st_size)
