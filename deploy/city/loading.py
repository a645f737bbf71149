"""A written city into the roster, through the door that any office's data takes. Rows that are refused stay out, as the answer key says."""

from collections import defaultdict
from collections.abc import Mapping

from deploy.city.plan import Cells
from deploy.doors import Doors
from deploy.imports import loading
from deploy.imports.judge import judge
from deploy.imports.rows import COLUMNS, PERSONS, UNITS, Judgement
from deploy.imports.workbook import Row
from services.roster.models import fields
from shared.clock import business_day

DOCUMENT_NO = "期初建账-演示城市"


async def load(doors: Doors, user: str, rows: Mapping[str, list[Cells]]) -> tuple[loading.Written, Judgement]:
    """Load what can be taken, and answer what was. Repeating it changes nothing."""
    known = await loading.known_units(doors, user)
    codes = await loading.codes_of(doors, user)
    today = business_day(doors.clock.now())
    verdict = judge(as_one_book(rows), codes, today, {name: unit["code"] for name, unit in known.items()})
    ids = {name: str(unit["id"]) for name, unit in known.items()}
    await loading.compare(doors, user, verdict, ids, DOCUMENT_NO, lambda: None)
    return await loading.write(doors, user, verdict.units, ids, DOCUMENT_NO, lambda: None), verdict


def as_one_book(rows: Mapping[str, list[Cells]]) -> dict[str, list[Row]]:
    """The sheets 单位 (a row for each row of posts) and 人员 of the older format: 编外人员 have no place in it."""
    posts: dict[object, list[Cells]] = defaultdict(list)
    for quota in rows["quotas"]:
        posts[quota["unit"]].append(quota)
    units = [unit | quota for unit in rows["units"] for quota in posts[unit["name"]]]
    people = [
        cells | {"birth_on": cells.get("certified_birth_on") or cells["birth_on"], "retirement_category": None} for cells in rows["roster"]
    ]
    return {
        UNITS: _lines(UNITS, units, {each.label: each.name for each in (*fields.QUOTAS.fields, *fields.UNITS.fields)}),
        PERSONS: _lines(PERSONS, people, {each.label: each.name for each in fields.PERSONS.fields}),
    }


def _lines(sheet: str, rows: list[Cells], names: Mapping[str, str]) -> list[Row]:
    return [Row(sheet, number, {label: cells.get(names[label]) for label in COLUMNS[sheet]}) for number, cells in enumerate(rows, start=2)]
