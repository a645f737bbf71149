"""A unit's first load: one command, the guards of the others, everything baseline, and a repeat changes nothing."""

import asyncio
from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from services.roster.commands import load_people
from services.roster.commands.loads import counted_anew, load_unit
from services.roster.commands.sealing import sealed
from services.roster.models.loads import Loaded, LoadedQuota, LoadedSeats, LoadRefused, LoadUnit, OpenLoadedPerson
from services.roster.models.refusals import EffectiveInFuture, Frozen, IdNumberInvalid
from services.roster.queries.establishments import LATEST
from services.roster.queries.loads import standing
from services.roster.queries.persons import person_view
from shared.auth import Who
from shared.crypto import masked_id_number
from shared.db import Database
from shared.errors import DomainError
from shared.events.roster import QuotaChanged, RosterEvent, SeatsChanged, SeatsState, UnitLoaded, UnitRegistered
from shared.glossary import OverQuotaCause, PersonIdentity, PostCategory, Role
from shared.law.retirement import Sex
from tests.roster import given

pytestmark = pytest.mark.asyncio
DAY = date(2020, 3, 1)


def person(number: int, **more: object) -> OpenLoadedPerson:
    facts: dict[str, object] = {
        "name": given.name_of(number),
        "id_number": given.id_number(number),
        "sex": Sex.FEMALE,
        "birth_on": given.BORN,
        "identity": PersonIdentity.PROFESSIONAL,
        "post_category": PostCategory.TECHNICAL,
        "kind": "SY",
        "funding": "full",
        "started_on": date(2015, 9, number % 28 + 1),
    }
    return OpenLoadedPerson.model_validate(facts | more)


def load(people: list[OpenLoadedPerson], posts: int = 3, code: str = "L1", **more: object) -> LoadUnit:
    facts: dict[str, object] = {
        "name": f"测试单位{code}",
        "code": code,
        "category": "SY-1",
        "valid_from": date(2015, 1, 1),
        "quotas": (LoadedQuota(kind="SY", funding="full", posts=posts, document_no="测编〔2020〕1号", document_on=DAY),),
        "persons": tuple(sealed(given.CIPHER, each.__dict__) for each in people),
    }
    return LoadUnit.model_validate(facts | more)


async def loaded(database: Database, people: list[OpenLoadedPerson], posts: int = 3, code: str = "L1", **more: object) -> Loaded:
    return await load_unit(database, given.by(), load(people, posts, code, **more))


async def rows(database: Database) -> dict[str, int]:
    """How many rows each table of the roster has."""
    tables = ("units", "quotas", "persons", "person_records", "placements", "event_log", "outbox")
    return {table: await database.pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables}


async def refusal_codes(database: Database, what: LoadUnit) -> list[tuple[str, int | None]]:
    async with database.reading() as conn:
        found = await standing(conn, what, given.TODAY)
    return [(problem.code, problem.person) for problem in found.problems]


async def test_a_load_registers_the_unit_its_posts_and_its_people_and_all_of_it_is_baseline(roster_db: Database) -> None:
    done = await loaded(roster_db, [person(1), person(2)])

    events = [event for event in await given.published(roster_db) if isinstance(event, RosterEvent)]
    assert (done.registered, done.quotas, done.placed, done.over_quota, done.present) == (True, 1, 2, 0, 0)
    assert {type(event) for event in events} == {UnitRegistered, QuotaChanged, UnitLoaded}
    assert all(event.baseline for event in events)
    assert await given.versions_of(roster_db, done.unit_id) == [1, 2, 3]
    assert (await given.state(roster_db, given.Row(done.unit_id))).headcount == 2


async def test_the_same_load_again_changes_nothing(roster_db: Database) -> None:
    people = [person(1), person(2)]
    await loaded(roster_db, people)
    before = await rows(roster_db)

    again = await loaded(roster_db, people)

    assert await rows(roster_db) == before
    assert (again.registered, again.quotas, again.placed, again.present) == (False, 0, 0, 3)


async def test_a_mended_file_adds_only_what_was_left_out(roster_db: Database) -> None:
    await loaded(roster_db, [person(1)])

    done = await loaded(roster_db, [person(1), person(2)])

    assert (done.placed, done.present) == (1, 2)
    assert (await given.state(roster_db, given.Row(done.unit_id))).headcount == 2


async def test_people_beyond_the_quota_are_recorded_as_history_the_latest_entries_first(roster_db: Database) -> None:
    early, middle, late = (person(number, started_on=date(2015, 9, number)) for number in (1, 2, 3))

    done = await loaded(roster_db, [late, early, middle], posts=2)

    told = await given.last_event(roster_db)
    assert isinstance(told, UnitLoaded)
    assert done.over_quota == 1
    assert told.baseline
    assert [(each.started_on, each.cause) for each in told.people] == [
        (early.started_on, None),
        (middle.started_on, None),
        (late.started_on, OverQuotaCause.HISTORY),
    ]
    assert told.establishments[0].overstaffing == 1


async def test_whom_the_office_names_as_over_quota_is_over_it_and_how_he_came_stays(roster_db: Database) -> None:
    named = person(1, over_quota_cause=OverQuotaCause.POLICY, entry_reason="demobilised_officer")

    done = await loaded(roster_db, [named, person(2), person(3, entry_reason="examination")], posts=1)

    told = await given.last_event(roster_db)
    assert isinstance(told, UnitLoaded)
    assert [each.cause for each in told.people] == [None, OverQuotaCause.HISTORY, OverQuotaCause.POLICY]
    found = await roster_db.pool.fetch("SELECT entry_reason FROM placements WHERE unit_id = $1 ORDER BY lower(during)", done.unit_id)
    assert [row["entry_reason"] for row in found] == ["demobilised_officer", "first_load", "examination"]


async def test_a_loaded_person_is_the_same_as_a_registered_and_placed_one(roster_db: Database) -> None:
    done = await loaded(roster_db, [person(1, certified_birth_on=date(1985, 1, 1), title="教师", professional_title="高级教师")])
    person_id = await roster_db.pool.fetchval("SELECT id FROM persons")
    office = Who("officer", frozenset({Role.BUSINESS_OFFICER}))

    async with roster_db.reading() as conn:
        seen = await person_view(conn, given.CIPHER, person_id, office, LATEST)

    assert (seen.name, seen.certified_birth_on, seen.professional_title) == (given.name_of(1), date(1985, 1, 1), "高级教师")
    assert seen.id_number == masked_id_number(given.id_number(1))
    assert seen.placement is not None
    assert (seen.placement.unit_id, seen.placement.entry_reason) == (done.unit_id, "first_load")
    told = await given.last_event(roster_db)
    assert isinstance(told, UnitLoaded)
    assert [(each.person_version, each.retirement.category) for each in told.people] == [(2, "special")]


async def test_many_people_are_told_of_in_groups_and_each_group_leaves_its_rows_as_they_stood(
    roster_db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_people, "TOGETHER", 2)

    done = await loaded(roster_db, [person(number) for number in range(1, 6)], posts=9)

    told = [event for event in await given.published(roster_db) if isinstance(event, UnitLoaded)]
    assert [(event.version, len(event.people), event.establishments[0].headcount) for event in told] == [(3, 2, 2), (4, 2, 4), (5, 1, 5)]
    assert (await given.state(roster_db, given.Row(done.unit_id))).headcount == 5


async def test_the_leadership_posts_that_one_document_approved_of_a_unit_are_told_of_together(roster_db: Database) -> None:
    seats = [
        LoadedSeats(level=level, approved=approved, document_no=document_no, document_on=DAY)
        for level, approved, document_no in [
            ("unit_head", 1, "测编〔2020〕1号"),
            ("unit_deputy", 2, "测编〔2020〕2号"),
            ("internal_head", 4, "测编〔2020〕1号"),
        ]
    ]

    done = await loaded(roster_db, [person(1)], seats=seats)

    told = [event for event in await given.published(roster_db) if isinstance(event, SeatsChanged)]
    assert [(event.document_no, event.level, event.approved, event.used, event.others) for event in told] == [
        ("测编〔2020〕1号", "unit_head", 1, 0, (SeatsState(level="internal_head", approved=4, used=0, level_label="内设机构正职"),)),
        ("测编〔2020〕2号", "unit_deputy", 2, 0, ()),
    ]
    assert done.seats == 3


async def test_the_leaders_of_a_first_load_are_told_of_also_on_levels_without_an_approved_number(roster_db: Database) -> None:
    seats = [LoadedSeats(level="unit_head", approved=1, document_no="测编〔2020〕1号", document_on=DAY)]
    people = [person(1, seat_level="unit_head"), person(2, seat_level="unit_head"), person(3, seat_level="unit_deputy"), person(4)]

    await loaded(roster_db, people, seats=seats, posts=4)

    told = [event for event in await given.published(roster_db) if isinstance(event, SeatsChanged)]
    assert [(event.document_no, event.level, event.level_label, event.approved, event.used, event.baseline) for event in told] == [
        ("测编〔2020〕1号", "unit_head", "单位正职", 1, 2, True),
        (told[1].document_no, "unit_deputy", "单位副职", 0, 1, True),
    ]
    assert told[1].document_no == given.by().document_no


async def test_nobody_is_taken_from_another_unit(roster_db: Database) -> None:
    await loaded(roster_db, [person(1)], code="L1")
    before = await rows(roster_db)

    with pytest.raises(LoadRefused):
        await loaded(roster_db, [person(2), person(1)], code="L2")

    assert await rows(roster_db) == before
    assert await refusal_codes(roster_db, load([person(2), person(1)], code="L2")) == [("person_on_roster", 1)]


async def test_two_loads_with_the_same_new_person_leave_him_on_one_unit(roster_db: Database) -> None:
    both = await asyncio.gather(*(loaded(roster_db, [person(1)], code=code) for code in ("L1", "L2")), return_exceptions=True)

    assert sorted(isinstance(each, DomainError) for each in both) == [False, True]
    assert await roster_db.pool.fetchval("SELECT count(*) FROM placements") == 1


async def test_once_the_unit_is_in_daily_use_a_load_is_closed(roster_db: Database) -> None:
    done = await loaded(roster_db, [person(1)])
    await given.in_post(roster_db, given.Row(done.unit_id))

    assert await refusal_codes(roster_db, load([person(1), person(2)])) == [("first_load_ended", None)]


async def test_a_frozen_unit_above_lets_nobody_in(roster_db: Database) -> None:
    town = await given.unit(roster_db)
    await given.frozen(roster_db, town)

    with pytest.raises(Frozen):
        await loaded(roster_db, [person(1)], parent_id=town)


async def test_a_released_person_may_come_in_again_and_keeps_his_history(roster_db: Database) -> None:
    first = await loaded(roster_db, [person(1)], code="L1")
    placement_id = await roster_db.pool.fetchval("SELECT placement_id FROM placements")
    await given.release(roster_db, placement_id, date(2026, 9, 1))

    done = await loaded(roster_db, [person(1, started_on=date(2026, 9, 1))], code="L2")

    units: list[UUID] = [each["unit_id"] for each in await roster_db.pool.fetch("SELECT DISTINCT unit_id FROM placements ORDER BY 1")]
    assert set(units) == {first.unit_id, done.unit_id}
    assert await roster_db.pool.fetchval("SELECT count(*) FROM persons") == 1


@pytest.mark.parametrize(
    ("what", "codes"),
    [
        (
            load([], quotas=(LoadedQuota(kind="XZ", funding="state", posts=1, document_no="文", document_on=DAY),)),
            [("kind_not_allowed", None)],
        ),
        (load([person(1), person(1)]), [("person_twice", 1)]),
        (load([person(1, funding="partial")]), [("no_quota_row", 0)]),
    ],
)
async def test_what_speaks_against_a_load_is_told(roster_db: Database, what: LoadUnit, codes: list[tuple[str, int | None]]) -> None:
    assert await refusal_codes(roster_db, what) == codes


async def test_what_speaks_against_a_load_is_told_in_the_words_of_the_code_tables(roster_db: Database) -> None:
    await loaded(roster_db, [person(1)])
    quotas = [LoadedQuota(kind=kind, funding="full", posts=9, document_no="文", document_on=DAY) for kind in ("SY", "XZ")]

    async with roster_db.reading() as conn:
        found = await standing(conn, load([person(1), person(2, funding="partial")], quotas=tuple(quotas)), given.TODAY)

    assert [problem.sentence.partition("。")[0] for problem in found.problems] == [
        "该类单位（公益一类事业单位）不得使用编制类型 行政编制",
        "系统中该单位 事业编制（全额拨款）的编制数为 3 名，与文件的 9 名不同",
        "本单位没有核定编制类型 事业编制（差额补贴）",
    ]


async def test_a_unit_that_is_there_with_other_facts_is_not_overwritten(roster_db: Database) -> None:
    await loaded(roster_db, [person(1)])

    assert await refusal_codes(roster_db, load([person(1)], name="另一个名称")) == [("unit_differs", None)]
    assert await refusal_codes(roster_db, load([person(1)], posts=9)) == [("quota_differs", None)]
    assert await refusal_codes(roster_db, load([person(1, started_on=date(2014, 1, 1))])) == [("person_differs", 0)]


async def test_what_begins_later_than_today_is_refused(roster_db: Database) -> None:
    with pytest.raises(EffectiveInFuture):
        await loaded(roster_db, [person(1, started_on=date(2026, 9, 19))])


async def test_a_wrong_number_is_refused_before_anything_is_encrypted() -> None:
    with pytest.raises(IdNumberInvalid):
        sealed(given.CIPHER, person(1, id_number=given.id_number(1)[:17] + ("1" if given.id_number(1)[17] != "1" else "2")).__dict__)


async def test_the_answer_of_a_load_is_remembered_under_its_key(roster_db: Database) -> None:
    mandate = replace(given.by(), key="load:1")
    first = await load_unit(roster_db, mandate, load([person(1)]))

    assert await load_unit(roster_db, mandate, load([person(1)])) == first


async def test_after_a_load_the_planner_knows_how_much_there_is(roster_db: Database) -> None:
    await loaded(roster_db, [person(number) for number in range(3)])
    await counted_anew(roster_db)

    known = await roster_db.pool.fetch(
        "SELECT relname, reltuples FROM pg_class WHERE relname IN ('placements', 'persons', 'units') AND relnamespace = 'roster'::regnamespace"
    )

    assert {row["relname"]: row["reltuples"] for row in known} == {"placements": 3, "persons": 3, "units": 1}


async def test_a_load_brings_every_field_of_a_person_and_of_the_post(roster_db: Database) -> None:
    facts = {"ethnicity": "22", "education": "21", "title": "教师", "professional_title": "一级教师", "retirement_category": None}
    post = {"internal_unit": "教务处", "duty_status": "on_duty", "entry_reason": "open_recruitment", "authorisation_no": "用编〔2015〕3号"}
    done = await loaded(roster_db, [person(1, **facts, **post)])

    async with roster_db.reading() as conn:
        seen = (await given.people_of(conn, done.unit_id, LATEST))[0]

    assert (seen["ethnicity"], seen["education"], seen["title"], seen["professional_title"]) == ("＊", "21", "教师", "一级教师")
    assert {name: seen["placement"][name] for name in post} == post


async def test_a_code_outside_its_set_is_a_problem_of_its_person(roster_db: Database) -> None:
    assert await refusal_codes(roster_db, load([person(1), person(2, education="大本")])) == [("code_unknown", 1)]
