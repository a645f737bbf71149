"""冻结 and 解冻: at one instant, for a unit and all below it, and never for an exit."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.roster.commands.claims import claim_post
from services.roster.commands.corrections import correct_placement
from services.roster.commands.effects import take_effect
from services.roster.commands.freezes import freeze_unit, unfreeze_unit
from services.roster.commands.placements import place_person, release_person
from services.roster.commands.quotas import cut_quota, move_quota, raise_quota
from services.roster.commands.transfers import transfer_person
from services.roster.commands.units import set_seats
from services.roster.models.refusals import Frozen, OrderEnded, OrderUnknown
from services.roster.models.requests import (
    CorrectPlacement,
    CutQuota,
    FreezeUnit,
    FrozenPosts,
    MoveQuota,
    RaiseQuota,
    ReleasePerson,
    SetSeats,
    TransferPerson,
    UnfreezeUnit,
)
from services.roster.queries.checks import check_application
from shared.db import Connection, Database
from shared.errors import DomainError
from shared.events.roster import PostClaimed, UnitFrozen, UnitUnfrozen
from shared.glossary import ApplicationType, FreezeScope, Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.shared.given import until_waiting
from workflows.roster import Check, PostRequest

pytestmark = pytest.mark.asyncio


async def unfrozen(database: Database, unit_id: UUID, order_id: UUID) -> None:
    await unfreeze_unit(database, given.by(), UnfreezeUnit(order_id=order_id, unit_id=unit_id))


async def test_a_freeze_above_stops_the_claim_and_names_its_order(roster_db: Database) -> None:  # trap: checking at submission only
    town = await given.unit(roster_db, category="ZJ-Z")
    row = await given.row(roster_db, 1, parent=town)
    asked = given.request(row, ApplicationType.POST_USE)
    order_id = await given.frozen(roster_db, town)

    with pytest.raises(Frozen) as refusal:
        await claim_post(roster_db, given.by(), asked)

    assert refusal.value.facts["orders"] == str(order_id)


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        (FreezeScope.POST_USE, {ApplicationType.POST_USE}),
        (FreezeScope.ENTRY, {ApplicationType.ENTRY, ApplicationType.TRANSFER}),
        (FreezeScope.LEADERSHIP, set()),
    ],
)
async def test_a_scope_stops_its_own_applications_only(roster_db: Database, scope: FreezeScope, stopped: set[ApplicationType]) -> None:
    row, giver = await given.row(roster_db, 5), await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    mover, _ = await given.in_post(roster_db, giver)
    asked = [
        given.request(row, ApplicationType.POST_USE),
        given.entry(row, await given.person(roster_db, row.unit_id), reserved),
        given.request(row, ApplicationType.TRANSFER, person_id=mover, from_unit_id=giver.unit_id),
    ]
    await given.frozen(roster_db, row.unit_id, scope)

    answers = [await outcome(claim_post(roster_db, given.by(), each)) for each in asked]

    assert {each.application_type for each, answer in zip(asked, answers, strict=True) if answer == "frozen"} == stopped


def exception(*orders: UUID) -> dict[str, Any]:
    told = {"ground": "policy_placement", "document_no": "安置〔2026〕3号", "decided_by": "director"}
    return {"exception": told | {"orders": [str(order) for order in orders]}}


async def test_an_exception_passes_the_orders_it_names_and_is_kept_with_the_claim(roster_db: Database) -> None:
    row, giver = await given.row(roster_db, 5), await given.row(roster_db, 1)
    mover, _ = await given.in_post(roster_db, giver)
    reserved = await given.reservation(roster_db, row)
    order = await given.frozen(roster_db, row.unit_id)
    asked = [
        given.request(row, ApplicationType.POST_USE, **exception(order)),
        given.entry(row, await given.person(roster_db, row.unit_id), reserved, **exception(order)),
        given.request(row, ApplicationType.TRANSFER, person_id=mover, from_unit_id=giver.unit_id, **exception(order)),
    ]

    for each in asked:
        await claim_post(roster_db, given.by(), each)

    told = {"ground": "policy_placement", "document_no": "安置〔2026〕3号", "orders": [str(order)]}
    kept = await roster_db.pool.fetch(
        "SELECT exception FROM claims WHERE application_id = ANY($1)", [each.application_id for each in asked]
    )
    events = [each for each in await given.published(roster_db) if isinstance(each, PostClaimed)]
    assert [each["exception"] for each in kept] == 3 * [told | {"decided_by": "director"}]
    assert [each.exception.model_dump(mode="json") for each in events[-3:] if each.exception] == 3 * [told]


async def test_an_exception_is_none_to_an_order_it_does_not_name_nor_to_posts_withheld_by_number(roster_db: Database) -> None:
    row, order_id = await given.row(roster_db, 2), uuid4()
    named, later = [await given.frozen(roster_db, row.unit_id) for _ in range(2)]
    posts = (FrozenPosts(kind=row.kind, funding=row.funding, posts=1),)
    await freeze_unit(roster_db, given.by(), FreezeUnit(order_id=order_id, unit_id=row.unit_id, scopes=(), posts=posts))

    stopped = claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE, **exception(named)))
    too_many = claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE, posts=2, **exception(named, later, order_id)))

    assert [await outcome(each) for each in (stopped, too_many)] == ["frozen", "quota_exhausted"]


async def test_a_claim_that_no_freeze_stands_against_passes_by_no_exception(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    order = await given.frozen(roster_db, row.unit_id)
    asked = given.request(row, ApplicationType.POST_USE, **exception(order))
    advice = [await advised(roster_db, each) for each in (asked, given.request(row, ApplicationType.POST_USE))]
    await unfrozen(roster_db, row.unit_id, order)

    await claim_post(roster_db, given.by(), asked)

    assert [each.passed for each in advice] == [True, False]
    assert "政策性安置，安置〔2026〕3号" in advice[0].sentence
    assert await roster_db.pool.fetchval("SELECT exception FROM claims") is None


async def test_a_draft_that_claims_an_exception_is_told_who_decides_and_where_none_is_needed(doors: Doors, roster_db: Database) -> None:
    row, free = await given.row(roster_db, 1), await given.row(roster_db, 1)
    await given.frozen(roster_db, row.unit_id)
    told = {"exception": {"ground": "policy_placement", "document_no": "安置〔2026〕3号"}}

    async def said(unit_id: UUID, **other: Any) -> tuple[bool, str]:
        draft = {"type": "post_use_application", "unit_id": str(unit_id), "kind": row.kind, "funding": row.funding} | other
        headers = doors.as_(Role.UNIT_CLERK, units=(unit_id,))
        found = (await doors.http.post("/application-checks", json=draft, headers=headers)).json()
        return next((each["passed"], each["sentence"]) for each in found if each["code"] == "not_frozen")

    claimed, unclaimed, needless = await said(row.unit_id, **told), await said(row.unit_id), await said(free.unit_id, **told)

    assert [each[0] for each in (claimed, unclaimed, needless)] == [True, False, False]
    assert "申报了冻结例外（政策性安置，安置〔2026〕3号），是否成立由审批人认定" in claimed[1]
    assert "不需要申报冻结例外" in needless[1]


async def advised(database: Database, asked: PostRequest) -> Check:
    async with database.reading() as conn:
        found = await check_application(conn, asked, given.TODAY)
    return next(each for each in found if each.code == "not_frozen")


async def outcome(command: Awaitable[object]) -> str | None:
    try:
        await command
    except DomainError as refusal:
        return refusal.code
    return None


async def test_the_office_places_nobody_into_a_frozen_unit(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    await given.frozen(roster_db, row.unit_id)

    with pytest.raises(Frozen):
        await place_person(roster_db, given.by(), given.placement(row, await given.person(roster_db, row.unit_id)))


async def test_an_exit_is_never_stopped(roster_db: Database) -> None:  # trap: a freeze that blocks an exit or the rectification
    row = await given.row(roster_db, 3)
    (leaver, _), (_, by_office), (_, corrected) = [await given.in_post(roster_db, row) for _ in range(3)]
    await given.frozen(roster_db, row.unit_id, *FreezeScope)
    asked = given.request(row, ApplicationType.EXIT, person_id=leaver, reason_code="retirement")

    await claim_post(roster_db, given.by(), asked)
    await take_effect(roster_db, given.by(), given.effect(asked))
    await release_person(roster_db, given.by(), ReleasePerson(placement_id=by_office, ended_on=given.TODAY, exit_reason="death"))
    await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=corrected, started_on=date(2026, 9, 3)))

    assert (await given.state(roster_db, row)).headcount == 1


async def test_a_frozen_unit_may_hand_a_person_over(roster_db: Database) -> None:  # trap: a freeze that blocks an exit or the rectification
    row, target = await given.row(roster_db, 0), await given.row(roster_db, 1)
    person_id, _ = await given.over_quota(roster_db, row)
    await given.frozen(roster_db, row.unit_id, *FreezeScope)
    facts = given.placement(target, person_id)

    await transfer_person(
        roster_db,
        given.by(),
        TransferPerson(
            person_id=person_id,
            from_unit_id=row.unit_id,
            to_unit_id=target.unit_id,
            kind=target.kind,
            funding=target.funding,
            effective_on=given.TODAY,
            authorisation_no=facts.authorisation_no or "",
            authorised_on=date(2026, 9, 1),
        ),
    )

    assert (await given.state(roster_db, row)).headcount == 0


ON = {"effective_on": given.TODAY, "document_on": given.TODAY}


async def test_a_freeze_of_the_establishment_stops_more_posts_and_new_units_but_no_cut(roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    row, other = await given.row(roster_db, 2, parent=town), await given.row(roster_db, 2)
    await given.frozen(roster_db, town, FreezeScope.ORGANISATION)

    for grows in (
        lambda: given.quota(roster_db, row, 3, given.TODAY),
        lambda: raise_quota(roster_db, given.by(), RaiseQuota(**row.key, posts=1, **ON)),
        lambda: move_quota(roster_db, given.by(), MoveQuota(**other.key, posts=1, to_unit_id=row.unit_id, **ON)),
        lambda: move_quota(roster_db, given.by(), MoveQuota(**row.key, posts=1, to_unit_id=other.unit_id, **ON)),
        lambda: given.unit(roster_db, parent=town),
    ):
        with pytest.raises(Frozen):
            await grows()

    await cut_quota(roster_db, given.by(), CutQuota(**row.key, posts=1, **ON))
    await raise_quota(roster_db, given.by(), RaiseQuota(**other.key, posts=1, **ON))
    assert ((await given.state(roster_db, row)).quota, (await given.state(roster_db, other)).quota) == (1, 3)


async def test_a_surplus_may_be_approved_under_a_freeze_and_nothing_beyond_it(roster_db: Database) -> None:  # the rectification itself
    row = await given.row(roster_db, 0)
    await given.over_quota(roster_db, row)
    await given.frozen(roster_db, row.unit_id, *FreezeScope)

    with pytest.raises(Frozen):
        await raise_quota(roster_db, given.by(), RaiseQuota(**row.key, posts=2, **ON))
    await raise_quota(roster_db, given.by(), RaiseQuota(**row.key, posts=1, **ON))

    assert (await given.state(roster_db, row)).quota == 1


async def test_a_freeze_of_leadership_posts_stops_more_of_them_and_whoever_would_take_one(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    seats = {"unit_id": row.unit_id, "level": "unit_head", "effective_on": given.TODAY}
    await set_seats(roster_db, given.by(), SetSeats(approved=2, **seats))
    await given.frozen(roster_db, row.unit_id, FreezeScope.LEADERSHIP)
    leader = given.placement(row, await given.person(roster_db, row.unit_id)).model_copy(update={"seat_level": "unit_head"})

    with pytest.raises(Frozen):
        await set_seats(roster_db, given.by(), SetSeats(approved=3, **seats))
    with pytest.raises(Frozen):
        await place_person(roster_db, given.by(), leader)

    await set_seats(roster_db, given.by(), SetSeats(approved=1, **seats))
    await place_person(roster_db, given.by(), leader.model_copy(update={"seat_level": None}))


async def test_a_claim_made_before_the_freeze_stands(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    reserved = await given.reservation(roster_db, row)
    asked = await given.claimed(roster_db, given.entry(row, await given.person(roster_db, row.unit_id), reserved))
    await given.frozen(roster_db, row.unit_id)

    await take_effect(roster_db, given.by(), given.effect(asked))

    assert (await given.state(roster_db, row)).headcount == 1


async def test_a_freeze_waits_for_a_claim_in_flight_and_a_claim_for_a_freeze(roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    row = await given.row(roster_db, 1, parent=town)
    order_id = uuid4()

    async with roster_db.pool.acquire() as conn, conn.transaction():
        await _run(freeze_unit)(conn, given.by(), FreezeUnit(order_id=order_id, unit_id=town, scopes=(FreezeScope.POST_USE,)))
        claim = asyncio.create_task(outcome(claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE))))
        await until_waiting(roster_db)
        assert not claim.done()

    assert await claim == "frozen"


async def test_an_entry_waits_for_a_freeze_above_that_is_being_made(roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    row = await given.row(roster_db, 1, parent=town)
    posting = given.placement(row, await given.person(roster_db, row.unit_id))

    async with roster_db.pool.acquire() as conn, conn.transaction():
        await _run(freeze_unit)(conn, given.by(), FreezeUnit(order_id=uuid4(), unit_id=town, scopes=(FreezeScope.ENTRY,)))
        entry = asyncio.create_task(outcome(place_person(roster_db, given.by(), posting)))
        await until_waiting(roster_db)
        assert not entry.done()

    assert await entry == "frozen"


async def test_a_freeze_takes_its_root_against_a_claim_that_is_being_made(roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    row = await given.row(roster_db, 1, parent=town)

    async with roster_db.pool.acquire() as conn, conn.transaction():
        await _run(claim_post)(conn, given.by(), given.request(row, ApplicationType.POST_USE))
        freeze = asyncio.create_task(given.frozen(roster_db, town))
        await until_waiting(roster_db)
        assert not freeze.done()

    await freeze
    events = [event for event in await given.published(roster_db) if event.unit_id == row.unit_id]
    assert [event.type for event in events][-2:] == ["roster.post_claimed.v1", "roster.unit_frozen.v1"]


def _run(command: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """The command's own function, for a transaction that the test holds open."""
    inner: Callable[..., Awaitable[object]] = command.__wrapped__  # type: ignore[attr-defined]  # functools.wraps keeps it
    return inner


async def test_every_unit_below_is_told_once(roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    school = await given.unit(roster_db, parent=town)
    elsewhere = await given.unit(roster_db)

    order_id = await given.frozen(roster_db, town)

    frozen = [event for event in await given.published(roster_db) if isinstance(event, UnitFrozen)]
    assert {event.unit_id for event in frozen} == {town, school}
    assert {(event.order_id, event.root_unit_id) for event in frozen} == {(order_id, town)}
    assert elsewhere not in {event.unit_id for event in frozen}


async def test_a_unit_registered_below_a_frozen_one_is_frozen_too(roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    order_id = await given.frozen(roster_db, town)

    school = await given.unit(roster_db, parent=town)

    event = await given.last_event(roster_db)
    assert isinstance(event, UnitFrozen)
    assert (event.unit_id, event.order_id, event.version) == (school, order_id, 2)


async def test_a_unit_registered_far_below_waits_for_a_freeze_and_is_frozen_too(roster_db: Database) -> None:
    county = await given.unit(roster_db, category="JG-Z")
    town = await given.unit(roster_db, parent=county, category="ZJ-Z")
    order_id = uuid4()

    async with roster_db.pool.acquire() as conn, conn.transaction():
        await _run(freeze_unit)(conn, given.by(), FreezeUnit(order_id=order_id, unit_id=county, scopes=(FreezeScope.ENTRY,)))
        registration = asyncio.create_task(given.unit(roster_db, parent=town))
        await until_waiting(roster_db)

    school = await registration
    frozen = [event for event in await given.published(roster_db) if isinstance(event, UnitFrozen)]
    assert {event.unit_id for event in frozen} == {county, town, school}


async def test_of_two_orders_the_second_still_stops_when_the_first_ends(roster_db: Database) -> None:
    town = await given.unit(roster_db, category="ZJ-Z")
    row = await given.row(roster_db, 1, parent=town)
    first, second = await given.frozen(roster_db, town), await given.frozen(roster_db, row.unit_id)

    await unfrozen(roster_db, town, first)
    with pytest.raises(Frozen) as refusal:
        await claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE))
    await unfrozen(roster_db, row.unit_id, second)

    assert refusal.value.facts["orders"] == str(second)
    assert isinstance(await given.last_event(roster_db), UnitUnfrozen)
    await claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE))


async def test_an_order_ends_once_and_only_where_it_stands(roster_db: Database) -> None:
    unit_id, other = await given.unit(roster_db), await given.unit(roster_db)
    order_id = await given.frozen(roster_db, unit_id)

    with pytest.raises(OrderUnknown):
        await unfrozen(roster_db, other, order_id)
    await unfrozen(roster_db, unit_id, order_id)
    with pytest.raises(OrderEnded):
        await unfrozen(roster_db, unit_id, order_id)


async def test_an_order_may_freeze_posts_by_number(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    order_id = uuid4()
    posts = (FrozenPosts(kind=row.kind, funding=row.funding, posts=2),)
    await freeze_unit(roster_db, given.by(), FreezeUnit(order_id=order_id, unit_id=row.unit_id, scopes=(), posts=posts))

    assert await outcome(claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE, posts=2))) == "quota_exhausted"
    await claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE, posts=1))
    await unfrozen(roster_db, row.unit_id, order_id)

    assert (await given.state(roster_db, row)).available == 2


async def test_freezes_and_claims_of_one_tree_end_without_a_deadlock(roster_db: Database) -> None:
    county = await given.unit(roster_db, category="JG-Z")
    towns = [await given.unit(roster_db, parent=county, category="ZJ-Z") for _ in range(2)]
    rows = [await given.row(roster_db, 20, parent=town) for town in towns for _ in range(2)]
    claims = [claim_post(roster_db, given.by(), given.request(row, ApplicationType.POST_USE)) for row in rows for _ in range(5)]
    freezes = [given.frozen(roster_db, unit_id) for unit_id in (county, *towns) for _ in range(2)]
    before = await _deadlocks(roster_db)

    answers = await asyncio.gather(*(outcome(each) for each in (*claims, *freezes)))

    assert set(answers) <= {None, "frozen"}
    assert await _deadlocks(roster_db) == before


async def _deadlocks(database: Database) -> int:
    async with database.pool.acquire() as conn:
        return await _counted(conn)


async def _counted(conn: Connection) -> int:
    await conn.execute("SELECT pg_stat_force_next_flush()")
    counted: int = await conn.fetchval("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return counted
