"""What drivers log by themselves is kept to what somebody can read, and nothing else is kept back."""

import logging
from types import SimpleNamespace

import pytest

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
