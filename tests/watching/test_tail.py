"""What the relay keeps: a share of all traces, every error, everything slow, whichever process tells of it and whenever."""

from dataclasses import dataclass

import pytest

from deploy.otlp import tail
from deploy.otlp.tail import Tail

SECOND = 1_000_000_000
KEPT, LOST = bytes(8) + bytes(8), bytes(8) + bytes([255] * 8)
"""By a share of one half: the lowest id and the highest."""


@dataclass(frozen=True)
class Span:
    trace_id: bytes
    begun: int = 0
    ended: int = SECOND // 100
    failed: bool = False


def test_a_share_of_the_traces_is_shown_at_once_and_the_same_ones_always() -> None:
    half = Tail(0.5, slow=1)

    assert half.take([Span(KEPT), Span(LOST), Span(KEPT)]) == [Span(KEPT), Span(KEPT)]


def test_an_error_brings_back_what_was_told_of_its_trace_before_and_all_that_follows() -> None:
    nothing, early, wrong, late = Tail(0, slow=1), Span(LOST), Span(LOST, failed=True), Span(LOST, begun=1)

    assert nothing.take([early]) == []
    assert nothing.take([wrong]) == [early, wrong]
    assert nothing.take([late]) == [late]


def test_a_slow_span_is_kept_and_so_are_quick_ones_that_are_far_apart() -> None:
    slow = Span(LOST, ended=SECOND)
    first, last = Span(KEPT), Span(KEPT, begun=2 * SECOND, ended=2 * SECOND)

    assert Tail(0, slow=1).take([slow]) == [slow]
    assert Tail(0, slow=1).take([first, last]) == [first, last]


def test_what_showed_nothing_in_its_time_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    nothing = Tail(0, slow=1, wait=20)
    nothing.take([Span(LOST)])

    now = 21.0
    nothing.take([])
    assert nothing.take([Span(LOST, failed=True)]) == [Span(LOST, failed=True)]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "WAITING_SPANS", 10)
    nothing, first = Tail(0, slow=1), Span(bytes([1] * 16))
    nothing.take([first])
    nothing.take([Span(bytes([2, number] * 8)) for number in range(20)])

    assert nothing.take([Span(first.trace_id, failed=True)]) == [Span(first.trace_id, failed=True)]
