"""A case file is verified by a program that knows nothing of this system, and that notices any change."""

import hashlib
import json
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.casefile import verify
from shared.clock import at_hour
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar

START = date(2026, 9, 18)
CALENDAR = load_calendar()
TERM = Deadline.start(START, 30, CALENDAR)


def folder(path: Path, deadline: Deadline = TERM) -> Path:
    """A case file of one deadline and one document."""
    (path / "通知.pdf").write_bytes(b"%PDF")
    case: dict[str, Any] = {
        "certificates": [{"of": "编整〔2026〕1号", "certificate": json.loads(deadline.certificate().model_dump_json())}],
        "documents": [{"file": "通知.pdf", "sha256": hashlib.sha256(b"%PDF").hexdigest()}],
    }
    write(path, case)
    return path


def write(path: Path, case: dict[str, Any]) -> None:
    text = json.dumps(case, ensure_ascii=False)
    (path / "case.json").write_text(text, encoding="utf-8")
    (path / "case.json.sha256").write_text(f"{hashlib.sha256(text.encode()).hexdigest()}  case.json\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    case: dict[str, Any] = json.loads((path / "case.json").read_text(encoding="utf-8"))
    return case


def test_it_runs_alone_without_any_package(tmp_path: Path) -> None:
    (tmp_path / "verify.py").write_bytes(Path(verify.__file__).read_bytes())
    folder(tmp_path)

    done = subprocess.run([sys.executable, "-I", "-S", "verify.py"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert "期限 编整〔2026〕1号：重新计算为 2026-11-05 17:30" in done.stdout


def test_a_changed_document_is_noticed(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "通知.pdf").write_bytes(b"%PDF ")

    assert verify.main(tmp_path) == 1


def test_a_missing_document_is_noticed(tmp_path: Path) -> None:
    (folder(tmp_path) / "通知.pdf").unlink()

    assert verify.main(tmp_path) == 1


def test_a_changed_fact_is_noticed(tmp_path: Path) -> None:
    folder(tmp_path)
    (tmp_path / "case.json").write_text((tmp_path / "case.json").read_text(encoding="utf-8") + " ", encoding="utf-8")

    assert verify.main(tmp_path) == 1


@pytest.mark.parametrize(("name", "value"), [("due_at", "2026-11-06T09:30:00Z"), ("budget", 29), ("start_on", "2026-09-17")])
def test_a_deadline_that_does_not_follow_from_its_certificate_is_noticed(tmp_path: Path, name: str, value: object) -> None:
    case = read(folder(tmp_path))
    case["certificates"][0]["certificate"][name] = value
    write(tmp_path, case)

    assert verify.main(tmp_path) == 1


days = st.integers(0, 400)


@given(
    start=days,
    budget=st.integers(1, 60),
    pauses=st.lists(st.tuples(st.integers(1, 20), st.integers(0, 23), st.integers(1, 20)), max_size=3),
    left=st.booleans(),
)
def test_the_independent_count_agrees_with_the_law(start: int, budget: int, pauses: list[tuple[int, int, int]], *, left: bool) -> None:
    deadline = Deadline.start(START + timedelta(days=start), budget, CALENDAR)
    at = at_hour(START + timedelta(days=start), 9)
    for after, hour, long in pauses:
        since = at + timedelta(days=after, hours=hour)
        at = since + timedelta(days=long)
        deadline = deadline.paused(since, "officer", "补正").resumed(at)
    deadline = deadline.paused(at + timedelta(days=2), "officer", "补正") if left else deadline

    assert verify.last_day(json.loads(deadline.certificate().model_dump_json())) == deadline.due_on
