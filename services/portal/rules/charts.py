"""What ECharts is told to draw, as JSON: made of what the services answered, nothing is worked out anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Options = dict[str, Any]
Rows = Sequence[Mapping[str, Any]]
MOST_BARS = 16


@dataclass(frozen=True)
class Look:
    """The colours of a ground: `strong` for what is looked at, `weak` beside it."""

    ink: str
    quiet: str
    line: str
    strong: str
    weak: str
    size: int = 12


PAGE = Look(ink="#1b2430", quiet="#5a6675", line="#e6eaf0", strong="#1f4b87", weak="#b9c9df")
WALL = Look(ink="#eef4fb", quiet="#b5c5d8", line="#2a3b50", strong="#5aa2f0", weak="#38506d", size=26)


def posts(rows: Rows, names: Sequence[str], look: Look = PAGE) -> Options:
    """实有 against 核定 for each row, one above the other; the first row is on top."""
    shown = rows[:MOST_BARS]
    bars = [
        _bar("实有", [row["headcount"] for row in shown], look.strong, 1),
        _bar("核定", [row["quota"] for row in shown], look.weak, 0) | {"barGap": "-100%"},
    ]
    category = _axis(look) | {"type": "category", "inverse": True, "data": list(names[:MOST_BARS])}
    return _framed(look, bars) | {"xAxis": _axis(look) | {"type": "value"}, "yAxis": category}


def retirements(months: Rows, look: Look = PAGE) -> Options:
    """Month by month; 编制 and what is none stand on each other in two colours and are never added up in words."""
    bars = [
        _bar("编制内", [each["counted"] for each in months], look.strong, 0) | {"stack": "months", "barMaxWidth": 14},
        _bar("不计入编制", [each["others"] for each in months], look.weak, 0) | {"stack": "months"},
    ]
    category = _axis(look) | {"type": "category", "data": [each["month"] for each in months]}
    return _framed(look, bars) | {"xAxis": category, "yAxis": _axis(look) | {"type": "value", "minInterval": 1}}


def years(months: Rows) -> list[dict[str, Any]]:
    """The same months as a table: a row per year, a cell per month (none: outside of what was asked), and the year's sums."""
    found: dict[str, dict[int, Mapping[str, Any]]] = {}
    for each in months:
        found.setdefault(each["month"][:4], {})[int(each["month"][5:])] = each
    return [
        {
            "year": year,
            "months": [cells.get(month) for month in range(1, 13)],
            "counted": sum(each["counted"] for each in cells.values()),
            "others": sum(each["others"] for each in cells.values()),
        }
        for year, cells in found.items()
    ]


def shade(saturation: float | None) -> int:
    """How dark a tile is, 0 to 4: use alone, from below 90 % to over 100 %; it judges nothing."""
    return 0 if saturation is None else sum(saturation >= step for step in (0.9, 0.95, 0.98, 1.0000001))


def _bar(name: str, values: list[Any], colour: str, place: int) -> Options:
    return {
        "type": "bar",
        "name": name,
        "data": values,
        "z": 2 + place,
        "barMaxWidth": 18,
        "itemStyle": {"color": colour, "borderRadius": 2},
    }


def _axis(look: Look) -> Options:
    words = {"color": look.quiet, "fontSize": look.size, "hideOverlap": True}
    return {
        "axisLabel": words,
        "axisLine": {"lineStyle": {"color": look.line}},
        "splitLine": {"lineStyle": {"color": look.line}},
        "axisTick": {"show": False},
    }


def _framed(look: Look, series: list[Options]) -> Options:
    legend = {
        "top": 0,
        "right": 0,
        "itemWidth": look.size,
        "itemHeight": look.size,
        "textStyle": {"color": look.quiet, "fontSize": look.size},
    }
    grid = {"left": 4, "right": 16, "top": look.size * 2.6, "bottom": 4, "containLabel": True}
    return {"series": series, "legend": legend, "grid": grid, "tooltip": {"trigger": "axis"}, "textStyle": {"color": look.ink}}
