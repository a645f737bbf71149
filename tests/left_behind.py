"""What a stack leaves on the disk once a run has used it: no person whom a test invents stands in a log, a topic or a history.

The stories' stack is searched by `tests/e2e/test_what_leaks.py` while it runs, its tables too; the tables of other tests go with their databases.
"""

import re
from collections.abc import Iterator
from pathlib import Path

LEFT = {"log": "*", "kafka": "*.log", "temporal": "*"}
"""By folder of the home: the logs of servers and parts, the segments of topics (nothing is compressed), Temporal's database."""
_NUMBER = re.compile(rb"33049[89]\d{11}[\dXx]")
SPOILT = frozenset({b"330499198603051236"})
"""Put into topics by `tests/fuzz`, which sees it refused."""
NAMES = tuple(name.encode() for name in ("沈清和", "测试人员", "范围内示例人", "范围外示例人", "泄露示例人", "欧阳娜娜", "买买提·艾力"))
"""Under which people are registered; each is in nothing else that is written."""


def people_in(home: Path, *folders: str) -> dict[str, list[str]]:
    """Numbers and names by the file they stand in; of these folders, or of all."""
    files = ((folder, path) for folder in folders or LEFT for path in sorted((home / folder).rglob(LEFT[folder])) if path.is_file())
    return {f"{folder}/{path.name}": hits for folder, path in files if (hits := sorted(set(_people(path.read_bytes()))))}


def _people(data: bytes) -> Iterator[str]:
    yield from (number.decode() for number in _NUMBER.findall(data) if number not in SPOILT)
    yield from (name.decode() for name in NAMES if name in data)
