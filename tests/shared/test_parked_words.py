"""Why an event is parked is told in Chinese, wherever it is read."""

import re
from pathlib import Path

import pytest

from shared.parked_words import parked_because

WRITTEN = re.compile(r'(?:Unreadable|Contradicted)\("(.*?)"\)')
SOURCES = [Path("shared/consumer.py"), Path("shared/events/envelope.py")]


def test_each_reason_that_the_kit_writes_down_has_words() -> None:
    written = [each for path in SOURCES for each in WRITTEN.findall(path.read_text(encoding="utf-8"))]

    assert len(written) == 4
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
