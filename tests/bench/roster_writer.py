"""A process that writes to the roster at an even pace: entries and exits in turn over some units, now and then somebody beyond quota (违规), which turns
his unit red. Reads one JSON object from its input: `{url, per_second, seconds, units}`.
"""

import asyncio
import json
import sys
from collections import deque
from uuid import UUID

import uvloop

from services.roster.commands.placements import place_person, record_over_quota_fact, release_person
from services.roster.models.requests import RecordOverQuota, ReleasePerson
from shared import db, telemetry
from shared.clock import business_day
from shared.db import Database
from shared.glossary import OverQuotaCause
from tests.bench import county
from tests.bench.pace import paced

VIOLATION_EVERY = 100
REST_OF_A_PLACEMENT = 120


class RosterWriter:
    """What has been placed and waits to be released."""

    def __init__(self, roster: Database, units: list[UUID], people: list[UUID]) -> None:
        self._roster, self._units, self._people = roster, units, iter(people)
        self._placed: deque[UUID] = deque()

    async def write(self, number: int) -> None:
        """One command."""
        unit_id = self._units[number % len(self._units)]
        if number % VIOLATION_EVERY == VIOLATION_EVERY // 2:
            await self._exceed(unit_id)
        elif number % 2 and len(self._placed) > REST_OF_A_PLACEMENT:
            await self._release(self._placed.popleft())
        else:
            self._placed.append(await place_person(self._roster, county.by(), county.placing(next(self._people), unit_id)))

    async def _exceed(self, unit_id: UUID) -> None:
        post = county.placing(next(self._people), unit_id)
        row = {"kind": county.KIND, "funding": county.NO_POSTS, "started_on": post.started_on}
        over = RecordOverQuota(person_id=post.person_id, unit_id=unit_id, cause=OverQuotaCause.VIOLATION, **row)
        await record_over_quota_fact(self._roster, county.by(), over)

    async def _release(self, placement_id: UUID) -> None:
        mandate = county.by()
        today = business_day(mandate.as_of)
        await release_person(self._roster, mandate, ReleasePerson(placement_id=placement_id, ended_on=today, exit_reason="resignation"))


async def main(url: str, per_second: float, seconds: float, units: int) -> None:
    """Write for so long and end."""
    telemetry.set_up("bench", None)
    async with db.connect(url, "roster") as roster:
        known = await county.units(roster, units)
        writer = RosterWriter(roster, known, await county.people(roster, known, round(per_second * seconds) + 1))
        await paced(writer.write, per_second, seconds)
        await asyncio.sleep(0.1)  # the last wake-up of the relay


if __name__ == "__main__":
    uvloop.run(main(**json.load(sys.stdin)))
