"""A unit's people by population (机关事业、编外、国资), each group under its own ceiling. Only 编制 is counted as 编制."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from pydantic import BaseModel

from services.roster.queries.establishments import LATEST, Moment, establishments, rows_without_quota
from services.roster.rules import populations as rules
from shared.db import Connection
from shared.events.roster import EstablishmentState


class GroupView(BaseModel):
    """One group: its ceiling, its people and what follows. As of a day before a row's first recorded quota nobody knows the ceiling: none."""

    quota: int | None
    headcount: int
    vacancy: int | None
    overstaffing: int | None
    saturation: float | None
    vacancy_rate: float | None


class PopulationsView(BaseModel):
    """编制 (counted); 报备员额, 编外用工控制数 and 国企员额 beside it. `off_establishment_ratio`: 编外实有 / 在编实有, none without anybody in post."""

    establishment: GroupView
    filed_quota: GroupView
    off_establishment: GroupView
    state_enterprise: GroupView
    off_establishment_ratio: float | None


async def populations(conn: Connection, unit_id: UUID, moment: Moment = LATEST) -> PopulationsView:
    """The groups of one unit at a moment, from the one arithmetic of `establishments`."""
    unrecorded = [kind for kind, _ in await rows_without_quota(conn, unit_id, moment)]
    return grouped(await groups_of_kinds(conn, moment), await establishments(conn, unit_id, moment), unrecorded)


def grouped(group_of: Mapping[str, str], rows: Iterable[EstablishmentState], unrecorded: Iterable[str]) -> PopulationsView:
    """The rows of one unit by group; `unrecorded` are the kinds of rows whose ceiling nobody knows then."""
    unknown = {group_of[kind] for kind in unrecorded}
    groups: dict[str, list[EstablishmentState]] = {name: [] for name in GROUPS}
    for row in rows:
        groups[group_of[row.kind]].append(row)
    people = {name: sum(row.headcount for row in rows) for name, rows in groups.items()}
    return PopulationsView(
        **{name: _view(rows, known=name not in unknown) for name, rows in groups.items()},
        off_establishment_ratio=rules.ratio(people["off_establishment"], people["establishment"]),
    )


GROUPS = ("establishment", "filed_quota", "off_establishment", "state_enterprise")


async def groups_of_kinds(conn: Connection, moment: Moment) -> dict[str, str]:
    """The group of each kind; a kind that is no more keeps the group it had last."""
    kinds = await conn.fetch(
        "SELECT DISTINCT ON (code) code, counted, population FROM establishment_kinds ORDER BY code, valid @> coalesce($1::date, 'infinity') DESC,"
        " valid DESC",
        moment.on,
    )
    return {row["code"]: _group(row["population"], counted=row["counted"]) for row in kinds}


def _group(population: str, *, counted: bool) -> str:
    if counted:
        return "establishment"
    return "filed_quota" if population == "public" else population


def _view(rows: list[EstablishmentState], *, known: bool) -> GroupView:
    headcount = sum(row.headcount for row in rows)
    if not known:
        return GroupView(quota=None, headcount=headcount, vacancy=None, overstaffing=None, saturation=None, vacancy_rate=None)
    quota, vacancy = sum(row.quota for row in rows), rules.vacancy(rows)
    return GroupView(
        quota=quota,
        headcount=headcount,
        vacancy=vacancy,
        overstaffing=rules.overstaffing(rows),
        saturation=rules.ratio(headcount, quota),
        vacancy_rate=rules.ratio(vacancy, quota),
    )
