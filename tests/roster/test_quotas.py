"""编制数: set, raised, cut, moved, as validity ranges."""

import asyncio
from datetime import date, timedelta

import pytest

from services.roster.commands.claims import claim_post
from services.roster.commands.quotas import cut_quota, move_quota, raise_quota, set_quota
from services.roster.models.refusals import (
    DocumentInFuture,
    DocumentMissing,
    KindUnknown,
    NoPostsOfRow,
    QuotaBelowUse,
    QuotaBelowZero,
    QuotaChangedLater,
    QuotaExhausted,
)
from services.roster.models.requests import CutQuota, MoveQuota, RaiseQuota, SetQuota
from services.roster.queries.establishments import Moment, establishments
from shared.db import Database
from shared.events.roster import QuotaChanged
from shared.glossary import ApplicationType, OverQuotaCause
from tests.roster import given

pytestmark = pytest.mark.asyncio


async def quota_on(database: Database, row: given.Row, moment: Moment) -> int:
    async with database.reading() as conn:
        return sum(each.quota for each in await establishments(conn, row.unit_id, moment))


async def test_each_day_has_the_number_that_held_on_it(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    change = {"effective_on": date(2026, 9, 10), "document_on": date(2026, 9, 8)}

    await raise_quota(roster_db, given.by(), RaiseQuota(**row.key, **change, posts=2))
    await cut_quota(roster_db, given.by(), CutQuota(**row.key, posts=1, effective_on=date(2026, 9, 15), document_on=date(2026, 9, 15)))

    assert [await quota_on(roster_db, row, Moment(date(2026, 9, day))) for day in (9, 10, 14, 15)] == [3, 5, 5, 4]
    assert isinstance(await given.last_event(roster_db), QuotaChanged)


async def test_what_was_known_before_a_change_is_still_known(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    later = given.NOW + timedelta(hours=1)

    await set_quota(
        roster_db, given.by(at=later), SetQuota(**row.key, posts=8, effective_on=date(2020, 1, 1), document_on=date(2020, 1, 1))
    )

    day = date(2026, 9, 1)
    assert await quota_on(roster_db, row, Moment(day, given.NOW)) == 3
    assert await quota_on(roster_db, row, Moment(day, later)) == 8


async def test_a_quota_below_what_is_in_use_needs_a_recorded_cause(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await given.in_post(roster_db, row)
    await given.reservation(roster_db, row)
    cut = CutQuota(**row.key, posts=1, effective_on=given.TODAY, document_on=given.TODAY)

    with pytest.raises(QuotaBelowUse):
        await cut_quota(roster_db, given.by(), cut)
    await cut_quota(roster_db, given.by(), cut.model_copy(update={"over_quota_cause": OverQuotaCause.POLICY}))

    assert (await given.state(roster_db, row)).available == -1


async def test_a_quota_needs_its_document_and_known_codes(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    what = SetQuota(**row.key, posts=2, effective_on=given.TODAY, document_on=given.TODAY)

    with pytest.raises(DocumentMissing):
        await set_quota(roster_db, given.by(None), what)
    with pytest.raises(KindUnknown):
        await set_quota(roster_db, given.by(), what.model_copy(update={"kind": "??"}))


async def test_no_change_rests_on_a_document_of_a_day_to_come(roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 5), await given.row(roster_db, 5)
    what = giver.key | {"posts": 1, "effective_on": given.TODAY, "document_on": given.TODAY + timedelta(days=1)}

    for change in (
        set_quota(roster_db, given.by(), SetQuota(**what)),
        raise_quota(roster_db, given.by(), RaiseQuota(**what)),
        cut_quota(roster_db, given.by(), CutQuota(**what)),
        move_quota(roster_db, given.by(), MoveQuota(**what, to_unit_id=taker.unit_id)),
    ):
        with pytest.raises(DocumentInFuture):
            await change


async def test_changes_are_made_in_the_order_of_their_days(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await given.quota(roster_db, row, 5, date(2026, 9, 10))

    with pytest.raises(QuotaChangedLater):
        await given.quota(roster_db, row, 4, date(2026, 9, 9))


async def test_a_move_takes_from_one_and_gives_to_the_other(roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 3), await given.row(roster_db, 1)
    await given.in_post(roster_db, giver)
    move = MoveQuota(**giver.key, to_unit_id=taker.unit_id, posts=2, effective_on=given.TODAY, document_on=given.TODAY)

    await move_quota(roster_db, given.by(), move)

    assert [(await given.state(roster_db, row)).quota for row in (giver, taker)] == [1, 3]
    with pytest.raises(QuotaBelowUse):
        await move_quota(roster_db, given.by(), move.model_copy(update={"posts": 1}))
    with pytest.raises(QuotaBelowZero, match="事业编制（全额拨款）现有编制数 1 名，不足以核减或划出 2 名"):
        await move_quota(roster_db, given.by(), move.model_copy(update={"posts": 2}))


async def test_posts_of_another_funding_are_not_called_too_few_but_what_the_unit_has_is_told(roster_db: Database) -> None:
    giver, taker = await given.row(roster_db, 3), await given.row(roster_db, 1)
    await given.quota(roster_db, given.Row(giver.unit_id, "BW"), 2)
    on = {"effective_on": given.TODAY, "document_on": given.TODAY, "posts": 1}
    name = await roster_db.pool.fetchval("SELECT name FROM units WHERE id = $1", giver.unit_id)
    refused = (
        f"{name}没有事业编制（差额补贴）的编制，不能核减或划出；现有：编外用工控制数（全额拨款）2 名、事业编制（全额拨款）3 名。请核对"
    )

    with pytest.raises(NoPostsOfRow, match=refused):
        await move_quota(
            roster_db, given.by(), MoveQuota(unit_id=giver.unit_id, kind="SY", funding="partial", to_unit_id=taker.unit_id, **on)
        )
    with pytest.raises(NoPostsOfRow, match="现有：没有编制"):
        await cut_quota(roster_db, given.by(), CutQuota(unit_id=await given.unit(roster_db), kind="SY", funding="full", **on))


async def test_a_row_beyond_its_quota_may_be_given_a_part_of_what_it_lacks(roster_db: Database) -> None:
    raised, taker, giver = await given.row(roster_db, 1), await given.row(roster_db, 1), await given.row(roster_db, 1)
    for row in (raised, taker):
        await given.in_post(roster_db, row)
        await given.over_quota(roster_db, row)
        await given.over_quota(roster_db, row)
    on = {"posts": 1, "effective_on": given.TODAY, "document_on": given.TODAY}

    await raise_quota(roster_db, given.by(), RaiseQuota(**raised.key, **on))
    await move_quota(roster_db, given.by(), MoveQuota(**giver.key, **on, to_unit_id=taker.unit_id))

    states = [await given.state(roster_db, row) for row in (raised, taker, giver)]
    assert [(state.quota, state.available) for state in states] == [(2, -1), (2, -1), (0, 0)]


async def test_a_cut_and_a_claim_at_once_do_not_both_take_the_last_post(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    cut = CutQuota(**row.key, posts=1, effective_on=given.TODAY, document_on=given.TODAY)

    answers = await asyncio.gather(
        cut_quota(roster_db, given.by(), cut),
        claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE)),
        return_exceptions=True,
    )

    assert len([answer for answer in answers if isinstance(answer, (QuotaBelowUse, QuotaExhausted))]) == 1
