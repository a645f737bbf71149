"""The 整改通知书 as it was signed: what it says is pinned at signing, its bytes at the first request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.glossary import Light, Role


@dataclass(frozen=True)
class Notice:
    """What the notice of one round says, without anybody's name; `file` and `sha256` once it is written. `working_days`: the term.

    `as_of`: of when the figures of its finding are; None: not kept then.
    """

    issue_id: UUID
    round: int
    number: str
    unit: str
    unit_code: str
    rule: str
    level: Light
    title: str
    demand: str
    inputs: dict[str, Any]
    working_days: int
    role: Role
    signed_at: datetime
    as_of: datetime | None
    file: str | None
    sha256: str | None
    sealed_file: str | None
    sealed_sha256: str | None


@dataclass(frozen=True)
class Kept:
    """The file that counts, its hash, and its number where that is asked for."""

    file: str
    sha256: str
    number: str = ""
