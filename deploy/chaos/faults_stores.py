"""Faults of the stores: a disk that is full, and a broker that loses what it had not written to the disk."""

import asyncio
import os
import shutil
import signal
from pathlib import Path

from deploy.chaos.faults import Fault, Scene, Skipped, ready, signal_part
from shared.events import TOPICS

_SMALLEST = 4096


class DiskFull(Fault):
    """A file fills the small disk under a store to its last byte."""

    name = "disk-full"
    lasts = 6.0

    @classmethod
    def targets(cls) -> tuple[str, ...]:
        return ("postgres", "kafka")

    async def begin(self, scene: Scene) -> None:
        folder = "pg" if self.target == "postgres" else self.target
        if folder not in scene.ground.small_disks:
            raise Skipped("没有 root 权限，不能为它挂载可写满的小磁盘")
        self._file = scene.ground.place.home / folder / "fill"
        await asyncio.to_thread(_fill, self._file)

    async def end(self, scene: Scene) -> None:  # noqa: ARG002  every fault has this form
        self._file.unlink(missing_ok=True)


def _fill(file: Path) -> None:
    """Take all that is free, in ever smaller pieces, while the store takes some too."""
    piece = shutil.disk_usage(file.parent).free
    with file.open("wb") as handle:
        while piece >= _SMALLEST:
            try:
                os.posix_fallocate(handle.fileno(), handle.seek(0, os.SEEK_END), piece)
            except OSError:
                piece //= 2


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
        logs = scene.ground.place.home / "kafka" / "data"
        segments = [max(folder.glob("*.log")) for topic in TOPICS for folder in logs.glob(f"{topic}-*") if [*folder.glob("*.log")]]
        for segment in scene.chance.sample(sorted(segments), min(8, len(segments))):
            size = segment.stat().st_size
            os.truncate(segment, max(0, size - scene.chance.randint(1, 6000)))
