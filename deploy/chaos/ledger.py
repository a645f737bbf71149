"""The ledger outside the system: what was asked under which key, and what was answered. One line per answer, on disk before the client goes on."""

import json
import os
import time
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

Outcome = Literal["acknowledged", "refused", "in_doubt"]


@dataclass(frozen=True)
class Line:
    """One request. `about` names ids and numbers only; `tries` counts how often it was sent; `at` is when it was written, in seconds
    since the ledger was opened. Without a key it tells of something that never came to its end.
    """

    kind: str
    service: str
    user: str
    key: str
    outcome: Outcome
    code: str
    tries: int
    seconds: float
    answer: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)
    at: float = 0.0

    @property
    def accepted_key(self) -> str:
        """The key as the services keep it."""
        return f"{self.user}:{self.key}"


class Ledger:
    """Append-only; read back for the comparison."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._began = time.monotonic()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)

    def keep(self, line: Line) -> None:
        """Write and flush to the disk."""
        line = replace(line, at=round(self.seconds(), 3))
        os.write(self._file, (json.dumps(asdict(line), ensure_ascii=False) + "\n").encode())
        os.fdatasync(self._file)
        self.counts[line.outcome] += 1

    def seconds(self) -> float:
        """Since it was opened."""
        return time.monotonic() - self._began

    def lines(self) -> list[Line]:
        """All of it, as it stands on the disk."""
        return [Line(**json.loads(text)) for text in self.path.read_text(encoding="utf-8").splitlines()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
