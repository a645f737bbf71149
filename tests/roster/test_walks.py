"""What an office does to one person or looks up of one unit reads what is of it, however many people a county has."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from services.roster.commands.appointments import change_seat
from services.roster.commands.corrections import correct_placement
from services.roster.commands.placements import place_person, record_over_quota_fact, release_person
from services.roster.commands.secondments import end_secondment, extend_secondment, second_person
from services.roster.commands.transfers import transfer_person
from services.roster.models.requests import ChangeSeat, CorrectPlacement, RecordOverQuota, ReleasePerson, TransferPerson
from services.roster.models.secondments import EndSecondment, ExtendSecondment, SecondPerson
from services.roster.queries.establishments import LATEST, Moment
from services.roster.queries.units import unit_view
from shared.db import Connection, Database
from shared.glossary import OverQuotaCause
from tests.roster import given
from tests.roster.importing import OFFICER
from tests.roster.test_appointments import DEPUTY, MARCH, deputy_to_be

pytestmark = pytest.mark.asyncio
LARGE = ("placements", "person_records", "persons", "person_indexes", "person_changes", "event_log", "secondments", "post_changes")
"""Tables with at least one row for each person of a county."""
_WALKS = "SELECT relname, seq_scan FROM pg_stat_xact_user_tables WHERE relname = ANY($1) AND seq_scan > 0"
DAY = given.TODAY


class Watched:
    """Runs commands and queries, and keeps which of the large tables each has walked through: where an index serves, none is."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.walks: dict[str, Mapping[str, int]] = {}

    async def run(self, order: Callable[..., Awaitable[Any]], what: object) -> Any:
        """A command."""
        return await self.see(order.__name__, lambda conn: inspect.unwrap(order)(conn, given.by(), what))

    async def see(self, name: str, work: Callable[[Connection], Awaitable[Any]]) -> Any:
        async with self._database.transaction() as conn:
            await conn.execute("SET LOCAL enable_seqscan = off")
            answer = await work(conn)
            self.walks[name] = {row["relname"]: row["seq_scan"] for row in await conn.fetch(_WALKS, LARGE)}
        return answer


async def _transfer(watched: Watched, person_id: UUID, giver: given.Row, taker: given.Row) -> None:
    way = {"from_unit_id": giver.unit_id, "to_unit_id": taker.unit_id, "kind": taker.kind, "funding": taker.funding}
    allowed = {"authorisation_no": "用编〔2026〕2号", "authorised_on": date(2026, 9, 1)}
    await watched.run(transfer_person, TransferPerson(person_id=person_id, **way, effective_on=DAY, **allowed))


async def test_nothing_that_is_done_to_one_person_walks_through_all(roster_db: Database) -> None:
    watched, row, other = Watched(roster_db), await given.row(roster_db, 5), await given.row(roster_db, 5)
    stays, goes, moves, over = [await given.person(roster_db, row.unit_id) for _ in range(4)]
    placed = {each: await watched.run(place_person, given.placement(row, each, date(2026, 9, 2))) for each in (stays, goes, moves)}

    fact = {"person_id": over, "started_on": date(2026, 9, 2), "cause": OverQuotaCause.VIOLATION}
    await watched.run(record_over_quota_fact, RecordOverQuota(**row.key | {"funding": "self"}, **fact))
    loan = SecondPerson(person_id=stays, borrower_id=other.unit_id, started_on=DAY - timedelta(days=3), until=DAY + timedelta(days=30))
    lent = await watched.run(second_person, loan)
    await watched.run(extend_secondment, ExtendSecondment(secondment_id=lent, until=DAY + timedelta(days=40)))
    await watched.run(end_secondment, EndSecondment(secondment_id=lent, ended_on=DAY))
    await watched.run(correct_placement, CorrectPlacement(placement_id=placed[stays], started_on=date(2026, 9, 3)))
    await watched.run(release_person, ReleasePerson(placement_id=placed[goes], ended_on=DAY, exit_reason="resignation"))
    await _transfer(watched, moves, row, other)

    assert {name: walks for name, walks in watched.walks.items() if walks} == {}
    assert len(watched.walks) == 8


async def test_a_look_at_one_unit_whose_leaders_were_appointed_walks_through_nobody_elses_posts(roster_db: Database) -> None:
    watched, row = Watched(roster_db), await given.row(roster_db, 5)
    _, placement_id = await deputy_to_be(roster_db, row)

    await watched.run(change_seat, ChangeSeat(placement_id=placement_id, seat_level=DEPUTY, since=MARCH))
    looks = {str(moment): partial(unit_view, unit_id=row.unit_id, who=OFFICER, moment=moment) for moment in (LATEST, Moment(on=MARCH))}
    seen = [await watched.see(name, look) for name, look in looks.items()]

    assert [[(each.level, each.used) for each in unit.seats if each.used] for unit in seen] == [[(DEPUTY, 1)]] * 2
    assert {name: walks for name, walks in watched.walks.items() if walks} == {}
