"""What a rule may look at and what it may say. Frozen values; a rule adds nothing to them and asks nobody."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, Protocol, TypeAlias
from uuid import UUID

from shared.glossary import Light, OverQuotaCause
from shared.law.working_days import Calendar

RemarkCode = Literal["full", "unclassified", "data_missing"]


class OfRow(Protocol):
    """What belongs to one (kind, funding), by code and by what the roster calls it (empty: not told)."""

    @property
    def kind(self) -> str: ...
    @property
    def funding(self) -> str: ...
    @property
    def kind_label(self) -> str: ...
    @property
    def funding_label(self) -> str: ...


def names_of(fact: OfRow) -> dict[str, str]:
    """Kind and funding as a rule's inputs tell them: the codes, and what they are called at that time."""
    return {"kind": fact.kind, "funding": fact.funding, "kind_label": fact.kind_label, "funding_label": fact.funding_label}


@dataclass(frozen=True)
class EstablishmentFact:
    """One (unit, kind, funding), posts and people; `over_quota` = people in post that the office recorded as beyond quota, by cause.

    `over_quota_cause`: why posts were taken away below what was in use, as the office recorded it.
    """

    kind: str
    funding: str
    counted: bool
    quota: int
    headcount: int
    reserved: int = 0
    over_quota: Mapping[OverQuotaCause, int] = field(default_factory=dict)
    kind_label: str = ""
    funding_label: str = ""
    over_quota_cause: OverQuotaCause | None = None

    @property
    def surplus(self) -> int:
        """超编: people beyond quota in this row alone; never netted with another row (domain §1.6)."""
        return max(0, self.headcount - self.quota)


@dataclass(frozen=True)
class SeatFact:
    """领导职数 of one level: seats approved, and leaders in post."""

    level: str
    approved: int
    used: int
    level_label: str = ""

    @property
    def surplus(self) -> int:
        """超职数: leaders beyond the number of this level alone; a vacant seat of another level makes up for none (domain §1.3)."""
        return max(0, self.used - self.approved)


@dataclass(frozen=True)
class PlacementFact:
    """One person on the unit's establishment, by id; `month` is the statutory retirement month (YYYY-MM), None when it cannot be told."""

    person_id: UUID
    kind: str
    funding: str
    counted: bool
    started_on: date
    ended_on: date | None
    authorised_on: date | None
    category: str
    month: str | None
    kind_label: str = ""
    funding_label: str = ""


@dataclass(frozen=True)
class Facts:
    """A unit, or the part of it that something happened to, on one business day."""

    day: date
    calendar: Calendar
    rows: tuple[EstablishmentFact, ...] = ()
    placements: tuple[PlacementFact, ...] = ()
    seats: tuple[SeatFact, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A rule was broken. `subject` names what within the unit; `size` tells a worse finding from the same one again.

    `opens_case`: it is rectified under a notice; otherwise it goes by itself when its condition does. `must_vanish`: the rectification cannot be
    accepted while the rule still finds it (a wrong date in the past cannot vanish).
    """

    rule: str
    rule_version: str
    subject: str
    level: Light
    inputs: Mapping[str, Any]
    threshold: Mapping[str, Any]
    size: int = 1
    opens_case: bool = True
    must_vanish: bool = True


@dataclass(frozen=True)
class Remark:
    """Worth knowing, and no issue: it colours nothing and accuses nobody."""

    rule: str
    subject: str
    code: RemarkCode
    inputs: Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """All that one rule says about facts. What it looked at and did not find is settled: `looked_at` are those subjects."""

    looked_at: frozenset[str]
    findings: tuple[Finding, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Parameter:
    """A threshold as it holds on a day, with its version."""

    value: Any
    version: int


Parameters: TypeAlias = Mapping[tuple[str, str], Parameter]
