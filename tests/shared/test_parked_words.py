"""Why an event is parked is told in Chinese, wherever it is read."""

import re
from pathlib import Path

import pytest

from shared import masked
from shared.events import CATALOGUE
from shared.events.envelope import Unreadable
from shared.parked_words import parked_because

WRITTEN = re.compile(r'(?:Unreadable|Contradicted)\("(.*?)"\)')
SOURCES = [Path("shared/consumer.py"), Path("shared/events/envelope.py")]


def test_each_reason_that_the_kit_writes_down_has_words() -> None:
    written = [each for path in SOURCES for each in WRITTEN.findall(path.read_text(encoding="utf-8"))]

    assert len(written) == 5
    assert [each for each in written if parked_because(f"Unreadable: {each}").endswith(f"（{each}）")] == []


@pytest.mark.parametrize(
    ("error", "told"),
    [
        ("waits behind an earlier dead letter of its key", "排在同一对象更早的死信之后"),
        ("the process died while handling it", "处理时进程中断"),
        ("Unreadable: no event id", "无法识别为事件：没有事件编号"),
        ("Unreadable: ValidationError", "无法识别为事件：内容不合格式（ValidationError）"),
        (
            "Unreadable: the driver cannot read offsets 3 to 9 (Crc)",
            "无法识别为事件：驱动程序读不出第 3 至 9 条（Crc），重放无用，须在服务器上用 bianban dead-letters reread 重读",
        ),
        ("not_found", "没有找到或无权查看（not_found）"),
        ("UniqueViolationError", "UniqueViolationError"),
    ],
)
def test_a_reason_is_told_in_words_and_an_unforeseen_failure_by_its_name(error: str, told: str) -> None:
    assert parked_because(error) == told


@pytest.mark.parametrize("told", ["roster.quota_changed.v2", "roster.quota_changed.v17"])
def test_an_event_of_a_newer_build_is_called_so_and_by_its_type(told: str) -> None:
    with pytest.raises(Unreadable) as refused:
        CATALOGUE.kind("roster.events", {"ce_type": told})

    assert parked_because(f"Unreadable: {refused.value}") == "无法识别为事件：事件版本新于本程序，升级后重新处理"
    assert masked.event_type(told) == told


@pytest.mark.parametrize(
    ("topic", "told"),
    [
        ("monitoring.events", "roster.quota_changed.v2"),
        ("roster.events", "roster.zhang_san.v2"),
        ("roster.events", "roster.quota_changed.v0"),
        ("roster.events", "roster.quota_changed.v330499198603051236"),
        ("roster.events", "roster.quota_changed.v２"),
    ],
)
def test_a_stranger_is_no_newer_build(topic: str, told: str) -> None:
    with pytest.raises(Unreadable, match="unknown type, or a type of another publisher"):
        CATALOGUE.kind(topic, {"ce_type": told})
    assert topic == "monitoring.events" or masked.event_type(told) == "（未知类型）"
