"""The figures of a run as SVG, one file per path: ours beside the floor, and for `growth` the ratio to 1× over the size."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pygal

from tests.bench.figures import Figure

_LOOK = {"js": (), "print_values": True, "width": 900, "height": 500}
"""Without the scripts that the library's pages load from elsewhere."""


def draw(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Write the plots and name them."""
    paths: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        paths[figure.path.split(":", 1)[0].split(" ", 1)[0]].append(figure)
    written = []
    for name, taken in paths.items():
        chart = _lines(taken) if name == "growth" else _bars(name, taken)
        written.append(folder / f"{name}.svg")
        chart.render_to_file(str(written[-1]))
    return written


def _bars(name: str, figures: Sequence[Figure]) -> pygal.Bar:
    chart = pygal.Bar(title=name, value_formatter=lambda value: f"{value:,.4g}", **_LOOK)
    chart.x_labels = [f"{figure.path.removeprefix(name).strip(': ') or name} ({figure.unit})" for figure in figures]
    chart.add("ours", [figure.ours for figure in figures])
    if any(figure.floor != 1 for figure in figures):
        chart.add("floor", [figure.floor for figure in figures])
    return chart


def _lines(figures: Sequence[Figure]) -> pygal.XY:
    chart = pygal.XY(
        title="growth: as a share of what it is at 1× (ms: less is better)", value_formatter=lambda value: f"{value:.2f}", **_LOOK
    )
    series: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for figure in figures:
        path, size = figure.path.removeprefix("growth: ").rsplit(" ×", 1)
        series[f"{path} ({figure.unit})"].append((int(size), figure.ratio))
    for path, points in series.items():
        chart.add(path, points)
    return chart
