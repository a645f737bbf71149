"""The load as a whole: who works at once, on which units, all from one seed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil
from random import Random

import httpx

from deploy.chaos.applications import Clerk
from deploy.chaos.client import PATIENCE, Client
from deploy.chaos.ground import Ground
from deploy.chaos.ledger import Ledger
from deploy.chaos.people import FUNDING, KIND, Pace, Register
from deploy.chaos.rectifications import Inspector
from deploy.city.invented import SEQUENCES, Inventor
from deploy.demo.city import OFFICER, logins
from deploy.demo.plan import city
from deploy.local.place import WrongPlace
from shared.clock import business_day

REGISTERS, CLERKS, INSPECTORS = 6, 5, 3
EACH = 3.0
"""So many requests a second one register can be asked for while faults happen; a rate beyond that needs more of them."""
ROOM = 400
"""So many posts are added to each unit first, since a real city has hardly a free one."""
LAST_REQUEST = PATIENCE + 30.0
TAKEN = 60
"""So many people of one birthday the demo's city may have; the others are divided among those who register."""


@asynccontextmanager
async def load(ground: Ground, ledger: Ledger, seed: int, rate: float = 0.0) -> AsyncIterator[Client]:
    """Everybody works for the length of the block, and finishes what was begun after it. `rate`: requests a second of the registers; 0 for what they can."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    async with httpx.AsyncClient(timeout=httpx.Timeout(10.0, connect=2.0), trust_env=False, limits=limits) as http:
        client = Client(ground.place, ground.people, ledger, http)
        actors = [asyncio.create_task(each.run(), name=type(each).__name__) for each in await _actors(client, seed, rate)]
        try:
            yield client
            client.stopping.set()
            done, late = await asyncio.wait(actors, timeout=LAST_REQUEST)
            for each in late:
                client.doubt("actor", "cancelled", who=each.get_name())
            for each in done:
                each.result()
        finally:
            for each in actors:
                each.cancel()
            await asyncio.wait(actors)


async def _actors(client: Client, seed: int, rate: float) -> list[Register | Clerk | Inspector]:
    schools, towns = await _units(client)
    registers = max(REGISTERS, ceil(rate / EACH))
    chances = [Random(f"{seed}/{number}") for number in range(registers + CLERKS + INSPECTORS)]  # noqa: S311  a load, not a secret
    share = min(30, (SEQUENCES - TAKEN) // len(chances))
    inventors = [Inventor(f"{seed}/{number}", first_sequence=TAKEN + share * number) for number in range(len(chances))]
    both = [*zip(inventors, chances, strict=True)]
    pace = Pace(rate)
    return [
        *(Register(client, [*schools.values()], *both.pop(), pace) for _ in range(registers)),
        *(Clerk(client, schools, *both.pop()) for _ in range(CLERKS)),
        *(Inspector(client, dict([*towns.items()][number::INSPECTORS]), *both.pop()) for number in range(INSPECTORS)),
    ]


async def _units(client: Client) -> tuple[dict[str, str], dict[str, str]]:
    """Schools, with room made for the load, and towns whose 行政编制 is full, by the login of their people."""
    schools: dict[str, str] = {}
    towns: dict[str, str] = {}
    today = business_day(client.clock.now()).isoformat()
    for login, planned in logins(city()).items():
        found = await client.get(OFFICER, "roster", "/units", q=planned.uscc)
        if not found or not found["items"]:
            raise WrongPlace("这里没有演示城市。")
        unit = str(found["items"][0]["id"])
        if login.startswith("school"):
            room = {"kind": KIND, "funding": FUNDING, "posts": ROOM, "effective_on": today, "document_on": today, "document_no": "编增测"}
            await client.post("raise_quota", OFFICER, "roster", f"/units/{unit}/quotas/raise", room, unit=unit)
            schools[login] = unit
        elif await _is_full(client, unit):
            towns[login] = unit
    return schools, towns


async def _is_full(client: Client, unit: str) -> bool:
    seen = await client.get(OFFICER, "roster", f"/units/{unit}")
    rows = {(row["kind"], row["funding"]): row for row in seen["establishments"]} if seen else {}
    row = rows.get(("XZ", "state"))
    return row is not None and row["available"] == 0
