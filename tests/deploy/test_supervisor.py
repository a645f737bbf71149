"""The embedded stack as its user meets it: through `bianban`, with processes that die, ports that are taken and files that lie."""

import asyncio
import contextlib
import errno
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.backup import command as backups
from deploy.clock import TimeIsReal
from deploy.local import archive, postgres, process, secret_files, stack, state, supervisor
from deploy.local.part import Part
from deploy.local.place import PORTS, PROJECT, Place, WrongPlace
from deploy.local.process import PortTaken, refuse_taken_ports
from deploy.local.state import PartState, State, birth
from deploy.local.supervisor import Keeper, Supervisor
from tests.deploy import lease

NOWHERE = "http://127.0.0.1:9"
DEAD_NETWORK = dict.fromkeys(
    ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy", "PIP_INDEX_URL", "UV_DEFAULT_INDEX"), NOWHERE
)


_taken: set[int] = set()


def place_of_its_own(home: Path) -> Place:
    """A home and ports that nobody uses, nor another place of this run."""
    while True:
        offset = random.choice([each for each in range(7000, 13000, 150) if each not in _taken])
        try:
            refuse_taken_ports(port + offset for port in PORTS.values())
        except PortTaken:
            continue
        _taken.add(offset)
        return Place(home, offset, "test")


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Callable[[str], Place]]:
    """Makes places; whatever still runs in them is stopped at the end, also where this run is killed before."""
    made: list[Place] = []

    def make(name: str) -> Place:
        made.append(place_of_its_own(tmp_path / name))
        lease.of_this_run().take(made[-1])
        return made[-1]

    yield make
    for place in made:
        stack.stop(place)
        lease.of_this_run().give_back(place)
        _taken.discard(place.offset)


async def start(place: Place, *parts: str) -> None:
    stack.launch(place, parts, with_parent=True)
    await stack.until_ready(place)


async def until(place: Place, name: str, fits: Callable[[PartState], bool]) -> PartState:
    deadline = time.monotonic() + 60
    while not fits(part := seen(place, name)):
        assert time.monotonic() < deadline, part
        await stack.pause()
    return part


def seen(place: Place, name: str) -> PartState:
    return next((part for part in stack.published(place) if part.name == name), PartState(name))


def bianban(place: Place, *arguments: str, **more: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.cli", *arguments]
    return subprocess.run(command, env=place.variables() | more, cwd=PROJECT, capture_output=True, text=True, timeout=300, check=False)


def orphan() -> psutil.Process:
    """A process that nobody waits for."""
    shell = subprocess.run(
        ["/usr/bin/env", "setsid", "sh", "-c", "sleep 600 >/dev/null 2>&1 & echo $!"], capture_output=True, text=True, check=True
    )
    return psutil.Process(int(shell.stdout))


async def query(place: Place, statement: str) -> object:
    connection = await asyncpg.connect(place.database_url("postgres", "postgres"))
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from deploy.local import stack
from deploy.local.place import Place
from tests.deploy import lease
place = Place(Path(sys.argv[1]), int(sys.argv[2]), "test")
lease.of_this_run().take(place)
stack.launch(place)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.asyncio
async def test_a_run_that_is_killed_leaves_no_stack_behind(tmp_path: Path) -> None:
    """Here it is `bianban up` whose supervisor has no parent."""
    place = place_of_its_own(tmp_path / "killed")
    command = [sys.executable, "-c", KILLED, str(place.home), str(place.offset)]
    killed = await asyncio.to_thread(subprocess.run, command, cwd=PROJECT, check=False)
    deadline = time.monotonic() + 60
    while (left := stack.supervisor(place)) and time.monotonic() < deadline:
        await stack.pause()
    stack.stop(place)

    assert killed.returncode == -signal.SIGKILL
    assert (place.home / "log" / "supervisor.log").exists(), "it ran"
    assert not left


@pytest.mark.asyncio
async def test_two_stacks_side_by_side_do_not_disturb_each_other(places: Callable[[str], Place]) -> None:
    one, other = places("one"), places("other")
    await start(one, "postgres")
    await start(other, "postgres")
    await query(one, "CREATE TABLE only_here (id int)")

    assert await query(other, "SELECT to_regclass('only_here')::text") is None
    stack.stop(other)
    assert await query(one, "SELECT to_regclass('only_here')::text") == "only_here"
    assert stack.published(other) == []


@pytest.mark.asyncio
async def test_of_a_postgres_that_cannot_come_back_the_status_tells_why(places: Callable[[str], Place]) -> None:
    place = places("home")
    await start(place, "postgres")
    stack.stop(place)
    for segment in (place.home / "pg" / "data" / "pg_wal").glob("0*"):
        segment.unlink()

    stack.launch(place, ("postgres",), with_parent=True)
    part = await until(place, "postgres", lambda part: bool(part.last_error))
    shown = bianban(place, "status").stdout

    assert "PANIC:  could not locate a valid checkpoint record" in part.last_error
    assert "could not locate a valid checkpoint record" in shown


def test_why_a_postgres_ended_is_not_what_it_last_refused_a_client(tmp_path: Path) -> None:
    log, lines = tmp_path / "postgres.log", ["2026-09-18 09:00:00.000 CST [7] @ FATAL:  could not open lock file: No space left on device"]
    lines += ["2026-09-18 09:00:01.000 CST [9] portal@bianban FATAL:  the database system is starting up"] * 200
    last = "2026-09-18 09:00:02.000 CST [1] @ LOG:  database system is shut down"

    log.write_text("\n".join([*lines, last]), encoding="utf-8")
    ended = process.last_line(log)
    log.write_text(f"{last}\n{last}", encoding="utf-8")

    assert ended == lines[0]
    assert process.last_line(log) == last, "nobody said why"


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["postgres", "kafka", "temporal"])
async def test_a_killed_part_is_started_again_and_the_status_tells(places: Callable[[str], Place], name: str) -> None:
    place = places("home")
    await start(place, name)
    os.kill(seen(place, name).pid or 0, signal.SIGKILL)

    part = await until(place, name, lambda part: part.restarts > 0 and part.state is State.READY)

    assert "SIGKILL" in part.last_error
    shown = bianban(place, "status")
    assert (shown.returncode, "SIGKILL" in shown.stdout) == (0, True), shown.stdout


@pytest.mark.asyncio
@pytest.mark.parametrize("name", ["temporal", "identity-worker"])
async def test_a_part_that_hangs_is_not_said_to_be_well(places: Callable[[str], Place], name: str) -> None:
    """Its supervisor has seen it ready, and asks no more."""
    place = places("home")
    await start(place, name)
    hanging = psutil.Process(seen(place, name).pid or 0)
    before = bianban(place, "status", BIANBAN_PORT_OFFSET="0")  # it is known by which ports it runs
    hanging.suspend()
    try:
        shown, told = bianban(place, "status"), json.loads(bianban(place, "status", "--json").stdout)
    finally:
        hanging.resume()

    assert (before.returncode, shown.returncode) == (0, 1), before.stdout
    assert f"{name} 现在不能用：进程被暂停" in shown.stdout
    assert [each["name"] for each in told if each["silent"]] == [name]


@pytest.mark.asyncio
async def test_a_forked_part_comes_back_when_it_is_killed_and_when_the_process_it_was_forked_from_is(
    places: Callable[[str], Place],
) -> None:
    place, name = places("home"), "identity-worker"
    await start(place, name)
    assert psutil.Process(seen(place, name).pid or 0).name() == name

    os.kill(seen(place, name).pid or 0, signal.SIGKILL)
    await until(place, name, lambda part: part.restarts == 1 and part.state is State.READY)
    origin = psutil.Process(seen(place, name).pid or 0).parent()
    assert origin
    origin.kill()

    await until(place, name, lambda part: part.restarts > 1 and part.state is State.READY)


@pytest.mark.asyncio
async def test_a_forked_part_that_hangs_when_its_nursery_ends_is_ended_before_another_is_started(places: Callable[[str], Place]) -> None:
    place, name = places("home"), "identity-worker"
    await start(place, name)
    hanging = psutil.Process(seen(place, name).pid or 0)
    origin = hanging.parent()
    assert origin
    hanging.suspend()

    origin.kill()

    await until(place, name, lambda part: part.restarts > 0 and part.state is State.READY)
    assert not hanging.is_running() or hanging.status() == psutil.STATUS_ZOMBIE


@pytest.mark.asyncio
async def test_a_part_that_cannot_start_is_given_up_and_named(places: Callable[[str], Place]) -> None:
    place = places("home")
    await start(place, "postgres")
    stack.stop(place)
    (place.home / "secrets" / "roster.db").write_text("it's broken")

    started = bianban(place, "up", "--city", "none")

    assert started.returncode == 1
    assert "migrate" in started.stderr
    assert bianban(place, "status").returncode == 1


def test_a_taken_port_is_named_with_the_process_that_holds_it(places: Callable[[str], Place]) -> None:
    place = places("home")
    with socket.create_server(("127.0.0.1", place.port("kafka"))):
        refused = bianban(place, "up", "--city", "none")

    assert refused.returncode == 1
    assert str(place.port("kafka")) in refused.stderr
    assert f"进程 {os.getpid()}" in refused.stderr


@pytest.mark.asyncio
async def test_stale_pid_files_do_not_stop_a_start(places: Callable[[str], Place]) -> None:
    place = places("home")
    await start(place, "postgres")
    stack.stop(place)
    somebody = orphan()
    (place.home / "pg" / "data" / "postmaster.pid").write_text(f"{somebody.pid}\n{place.home}\n1\n{place.port('postgres')}\n\n127.0.0.1\n")
    lie = {"name": "postgres", "state": "ready", "pid": somebody.pid, "born": 1}
    place.state_file.write_text(json.dumps({"supervisor": somebody.pid, "parts": [lie]}))

    await start(place, "postgres")

    assert somebody.is_running()
    somebody.kill()
    assert seen(place, "postgres").restarts == 0


@pytest.mark.asyncio
async def test_a_supervisor_killed_outright_takes_its_parts_along_and_the_next_start_finds_all_data(places: Callable[[str], Place]) -> None:
    place = places("home")
    await start(place, "postgres", "temporal", "seal")
    await query(place, "CREATE TABLE kept (id int)")
    children = psutil.Process(stack.supervisor(place) or 0).children(recursive=True)
    assert "seal" in {child.name() for child in children}

    os.kill(stack.supervisor(place) or 0, signal.SIGKILL)

    assert psutil.wait_procs(children, 20)[1] == []
    assert bianban(place, "status").returncode == 1
    await start(place, "postgres", "temporal")
    assert await query(place, "SELECT to_regclass('kept')::text") == "kept"


@pytest.mark.asyncio
async def test_a_part_that_outlived_its_supervisor_is_ended_before_it_is_started_again(places: Callable[[str], Place]) -> None:
    place = places("home")
    await start(place, "postgres")
    left = orphan()
    supervisor = psutil.Process(stack.supervisor(place) or 0)
    supervisor.kill()
    supervisor.wait()
    lost = {"name": "temporal", "state": "ready", "pid": left.pid, "born": birth(left.pid)}
    place.state_file.write_text(json.dumps({"supervisor": 1, "parts": [lost]}))

    assert bianban(place, "down").returncode == 0

    assert not left.is_running() or left.status() == psutil.STATUS_ZOMBIE


@pytest.mark.asyncio
async def test_a_closed_terminal_does_not_end_the_stack(places: Callable[[str], Place]) -> None:
    place = places("home")
    await start(place, "postgres")

    os.kill(stack.supervisor(place) or 0, signal.SIGHUP)
    assert bianban(place, "restart", "postgres").returncode == 0

    assert (seen(place, "postgres").state, seen(place, "postgres").restarts) == (State.READY, 0)


@pytest.mark.asyncio
async def test_a_restart_of_one_part_and_of_all_at_once_ends_with_everything_ready(places: Callable[[str], Place]) -> None:
    """At once is the worst of it: each finds what it stands on gone for a while, jobs too."""
    place = places("home")
    await start(place, "identity-app", "identity-worker")
    first = {part.name: part for part in stack.published(place)}

    one = bianban(place, "restart", "identity-worker")
    second = {part.name: part for part in stack.published(place)}
    await asyncio.gather(*(stack.restart(place, part) for part in second.values()))
    await stack.until_ready(place)

    third = {part.name: part for part in stack.published(place)}
    assert (one.returncode, one.stdout) == (0, "identity-worker 已重启。\n")
    assert {name for name in first if first[name].pid != second[name].pid} == {"identity-worker"}
    assert {"postgres", "kafka", "migrate", "identity-app"} <= set(third)
    assert [name for name in third if third[name].since <= second[name].since] == []
    assert [name for name, part in third.items() if part.pid and part.pid == second[name].pid] == []
    assert bianban(place, "status").returncode == 0


@pytest.mark.asyncio
async def test_a_restart_that_takes_longer_than_its_limit_says_so_and_goes_on(
    places: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch
) -> None:
    place = places("home")
    await start(place, "postgres")
    before = seen(place, "postgres")
    for name, value in place.variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(cli, "PATIENCE", 0.0)

    late = await asyncio.to_thread(CliRunner().invoke, cli.app, ["restart", "postgres"])

    assert isinstance(late.exception, stack.StartFailed)
    assert "postgres 0 秒内没有重启完成，仍在继续" in str(late.exception)
    assert "bianban logs postgres" in str(late.exception)
    await until(place, "postgres", lambda part: part.since > before.since and part.state is State.READY)
    assert seen(place, "postgres").pid != before.pid


@pytest.mark.asyncio
async def test_a_restart_whose_supervisor_is_gone_says_so(places: Callable[[str], Place]) -> None:
    """Must fail when it goes on to wait, or the signal reaches whoever asks."""
    place = places("home")
    await start(place, "postgres")
    part = seen(place, "postgres")
    stack.stop(place)

    async with asyncio.timeout(10):
        with pytest.raises(stack.StartFailed, match="监管进程已退出"):
            await stack.restart(place, part, patience=5)


def test_what_is_set_for_identity_comes_through_the_supervisor(places: Callable[[str], Place], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_SECOND_FACTOR", "true")
    place = places("home")

    stack.launch(place, ("postgres",), with_parent=True)

    assert psutil.Process(stack.supervisor(place) or 0).environ()["IDENTITY_SECOND_FACTOR"] == "true"


def test_the_first_passwords_last_as_long_as_identity_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, str]] = []
    monkeypatch.setenv("IDENTITY_ONE_TIME_DAYS", "1")

    def run(command: tuple[str, ...], env: dict[str, str], **_: object) -> "subprocess.CompletedProcess[str]":
        told.append(env)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)

    cli._load_city(Place(tmp_path, 0, "production"), "none")

    assert told[0]["IDENTITY_ONE_TIME_DAYS"] == "1"


def in_front(place: Place) -> "subprocess.Popen[str]":
    """`bianban up --foreground`, with the stack ready behind it; at a terminal nobody ignores SIGINT, as a suite in the background does."""
    command = ["env", "--default-signal=INT", sys.executable, "-m", "deploy.cli", "up", "--city", "none", "--foreground"]
    front = subprocess.Popen(command, env=place.variables(), cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert front.stdout
    assert any("全部就绪" in line for line in front.stdout)
    return front


def test_in_the_foreground_the_stack_ends_with_its_terminal(places: Callable[[str], Place]) -> None:
    place = places("home")
    for how in (signal.SIGINT, signal.SIGHUP):
        front = in_front(place)
        children = [psutil.Process(part.pid) for part in stack.published(place) if part.pid]
        watcher = psutil.Process(stack.supervisor(place) or 0)

        front.send_signal(how)

        assert psutil.wait_procs([watcher, *children], 240)[1] == [], how
        assert (front.wait(), stack.supervisor(place)) == (0 if how is signal.SIGINT else -how, None)


def at_once(place: Place, times: int, *arguments: str) -> list[tuple[int, int, str]]:
    """Pid, exit code and words of each of so many `bianban` that are started in one moment, without a network."""
    command, environment = [sys.executable, "-m", "deploy.cli", *arguments], place.variables() | DEAD_NETWORK
    many = [
        subprocess.Popen(command, env=environment, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(times)
    ]
    return [(each.pid, each.wait(), words) for each in many for words, _ in [each.communicate(timeout=300)]]


def test_up_down_and_clean_are_harmless_when_repeated_and_need_no_network(places: Callable[[str], Place]) -> None:
    """Also two `up` of one moment: one starts and fills the system, the other says whom it waits for, and finds all there."""
    place = places("home")
    both = at_once(place, 2, "up", "--city", "none")
    waited = [words for _, _, words in both if "另一个 bianban up" in words]
    assert [code for _, code, _ in both] == [0, 0], both
    assert len(waited) == 1
    assert [pid for pid, _, _ in both if f"（进程 {pid}）" in waited[0]] == [pid for pid, _, words in both if words not in waited]
    assert ["空系统已就绪" in words for _, _, words in both if words not in waited] == [True]
    assert "空系统已就绪" not in waited[0]

    for command in (("up", "--city", "none"), ("status",), ("down",), ("down",), ("up", "--city", "none")):
        done = bianban(place, *command, **DEAD_NETWORK)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
    (place.home / "somebody").mkdir()
    for _ in range(2):
        assert bianban(place, "clean").returncode == 0
        assert [path.name for path in place.home.iterdir()] == ["somebody"]


def test_the_first_business_date_is_set_once(places: Callable[[str], Place]) -> None:
    place = places("home")
    (place.home / "pg" / "data").mkdir(parents=True)
    place.clock_file.write_text("0\n")

    refused = bianban(place, "up", "--date", "2025-09-25")

    assert refused.returncode == 1
    assert "2025-09-25" in refused.stderr
    assert place.clock_file.read_text() == "0\n"


def test_production_refuses_a_business_date(tmp_path: Path) -> None:
    place = Place(tmp_path, place_of_its_own(tmp_path).offset, "production")

    refused = bianban(place, "up", "--date", "2025-09-25")

    assert refused.returncode == 1
    assert not place.clock_file.exists()
    assert "BIANBAN_CLOCK_FILE" not in place.variables()


def test_a_home_of_another_environment_is_refused(places: Callable[[str], Place]) -> None:
    place = places("home")
    place.make_folders()

    refused = bianban(place, "up", BIANBAN_ENVIRONMENT="production")

    assert refused.returncode == 1
    assert (place.home / "environment").read_text() == "test\n"


@pytest.fixture
def real(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that was started as production, before a shell that says nothing of it."""
    Place(tmp_path, 0, "production").make_folders()
    monkeypatch.setenv("BIANBAN_HOME", str(tmp_path))
    monkeypatch.delenv("BIANBAN_ENVIRONMENT", raising=False)
    return tmp_path


def refused(*arguments: str) -> BaseException | None:
    return CliRunner().invoke(cli.app, arguments).exception


def test_a_shell_that_says_nothing_is_asked_before_production_is_deleted(real: Path) -> None:
    (real / "out" / "notice.pdf").write_text("kept")

    assert str(refused("clean")) == "1"
    assert (real / "out" / "notice.pdf").exists()


@pytest.mark.usefixtures("real")
def test_a_shell_that_says_nothing_moves_no_time_in_production() -> None:
    assert isinstance(refused("clock", "advance", "--days", "1"), TimeIsReal)


@pytest.mark.usefixtures("real")
def test_a_backup_of_production_says_so_whatever_the_shell_knows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def tell_what(place: Place, *_: object, same_disk: bool) -> None:
        raise WrongPlace(f"{place.environment} {same_disk}")

    monkeypatch.setattr(backups, "make", tell_what)

    assert str(refused("backup", str(tmp_path / "backup"))) == "production False"


@pytest.mark.parametrize("word", ["clean", "down", "status"])
def test_a_home_is_not_taken_for_what_it_is_not(real: Path, monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("BIANBAN_ENVIRONMENT", "demo")

    assert isinstance(refused(word), WrongPlace)
    assert (real / "environment").exists()


DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"


def keeper_of(home: Path, part: Part) -> Keeper:
    """The keeper of a stack's one part, in this process."""
    place = Place(home, 0, "test")
    place.make_folders()
    return Supervisor(place, [part]).keepers[part.name]


@contextlib.contextmanager
def full_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(state, "write", refuse)
        yield


async def until_it_lives(keeper: Keeper, *, other_than: int | None = None) -> int:
    async with asyncio.timeout(20):
        while keeper.seen.pid in {None, other_than}:
            await stack.pause()
    return keeper.seen.pid or 0


@pytest.mark.asyncio
async def test_a_part_that_does_not_end_when_told_is_ended_and_started_anew(tmp_path: Path) -> None:
    deaf = keeper_of(tmp_path, Part("deaf", (sys.executable, "-c", DEAF), {}, stop_seconds=0.3))
    deaf.begin()
    while "up" not in (deaf.log.read_text() if deaf.log.exists() else ""):  # noqa: ASYNC110  another process
        await asyncio.sleep(0.05)
    first = deaf.seen.pid
    deaf.restart()
    await until_it_lives(deaf, other_than=first)
    await deaf.stop()

    assert first is not None
    assert not psutil.pid_exists(first)


SHORT = (sys.executable, "-c", "import time; time.sleep(0.5); raise SystemExit(1)")


@pytest.mark.asyncio
async def test_a_full_disk_neither_ends_the_care_for_a_part_nor_keeps_it_from_being_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = keeper_of(tmp_path, Part("short", SHORT, {}))
    with full_disk(monkeypatch):
        short.begin()
        await asyncio.sleep(2)

    last = await until_it_lives(short, other_than=await until_it_lives(short))

    with full_disk(monkeypatch):
        await short.stop()
    assert not psutil.pid_exists(last)
    assert short.ended.is_set()


@pytest.mark.asyncio
async def test_a_part_whose_log_was_deleted_is_started_again(tmp_path: Path) -> None:
    short = keeper_of(tmp_path, Part("short", SHORT, {}))
    short.begin()
    first = await until_it_lives(short)
    short.log.unlink()

    await until_it_lives(short, other_than=first)
    await short.stop()


@pytest.mark.asyncio
async def test_a_part_that_worked_between_its_deaths_is_neither_kept_waiting_longer_after_each_nor_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doubled each time, the last pause would be forty seconds; and of thirteen deaths the tenth would be the last."""
    for name, value in {"FIRST_PAUSE": 0.01, "LONGEST_PAUSE": 60.0, "STEADY": 0.0}.items():
        monkeypatch.setattr(supervisor, name, value)
    sleeper = keeper_of(tmp_path, Part("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"), {}))
    sleeper.begin()
    pid = None
    for _ in range(13):
        pid = await until_it_lives(sleeper, other_than=pid)
        await until_it_is(sleeper, State.READY)
        os.kill(pid, signal.SIGKILL)
    await until_it_lives(sleeper, other_than=pid)
    await sleeper.stop()

    assert sleeper.seen.restarts == 13


async def until_it_is(keeper: Keeper, wanted: State) -> None:
    async with asyncio.timeout(20):
        while keeper.seen.state is not wanted:
            await stack.pause()


@pytest.mark.asyncio
async def test_whatever_goes_wrong_with_a_start_is_the_reason_and_the_part_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was started before it went wrong is not left behind."""
    sleeper = keeper_of(tmp_path, Part("sleeper", (sys.executable, "-c", "import time; time.sleep(600)"), {}))
    births: list[int] = []

    def fail_once(pid: int) -> int | None:
        births.append(pid)
        if len(births) == 1:
            raise EOFError("unexpected EOF")
        return birth(pid)

    monkeypatch.setattr(state, "birth", fail_once)
    sleeper.begin()
    await until_it_lives(sleeper)
    await sleeper.stop()

    assert sleeper.seen.last_error == "unexpected EOF"
    assert not any(psutil.pid_exists(pid) for pid in births)


@pytest.mark.asyncio
async def test_a_part_that_does_not_become_ready_in_time_is_ended_and_what_it_lacked_is_the_reason(tmp_path: Path) -> None:
    async def nobody_there(_pid: int) -> None:
        raise ConnectionRefusedError("nobody there")

    slow = keeper_of(tmp_path, Part("slow", (sys.executable, "-c", DEAF), {}, probe=nobody_there, start_seconds=0.3, stop_seconds=0.3))
    slow.begin()
    await until_it_lives(slow, other_than=await until_it_lives(slow))
    await slow.stop()

    assert "未就绪：nobody there" in slow.seen.last_error


SLEEPER = (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.mark.asyncio
async def test_a_part_that_is_only_slow_is_given_more_time_with_each_start_and_not_given_up(tmp_path: Path) -> None:
    """As Zipkin on a busy machine: with the first start's time alone it would never be there."""

    seen_first = dict[int, float]()

    async def after_a_second(pid: int) -> None:
        if time.monotonic() - seen_first.setdefault(pid, time.monotonic()) < 0.9:
            raise ConnectionRefusedError("not yet")

    slow = keeper_of(tmp_path, Part("slow", SLEEPER, {}, probe=after_a_second, start_seconds=0.13))
    slow.begin()
    await until_it_is(slow, State.READY)
    await slow.stop()

    assert slow.seen.restarts >= supervisor.LIMIT_BEFORE_FIRST_READY - 1
    assert "未就绪：not yet。再试时最多等 1 秒" in slow.seen.last_error


@pytest.mark.asyncio
async def test_a_part_that_ends_at_once_is_given_up_however_slow_it_was_before(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    once = (
        "import sys, time, pathlib; f = pathlib.Path(sys.argv[1]); old = f.exists(); f.touch(); time.sleep(0 if old else 600); sys.exit(1)"
    )

    async def never(_pid: int) -> None:
        raise ConnectionRefusedError("not yet")

    broken = keeper_of(tmp_path, Part("broken", (sys.executable, "-c", once, str(lives)), {}, probe=never, start_seconds=3))
    broken.begin()
    await until_it_is(broken, State.FAILED)
    await broken.stop()

    assert broken.seen.last_error.startswith("退出码 1")


@pytest.mark.asyncio
async def test_what_is_prepared_for_one_part_holds_up_no_other(tmp_path: Path) -> None:
    place, go = Place(tmp_path, 0, "test"), threading.Event()
    place.make_folders()

    def take_long() -> None:
        go.wait(5)

    sleep = (sys.executable, "-c", "import time; time.sleep(600)")
    supervisor = Supervisor(place, [Part("one", sleep, {}), Part("other", sleep, {}, prepare=take_long)])
    one, other = supervisor.keepers["one"], supervisor.keepers["other"]
    one.begin()
    await until_it_lives(one)
    began = time.monotonic()
    other.begin()
    await asyncio.sleep(0)
    await one.stop()
    took = time.monotonic() - began
    go.set()
    await other.stop()

    assert took < 3


def test_an_archive_does_not_wait_for_ever_for_a_database_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = place_of_its_own(tmp_path)
    place.make_folders()
    secret_files.make(place.secrets)
    monkeypatch.setenv("BIANBAN_ARCHIVE_DIR", str(tmp_path / "archive"))
    monkeypatch.setattr(archive, "PATIENCE", 2)
    wal = next(archive.parts(place))
    assert wal.prepare

    with socket.create_server(("127.0.0.1", place.port("postgres"))), pytest.raises(RuntimeError, match="timeout expired"):
        wal.prepare()


def test_a_database_that_recovers_from_a_crash_is_given_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "password", lambda *_: "secret")

    assert postgres.part(Place(tmp_path, 0, "test")).start_seconds >= 3600
