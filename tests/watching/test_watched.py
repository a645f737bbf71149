"""Alerts and dashboards speak of figures that exist, and each alert says what to do."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from deploy.local.place import PROJECT
from shared.metrics import CATALOGUE, TEMPORAL

ALERTS = PROJECT / "deploy" / "alerts"
DASHBOARDS = sorted((PROJECT / "deploy" / "grafana").glob("*.json"))
OPERATIONS = PROJECT / "docs" / "operations.md"
WORDS = {
    *(
        "sum",
        "max",
        "min",
        "by",
        "rate",
        "increase",
        "histogram_quantile",
        "absent",
        "vector",
        "or",
        "and",
        "unless",
        "offset",
        "on",
        "without",
    ),
    *("avg_over_time", "last_over_time", "max_over_time", "le"),
}
"""PromQL's own; anything else outside braces is a series or a label to group by."""


def prometheus_names() -> set[str]:
    """Every series name that alerts and dashboards may use."""
    names = set(TEMPORAL)
    for each in CATALOGUE.values():
        names |= {f"{each.prometheus}_{part}" for part in ("bucket", "sum", "count")} if each.kind == "histogram" else {each.prometheus}
    return names | {f"{name}_{part}" for name in TEMPORAL if name.endswith("_seconds") for part in ("bucket", "sum", "count")}


def rules() -> list[dict[str, Any]]:
    told = yaml.safe_load((ALERTS / "bianban.yml").read_text(encoding="utf-8"))
    return [rule for group in told["groups"] for rule in group["rules"]]


def queries() -> Iterator[tuple[str, str]]:
    for rule in rules():
        yield rule["alert"], rule["expr"]
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                yield f"{path.name} {panel['title']}", target["expr"]


def series(query: str) -> set[str]:
    """The series that a PromQL query asks for."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\b(by|without|on)\s*\([^)]*\)|\b[\d.]+[smhd]?\b", " ", query)
    return {word for word in re.findall(r"[a-zA-Z_:][\w:]*", bare) if word not in WORDS}


def test_every_alert_and_every_panel_asks_for_figures_that_exist() -> None:
    asked = {where: series(query) for where, query in queries()}

    assert len(asked) > 20
    assert all(asked.values())
    assert {where: names - prometheus_names() for where, names in asked.items() if names - prometheus_names()} == {}


def test_every_figure_is_looked_at_somewhere() -> None:
    asked = set().union(*(series(query) for _, query in queries()))

    unseen = [each.name for each in CATALOGUE.values() if not any(name.startswith(each.prometheus) for name in asked)]
    assert unseen == []


def test_every_alert_has_a_line_in_the_runbook_and_every_line_an_alert() -> None:
    headings = re.findall(r"^### (\w+)$", OPERATIONS.read_text(encoding="utf-8"), re.MULTILINE)

    assert sorted(headings) == sorted(rule["alert"] for rule in rules())
    assert {rule["annotations"]["runbook"] for rule in rules()} == {f"docs/operations.md#{name.lower()}" for name in headings}
    assert {rule["labels"]["severity"] for rule in rules()} <= {"page", "ticket"}


def test_every_alert_is_tried_by_promtools_own_tests() -> None:
    tried = yaml.safe_load((ALERTS / "bianban_test.yml").read_text(encoding="utf-8"))
    fired = {case["alertname"] for test in tried["tests"] for case in test["alert_rule_test"] if case["exp_alerts"]}

    assert fired == {rule["alert"] for rule in rules()}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not on this machine")
def test_promtool_takes_the_rules_and_their_tests_pass() -> None:
    done = subprocess.run(
        ["/usr/bin/env", "promtool", "test", "rules", str(ALERTS / "bianban_test.yml")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_the_search_for_series_finds_them() -> None:
    query = 'sum by (le, job) (rate(known_total{job="not_this"}[5m])) / max(other_seconds offset 10m) > 0.5 or vector(0)'

    assert series(query) == {"known_total", "other_seconds"}
