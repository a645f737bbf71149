"""Figures: the latest of each series as it came by OTLP, told as Prometheus text under the names that Prometheus gives them."""

import re
import time
from collections.abc import Iterator

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint, Metric, NumberDataPoint

from deploy.otlp.spans import attributes
from shared.metrics import prometheus_name
from shared.watching import EVERY

STALE = 300.0
_SOON = 4.5 * EVERY
"""A gauge says what is now: when it was missed four times, nobody knows. What counts says nothing any more by standing still."""
Labels = tuple[tuple[str, str], ...]


class Figures:
    """Each series is forgotten five minutes after it was last told, a gauge after one: its process is gone, or tells it no more."""

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._lines: dict[tuple[str, Labels], tuple[float, list[str]]] = {}

    def take(self, body: bytes) -> None:
        """Keep the figures of an export request."""
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            who = attributes(resource.resource.attributes)
            about = {"job": who.get("service.name", "—"), "instance": who.get("service.instance.id", "—")}
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    self._keep(metric, about)

    def _keep(self, metric: Metric, about: dict[str, str]) -> None:
        kind = metric.WhichOneof("data")
        if kind not in {"gauge", "sum", "histogram"}:
            return
        counts = kind == "sum" and metric.sum.is_monotonic
        name = prometheus_name(metric.name, metric.unit, counts=counts)
        self._kinds[name] = "histogram" if kind == "histogram" else "counter" if counts else "gauge"
        for point in getattr(metric, kind).data_points:
            labels = tuple(sorted((about | _named(attributes(point.attributes))).items()))
            lines = list(_histogram(name, labels, point) if kind == "histogram" else _number(name, labels, point))
            self._lines[name, labels] = (time.monotonic(), lines)

    def text(self) -> str:
        """What Prometheus would scrape."""
        now = time.monotonic()
        self._lines = {series: known for series, known in self._lines.items() if now - known[0] < self._kept(series[0])}
        told: dict[str, list[str]] = {}
        for (name, _), (_, lines) in sorted(self._lines.items()):
            told.setdefault(name, [f"# TYPE {name} {self._kinds[name]}"]).extend(lines)
        return "".join(f"{line}\n" for lines in told.values() for line in lines)

    def _kept(self, name: str) -> float:
        return _SOON if self._kinds[name] == "gauge" else STALE


def _named(pairs: dict[str, str]) -> dict[str, str]:
    return {re.sub(r"\W", "_", name): value for name, value in pairs.items()}


def _number(name: str, labels: Labels, point: NumberDataPoint) -> Iterator[str]:
    yield _line(name, labels, point.as_int if point.WhichOneof("value") == "as_int" else point.as_double)


def _histogram(name: str, labels: Labels, point: HistogramDataPoint) -> Iterator[str]:
    below = 0
    for bound, count in zip([*point.explicit_bounds, float("inf")], point.bucket_counts, strict=False):
        below += count
        yield _line(f"{name}_bucket", (*labels, ("le", "+Inf" if bound == float("inf") else f"{bound:g}")), below)
    yield _line(f"{name}_sum", labels, point.sum)
    yield _line(f"{name}_count", labels, point.count)


def _line(name: str, labels: Labels, value: float) -> str:
    written = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels)
    return f"{name}{{{written}}} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
