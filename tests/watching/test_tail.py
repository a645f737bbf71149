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


def test_what_goes_on_longer_than_it_waits_is_kept_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    began = 1_800_000_000
    ours, of_others = began.to_bytes(4) + bytes([255] * 12), bytes([255] * 16)
    nothing = Tail(0, slow=1, wait=20)
    nothing.take([Span(trace_id, begun=began * SECOND, ended=began * SECOND + 1) for trace_id in (ours, of_others)])

    now = 30.0
    nothing.take([])
    later = [Span(trace_id, begun=(began + 30) * SECOND, ended=(began + 30) * SECOND + 1) for trace_id in (ours, of_others)]
    assert nothing.take(later) == later[:1]  # the second in an id that others made tells nothing


@pytest.mark.parametrize(("ended", "kept"), [(1.9, False), (2.1, True), (602.0, True), (1300.0, False)])
def test_the_second_in_an_id_is_taken_for_its_end_and_not_for_ever(ended: float, kept: bool) -> None:
    """A trace that began at the end of its second is not called slow for it; one that claims to be hours old is none of ours."""
    began = 1_800_000_000
    at = began * SECOND + int(ended * SECOND)
    span = Span(began.to_bytes(4) + bytes([255] * 12), begun=at, ended=at)

    assert Tail(0, slow=1).take([span]) == ([span] if kept else [])


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tail, "WAITING_SPANS", 10)
    nothing, first = Tail(0, slow=1), Span(bytes([1] * 16))
    nothing.take([first])
    nothing.take([Span(bytes([2, number] * 8)) for number in range(20)])

    assert nothing.take([Span(first.trace_id, failed=True)]) == [Span(first.trace_id, failed=True)]
