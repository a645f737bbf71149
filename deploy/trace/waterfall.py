"""A trace as lines of text: when each step began, how long it took, where, and what it was."""

from collections.abc import Iterator
from datetime import datetime
from unicodedata import east_asian_width

from shared.clock import CHINA
from shared.found_traces import Found, Span, Trace

BAR = 24
NAMES = 46


def lines(found: Found) -> Iterator[str]:
    """The whole answer."""
    if found.workflow:
        run = found.workflow
        yield f"流程  {run['title']}  {run['workflow_id']}  运行 {run['run_id']}  {run['state']}  始于 {_clock(run['started_at'])}"
    for case in found.cases:
        yield f"案件  {case}"
    for event in found.events:
        yield f"事件  {_clock(event['recorded_at'])}  {padded(event['title'], 16)}  版本 {event['version']:<4} 追踪 {event['trace_id'] or '—'}"
    if not found.zipkin:
        yield "Zipkin 没有应答，以下没有各步骤的用时。请用 bianban status 查看。"
    for trace in found.traces:
        yield ""
        yield from waterfall(trace)


def waterfall(trace: Trace) -> Iterator[str]:
    """One trace: milliseconds since its beginning, milliseconds it took, a bar, the step below its parent, its process."""
    if not trace.spans:
        yield f"追踪 {trace.trace_id}  各步骤已不在 Zipkin 中（未抽中，或已过保存期）"
        return
    first, last = min(span.begun for span in trace.spans), max(span.begun + span.took for span in trace.spans)
    whole = max(last - first, 0.001)
    yield f"追踪 {trace.trace_id}  {datetime.fromtimestamp(first / 1000, CHINA):%Y-%m-%d %H:%M:%S.%f}"[:-3] + f"  共 {whole:.1f} 毫秒"
    yield f"{'开始毫秒':>8} {'用时':>6}  "
    for span in trace.spans:
        yield _line(span, first, whole)


def _line(span: Span, first: float, whole: float) -> str:
    start = min(BAR - 1, int((span.begun - first) / whole * BAR))
    length = max(1, min(BAR - start, round(span.took / whole * BAR)))
    bar = " " * start + "█" * length + " " * (BAR - start - length)
    name = padded("  " * span.depth + span.name, NAMES)
    wrong = (
        f"  错误 {span.tags.get('error', '')}" if span.failed else f"  拒绝 {span.tags['error.type']}" if "error.type" in span.tags else ""
    )
    return f"{span.begun - first:10.1f} {span.took:9.1f}  {bar}  {name}  {span.process}{wrong}"


def padded(text: str, width: int) -> str:
    """To a width in columns of a terminal, where a Chinese character takes two."""
    return text + " " * max(0, width - sum(2 if east_asian_width(each) in "WF" else 1 for each in text))


def _clock(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone(CHINA):%m-%d %H:%M:%S}"
