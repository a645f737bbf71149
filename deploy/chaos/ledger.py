"""The ledger outside the system: what was asked under which key, and what was answered. One line per answer, on disk before the client goes on."""

import json
import os
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

Outcome = Literal["acknowledged", "refused", "in_doubt"]


@dataclass(frozen=True)
class Line:
    """One request. `about` names ids and numbers only; `tries` counts how often it was sent; `server_errors` how often it was answered with a 500."""

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
    server_errors: int = 0

    @property
    def accepted_key(self) -> str:
        """The key as the services keep it."""
        return f"{self.user}:{self.key}"


class Ledger:
    """Append-only; read back for the comparison."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_TRUNC, 0o600)

    def keep(self, line: Line) -> None:
        """Write and flush to the disk."""
        os.write(self._file, (json.dumps(asdict(line), ensure_ascii=False) + "\n").encode())
        os.fdatasync(self._file)
        self.counts[line.outcome] += 1

    def lines(self) -> list[Line]:
        """All of it, as it stands on the disk."""
        return [Line(**json.loads(text)) for text in self.path.read_text(encoding="utf-8").splitlines()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
