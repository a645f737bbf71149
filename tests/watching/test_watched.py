"""Alerts and dashboards speak of figures that exist, and each alert says what to do."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.local import secret_files
from deploy.local.part import Part
from deploy.local.parts import parts
from deploy.local.place import PROJECT, Place
from shared.metrics import CATALOGUE, TEMPORAL
from workflows.schedules import SCHEDULES

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
        "round",
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
    *("avg_over_time", "last_over_time", "max_over_time", "min_over_time", "le"),
}
"""PromQL's own; anything else outside braces is a series or a label to group by."""
OTHERS_LABELS = {
    *("job", "instance", "le"),
    *("workflow_type", "activity_type", "poller_type", "task_queue"),
    *("group", "topic", "partition"),
}
"""What Prometheus and Temporal's SDK add, and the names by which kafka's exporters tell a lag (`shared/listening.py`)."""
NAMED = re.compile(r'(telemetry|security_log)\.set_up\("([^"]+)"')


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


def labels(query: str) -> set[str]:
    """The labels that a PromQL query chooses or groups by."""
    grouped = re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", query)
    return {name.strip() for each in grouped for name in each.split(",")} | {name for name, _, _ in chosen(query)}


def chosen(query: str) -> list[tuple[str, str, str]]:
    """Label, operator and value of each choice in a PromQL query."""
    return re.findall(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"', query)


def processes(place: Place) -> Iterator[tuple[Part, str]]:
    """Each part that runs a module of ours, with the module's text."""
    for part in parts(place):
        named = next((word for word in part.argv if re.fullmatch(r"(services|workflows|deploy)\.[\w.]+(:create_app)?", word)), None)
        if named and not part.job:
            path = PROJECT / named.removesuffix(":create_app").replace(".", "/")
            file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__main__.py"
            yield part, file.read_text(encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A stack with all its parts, the archive too."""
    monkeypatch.setenv("BIANBAN_ARCHIVE_DIR", str(tmp_path / "archive"))
    made = Place(tmp_path, 0, "demo")
    made.make_folders()
    secret_files.make(made.secrets)
    return made


def test_every_process_is_named_in_figures_and_logs_as_its_part_is(place: Place) -> None:
    named = {part.name: NAMED.findall(text) for part, text in processes(place)}

    assert {name for name, found in named.items() if not found} == {"otlp", "seal"}  # what takes the figures, and the demo's platform
    assert {name: found for name, found in named.items() if {each for _, each in found} - {name}} == {}
    doors = {name for name in named if name.endswith("-app") or name == "portal"}
    assert {name for name, found in named.items() if "security_log" in dict(found)} == doors


def test_every_label_that_is_asked_for_is_told_and_every_job_is_a_part(place: Place) -> None:
    told = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("services", "shared", "deploy", "workflows")
        for path in (PROJECT / folder).rglob("*.py")
    )
    known = OTHERS_LABELS | {re.sub(r"\W", "_", name) for name in re.findall(r"""["']([a-z_]+(?:\.[a-z_]+)+)["']""", told)}
    assert {where: labels(query) - known for where, query in queries() if labels(query) - known} == {}

    of_part = {part.name for part, text in processes(place) if NAMED.search(text)}
    for where, query in queries():
        for _, operator, value in [each for each in chosen(query) if each[0] == "job"]:
            assert [part for part in of_part if re.fullmatch(value if operator == "=~" else re.escape(value), part)], (where, value)


def test_every_door_of_a_service_is_among_those_whose_commands_are_watched(place: Place) -> None:
    (query,) = [rule["expr"] for rule in rules() if rule["alert"] == "CommandsSlow"]
    ((_, _, jobs),) = [each for each in chosen(query) if each[0] == "job"]
    doors = {dict(NAMED.findall(text))["telemetry"] for part, text in processes(place) if part.name.endswith("-app")}

    assert len(doors) == 5
    assert {each for each in doors if not re.fullmatch(jobs, each)} == set()


def test_every_queue_that_workflows_ask_and_every_daily_run_is_missed_when_it_is_away() -> None:
    told = {
        rule["alert"]: {value for label, _, value in chosen(rule["expr"]) if label in {"task_queue", "bianban_schedule"}}
        for rule in rules()
    }
    asked = {
        queue
        for path in (PROJECT / "services").glob("*/worker.py")
        if "serve_activities" in path.read_text(encoding="utf-8")
        for queue in [path.parent.name]
    }

    assert told["QueueUnserved"] == asked == {"roster", "approval", "monitoring"}
    assert told["ScheduleStands"] == {each.id for each in SCHEDULES}


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


def test_the_words_that_promtools_tests_expect_are_those_of_the_rules() -> None:
    summaries = {rule["alert"]: re.split(r"\{\{ if .*\{\{ end \}\}|\{\{.*?\}\}", rule["annotations"]["summary"]) for rule in rules()}
    tried = yaml.safe_load((ALERTS / "bianban_test.yml").read_text(encoding="utf-8"))
    told = [
        (case["alertname"], alert["exp_annotations"]["summary"])
        for test in tried["tests"]
        for case in test["alert_rule_test"]
        for alert in case["exp_alerts"]
    ]

    assert [(name, words) for name, words in told if not re.fullmatch(".*".join(map(re.escape, summaries[name])), words)] == []
