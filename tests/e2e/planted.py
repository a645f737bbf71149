"""Two units of our own: one whose every text is markup, with people, a case and an issue; and one beside it, with somebody of every role.

Who stands in the second may see nothing of the first.
"""

import asyncio
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from deploy.city.invented import Inventor
from deploy.demo.city import OFFICER, SUPERVISOR
from deploy.doors import Doors
from shared.auth import ADMINISTRATORS, UNIT
from shared.clock import business_day
from shared.glossary import Role

MARKUP = "<img src=x onerror=alert(1)>"
KIND = {"kind": "SY", "funding": "full"}
OF_OFFICE = {"valid_from": "2020-01-01", "document_no": "望编〔2020〕1号"}


@dataclass
class Planted:
    """`mark` stands in each text of the foreign unit; `ids`: what of it a page may be asked for, by the parameter's name; `people`: by role."""

    mark: str
    foreign: str = ""
    own: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    people: dict[Role, str] = field(default_factory=dict)


async def plant(doors: Doors) -> Planted:
    """By the services' own doors."""
    run = f"{time.time_ns() % 10**8:08}"
    planted = Planted(f"{MARKUP}外{run}")
    planted.foreign, planted.own = [await _unit(doors, name, run, place) for place, name in enumerate((planted.mark, f"里{run}"))]
    await _people(doors, planted, run)
    clerk = await _account(doors, f"x{run}.clerk", planted.mark, Role.UNIT_CLERK, [planted.foreign])
    head = await _account(doors, f"x{run}.head", planted.mark, Role.UNIT_HEAD, [planted.foreign])
    person = await _beyond_quota(doors, planted)
    application = await _application(doors, planted, clerk, head)
    issue = await _until(lambda: _issue(doors, planted))
    planted.ids = {"unit_id": planted.foreign, "person_id": person, "application_id": application, "issue_id": issue}
    planted.ids["reform_id"] = await _reform(doors, planted)
    planted.ids["placement_id"] = (await doors.get(OFFICER, "roster", f"/persons/{person}")).body["placement"]["placement_id"]
    return planted


async def _unit(doors: Doors, name: str, run: str, place: int) -> str:
    category = (await doors.get(OFFICER, "roster", "/units", q="小学", limit=1)).body["items"][0]["category"]
    body = OF_OFFICE | {"name": name, "code": f"X{place}{run}", "category": category}
    unit: str = (await doors.post(OFFICER, "roster", "/units", body)).body["unit_id"]
    quota = OF_OFFICE | KIND | {"posts": 1, "effective_on": "2020-01-01", "document_on": "2020-01-01"}
    quota.pop("valid_from")
    await doors.post(OFFICER, "roster", f"/units/{unit}/quotas", quota)
    return unit


async def _account(doors: Doors, name: str, real_name: str, role: Role, units: list[str] | None) -> str:
    await doors.post("sysadmin", "identity", "/users", {"name": name, "real_name": real_name[:60]})
    await _until(lambda: _granted(doors, name, role, units))  # identity learns of a new unit by its event
    return name


async def _granted(doors: Doors, name: str, role: Role, units: list[str] | None) -> bool:
    try:
        await doors.post("secadmin", "identity", f"/users/{name}/roles", {"role": role, "unit_ids": units})
    except Exception as refused:  # noqa: BLE001  whatever it is, it is told when time is over
        return getattr(refused, "code", "") == "already_granted"
    return True


async def _people(doors: Doors, planted: Planted, run: str) -> None:
    """One account for every role that people have; those of units stand in the second unit."""
    planted.people = {Role.SYSTEM_ADMIN: "sysadmin", Role.SECURITY_ADMIN: "secadmin", Role.AUDIT_ADMIN: "auditadmin"}
    for place, role in enumerate(sorted(set(Role) - ADMINISTRATORS - {Role.SERVICE})):
        planted.people[role] = await _account(doors, f"y{run}.{place}", "里面的人", role, [planted.own] if role in UNIT else None)


async def _beyond_quota(doors: Doors, planted: Planted) -> str:
    """Two people on one post: the unit's light turns red, and there is an issue."""
    inventor, person = Inventor(time.time_ns(), first_sequence=100 + time.time_ns() % 390), ""
    today = business_day(doors.clock.now())
    for place in range(2):
        born = today - timedelta(days=inventor.chance.randint(24 * 365, 34 * 365))
        facts = {"name": "外面的人", "id_number": inventor.id_number(born, "F"), "sex": "F", "birth_on": born.isoformat()}
        facts |= {"identity": "professional", "post_category": "technical_post", "title": planted.mark}
        person = (await doors.post(OFFICER, "roster", f"/units/{planted.foreign}/persons", facts)).body["person_id"]
        post = KIND | {"person_id": person, "document_no": planted.mark, "started_on": (today - timedelta(days=30)).isoformat()}
        if place:
            fact = post | {"cause": "violation", "reason": planted.mark}
            await doors.post(SUPERVISOR, "roster", f"/units/{planted.foreign}/over-quota", fact)
        else:
            entry = post | {"entry_reason": "open_recruitment", "authorisation_no": planted.mark, "authorised_on": "2026-01-05"}
            await doors.post(OFFICER, "roster", f"/units/{planted.foreign}/placements", entry)
    return person


async def _application(doors: Doors, planted: Planted, clerk: str, head: str) -> str:
    """With a file, and an opinion of its head."""
    body = KIND | {"type": "post_use_application", "unit_id": planted.foreign, "title": planted.mark, "justification": planted.mark}
    application: str = (await _until(lambda: _accepted(doors, clerk, body))).body["application_id"]
    await doors.upload(clerk, "approval", f"/applications/{application}/attachments", {"file": (f"{planted.mark}.pdf", b"%PDF-1.7")})
    seen = await _until(lambda: _waiting(doors, head, application))
    decision = {"verdict": "approve", "revision": seen["revision"], "step": seen["step"], "opinion": planted.mark}
    await doors.post(head, "approval", f"/applications/{application}/decisions", decision)
    return application


async def _reform(doors: Doors, planted: Planted) -> str:
    today = business_day(doors.clock.now()).isoformat()
    head = {"title": planted.mark, "document_no": planted.mark, "document_on": today, "effective_on": today, "reason": planted.mark}
    steps = [{"step": "change", "unit_id": planted.foreign, "duties": planted.mark}]
    reform: str = (await doors.post(OFFICER, "roster", "/reforms", head | {"steps": steps})).body["reform_id"]
    return reform


async def _accepted(doors: Doors, clerk: str, body: dict[str, Any]) -> Any:
    try:
        return await doors.post(clerk, "approval", "/applications", body)
    except Exception:  # noqa: BLE001  the unit's event is on its way
        return None


async def _waiting(doors: Doors, head: str, application: str) -> Any:
    seen = (await doors.get(head, "approval", f"/applications/{application}")).body
    return seen if seen["step"] else None


async def _issue(doors: Doors, planted: Planted) -> str:
    found = (await doors.get(SUPERVISOR, "monitoring", "/issues", unit=planted.foreign)).body["items"]
    return str(found[0]["id"]) if found else ""


async def _until(ask: Any) -> Any:
    for _ in range(150):
        if found := await ask():
            return found
        await asyncio.sleep(0.2)
    raise AssertionError("it did not come about")
