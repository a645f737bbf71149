"""`bianban trace` as its reader sees it."""

from typing import Any

from deploy.trace.waterfall import lines, waterfall
from shared.found_traces import Found, Trace, lined_up

TRACE_ID = "6b06376f4bb3e5676269780137fc72e0"


def span(name: str, begun: int, took: int, own: str, parent: str | None = None, **tags: str) -> dict[str, Any]:
    """As Zipkin has it: microseconds."""
    told = {
        "id": own,
        "name": name,
        "timestamp": 1_790_000_000_000_000 + begun,
        "duration": took,
        "localEndpoint": {"serviceName": "roster-app"},
    }
    return told | {"tags": tags} | ({"parentId": parent} if parent else {})


SPANS = [
    span("处理事件 超编已记录", 30_000, 10_000, "c", "b"),
    span("命令 如实记录超编", 5_000, 20_000, "b", "a"),
    span("请求 如实记录超编", 0, 40_000, "a"),
    span("启动整改流程", 41_000, 9_000, "d", "not here", error="RPCError"),
]


def test_steps_stand_below_their_parents_in_the_order_of_time() -> None:
    assert [(each.span_id, each.depth) for each in lined_up(SPANS)] == [("a", 0), ("b", 1), ("c", 2), ("d", 0)]


def test_a_waterfall_says_when_how_long_where_and_what() -> None:
    told = list(waterfall(Trace(TRACE_ID, tuple(lined_up(SPANS)))))

    assert told[0].startswith(f"追踪 {TRACE_ID}  2026-")
    assert told[0].endswith("共 50.0 毫秒")
    assert told[3].split() == ["5.0", "20.0", "██████████", "命令", "如实记录超编", "roster-app"]
    assert told[5].endswith("错误 RPCError")
    assert told[2].index("█") < told[4].index("█")


def test_what_is_no_longer_kept_and_a_zipkin_that_is_away_are_said() -> None:
    told = "\n".join(lines(Found("approval:1", ["approval:1"], None, [], [Trace(TRACE_ID, ())], zipkin=False)))

    assert "Zipkin 没有应答" in told
    assert "各步骤已不在 Zipkin 中" in told


def test_no_line_is_drawn_beyond_its_width() -> None:
    told = list(waterfall(Trace(TRACE_ID, tuple(lined_up([span("x", 0, 1, "a"), span("y", 99_999_999, 1, "b")])))))

    assert [line.count("█") for line in told[2:]] == [1, 1]
