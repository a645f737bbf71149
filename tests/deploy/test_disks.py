"""A disk without room is told in words: the servers on it tell of it each in its own, or hang, or say nothing at all."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from deploy import cli
from deploy.local import disks, stack
from deploy.local.place import Place
from deploy.local.process import last_line
from deploy.local.state import PartState, State

JAVA = """\
java.lang.InternalError: a fault occurred in an unsafe memory access operation
\tat org.apache.kafka.storage.internals.log.AbstractIndex.safeForceUnmap(AbstractIndex.java:473)
\tat kafka.Kafka.main(Kafka.scala)
\t... 12 more
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A stack of one part that its supervisor gave up, on a disk with next to no room."""
    monkeypatch.setenv("BIANBAN_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("deploy.local.disks.shutil.disk_usage", lambda _: SimpleNamespace(free=3 * 2**20))
    monkeypatch.setattr(stack, "published", lambda _: [PartState("kafka", State.FAILED, last_error="退出码 1；x")])
    monkeypatch.setattr(stack, "supervisor", lambda _: 1)
    place = Place(tmp_path / "home", 0, "test")
    place.make_folders()
    return place


def test_a_full_disk_is_named_by_the_status_with_what_to_do_and_no_restart_is_advised(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A PostgreSQL that is restarted on a full disk does not come back."""
    monkeypatch.setattr(cli, "_silent", lambda *_: {"postgres": "没有应答：DiskFullError"})

    shown = CliRunner().invoke(cli.app, ["status"], env={"COLUMNS": "400"})

    assert f"磁盘已满：{place.home} 所在的磁盘只剩 3 MB。请先腾出空间" in shown.output
    assert "或运行 bianban restart" not in shown.output
    assert shown.exit_code == 1


@pytest.mark.usefixtures("place")
def test_a_system_that_is_well_but_for_its_disk_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporal answers everybody who asks how it is."""
    monkeypatch.setattr(stack, "published", lambda _: [PartState("temporal", State.DONE)])
    monkeypatch.setattr(cli, "_silent", lambda *_: {})

    assert CliRunner().invoke(cli.app, ["status"]).exit_code == 1
    monkeypatch.setattr(disks, "LEAST", 0)
    assert CliRunner().invoke(cli.app, ["status"]).exit_code == 0


def test_a_start_that_fails_says_so_and_how_to_go_on(place: Place) -> None:
    with pytest.raises(stack.StartFailed, match=r"(?s)kafka：退出码 1；x\n磁盘已满：.*先运行 bianban down，再运行 bianban up"):
        asyncio.run(stack.until_ready(place))


def test_each_disk_is_told_once(place: Place) -> None:
    assert disks.full(place).count("磁盘已满") == 1


def test_the_reason_of_a_program_of_java_is_what_it_said_and_not_where_it_stood(tmp_path: Path) -> None:
    (tmp_path / "kafka.log").write_text(f"first\n{JAVA}")

    assert last_line(tmp_path / "kafka.log") == JAVA.partition("\n")[0]
