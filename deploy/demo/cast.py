"""Who plays: a school with a free post, and a town that is full in one kind and has vacancies in another. Fresh persons for every run."""

import time
from dataclasses import dataclass
from datetime import date, timedelta

from deploy.city.invented import Inventor
from deploy.demo.casework import Party
from deploy.demo.city import OFFICER, UNIT_STAFF, logins
from deploy.demo.plan import city
from deploy.demo.stage import Stage
from deploy.doors import Doors
from deploy.local.place import WrongPlace
from shared.glossary import PersonIdentity, PostCategory


@dataclass(frozen=True)
class Cast:
    """The units of this run, and who invents its persons."""

    school: Party
    town: Party
    inventor: Inventor

    async def register(self, stage: Stage, user: str, party: Party, title: str, *, technical: bool) -> str:
        """Make a new person known; his id. He is new with every run."""
        born_on = stage.today - timedelta(days=self.inventor.chance.randint(24 * 365, 34 * 365))
        body = {
            "name": self.inventor.name("F"),
            "id_number": self.inventor.id_number(born_on, "F"),
            "sex": "F",
            "birth_on": born_on.isoformat(),
            "identity": PersonIdentity.PROFESSIONAL if technical else PersonIdentity.CIVIL_SERVANT,
            "post_category": PostCategory.TECHNICAL if technical else PostCategory.MANAGERIAL,
            "title": title,
        }
        answer = await stage.do(user, f"登记人员（{title}）", "roster", f"/units/{party.id}/persons", body)
        return str(answer["person_id"])


@dataclass
class Facts:
    """What the later steps of one run need from the earlier ones."""

    person: str = ""
    issue: str = ""
    due_on: date = date.min
    round: int = 1
    order: str = ""
    pending: str = ""
    late: str = ""
    left: int = 0


async def choose(doors: Doors) -> Cast:
    """The first school and town that can play now. WrongPlace when the demo city is not there or is used up."""
    schools: list[Party] = []
    towns: list[Party] = []
    for login, planned in logins(city()).items():
        found = (await doors.get(OFFICER, "roster", "/units", q=planned.uscc)).body["items"]
        if not found:
            raise WrongPlace("这里没有演示城市。请先运行：bianban clean，再运行 make demo（或 bianban up --city demo）。")
        party = Party(found[0]["id"], planned.name, planned.uscc, *(f"{login}.{part}" for part in UNIT_STAFF))
        if await _is_calm(doors, party):
            (schools if login.startswith("school") else towns).append(party)
    school = await _first(doors, schools, full=False)
    town = await _first(doors, towns, full=True)
    if school is None or town is None:
        raise WrongPlace("演示城市中已没有可用于演示的学校或乡镇。请运行 bianban clean 后重新开始。")
    return Cast(school, town, Inventor(time.time_ns(), first_sequence=100 + time.time_ns() % 390))


async def _first(doors: Doors, parties: list[Party], *, full: bool) -> Party | None:
    """The first with at least two free 事业编制; with `full` also not one free 行政编制 and nobody beyond it."""
    for party in parties:
        unit = (await doors.get(OFFICER, "roster", f"/units/{party.id}")).body
        rows = {(row["kind"], row["funding"]): row for row in unit["establishments"]}
        exact = not full or (rows["XZ", "state"]["available"] == 0 and rows["XZ", "state"]["overstaffing"] == 0)
        if rows["SY", "full"]["available"] >= 2 and exact and not unit["freezes"]:
            return party
    return None


async def _is_calm(doors: Doors, party: Party) -> bool:
    light = (await doors.get(OFFICER, "monitoring", f"/units/{party.id}/light")).body
    return light["light"] == "green" and not light["why"]
