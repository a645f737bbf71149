"""Which traces are kept, decided when their spans are here: a share of all, and every one with an error or that took long.

A trace that its share does not keep waits for a while: until then any of its spans, from whichever process, may still show that it matters. What
went on longer than that is known by the second in its id (`shared/traces.py`): it is kept from there on.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from shared.traces import LASTS, begun_at

WAIT = 20.0
KNOWN = 50_000
WAITING_SPANS = 50_000
_ALL = 1 << 64


class Span(Protocol):
    """What the decision needs to know of a span; times in nanoseconds."""

    @property
    def trace_id(self) -> bytes: ...
    @property
    def begun(self) -> int: ...
    @property
    def ended(self) -> int: ...
    @property
    def failed(self) -> bool: ...


@dataclass
class _Trace:
    since: float
    spans: list[Span] = field(default_factory=list)

    def took(self) -> float:
        """Seconds from its first instant to its last; spans of it may have been let go before."""
        first = min(span.begun for span in self.spans)
        return (max(span.ended for span in self.spans) - _began(self.spans[0].trace_id, first)) / 1e9


def _began(trace_id: bytes, first: int) -> int:
    """When the trace began at the latest: at the end of the second in its id, where that is one of ours (an older cause has a trace of its own)."""
    second = (begun_at(int.from_bytes(trace_id)) + 1) * 1_000_000_000
    return second if 0 < first - second <= 2 * LASTS * 1e9 else first


class Tail:
    """`share` of all traces (0 to 1, the same ones wherever it is asked), and those that took `slow` seconds or more."""

    def __init__(self, share: float, slow: float, wait: float = WAIT) -> None:
        self._bound, self._slow, self._wait = int(share * _ALL), slow, wait
        self._waiting: OrderedDict[bytes, _Trace] = OrderedDict()
        self._kept: OrderedDict[bytes, None] = OrderedDict()
        self._held = 0

    def take(self, spans: Iterable[Span]) -> list[Span]:
        """The spans to be shown now: those of kept traces, with what waited of them."""
        shown: list[Span] = []
        for span in spans:
            shown += [span] if self._is_kept(span.trace_id) else self._judged(span)
        self._give_up()
        return shown

    def _is_kept(self, trace_id: bytes) -> bool:
        return trace_id in self._kept or int.from_bytes(trace_id[8:]) < self._bound

    def _judged(self, span: Span) -> list[Span]:
        trace = self._waiting.setdefault(span.trace_id, _Trace(time.monotonic()))
        trace.spans.append(span)
        self._held += 1
        if not span.failed and trace.took() < self._slow:
            return []
        self._kept[span.trace_id] = None
        if len(self._kept) > KNOWN:
            self._kept.popitem(last=False)
        return self._let_go(span.trace_id)

    def _give_up(self) -> None:
        """Forget what waited long enough and showed nothing, and the oldest when too many wait."""
        until = time.monotonic() - self._wait
        while self._waiting and (self._held > WAITING_SPANS or next(iter(self._waiting.values())).since < until):
            self._let_go(next(iter(self._waiting)))

    def _let_go(self, trace_id: bytes) -> list[Span]:
        spans = self._waiting.pop(trace_id).spans
        self._held -= len(spans)
        return spans
