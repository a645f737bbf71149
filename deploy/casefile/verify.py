"""Verify a case file: python3 verify.py [FOLDER]. Needs nothing but Python: no network, no database, no package.

It computes the hash of every file anew, and every deadline from its certificate: working days by the enclosed calendar, pauses and extensions.
A day counts when it is a working day and the clock was not stopped at its close (17:30, Beijing time).
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

CHINA = timezone(timedelta(hours=8))
Facts = dict[str, Any]


def main(folder: Path) -> int:
    """Print one line per check; 0 when all hold."""
    text = (folder / "case.json").read_bytes()
    case = json.loads(text)
    wrong = 0
    for good, line in (*_manifest(folder, text), *_files(folder, case), *_deadlines(case)):
        sys.stdout.write(("✓ " if good else "✗ ") + line + "\n")
        wrong += not good
    sys.stdout.write(f"{'全部相符' if not wrong else f'有 {wrong} 项不符'}\n")
    return 1 if wrong else 0


def _manifest(folder: Path, text: bytes) -> Iterator[tuple[bool, str]]:
    expected = (folder / "case.json.sha256").read_text(encoding="utf-8").split()[0]
    yield hashlib.sha256(text).hexdigest() == expected, f"案卷 case.json SHA-256 {expected}"


def _files(folder: Path, case: Facts) -> Iterator[tuple[bool, str]]:
    for each in [*case["documents"], *(each for each in case.get("attachments") or () if "file" in each)]:
        path = folder / each["file"]
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "文件不在"
        yield found == each["sha256"], f"文件 {each['file']} SHA-256 {found}"


def _deadlines(case: Facts) -> Iterator[tuple[bool, str]]:
    for each in case["certificates"]:
        due = last_day(each["certificate"])
        claimed = each["certificate"]["due_at"]
        shown = datetime.fromisoformat(claimed).astimezone(CHINA) if claimed else None
        counted = datetime(due.year, due.month, due.day, 17, 30, tzinfo=CHINA) if due else None
        yield shown == counted, f"期限 {each['of']}：重新计算为 {_written(counted)}，证明所载 {_written(shown)}"


def _written(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else "中止中，未定"


def last_day(certificate: Facts) -> date | None:
    """The last day of the term; None while an open pause leaves it unknown."""
    off, work = (set(map(date.fromisoformat, certificate["calendar"][name])) for name in ("off", "work"))
    published = set(certificate["calendar"]["published"])
    left = certificate["budget"] + sum(each["days"] for each in certificate["extensions"])
    open_since = [datetime.fromisoformat(each["since"]) for each in certificate["pauses"] if not each["until"]]
    pauses = [
        (datetime.fromisoformat(each["since"]), datetime.fromisoformat(each["until"])) for each in certificate["pauses"] if each["until"]
    ]
    day = date.fromisoformat(certificate["start_on"])
    while left:
        day += timedelta(days=1)
        close = datetime(day.year, day.month, day.day, 17, 30, tzinfo=CHINA)
        if any(close >= since for since in open_since):
            return None
        fixed = day.year not in published and (day.month, day.day) in {(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)}
        working = day in work or (day not in off and day.weekday() < 5 and not fixed)
        left -= working and not any(since <= close < until for since, until in pauses)
    return day


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)))
