"""The office's daily load: people are registered, take up posts, move and leave, each on his own row of days in the past."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from deploy.chaos.client import Client, Given
from deploy.city.invented import Inventor
from deploy.demo.city import OFFICER
from shared.clock import business_day
from shared.glossary import PersonIdentity, PostCategory

KIND, FUNDING = "SY", "full"
DAYS, POOL = 300, 12


class Pace:
    """So many turns a second for all who share it, none when they are to do what they can; what an outage has held up is made good after it."""

    def __init__(self, per_second: float) -> None:
        self._apart = 1 / per_second if per_second else 0.0
        self._next = 0.0

    async def turn(self) -> None:
        """Wait until it is due."""
        if self._apart:
            now = asyncio.get_running_loop().time()
            due = self._next or now
            self._next = due + self._apart
            await asyncio.sleep(max(0.0, due - now))


@dataclass
class Person:
    """Somebody of this load: where he is on a post, under which placement, and the next free day of his record."""

    id: str
    day: date
    unit: str | None = None
    placement: str = ""


@dataclass
class Register:
    """Keeps a few people moving. Nobody else touches them, so what must be on record at the end is what was acknowledged."""

    client: Client
    units: list[str]
    inventor: Inventor
    chance: Random
    pace: Pace
    pool: list[Person] = field(default_factory=list)

    async def run(self) -> None:
        """One request after the other until told to stop."""
        while not self.client.stopping.is_set():
            await self.pace.turn()
            with contextlib.suppress(Given):
                await self._step()

    async def _step(self) -> None:
        today = business_day(self.client.clock.now())
        self.pool = [each for each in self.pool if each.day < today - timedelta(days=2)]
        if len(self.pool) < POOL:
            self.pool.append(await self._register(today))
            return
        person = self.chance.choice(self.pool)
        if person.unit is None:
            await self._place(person)
        elif self.chance.random() < 0.7:
            await self._transfer(person)
        else:
            await self._release(person)

    async def _register(self, today: date) -> Person:
        unit = self.chance.choice(self.units)
        return Person(
            await register(self.client, self.inventor, OFFICER, unit, today, PersonIdentity.PROFESSIONAL), today - timedelta(days=DAYS)
        )

    async def _place(self, person: Person) -> None:
        unit, day = self.chance.choice(self.units), person.day.isoformat()
        body = {
            "person_id": person.id,
            "kind": KIND,
            "funding": FUNDING,
            "started_on": day,
            "entry_reason": "open_recruitment",
            "authorisation_no": "编核测",
            "authorised_on": day,
        }
        answer = await self.client.post("place", OFFICER, "roster", f"/units/{unit}/placements", body, person=person.id, unit=unit)
        person.unit, person.placement = unit, answer["placement_id"]
        person.day += timedelta(days=1)

    async def _transfer(self, person: Person) -> None:
        to, day = self.chance.choice([each for each in self.units if each != person.unit]), person.day.isoformat()
        body = {
            "person_id": person.id,
            "from_unit_id": person.unit,
            "to_unit_id": to,
            "kind": KIND,
            "funding": FUNDING,
            "effective_on": day,
            "authorisation_no": "编调测",
            "authorised_on": day,
            "document_no": "编调测",
        }
        answer = await self.client.post("transfer", OFFICER, "roster", "/transfers", body, person=person.id, unit=to, left=person.unit)
        person.unit, person.placement = to, answer["placement_id"]
        person.day += timedelta(days=1)

    async def _release(self, person: Person) -> None:
        body = {"ended_on": person.day.isoformat(), "exit_reason": "resignation", "document_no": "编出测"}
        path = f"/placements/{person.placement}/release"
        await self.client.post("release", OFFICER, "roster", path, body, person=person.id, placement=person.placement)
        person.unit = None
        person.day += timedelta(days=1)


async def register(client: Client, inventor: Inventor, user: str, unit: str, today: date, identity: PersonIdentity) -> str:
    """Make a new person known; his id."""
    born_on = today - timedelta(days=inventor.chance.randint(24 * 365, 34 * 365))
    technical = identity is PersonIdentity.PROFESSIONAL
    body = {
        "name": inventor.name("F"),
        "id_number": inventor.id_number(born_on, "F"),
        "sex": "F",
        "birth_on": born_on.isoformat(),
        "identity": identity,
        "post_category": PostCategory.TECHNICAL if technical else PostCategory.MANAGERIAL,
        "title": "专任教师" if technical else "科员",
    }
    answer = await client.post("register", user, "roster", f"/units/{unit}/persons", body, unit=unit)
    return str(answer["person_id"])
