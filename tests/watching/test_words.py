"""Each step that a trace shows has a name in the field's words, and no name is left over."""

import re
from pathlib import Path

from deploy.local.place import PROJECT
from services.approval.activities import ApprovalActivities
from services.monitoring.activities import MonitoringActivities
from services.roster.activities import RosterActivities
from services.roster.activities.comparisons import ComparisonActivities
from services.roster.activities.imports import ImportActivities
from shared import deeds
from shared.events import CATALOGUE
from workflows.worker import CLASSES

COMMAND = re.compile(r"^@command\n(?:async )?def (\w+)", re.MULTILINE)
CASE = re.compile(r'return f"([a-z]+):\{\w+\}')
ACTIVITY_CLASSES = (ApprovalActivities, MonitoringActivities, RosterActivities, ComparisonActivities, ImportActivities)


def sources() -> list[Path]:
    return [path for folder in ("services", "shared") for path in (PROJECT / folder).rglob("*.py")]


def test_every_command_has_its_words() -> None:
    found = {name for path in sources() for name in COMMAND.findall(path.read_text(encoding="utf-8"))}

    assert set(deeds.COMMANDS) == found


def test_every_event_workflow_and_update_has_its_words() -> None:
    assert set(deeds.EVENTS) == set(CATALOGUE.types())
    assert set(deeds.WORKFLOWS) == {each.__name__ for each in CLASSES}
    updates = {name for each in CLASSES for name in getattr(each, "__temporal_workflow_definition").updates}
    assert set(deeds.UPDATES) == updates


def test_every_activity_has_its_words() -> None:
    definitions = [getattr(member, "__temporal_activity_definition", None) for each in ACTIVITY_CLASSES for member in vars(each).values()]

    assert set(deeds.ACTIVITIES) == {found.name for found in definitions if found}


def test_every_kind_of_case_has_its_words() -> None:
    kinds = {kind for path in (PROJECT / "workflows").rglob("*.py") for kind in CASE.findall(path.read_text(encoding="utf-8"))}

    assert set(deeds.CASES) == kinds | {"supervision"}
    assert deeds.of_case("rectification:1:2") == "整改（第 2 轮）"
    assert deeds.of_case("supervision:2026-W08") == "督办清单 2026 年第 8 周"
    assert [deeds.of_case(each) for each in ("freeze:1", "other:1", None)] == ["冻结令", None, None]


def test_words_are_short_and_chinese() -> None:
    tables = (deeds.COMMANDS, deeds.EVENTS, deeds.WORKFLOWS, deeds.UPDATES, deeds.ACTIVITIES, deeds.CASES, deeds.BY_HAND)

    assert [words for table in tables for words in table.values() if not re.fullmatch(r"[\u4e00-\u9fff]{2,10}", words)] == []
