"""The ledger (台账): what of a unit changed, on whose document, and how things stand after it."""

from dataclasses import replace
from uuid import UUID

import pytest

from services.roster.commands.claims import give_back
from services.roster.commands.effects import take_effect
from services.roster.commands.quotas import move_quota, raise_quota, set_quota
from services.roster.commands.reservations import hold_reservation, lapse_reservations, recall_reservation
from services.roster.commands.units import set_seats
from services.roster.models.loads import LoadedSeats
from services.roster.models.requests import LapseReservations, MoveQuota, RaiseQuota, RecallReservation, SetQuota, SetSeats
from shared.db import Database
from shared.glossary import ApplicationType
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.reforming import carried_out
from tests.roster.test_lists import got, walked
from tests.roster.test_loads import DAY, loaded
from workflows.roster import RECALLED

pytestmark = pytest.mark.asyncio


async def test_the_ledger_tells_what_changed_on_whose_document(doors: Doors, roster_db: Database) -> None:
    top = await given.row(roster_db, 2)
    below = await given.row(roster_db, 1, top.unit_id)

    all_ = (await got(doors, "/ledger", unit=top.unit_id, sort="at"))["items"]
    own = (await got(doors, "/ledger", unit=top.unit_id, below=False))["items"]
    none = (await got(doors, "/ledger", unit=top.unit_id, until="2026-09-17"))["items"]
    matters = await got(doors, "/ledger/matters")
    ceiling = SetQuota(unit_id=below.unit_id, kind="BW", funding="full", posts=1, effective_on=given.TODAY, document_on=given.TODAY)
    await set_quota(roster_db, given.by("期初建账-8a0ae6b1"), ceiling)
    (first_load,) = (await got(doors, "/ledger", document_no="期初建账-8a0ae6b1"))["items"]
    pages = [len(page) async for page in walked(doors, "/ledger", unit=top.unit_id, limit=3)]

    assert [(each["matter"], each["unit_id"]) for each in all_] == [
        ("机构登记", str(top.unit_id)), ("编制数变更", str(top.unit_id)), ("机构登记", str(below.unit_id)), ("编制数变更", str(below.unit_id)),
    ]  # fmt: skip
    assert (all_[1]["document_no"], all_[1]["issuer"], all_[1]["establishments"][0]["quota"]) == (given.DOCUMENT, "海测编", 2)
    assert all_[1]["document_on"] == all_[1]["effective_on"]
    assert (first_load["issuer"], first_load["document_on"]) == (None, str(given.TODAY))
    assert (len(own), none, pages) == (2, [], [3, 2])
    assert {each["matter"] for each in all_} <= set(matters.values())


async def test_the_ledger_tells_how_many_leadership_posts_stand_after_a_change(doors: Doors, roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=2, effective_on=given.TODAY))

    lines = {each["matter"]: each["seats"] for each in (await got(doors, "/ledger", unit=row.unit_id))["items"]}

    (level,) = lines.pop("领导职数变更")
    assert (level["level"], level["approved"], level["used"]) == ("unit_head", 2, 0)
    assert level["level_label"]
    assert list(lines.values()) == [[], []]


async def test_a_change_of_posts_tells_row_by_row_from_which_number_to_which(doors: Doors, roster_db: Database) -> None:
    row, other = await given.row(roster_db, 3), await given.row(roster_db, 1)
    await given.in_post(roster_db, row)
    change = row.key | {"effective_on": given.TODAY, "document_on": given.TODAY}
    await set_quota(roster_db, given.by(), SetQuota.model_validate(change | {"kind": "BW", "posts": 7}))
    await raise_quota(roster_db, given.by(), RaiseQuota.model_validate(change | {"posts": 2}))
    await move_quota(roster_db, given.by(), MoveQuota.model_validate(change | {"posts": 4, "to_unit_id": other.unit_id}))

    async def told(unit: UUID) -> list[tuple[str, int | None, int]]:
        lines = (await got(doors, "/ledger", unit=unit, type="roster.quota_changed.v1", sort="at"))["items"]
        return [(each["kind"], each["quota_before"], each["quota"]) for line in lines for each in line["establishments"]]

    assert await told(row.unit_id) == [(row.kind, None, 3), ("BW", None, 7), (row.kind, 3, 5), (row.kind, 5, 1)]
    assert await told(other.unit_id) == [(other.kind, None, 1), (other.kind, 1, 5)]


async def test_a_reform_tells_once_from_which_number_posts_went_to_which(doors: Doors, roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 5), await given.row(roster_db, 1)
    steps = [giver.key | {"step": "move_posts", "to_unit_id": taker.unit_id, "posts": posts} for posts in (2, 1)]
    await carried_out(roster_db, *steps)

    for row, numbers in ((giver, (5, 2)), (taker, (1, 4))):
        line = (await got(doors, "/ledger", unit=row.unit_id, type="roster.quota_changed.v1"))["items"][0]
        assert [(each["quota_before"], each["quota"]) for each in line["establishments"]] == [numbers]


async def test_a_first_load_tells_every_level_of_one_document(doors: Doors, roster_db: Database) -> None:
    seats = [
        LoadedSeats(level=level, approved=approved, document_no="测编〔2020〕1号", document_on=DAY)
        for level, approved in (("unit_head", 1), ("internal_head", 4))
    ]
    unit_id = (await loaded(roster_db, [], seats=seats)).unit_id

    (line,) = (await got(doors, "/ledger", unit=unit_id, type="roster.seats_changed.v1"))["items"]

    assert sorted((each["level"], each["approved"]) for each in line["seats"]) == [("internal_head", 4), ("unit_head", 1)]


async def test_an_authorised_use_whose_document_was_revoked_is_never_said_to_have_run_out(doors: Doors, roster_db: Database) -> None:
    """Must fail when a post that an application held at the revocation ends, by the daily sweep, under the sweep's own reason."""
    row = await given.row(roster_db, 2)
    use = await given.claimed(roster_db, given.request(row, ApplicationType.POST_USE, posts=2))
    made = (await take_effect(roster_db, given.by(), given.effect(use))).reservation_id
    assert made is not None
    entry = given.entry(row, await given.person(roster_db, row.unit_id), made)
    await hold_reservation(roster_db, given.by(), entry)

    revoked = replace(given.by(), reason="文书已撤销")
    await recall_reservation(roster_db, revoked, RecallReservation(application_id=use.application_id))
    await give_back(roster_db, given.by(), given.back(entry))
    sweep = replace(given.by(), reason="用编核准到期")
    await lapse_reservations(roster_db, sweep, LapseReservations(unit_id=row.unit_id, on=given.TODAY))

    ended = (await got(doors, "/ledger", unit=row.unit_id, type="roster.reservation_expired.v1", sort="at"))["items"]
    assert [(each["matter"], each["reason"]) for each in ended] == [("核准用编失效", revoked.reason), ("核准用编失效", RECALLED)]
