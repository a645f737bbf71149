"""Units through time: registered with all attributes, changed from a day on, closed; the tree of every day; what is withheld from whom."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from services.roster.commands.corrections import correct_placement
from services.roster.commands.freezes import freeze_unit
from services.roster.commands.placements import place_person
from services.roster.commands.quotas import set_quota
from services.roster.commands.unit_changes import change_unit
from services.roster.commands.unit_closing import close_unit
from services.roster.commands.units import register_unit, set_seats
from services.roster.models.refusals import (
    CategoryUnknown,
    CodeUnknown,
    DocumentMissing,
    Frozen,
    FundingUnknown,
    KindNotAllowed,
    SeatsBelowUse,
    SeatsChangedLater,
    UnitCodeTaken,
    UnitUnknown,
    UsccInvalid,
)
from services.roster.models.requests import CorrectPlacement, FreezeUnit, RegisterUnit, SetQuota, SetSeats
from services.roster.models.units import (
    AboveRankUnproved,
    ChangeUnit,
    CloseUnit,
    EndAfterClosing,
    ExitAfterReform,
    NothingChanged,
    ParentBelow,
    ParentWithheld,
    PostsAfterReform,
    UnitChangedLater,
    UnitClosedBefore,
    UnitNotEmpty,
    UnitNotThen,
)
from services.roster.queries import units as queries
from services.roster.queries.establishments import Moment
from services.roster.queries.unit_history import SORTS, unit_history
from shared.auth import Who
from shared.clock import at_hour
from shared.db import Database
from shared.events.roster import SeatsChanged, UnitChanged, UnitClosed, UnitFrozen, UnitRegistered, UnitUnfrozen
from shared.glossary import FreezeScope, OverQuotaCause, Role
from shared.pages import Cursors, Paging, ordered
from tests.roster import given

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset({Role.BUSINESS_OFFICER}))
OBSERVER = Who("observer", frozenset({Role.OBSERVER}))
SINCE = date(2026, 3, 1)
BEFORE = SINCE - timedelta(days=1)


async def change(database: Database, unit_id: UUID, since: date = SINCE, **attributes: object) -> None:
    await change_unit(database, given.by(), ChangeUnit.model_validate({"unit_id": unit_id, "effective_on": since} | attributes))


async def seen(database: Database, unit_id: UUID, on: date | None = None, who: Who = OFFICE) -> queries.UnitView:
    async with database.reading() as conn:
        return await queries.unit_view(conn, unit_id, who, Moment(on))


async def listed(database: Database, who: Who = OFFICE, on: date | None = None, parent: UUID | None = None) -> list[UUID]:
    async with database.reading() as conn:
        return await given.units_of(conn, who, Moment(on), parent)


async def test_a_unit_is_registered_with_every_attribute_and_told_to_all(roster_db: Database) -> None:
    what = RegisterUnit(
        name="测试县临江镇人民政府", code="L-1", category="ZJ-Z", valid_from=date(2020, 1, 1),
        short_name="临江镇政府", nature="administrative_organ", public_welfare="unclassified", unit_funding="state",
        sector="public_administration", rank="section", system="town", duties="主管本镇行政事务。", established_on=date(1985, 5, 1),
        second_names=("临江镇便民服务中心",), plates=("临江镇综合执法队", "临江镇退役军人服务站"), internal_units=("党政办公室", "经济发展办公室"),
        document_on=date(2019, 12, 1), leaders_above_rank="镇长高配副处级", leaders_above_rank_no="测组〔2019〕3号",
    )  # fmt: skip

    unit_id = await register_unit(roster_db, given.by(), what)

    unit, (event,) = await seen(roster_db, unit_id), await given.published(roster_db)
    kept = what.model_dump(exclude={"valid_from", "baseline", "code", "parent_id"})
    assert {name: tuple(value) if isinstance(value, list) else value for name, value in unit.model_dump(include=set(kept)).items()} == kept
    assert isinstance(event, UnitRegistered)
    assert event.category_label == await roster_db.pool.fetchval("SELECT label FROM unit_categories WHERE code = $1", event.category)
    assert (event.rank, event.sector, event.nature, event.withheld, event.short_name) == (
        "section", "public_administration", "administrative_organ", False, "临江镇政府",
    )  # fmt: skip


async def test_leaders_above_their_rank_stand_on_a_document_that_allows_it(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    mute = RegisterUnit(name="丙", code="L-9", category="ZJ-Z", valid_from=date(2020, 1, 1), leaders_above_rank="镇长高配副处级")

    with pytest.raises(AboveRankUnproved):
        await register_unit(roster_db, given.by(), mute)
    with pytest.raises(AboveRankUnproved):
        await change(roster_db, unit_id, leaders_above_rank="校长高配副科级")
    await change(roster_db, unit_id, leaders_above_rank="校长高配副科级", leaders_above_rank_no="测组〔2026〕3号")
    with pytest.raises(AboveRankUnproved):
        await change(roster_db, unit_id, leaders_above_rank=None, since=given.TODAY)

    unit = await seen(roster_db, unit_id)
    assert (unit.leaders_above_rank, unit.leaders_above_rank_no) == ("校长高配副科级", "测组〔2026〕3号")
    assert (await seen(roster_db, unit_id, date(2026, 1, 1))).leaders_above_rank is None


@pytest.mark.parametrize(
    ("attribute", "value"),
    [("nature", "x"), ("public_welfare", "x"), ("unit_funding", "x"), ("sector", "x"), ("rank", "x"), ("system", "x")],
)
async def test_each_of_the_four_attributes_is_a_code_of_its_own_table(roster_db: Database, attribute: str, value: str) -> None:
    with pytest.raises((CodeUnknown, FundingUnknown)):
        await change(roster_db, await given.unit(roster_db), SINCE, **{attribute: value})


async def test_a_wrong_code_of_our_own_register_is_refused_and_a_doubtful_one_of_another_is_taken_and_marked(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)

    for registrar in ("11", "12", "13"):
        with pytest.raises(UsccInvalid):
            await change(roster_db, unit_id, uscc=registrar + "330481123456788X")
    await change(roster_db, unit_id, uscc="91330481123456788X")

    doubted = await seen(roster_db, unit_id)
    assert (doubted.uscc, doubted.uscc_doubt is None) == ("91330481123456788X", False)
    await change(roster_db, unit_id, uscc="12330481123456788F", since=given.TODAY)
    assert (await seen(roster_db, unit_id)).uscc_doubt is None


async def test_a_code_that_another_unit_has_is_refused(roster_db: Database) -> None:
    one, other = await given.unit(roster_db), await given.unit(roster_db)
    await change(roster_db, one, uscc="12330481123456788F")

    with pytest.raises(UnitCodeTaken):
        await change(roster_db, other, uscc="12330481123456788F")


async def test_a_renamed_unit_has_its_old_name_before_the_day_and_as_known_before(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    old = (await seen(roster_db, unit_id)).name
    later = given.by(at=given.NOW + timedelta(days=2))

    await change_unit(roster_db, later, ChangeUnit(unit_id=unit_id, effective_on=SINCE, name="测试新名"))

    async with roster_db.reading() as conn:
        as_known = await queries.unit_view(conn, unit_id, OFFICE, Moment(given.TODAY, given.NOW + timedelta(days=1)))
        order = ordered("since", SORTS)
        history, _ = await unit_history(conn, Cursors(given.CIPHER, "a history"), unit_id, order, Paging())
    assert ((await seen(roster_db, unit_id, BEFORE)).name, (await seen(roster_db, unit_id, SINCE)).name) == (old, "测试新名")
    assert as_known.name == old
    assert [(each["name"], each["since"], each["until"]) for each in history] == [
        (old, date(2020, 1, 1), SINCE),
        ("测试新名", SINCE, None),
    ]
    event = await given.last_event(roster_db)
    assert isinstance(event, UnitChanged)
    assert (event.name, event.changed, event.effective_on) == ("测试新名", ("name",), SINCE)


@pytest.mark.parametrize("attribute", [{"name": "新"}, {"uscc": None}, {"category": "SY-2"}, {"parent_id": None}, {"rank": "section"}])
async def test_a_key_item_needs_a_document_and_the_rest_does_not(roster_db: Database, attribute: dict[str, object]) -> None:
    unit_id = await given.unit(roster_db, await given.unit(roster_db))
    await change(roster_db, unit_id, uscc="12330481123456788F", since=date(2021, 1, 1))
    mute = given.by(None)

    with pytest.raises(DocumentMissing):
        await change_unit(roster_db, mute, ChangeUnit.model_validate({"unit_id": unit_id, "effective_on": SINCE} | attribute))
    await change_unit(roster_db, mute, ChangeUnit(unit_id=unit_id, effective_on=SINCE, duties="新职责", plates=("新牌子",)))

    unit = await seen(roster_db, unit_id)
    assert (unit.duties, unit.plates, unit.document_no) == ("新职责", ["新牌子"], given.DOCUMENT)


async def test_what_is_so_already_is_no_change_and_a_change_does_not_go_behind_a_later_one(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await change(roster_db, unit_id, rank="section", plates=("甲",))

    with pytest.raises(NothingChanged):
        await change(roster_db, unit_id, rank="section", plates=("甲",))
    with pytest.raises(UnitChangedLater):
        await change(roster_db, unit_id, since=BEFORE, rank="subsection")
    with pytest.raises(CategoryUnknown):
        await change(roster_db, unit_id, category="X")


async def test_plates_and_internal_units_are_those_of_the_day(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await change(roster_db, unit_id, date(2026, 1, 1), plates=("甲", "乙"), internal_units=("一科", "二科"))
    await change(roster_db, unit_id, SINCE, plates=("乙", "丙"), internal_units=("二科", "一科", "三科"))

    before, after = await seen(roster_db, unit_id, BEFORE), await seen(roster_db, unit_id)

    assert (before.plates, before.internal_units) == (["甲", "乙"], ["一科", "二科"])
    assert (after.plates, after.internal_units) == (["乙", "丙"], ["二科", "一科", "三科"])


async def test_a_category_that_may_not_hold_the_units_posts_is_refused(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)

    with pytest.raises(KindNotAllowed):
        await change(roster_db, row.unit_id, category="JG-D")


async def test_the_units_below_follow_a_moved_unit_and_the_tree_of_the_day_before_stays(roster_db: Database) -> None:
    old, new = await given.unit(roster_db), await given.unit(roster_db)
    middle = await given.unit(roster_db, old)
    leaf = await given.unit(roster_db, middle)

    await change(roster_db, middle, parent_id=new)

    assert [(await seen(roster_db, each)).path for each in (middle, leaf)] == [[new, middle], [new, middle, leaf]]
    assert [(await seen(roster_db, each, BEFORE)).path for each in (middle, leaf)] == [[old, middle], [old, middle, leaf]]
    assert (await listed(roster_db, parent=new), await listed(roster_db, on=BEFORE, parent=new)) == ([middle], [])
    assert (await listed(roster_db, parent=old), await listed(roster_db, on=BEFORE, parent=old)) == ([], [middle])
    told = {event.unit_id: event for event in await given.published(roster_db) if isinstance(event, UnitChanged)}
    assert {unit_id: event.path for unit_id, event in told.items()} == {middle: (new, middle), leaf: (new, middle, leaf)}
    assert await given.versions_of(roster_db, leaf) == [1, 2]


async def test_a_row_scope_follows_the_tree(roster_db: Database) -> None:
    old, new = await given.unit(roster_db), await given.unit(roster_db)
    leaf = await given.unit(roster_db, old)
    head = Who("head", frozenset({Role.UNIT_HEAD}), (new,))

    await change(roster_db, leaf, parent_id=new)

    assert set(await listed(roster_db, head)) == {new, leaf}
    assert await listed(roster_db, Who("head", frozenset({Role.UNIT_HEAD}), (old,))) == [old]


async def test_a_unit_does_not_come_below_itself_nor_below_a_parent_that_moved_later(roster_db: Database) -> None:
    top, other = await given.unit(roster_db), await given.unit(roster_db)
    below = await given.unit(roster_db, top)
    await change(roster_db, other, date(2026, 5, 1), parent_id=top)

    with pytest.raises(ParentBelow):
        await change(roster_db, top, given.TODAY, parent_id=below)
    with pytest.raises(UnitChangedLater):
        await change(roster_db, below, SINCE, parent_id=other)
    await change(roster_db, below, date(2026, 5, 1), parent_id=other)
    assert (await seen(roster_db, below)).path == [top, other, below]


async def test_a_moved_unit_leaves_the_freezes_above_and_comes_under_others(roster_db: Database) -> None:
    old, new = await given.unit(roster_db), await given.unit(roster_db)
    leaf = (await given.row(roster_db, 3, parent=old)).unit_id
    orders = {old: uuid4(), new: uuid4()}
    for root, order_id in orders.items():
        await freeze_unit(roster_db, given.by(), FreezeUnit(order_id=order_id, unit_id=root, scopes=(FreezeScope.ENTRY,)))

    await change(roster_db, leaf, parent_id=new)

    told = [event for event in await given.published(roster_db) if event.unit_id == leaf and isinstance(event, UnitFrozen | UnitUnfrozen)]
    assert [(type(event), event.order_id) for event in told[1:]] == (
        sorted([(UnitUnfrozen, orders[old]), (UnitFrozen, orders[new])], key=lambda each: each[1])
    )
    person_id = await given.person(roster_db, leaf)
    with pytest.raises(Frozen) as refusal:
        await place_person(roster_db, given.by(), given.placement(given.Row(leaf), person_id))
    assert refusal.value.facts["orders"] == str(orders[new])


async def test_the_freezes_of_a_day_are_those_of_its_tree(roster_db: Database) -> None:
    frozen, free = await given.unit(roster_db), await given.unit(roster_db)
    leaves, comes = await given.unit(roster_db, frozen), await given.unit(roster_db, free)
    order_id = await given.frozen(roster_db, frozen)
    then = [(await seen(roster_db, each, given.TODAY)).freezes for each in (leaves, comes)]

    later = given.TODAY + timedelta(days=10)
    for unit_id, parent in ((leaves, free), (comes, frozen)):
        moved = ChangeUnit(unit_id=unit_id, effective_on=later, parent_id=parent)
        await change_unit(roster_db, given.by(at=at_hour(later, 9)), moved)

    assert [[each.order_id for each in freezes] for freezes in then] == [[order_id], []]
    assert [(await seen(roster_db, each, given.TODAY)).freezes for each in (leaves, comes)] == then
    now = [(await seen(roster_db, each)).freezes for each in (leaves, comes)]
    assert [[each.order_id for each in freezes] for freezes in now] == [[], [order_id]]


async def test_a_freeze_of_organisation_stops_what_is_key_and_nothing_else(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await freeze_unit(roster_db, given.by(), FreezeUnit(order_id=uuid4(), unit_id=unit_id, scopes=(FreezeScope.ORGANISATION,)))

    with pytest.raises(Frozen):
        await change(roster_db, unit_id, name="新名")
    await change(roster_db, unit_id, duties="新职责")


async def test_a_unit_is_not_closed_before_people_left(roster_db: Database) -> None:
    row, left = await given.row(roster_db, 1), SINCE + timedelta(days=5)
    _, placement_id = await given.in_post(roster_db, row, date(2020, 1, 1))
    await given.release(roster_db, placement_id, left)
    await given.quota(roster_db, row, 0, SINCE)
    events = len(await given.published(roster_db))

    with pytest.raises(ExitAfterReform):
        await close_unit(roster_db, given.by(), CloseUnit(unit_id=row.unit_id, effective_on=SINCE))

    assert len(await given.published(roster_db)) == events
    assert [await given.headcount(roster_db, row, left - timedelta(days=day)) for day in (1, 0)] == [1, 0]
    await close_unit(roster_db, given.by(), CloseUnit(unit_id=row.unit_id, effective_on=left))
    assert (await seen(roster_db, row.unit_id, left - timedelta(days=1))).closed_on == left


async def test_a_unit_is_not_closed_before_its_posts_were_taken(roster_db: Database) -> None:
    row, later = await given.row(roster_db, 1), SINCE + timedelta(days=5)
    await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=1, effective_on=date(2020, 1, 1)))
    await given.quota(roster_db, row, 0, later)

    async def close(on: date) -> None:
        await close_unit(roster_db, given.by(), CloseUnit(unit_id=row.unit_id, effective_on=on))

    with pytest.raises(PostsAfterReform) as refused:
        await close(later - timedelta(days=1))
    assert refused.value.facts["day"] == later.isoformat()
    await set_seats(
        roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=0, effective_on=later + timedelta(days=1))
    )
    with pytest.raises(PostsAfterReform):
        await close(later)
    await close(later + timedelta(days=1))


async def test_who_left_a_closed_unit_did_not_leave_after_its_end(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    _, placement_id = await given.in_post(roster_db, row, date(2020, 1, 1))
    await given.release(roster_db, placement_id, SINCE)
    await given.quota(roster_db, row, 0, SINCE)
    await close_unit(roster_db, given.by(), CloseUnit(unit_id=row.unit_id, effective_on=SINCE))

    with pytest.raises(EndAfterClosing):
        await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, ended_on=SINCE + timedelta(days=1)))
    await correct_placement(roster_db, given.by(), CorrectPlacement(placement_id=placement_id, ended_on=SINCE - timedelta(days=1)))
    assert await given.headcount(roster_db, row, SINCE - timedelta(days=1)) == 0


async def test_a_closed_unit_takes_nothing_any_more_and_stays_to_be_read(roster_db: Database) -> None:
    row, successor = await given.row(roster_db, 1), await given.unit(roster_db)
    await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=1, effective_on=date(2021, 1, 1)))
    person_id = await given.person(roster_db, row.unit_id)
    with pytest.raises(UnitNotEmpty):
        await close_unit(roster_db, given.by(), CloseUnit(unit_id=row.unit_id, effective_on=SINCE))
    await given.quota(roster_db, row, 0, SINCE)

    await close_unit(roster_db, given.by(), CloseUnit(unit_id=row.unit_id, effective_on=SINCE, successors=(successor,)))

    for refused in (
        place_person(roster_db, given.by(), given.placement(row, person_id)),
        set_quota(roster_db, given.by(), SetQuota(**row.key, posts=1, effective_on=given.TODAY, document_on=given.TODAY)),
        set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_head", approved=1, effective_on=given.TODAY)),
        change_unit(roster_db, given.by(), ChangeUnit(unit_id=row.unit_id, effective_on=given.TODAY, name="新")),
        given.unit(roster_db, row.unit_id),
    ):
        with pytest.raises(UnitClosedBefore):
            await refused
    closed = await seen(roster_db, row.unit_id)
    assert (closed.closed_on, [each.unit_id for each in closed.successors]) == (SINCE, [successor])
    assert [each.unit_id for each in (await seen(roster_db, successor)).predecessors] == [row.unit_id]
    assert row.unit_id not in await listed(roster_db)
    assert row.unit_id in await listed(roster_db, on=BEFORE)
    assert [seat.approved for seat in (await seen(roster_db, row.unit_id, BEFORE)).seats] == [1]
    with pytest.raises(UnitNotThen):
        await seen(roster_db, row.unit_id, SINCE)
    event = await given.last_event(roster_db)
    assert isinstance(event, UnitClosed)
    assert (event.closed_on, event.successors) == (SINCE, (successor,))


async def test_people_and_posts_beside_the_establishment_are_told_apart_where_a_unit_cannot_be_closed(roster_db: Database) -> None:
    row = await given.row(roster_db, 2)
    await given.quota(roster_db, replace(row, kind="BW"), 3)
    what = given.placement(replace(row, kind="BW"), await given.person(roster_db, row.unit_id), date(2026, 9, 2))
    await place_person(roster_db, given.by(), what.model_copy(update={"off_post_kind": "counter_service", "employment_form": "dispatch"}))

    with pytest.raises(UnitNotEmpty) as refused:
        await close_unit(roster_db, given.by(), CloseUnit(unit_id=row.unit_id, effective_on=SINCE))

    assert "在编人员 0 名、编制 2 名，员额和编外人员 1 名、员额和编外控制数 3 名" in str(refused.value)


async def test_a_unit_with_a_unit_below_it_is_not_closed(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    await given.unit(roster_db, unit_id)

    with pytest.raises(UnitNotEmpty):
        await close_unit(roster_db, given.by(), CloseUnit(unit_id=unit_id, effective_on=SINCE))


async def test_a_withheld_unit_is_marked_for_the_office_known_to_its_own_people_and_left_out_for_all_others(roster_db: Database) -> None:
    top = await given.unit(roster_db)
    court, school = await given.unit(roster_db, top), await given.unit(roster_db, top)
    chamber = await given.unit(roster_db, court)

    await change(roster_db, court, withheld=True)
    hall = await given.unit(roster_db, chamber)

    own = Who("clerk", frozenset({Role.UNIT_CLERK}), (chamber,))
    above = Who("head", frozenset({Role.PARENT_UNIT}), (top,))
    assert set(await listed(roster_db)) == {top, court, school, chamber, hall}
    assert [(await seen(roster_db, each)).withheld for each in (court, chamber, hall, school)] == [True, True, True, False]
    assert set(await listed(roster_db, OBSERVER)) == {top, school} == set(await listed(roster_db, above))
    assert set(await listed(roster_db, OBSERVER, on=date(2021, 1, 1))) == {top, school}
    assert set(await listed(roster_db, own)) == {chamber, hall}
    with pytest.raises(UnitUnknown):
        await seen(roster_db, hall, who=OBSERVER)
    with pytest.raises(ParentWithheld):
        await change(roster_db, chamber, given.TODAY, withheld=False)
    told = [event for event in await given.published(roster_db) if isinstance(event, UnitChanged | UnitRegistered) and event.withheld]
    assert [event.unit_id for event in told] == [court, chamber, hall]


async def test_a_level_of_leadership_is_one_of_the_code_table(roster_db: Database) -> None:
    with pytest.raises(CodeUnknown):
        await set_seats(roster_db, given.by(), SetSeats(unit_id=await given.unit(roster_db), level="班长", approved=1, effective_on=SINCE))


@pytest.mark.parametrize("first", [(1, date(2021, 1, 1)), None])
async def test_seats_are_changed_in_the_order_of_their_days(roster_db: Database, first: tuple[int, date] | None) -> None:
    unit_id, later = await given.unit(roster_db), (2, SINCE)

    async def changed(approved: int, since: date) -> None:
        await set_seats(roster_db, given.by(), SetSeats(unit_id=unit_id, level="unit_head", approved=approved, effective_on=since))

    for approved, since in filter(None, (first, later)):
        await changed(approved, since)
    with pytest.raises(SeatsChangedLater) as refusal:
        await changed(1, BEFORE)

    assert refusal.value.facts["since"] == str(SINCE)
    assert [seat.approved for seat in (await seen(roster_db, unit_id)).seats] == [2]
    await changed(3, SINCE)
    assert [seat.approved for seat in (await seen(roster_db, unit_id)).seats] == [3]


async def test_seats_are_lowered_below_the_leaders_in_post_only_with_a_recorded_cause(roster_db: Database) -> None:
    """Must fail when they are lowered without: 超职数 would be made with a number, and nobody would have said so before."""
    row = await given.row(roster_db, 2)
    seats = {"unit_id": row.unit_id, "level": "unit_deputy", "effective_on": given.TODAY}
    await set_seats(roster_db, given.by(), SetSeats(approved=2, **seats))
    for _ in range(2):
        post = given.placement(row, await given.person(roster_db, row.unit_id), date(2026, 9, 2))
        await place_person(roster_db, given.by(), post.model_copy(update={"seat_level": "unit_deputy"}))
    events = len(await given.published(roster_db))

    with pytest.raises(SeatsBelowUse) as refused:
        await set_seats(roster_db, given.by(), SetSeats(approved=0, **seats))

    assert (refused.value.facts["approved"], refused.value.facts["used"]) == ("0", "2")
    assert len(await given.published(roster_db)) == events
    await set_seats(roster_db, given.by(), SetSeats(approved=0, over_seats_cause=OverQuotaCause.POLICY, **seats))
    told = await given.last_event(roster_db)
    assert isinstance(told, SeatsChanged)
    assert (told.approved, told.used, told.over_seats_cause) == (0, 2, OverQuotaCause.POLICY)


async def test_a_recorded_cause_stays_while_the_seats_lie_below_the_leaders_in_post_and_goes_once_there_is_room(
    roster_db: Database,
) -> None:
    row = await given.row(roster_db, 2)
    seats = {"unit_id": row.unit_id, "level": "unit_deputy", "effective_on": given.TODAY}
    await set_seats(roster_db, given.by(), SetSeats(approved=2, **seats))
    for _ in range(2):
        post = given.placement(row, await given.person(roster_db, row.unit_id), date(2026, 9, 2))
        await place_person(roster_db, given.by(), post.model_copy(update={"seat_level": "unit_deputy"}))
    await set_seats(roster_db, given.by(), SetSeats(approved=0, over_seats_cause=OverQuotaCause.POLICY, **seats))

    found: list[tuple[int, str | None, OverQuotaCause | None]] = []
    for approved in (1, 2, 1):
        cause = OverQuotaCause.VIOLATION if len(found) == 2 else None
        await set_seats(roster_db, given.by(), SetSeats(approved=approved, over_seats_cause=cause, **seats))
        told = await given.last_event(roster_db)
        assert isinstance(told, SeatsChanged)
        kept = await roster_db.pool.fetchval("SELECT over_seats_cause FROM seats WHERE upper_inf(during) AND upper_inf(recorded)")
        found.append((approved, kept, told.over_seats_cause))

    assert found == [(1, "policy", "policy"), (2, None, None), (1, "violation", "violation")]


async def test_seats_and_their_use_are_those_of_the_day(roster_db: Database) -> None:
    row = await given.row(roster_db, 3)
    await set_seats(roster_db, given.by(), SetSeats(unit_id=row.unit_id, level="unit_deputy", approved=2, effective_on=date(2024, 1, 1)))
    for number in range(3):
        post = given.placement(row, await given.person(roster_db, row.unit_id), date(2026, 1, 1) + timedelta(days=number))
        await place_person(roster_db, given.by(), post.model_copy(update={"seat_level": "unit_deputy", "baseline": True}))

    views = [(await seen(roster_db, row.unit_id, date(2026, 1, day))).seats[0] for day in (1, 2, 3)]

    assert [(seat.level_label, seat.approved, seat.used, seat.vacant, seat.over) for seat in views] == [
        ("单位副职", 2, 1, 1, 0),
        ("单位副职", 2, 2, 0, 0),
        ("单位副职", 2, 3, 0, 1),
    ]
