"""A unit's people by population (机关事业、编外、国资), each group under its own ceiling. Only 编制 is counted as 编制."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from services.roster.queries.establishments import LATEST, POPULATIONS_NOW, POPULATIONS_THEN, Moment
from shared.db import Connection


class GroupView(BaseModel):
    """One group: its ceiling, its people and what follows. As of a day before a row's first recorded quota nobody knows the ceiling: none."""

    quota: int | None = 0
    headcount: int = 0
    vacancy: int | None = 0
    overstaffing: int | None = 0
    saturation: float | None = None
    vacancy_rate: float | None = None


class PopulationsView(BaseModel):
    """编制 (counted); beside it 单列 (`apart`: 编制 too, not added to the unit's number), 报备员额, 编外用工控制数 and 国企员额.

    `off_establishment_ratio`: 编外实有 / 在编实有 (单列 included), none without anybody in post.
    """

    establishment: GroupView = GroupView()
    apart: GroupView = GroupView()
    filed_quota: GroupView = GroupView()
    off_establishment: GroupView = GroupView()
    state_enterprise: GroupView = GroupView()
    off_establishment_ratio: float | None


async def populations(conn: Connection, unit_id: UUID, moment: Moment) -> PopulationsView:
    """The groups of one unit at a moment, from the one arithmetic of `establishments`."""
    if moment == LATEST:
        return of_groups(await conn.fetchrow(POPULATIONS_NOW, unit_id) or {})
    return of_groups(await conn.fetchrow(POPULATIONS_THEN, unit_id, moment.on, moment.known, moment.end) or {})


def of_groups(row: Mapping[str, Any] | asyncpg.Record) -> PopulationsView:
    """A row of POPULATIONS; a group that the unit does not have is empty."""
    return PopulationsView.model_validate((row["groups"] or {}) | {"off_establishment_ratio": row["off_establishment_ratio"]})
