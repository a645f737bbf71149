"""Figures as they are shown, the generations of the read models, and this service's refusals."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from shared.errors import Conflict, NotFound

Group = Literal["kind", "category", "parent", "town"]
GenerationState = Literal["building", "live", "retired", "deleted"]
READ_MODELS = {
    "units": "id",
    "establishments": "unit_id, kind, funding",
    "people": "person_id",
    "issues": "id",
    "applications": "id",
}
"""Each table with what, beside the generation, is its primary key."""
READING = 1
"""To be raised with every change of the folds that keeps more, or another thing, of events that were there before: the worker then reads them anew."""


class StartRebuild(BaseModel):
    """Build the read models anew beside the live ones."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class GiveUpRebuild(BaseModel):
    """Leave the live read models as they are; what was built beside them goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True)
class Posts:
    """Sums over (unit, kind, funding) rows: each quantity is computed per row and then summed, never netted (domain §1.6).

    Ratios are undefined (null) where there is no post. `exceeded` is what is promised beyond the quota: rows whose 可用编 is negative.
    """

    counted: bool
    units: int
    quota: int
    headcount: int
    people: int
    reserved: int
    frozen: int
    vacancy: int
    overstaffing: int
    available: int
    exceeded: int
    saturation: float | None
    vacancy_rate: float | None


@dataclass(frozen=True)
class GroupPosts(Posts):
    """One group of a distribution; `label` is what the kind is called, or a unit's name; none for a category that no event has named."""

    code: str
    label: str | None


@dataclass(frozen=True)
class RowPosts(Posts):
    """One (kind, funding), by code and by what they are called (the code where that was not told)."""

    kind: str
    funding: str
    kind_label: str
    funding_label: str


@dataclass(frozen=True)
class Distribution:
    """Posts and people by group. What counts as 编制 and what does not are never added up."""

    last_event_at: datetime | None
    group: Group
    items: list[GroupPosts]
    totals: list[Posts]


@dataclass(frozen=True)
class Saturation:
    """使用率 by kind and funding over a unit and all below it, or over all the caller may see."""

    last_event_at: datetime | None
    unit_id: UUID | None
    items: list[RowPosts]
    totals: list[Posts]


@dataclass(frozen=True)
class Count:
    """How many of one code."""

    code: str
    label: str
    count: int


@dataclass(frozen=True)
class Lights:
    """How many units show which light."""

    last_event_at: datetime | None
    items: list[Count]


@dataclass(frozen=True)
class RuleIssues:
    """Issues of one rule: those open, and of these the overdue ones."""

    rule: str
    open: int
    overdue: int


@dataclass(frozen=True)
class Issues:
    """Issues by rule and by state."""

    last_event_at: datetime | None
    items: list[RuleIssues]
    states: list[Count]


@dataclass(frozen=True)
class InFlight:
    """Applications of one type that wait at one step."""

    type: str
    label: str
    step: str | None
    holder: str | None
    count: int
    posts: int
    paused: int


@dataclass(frozen=True)
class Applications:
    """Applications that are neither filed nor withdrawn."""

    last_event_at: datetime | None
    items: list[InFlight]


@dataclass(frozen=True)
class Retiring:
    """How many reach their 法定退休年月 in a month (YYYY-MM): on posts that are 编制 in law, and others."""

    month: str
    counted: int
    others: int


@dataclass(frozen=True)
class NotForetold:
    """How many are in none of the months: on posts that are 编制 in law, and others."""

    counted: int
    others: int


@dataclass(frozen=True)
class Retirements:
    """Retirements month by month, from the present month on. Beside them 应退未出 (past their month and still in post), who has no month by law
    (高级职称/县处级), and whose category nobody knows.
    """

    last_event_at: datetime | None
    unit_id: UUID | None
    items: list[Retiring]
    overdue: NotForetold
    special: NotForetold
    unknown: NotForetold


@dataclass(frozen=True)
class Position:
    """The next offset to be read."""

    topic: str
    partition: int
    next_offset: int


@dataclass(frozen=True)
class AsOf:
    """How far the figures reach."""

    generation: int
    last_event_at: datetime | None
    positions: list[Position]


@dataclass(frozen=True)
class Generation:
    """One build of the read models. The rows are compared with those of the generation it replaces, at equal positions."""

    number: int
    state: GenerationState
    asked_by: str
    asked_at: datetime
    live_at: datetime | None
    rows_compared: int | None
    rows_differing: int | None


class RebuildRuns(Conflict):
    """One rebuild at a time."""

    code = "rebuild_runs"
    sentence = "已有一次报表重建正在进行。请等待其完成后再试；一直不能完成的，请系统管理员先用 bianban reporting rebuild --give-up 放弃。"


class NoRebuildRuns(Conflict):
    """There is nothing to give up."""

    code = "no_rebuild_runs"
    sentence = "没有正在进行的报表重建，现有报表照常使用。如需重建，请运行 bianban reporting rebuild。"


class RebuildUnknown(NotFound):
    """No such generation."""

    code = "rebuild_unknown"
    sentence = "没有编号为 {number} 的报表重建。"


def consumer_name(generation: int) -> str:
    """The consumer that fills a generation."""
    return f"reporting@{generation}"
