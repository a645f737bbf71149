"""How the people in post of a unit, or of all below it, are made up: by age, sex, education, post category and identity."""

from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

from services.roster.models.people import Population
from services.roster.queries.establishments import Moment, held_by_many
from services.roster.queries.units import seen
from shared.auth import Who
from shared.db import STUDY, Connection
from shared.pages import Parameters
from shared.unit_copies import scope

By = Literal["age", "sex", "education", "post_category", "identity"]


class Part(BaseModel):
    """How many have this code; none: not recorded."""

    code: str | None
    label: str | None
    count: int


class StructureView(BaseModel):
    """Everybody in post once, whatever the number of his posts. Age by the birth date that governs retirement; its bands in years."""

    total: int
    average_age: float | None
    by: dict[By, list[Part]]


async def structure(
    conn: Connection, who: Who, unit_id: UUID, moment: Moment, today: date, population: Population, *, below: bool
) -> StructureView:
    """Of one population, on a day."""
    put = Parameters()
    then, day = held_by_many(put, moment), put(moment.on or today, "date")
    unit = put(unit_id, "uuid")
    where = f"was.path @> ARRAY[{unit}]" if below else f"was.unit_id = {unit}"
    rows = await conn.fetch(
        f"""
        WITH people AS (
            SELECT date_part('year', age({day}, coalesce(certified_birth_on, birth_on)))::integer AS years, sex, education, post_category, identity
            FROM unit_records AS was JOIN units ON units.id = was.unit_id AND {seen(who, put(scope(who), "uuid[]"))}
            JOIN placements AS post ON post.unit_id = units.id AND {then("post")}
            JOIN person_records AS person ON person.person_id = post.person_id AND {then("person")}
            WHERE {then("was")} AND {where}
                AND post.kind IN (SELECT code FROM establishment_kinds WHERE population = {put(population, "text")})
        ), banded AS (SELECT *, {_BAND} AS age FROM people)
        SELECT grouping(age, sex, education, post_category, identity) AS part, count(*) AS count, round(avg(years), 1)::float8 AS average,
            coalesce(age, sex, education, post_category, identity) AS code
        FROM banded GROUP BY GROUPING SETS ((), (age), (sex), (education), (post_category), (identity)) ORDER BY code
        """,
        *put,
        timeout=STUDY + 1,
    )
    labels = {(row["set"], row["code"]): row["label"] for row in await conn.fetch(_LABELS, list(_SETS.values()))}
    parts: dict[By, list[Part]] = {name: [] for name in _PARTS}
    for row in rows:
        if name := _NAMES.get(row["part"]):
            label = row["code"] if name == "age" else labels.get((_SETS[name], row["code"]), row["code"])
            parts[name].append(Part(code=row["code"], label=label, count=row["count"]))
    [all_] = [row for row in rows if row["part"] == _ALL]
    return StructureView(total=all_["count"], average_age=all_["average"], by=parts)


_BANDS = {"35岁及以下": 35, "36至40岁": 40, "41至45岁": 45, "46至50岁": 50, "51至54岁": 54, "55至59岁": 59}
_BAND = f"CASE {' '.join(f'''WHEN years <= {most} THEN '{name}' ''' for name, most in _BANDS.items())} ELSE '60岁及以上' END"
_PARTS: tuple[By, ...] = ("age", "sex", "education", "post_category", "identity")
_ALL = (1 << len(_PARTS)) - 1
_NAMES = {_ALL - (1 << len(_PARTS) - 1 - place): name for place, name in enumerate(_PARTS)}
"""By what GROUPING says: a bit for each part that is not grouped by."""
_SETS: dict[By, str] = {"sex": "sexes", "education": "educations", "post_category": "post_categories", "identity": "identities"}
_LABELS = "SELECT set, code, label FROM codes WHERE set = ANY($1) ORDER BY valid"
