"""A trace as a waterfall: each step's bar in hundredths of the whole, and what went wrong in it. Only what is named here is shown of a step."""

from dataclasses import dataclass

from shared.found_traces import Trace

LEAST = 0.4
MOST_STEPS = 400


@dataclass(frozen=True)
class Step:
    """One line: milliseconds since the beginning, milliseconds it took, and the bar."""

    name: str
    process: str
    depth: int
    since: float
    took: float
    x: float
    width: float
    wrong: str


@dataclass(frozen=True)
class Waterfall:
    """All steps of one trace; `begun` in seconds since 1970. None of them where no store has them any more. `left_out`: steps beyond the most."""

    trace_id: str
    begun: float | None
    whole: float
    steps: tuple[Step, ...]
    left_out: int


def waterfall(trace: Trace) -> Waterfall:
    """Parents before children, as they were lined up."""
    if not trace.spans:
        return Waterfall(trace.trace_id, None, 0.0, (), 0)
    first, last = min(span.begun for span in trace.spans), max(span.begun + span.took for span in trace.spans)
    whole = max(last - first, 0.001)
    steps = []
    for span in trace.spans[:MOST_STEPS]:
        since = span.begun - first
        x = min(since / whole * 100, 100 - LEAST)
        width = max(LEAST, min(100 - x, span.took / whole * 100))
        wrong = "错误" if span.failed else span.tags.get("error.type", "")
        steps.append(Step(span.name, span.process, min(span.depth, 12), since, span.took, round(x, 2), round(width, 2), wrong))
    return Waterfall(trace.trace_id, first / 1000, whole, tuple(steps), max(0, len(trace.spans) - MOST_STEPS))
