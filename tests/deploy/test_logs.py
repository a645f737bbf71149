"""A part's log stays in bounds while its process goes on writing to it."""

import asyncio
import errno
import os
import signal
import sys
from pathlib import Path

import pytest

from deploy.local import process, stack, supervisor
from deploy.local.part import Part
from deploy.local.place import Place

LINE = "one line of a log, as long as the others\n"
WRITER = """
import pathlib, sys, time
print(sys.argv[1] * 20, end="", flush=True)
while not pathlib.Path(sys.argv[2]).exists():
    time.sleep(0.01)
print("after", flush=True)
"""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOG_BYTES", 10 * len(LINE))


def kept(log: Path) -> list[str]:
    return sorted(path.name for path in log.parent.iterdir())


def refuse(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_within_its_bounds_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    log.write_text(9 * LINE)

    process.rotate(log)
    process.rotate(tmp_path / "none.log")

    assert (kept(log), log.read_text()) == (["part.log"], 9 * LINE)


def test_the_older_logs_move_on_and_only_three_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "LOGS_KEPT", 3)
    log = tmp_path / "part.log"
    for number in range(5):
        log.write_text(f"{number}\n" + 10 * LINE)
        process.rotate(log)

    assert kept(log) == ["part.log", "part.log.1", "part.log.2", "part.log.3"]
    assert [(tmp_path / f"part.log.{age}").read_text()[0] for age in (1, 2, 3)] == ["4", "3", "2"]
    assert log.read_text() == ""


def test_a_log_that_cannot_be_copied_leaves_the_older_ones_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "part.log"
    log.with_name("part.log.1").write_text("older")
    log.write_text(10 * LINE)
    monkeypatch.setattr(Path, "write_bytes", refuse)

    with pytest.raises(OSError, match="No space"):
        process.rotate(log)

    assert (log.with_name("part.log.1").read_text(), log.read_text()) == ("older", 10 * LINE)


@pytest.mark.asyncio
async def test_a_process_goes_on_writing_to_the_log_that_was_moved_aside_beneath_it(tmp_path: Path) -> None:
    log, go = tmp_path / "log" / "part.log", tmp_path / "go"
    log.parent.mkdir()
    running = await process.spawn(Part("part", (sys.executable, "-c", WRITER, LINE, str(go)), dict(os.environ)), log)
    while log.stat().st_size < 20 * len(LINE):
        await stack.pause()

    process.rotate(log)
    go.touch()
    await running.wait()

    assert log.with_name("part.log.1").read_text() == 20 * LINE
    assert log.read_text() == "after\n"


@pytest.mark.asyncio
async def test_the_supervisor_looks_after_the_logs_of_parts_that_run_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "HOUSEKEEPING", 0.01)
    place = Place(tmp_path, 0, "test")
    place.make_folders()
    log = tmp_path / "log" / "part.log"
    log.write_text(10 * LINE)
    running = asyncio.create_task(supervisor.Supervisor(place, ()).run())
    while log.stat().st_size:
        await stack.pause()
    os.kill(os.getpid(), signal.SIGTERM)
    await running

    assert log.with_name("part.log.1").read_text() == 10 * LINE


@pytest.mark.asyncio
async def test_a_log_that_cannot_be_moved_aside_does_not_end_the_housekeeping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "HOUSEKEEPING", 0.01)
    place = Place(tmp_path, 0, "test")
    place.make_folders()
    (tmp_path / "log" / "part.log").touch()
    tried: list[Path] = []

    def fail(log: Path) -> None:
        tried.append(log)
        refuse()

    monkeypatch.setattr(process, "rotate", fail)
    running = asyncio.create_task(supervisor.Supervisor(place, ()).run())
    async with asyncio.timeout(10):
        while len(tried) < 3:
            await stack.pause()
    os.kill(os.getpid(), signal.SIGTERM)
    await running

    assert place.state_file.exists()


@pytest.mark.asyncio
async def test_a_long_log_that_cannot_be_moved_aside_keeps_no_part_from_starting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path, 0, "test")
    place.make_folders()
    (tmp_path / "log" / "part.log").write_text(10 * LINE)
    monkeypatch.setattr(Path, "write_bytes", refuse)
    part = Part("part", (sys.executable, "-c", "print('begun')"), dict(os.environ), job=True)
    keeper = supervisor.Supervisor(place, [part]).keepers["part"]

    keeper.begin()
    async with asyncio.timeout(20):
        await keeper.good.wait()
    await keeper.stop()

    assert (tmp_path / "log" / "part.log").read_text() == 10 * LINE + "begun\n"
