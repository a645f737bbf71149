"""Units on their way into the roster, through its own door: compared first, then loaded one by one, parents first."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.doors import Doors, Refused
from deploy.imports.rows import PERSONS, UNITS, Codes, Judgement, Person, Problem, Unit
from shared.glossary import LABELS, PersonIdentity, PostCategory

AT_ONCE = 4
RETIREMENT = {"男60": "M60", "女55": "F55", "女50": "F50", "特殊": "SPECIAL"}


@dataclass
class Written:
    """What a load changed: rows written, rows that were there already."""

    units: int = 0
    quotas: int = 0
    persons: int = 0
    over_quota: int = 0
    present: int = 0

    def add(self, answer: Mapping[str, Any]) -> None:
        """Count one unit's answer."""
        self.units += answer["registered"]
        self.quotas += answer["quotas"]
        self.persons += answer["placed"]
        self.over_quota += answer["over_quota"]
        self.present += answer["present"]


async def codes_of(doors: Doors, user: str) -> Codes:
    """The code lists of today, label to code."""
    tables = (await doors.get(user, "roster", "/codes")).body
    by_label = {name: {code["label"]: code["code"] for code in tables[name]} for name in ("categories", "kinds", "fundings")}
    return Codes(
        **by_label,
        identities={LABELS[each]: each for each in PersonIdentity},
        post_categories={LABELS[each]: each for each in PostCategory},
        retirement_categories=RETIREMENT,
    )


async def known_units(doors: Doors, user: str) -> dict[str, dict[str, Any]]:
    """The units of the roster by name."""
    return {unit["name"]: unit for unit in await doors.pages(user, "roster", "/units")}


async def compare(doors: Doors, user: str, verdict: Judgement, ids: Mapping[str, str], document_no: str, tell: Callable[[], None]) -> None:
    """Ask the roster what speaks against each unit; add that to the problems and leave the rows out."""
    bad: set[str] = set()
    for unit in list(verdict.units):
        found = (await doors.post(user, "roster", "/loads/check", body_of(unit, ids, document_no))).body["problems"]
        _leave_out(verdict, unit, found, bad)
        tell()


def _leave_out(verdict: Judgement, unit: Unit, found: list[dict[str, Any]], bad: set[str]) -> None:
    about_persons = {each["person"] for each in found if each["person"] is not None}
    for each in found:
        if each["person"] is None:
            verdict.problems.append(Problem(UNITS, unit.row, "单位名称", each["sentence"]))
        else:
            verdict.problems.append(Problem(PERSONS, unit.persons[each["person"]].row, "公民身份号码", each["sentence"]))
    if unit.parent in bad:
        verdict.problems.append(Problem(UNITS, unit.row, "主管部门", f"主管部门“{unit.parent}”不能导入，改正后本单位才能导入"))
    if unit.parent in bad or len(about_persons) < len(found):
        bad.add(unit.name)
        verdict.units.remove(unit)
        return
    unit.persons[:] = [person for place, person in enumerate(unit.persons) if place not in about_persons]


async def write(doors: Doors, user: str, units: list[Unit], ids: dict[str, str], document_no: str, tell: Callable[[], None]) -> Written:
    """Load the units, a few at a time, none before its parent. Raises Refused at the first that is refused; the ones before stay loaded."""
    written, gate = Written(), asyncio.Semaphore(AT_ONCE)
    loaded: dict[str, asyncio.Task[None]] = {}

    async def load(unit: Unit) -> None:
        if unit.parent in loaded:
            await loaded[unit.parent]
        async with gate:
            body = body_of(unit, ids, document_no)
            try:
                answer = (await doors.post(user, "roster", "/loads", body)).body
            except Refused as refused:
                raise Refused(refused.status, refused.code, f"{unit.name}：{refused.sentence}", refused.facts) from None
        ids[unit.name] = answer["unit_id"]
        written.add(answer)
        tell()

    for unit in units:
        loaded[unit.name] = asyncio.create_task(load(unit))
    await _all(loaded.values())
    await doors.post(user, "roster", "/loads/over", {})
    return written


async def _all(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Wait for all; one that fails takes the ones that wait behind it along."""
    results = await asyncio.gather(*tasks, return_exceptions=True)
    failed = next((result for result in results if isinstance(result, BaseException)), None)
    if failed is not None:
        raise failed


def body_of(unit: Unit, ids: Mapping[str, str], document_no: str) -> dict[str, Any]:
    """A unit as the roster's door takes it. Its code is its USCC."""
    days = [quota.document_on for quota in unit.quotas] + [person.started_on for person in unit.persons]
    return {
        "name": unit.name,
        "code": unit.uscc,
        "uscc": unit.uscc,
        "category": unit.category,
        "parent_id": ids.get(unit.parent or ""),
        "valid_from": min(days).isoformat(),
        "quotas": [
            {"kind": each.kind, "funding": each.funding, "posts": each.posts}
            | {"document_no": each.document_no, "document_on": each.document_on.isoformat()}
            for each in unit.quotas
        ],
        "persons": [_person(each) for each in unit.persons],
        "reason": "期初建账",
        "document_no": document_no,
    }


def _person(person: Person) -> dict[str, Any]:
    certified = person.certified_birth_on if person.certified_birth_on != person.birth_on else None
    return {
        "name": person.name,
        "id_number": person.id_number,
        "sex": person.sex,
        "birth_on": person.birth_on.isoformat(),
        "certified_birth_on": certified.isoformat() if certified else None,
        "identity": person.identity,
        "post_category": person.post_category,
        "title": person.title,
        "professional_title": person.professional_title,
        "retirement_category": person.retirement_category,
        "kind": person.kind,
        "funding": person.funding,
        "started_on": person.started_on.isoformat(),
    }
