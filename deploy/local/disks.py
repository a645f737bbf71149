"""Disks without room: the servers that lie on one say so each in its own words, or in none."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from deploy.local.place import FOLDERS, Place

LEAST = 32 * 2**20
"""Bytes: two files of PostgreSQL's log."""


def full(place: Place) -> str:
    """What is said of each disk of this stack that is full, with what to do; nothing where there is room."""
    return "\n".join(
        f"磁盘已满：{folder} 所在的磁盘只剩 {_free(folder) / 2**20:.0f} MB。请先腾出空间或扩大磁盘（运维手册 DiskFills），"
        "勿删除 pg、kafka、temporal、out 中的文件；有了空间，未自行恢复的部件用 bianban restart 重启，停止的系统用 bianban up 启动。"
        for folder in _one_of_each_disk(place)
        if _free(folder) < LEAST
    )


def _one_of_each_disk(place: Place) -> Iterator[Path]:
    seen = set[int]()
    for folder in (place.home, place.out, *(place.home / name for name in FOLDERS)):
        if folder.exists() and (disk := folder.stat().st_dev) not in seen:
            seen.add(disk)
            yield folder


def _free(folder: Path) -> int:
    """What this user may still write; a disk of no more file names has none."""
    return shutil.disk_usage(folder).free if os.statvfs(folder).f_favail or not os.statvfs(folder).f_files else 0
