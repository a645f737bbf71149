"""What drivers log by themselves is kept to what somebody can read, and nothing else is kept back."""

import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.local.place import PROJECT
from shared import telemetry

FETCHER = logging.getLogger("aiokafka.consumer.fetcher")
FETCHING = "Unexpected error while fetching data: %s"


def test_that_the_broker_cannot_read_its_own_log_is_said_once_a_minute_and_anything_else_each_time(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [0.0]
    monkeypatch.setattr(telemetry, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(FETCHER, "filters", [])
    telemetry.keep_drivers_brief()
    caplog.set_level(logging.WARNING, "aiokafka")  # a command run in this process before may have silenced it
    for at in (0.0, 0.1, 59.0, 61.0):
        now[0] = at
        FETCHER.warning(FETCHING, "CorruptRecordException")
        FETCHER.warning("Failed fetch messages from %s: %s", 1, "KafkaError")
    FETCHER.warning(FETCHING, "UnknownError")

    told = [record.getMessage() for record in caplog.records]
    assert [text.rpartition(": ")[2] for text in told] == [
        *("CorruptRecordException", "KafkaError", "KafkaError", "KafkaError"),
        *("CorruptRecordException", "KafkaError", "UnknownError"),
    ]


def test_on_a_full_disk_a_line_is_lost_and_not_the_work_that_tells_it() -> None:
    told = "import os, structlog; from shared import telemetry; telemetry.set_up('roster-app', None)"
    lines = "".join(f"; structlog.get_logger().{kind}('done', words='x' * 9000)" for kind in ("info", "warning", "error"))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [sys.executable, "-c", f"{told}{lines}; os._exit(7)"], stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=PROJECT
        )

    assert (done.returncode, done.stderr) == (7, "")
