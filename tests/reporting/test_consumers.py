"""Folds and figures, from real events through real Kafka."""

from dataclasses import asdict
from datetime import date, timedelta
from uuid import uuid4

import pytest

from services.reporting import queries
from shared.auth import Who
from shared.db import Database
from shared.events.approval import ApplicationMoved, ApplicationSubmitted
from shared.events.monitoring import LightChanged
from shared.events.roster import RetirementFact, UnitClosed, UnitRegistered
from shared.glossary import ApplicationState, ApplicationType, IssueState, Light, Role
from shared.unit_copies import UnitUnknown
from tests.reporting.given import COUNTY, NOW, RETIREMENT, SPECIAL, UNKNOWN, Publisher, by_group, row, until_read


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_vacancies_are_never_netted_against_overstaffing(reporting: Database, publisher: Publisher) -> None:
    root = await publisher.unit("330499", category="bureau")
    short, full = await publisher.unit("330499001", root), await publisher.unit("330499002", root)
    await publisher.quota(short[-1], row("institution", 10, 7, reserved=1), row("administrative", 2, 3))
    await publisher.quota(full[-1], row("institution", 5, 6, frozen=1), row("quota_register", 0, 4, counted=False))
    await publisher.quota(root[-1], row("pool", 3, 1, apart=True))
    await until_read(reporting, publisher)

    kinds = await by_group(reporting, "kind")
    async with reporting.reading() as conn:
        counted, uncounted = (await queries.distribution(conn, COUNTY, "kind")).totals

    institution = kinds["institution"]
    assert (institution.quota, institution.headcount, institution.vacancy, institution.overstaffing) == (15, 13, 3, 1)
    assert (institution.available, institution.exceeded, institution.units) == (2, 2, 2)
    assert institution.saturation == pytest.approx(13 / 15)
    assert (counted.quota, counted.headcount, counted.vacancy, counted.overstaffing) == (17, 16, 3, 2)
    assert (uncounted.counted, uncounted.headcount) == (False, 4 + 1)  # 单列 is added to nobody's number


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_saturation_without_posts_is_undefined(reporting: Database, publisher: Publisher) -> None:
    unit = await publisher.unit("330499001")
    await publisher.quota(unit[-1], row("quota_register", 0, 4, counted=False), row("institution", 0, 0))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        found = await queries.saturation(conn, COUNTY, unit[-1])

    assert [(item.kind, item.saturation, item.vacancy_rate) for item in found.items] == [
        ("institution", None, None),
        ("quota_register", None, None),
    ]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_figures_carry_what_the_roster_calls_a_kind_and_the_code_until_it_tells(reporting: Database, publisher: Publisher) -> None:
    unit = await publisher.unit("330499001")
    called = row("SY", 5, 1).model_copy(update={"kind_label": "事业编制", "funding_label": "全额拨款"})
    await publisher.quota(unit[-1], called, row("XZ", 2, 1))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        kinds = await queries.distribution(conn, COUNTY, "kind")
        rows = await queries.saturation(conn, COUNTY, None)

    assert [(item.code, item.label) for item in kinds.items] == [("SY", "事业编制"), ("XZ", "XZ")]
    assert [(item.kind, item.kind_label, item.funding_label) for item in rows.items] == [
        ("SY", "事业编制", "全额拨款"),
        ("XZ", "XZ", "full"),
    ]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_caller_sees_the_figures_of_his_units_only(reporting: Database, publisher: Publisher) -> None:
    root = await publisher.unit("330499")
    mine, other = await publisher.unit("330499001", root), await publisher.unit("330499002", root, "town")
    for path, posts in ((mine, 10), (other, 20)):
        await publisher.quota(path[-1], row("institution", posts, 1))
    await until_read(reporting, publisher)
    clerk = Who("zhang", frozenset({Role.UNIT_CLERK}), (mine[-1],))

    assert (await by_group(reporting, "category", clerk)).keys() == {"school"}
    assert (await by_group(reporting, "parent"))[str(root[-1])].quota == 30
    async with reporting.reading() as conn:
        assert [item.quota for item in (await queries.saturation(conn, COUNTY, root[-1])).items] == [30]
        assert [item.count for item in (await queries.lights(conn, clerk)).items] == [1, 0, 0, 0]
        below = (await queries.distribution(conn, COUNTY, "category", mine[-1])).items
        with pytest.raises(UnitUnknown):
            await queries.saturation(conn, clerk, other[-1])
        with pytest.raises(UnitUnknown):
            await queries.distribution(conn, clerk, "kind", other[-1])
    assert [(item.code, item.quota) for item in below] == [("school", 10)]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_category_is_called_as_the_last_event_that_named_it_says(reporting: Database, publisher: Publisher) -> None:
    for number, label in enumerate(("中小学", "", "学校", "")):
        unit = (await publisher.unit(f"33049900{number}", category_label=label))[-1]
        await publisher.quota(unit, row("institution", 5, 1), at=NOW + timedelta(days=number))
    await until_read(reporting, publisher)

    assert {code: item.label for code, item in (await by_group(reporting, "category")).items()} == {"school": "学校"}


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("arrival_first", [True, False], ids=["arrival first", "departure first"])
async def test_a_transferred_person_is_never_counted_twice_or_nowhere(
    reporting: Database, publisher: Publisher, arrival_first: bool
) -> None:
    giving, taking = (await publisher.unit("330499001"))[-1], (await publisher.unit("330499002"))[-1]
    person, transfer = uuid4(), uuid4()
    await publisher.quota(giving, row("institution", 5, 1))
    await publisher.quota(taking, row("institution", 5, 1))
    await publisher.send(publisher.placed(giving, person, 1))
    halves = [publisher.placed(taking, person, 2, transfer), publisher.released(giving, person, 2, transfer)]
    seen: list[int] = []

    for half in halves if arrival_first else reversed(halves):
        await publisher.send(half)
        await until_read(reporting, publisher)
        seen.append((await by_group(reporting, "kind"))["institution"].people)

    assert seen == [1, 1]
    assert [(item.code, item.people) for item in (await by_group(reporting, "parent")).values() if item.people] == [(str(taking), 1)]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_an_older_fact_about_a_person_that_arrives_late_changes_nothing(reporting: Database, publisher: Publisher) -> None:
    first, second = (await publisher.unit("330499001"))[-1], (await publisher.unit("330499002"))[-1]
    person = uuid4()
    for unit in (first, second):
        await publisher.quota(unit, row("institution", 5, 1))
    await publisher.send(publisher.placed(second, person, 3))
    await until_read(reporting, publisher)
    await publisher.send(publisher.placed(first, person, 1), publisher.released(first, person, 2))
    await until_read(reporting, publisher)

    assert [(item.code, item.people) for item in (await by_group(reporting, "parent")).values() if item.people] == [(str(second), 1)]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_correction_of_a_post_that_is_over_takes_nobody_out_of_the_present_one(reporting: Database, publisher: Publisher) -> None:
    before, now = (await publisher.unit("330499001"))[-1], (await publisher.unit("330499002"))[-1]
    person = uuid4()
    await publisher.send(publisher.placed(before, person, 1), publisher.released(before, person, 2), publisher.placed(now, person, 3))
    await publisher.send(publisher.corrected(before, person, 4, date(2025, 1, 1)))
    await until_read(reporting, publisher)
    held = await reporting.pool.fetch("SELECT unit_id, in_post, retirement_month FROM people")

    await publisher.send(publisher.corrected(now, person, 5, None, "2051-01"))
    await until_read(reporting, publisher)

    corrected = await reporting.pool.fetch("SELECT unit_id, in_post, retirement_month FROM people")
    assert [[tuple(row) for row in rows] for rows in (held, corrected)] == [[(now, True, "2050-01")], [(now, True, "2051-01")]]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_person_who_left_is_counted_no_more(reporting: Database, publisher: Publisher) -> None:
    unit, person = (await publisher.unit("330499001"))[-1], uuid4()
    await publisher.quota(unit, row("institution", 5, 1))
    await publisher.send(publisher.placed(unit, person, 1), publisher.released(unit, person, 2))
    await until_read(reporting, publisher)

    assert (await by_group(reporting, "kind"))["institution"].people == 0


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_the_people_of_a_first_load_are_counted_and_one_who_left_meanwhile_stays_away(
    reporting: Database, publisher: Publisher
) -> None:
    unit = await publisher.unit("330499001")
    gone, here = uuid4(), uuid4()
    await publisher.send(publisher.loaded(unit[-1], here, gone), publisher.released(unit[-1], gone, 2), publisher.loaded(unit[-1], gone))
    await until_read(reporting, publisher)

    rows = await reporting.pool.fetch("SELECT person_id, in_post FROM people ORDER BY in_post DESC")

    assert [tuple(row) for row in rows] == [(here, True), (gone, False)]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_lights_issues_and_applications_are_counted_as_they_stand(reporting: Database, publisher: Publisher) -> None:
    unit = (await publisher.unit("330499001"))[-1]
    late, handed_in, waits, done, application = uuid4(), uuid4(), uuid4(), uuid4(), uuid4()
    await publisher.send(
        LightChanged(occurred_at=NOW, unit_id=unit, version=1, light=Light.RED, before=Light.GREEN),
        publisher.of_issue(unit, late, IssueState.RECTIFYING, NOW - timedelta(days=1)),
        publisher.of_issue(unit, handed_in, IssueState.EVIDENCE_SUBMITTED, NOW),
        publisher.of_issue(unit, waits, IssueState.EVIDENCE_SUBMITTED),
        publisher.of_issue(unit, done, IssueState.TO_VERIFY),
        publisher.of_issue(unit, done, IssueState.DISMISSED),
    )
    about = {"occurred_at": NOW, "unit_id": unit, "application_id": application, "application_type": ApplicationType.POST_USE}
    await publisher.send(
        ApplicationSubmitted(**about, version=1, number="1", kind="institution", funding="full", posts=3),
        ApplicationMoved(**about, version=2, state=ApplicationState.PAUSED, revision=1, step="office", holder=Role.OFFICE_DIRECTOR),
    )
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        lights = await queries.lights(conn, COUNTY)
        issues = await queries.issues(conn, COUNTY, NOW)
        flight = await queries.applications(conn, COUNTY)

    assert {item.code: item.count for item in lights.items} == {"green": 0, "yellow": 0, "red": 1, "unverified": 0}
    assert [(item.rule, item.open, item.overdue) for item in issues.items] == [("M01", 3, 2)]
    assert [(item.code, item.count) for item in issues.states] == [("rectifying", 1), ("evidence_submitted", 2), ("dismissed", 1)]
    assert [(item.type, item.step, item.count, item.posts, item.paused) for item in flight.items] == [
        ("post_use_application", "office", 1, 3, 1)
    ]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_closed_unit_is_counted_with_its_light_until_nothing_is_open_on_it(reporting: Database, publisher: Publisher) -> None:
    """As the board shows it (services/monitoring/queries/board.py)."""
    unit = (await publisher.unit("330499001"))[-1]
    await publisher.send(
        LightChanged(occurred_at=NOW, unit_id=unit, version=1, light=Light.RED, before=Light.GREEN),
        UnitClosed(occurred_at=NOW, unit_id=unit, version=publisher.next_version(unit), closed_on=NOW.date()),
    )
    await until_read(reporting, publisher)
    async with reporting.reading() as conn:
        red = await queries.lights(conn, COUNTY)
    await publisher.send(LightChanged(occurred_at=NOW, unit_id=unit, version=2, light=Light.GREEN, before=Light.RED))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        green = await queries.lights(conn, COUNTY)
    assert [[item.count for item in found.items] for found in (red, green)] == [[0, 0, 1, 0], [0, 0, 0, 0]]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_light_known_before_its_unit_is_counted_once_the_unit_is_there(reporting: Database, publisher: Publisher) -> None:
    unit = uuid4()
    await publisher.send(LightChanged(occurred_at=NOW, unit_id=unit, version=1, light=Light.YELLOW, before=Light.GREEN))
    await until_read(reporting, publisher)
    async with reporting.reading() as conn:
        before = await queries.lights(conn, COUNTY)
    await publisher.send(
        UnitRegistered(
            occurred_at=NOW,
            unit_id=unit,
            version=1,
            parent_id=None,
            path=(unit,),
            name="校",
            code="1",
            category="school",
            valid_from=NOW.date(),
        )
    )
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        after = await queries.lights(conn, COUNTY)
    assert [[item.count for item in found.items] for found in (before, after)] == [[0, 0, 0, 0], [0, 1, 0, 0]]


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_retirements_are_told_month_by_month_for_those_in_post_alone(reporting: Database, publisher: Publisher) -> None:
    unit, other = await publisher.unit("330499001"), await publisher.unit("330499002")
    stays, leaves = uuid4(), uuid4()
    for path in (unit, other):
        await publisher.quota(path[-1], row("institution", 10, 3))
    await publisher.send(
        publisher.loaded(unit[-1], stays, uuid4()), publisher.placed(unit[-1], leaves, 1), publisher.loaded(other[-1], uuid4())
    )
    await publisher.send(publisher.released(unit[-1], leaves, 2))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        mine = await queries.retirements(conn, COUNTY, unit[-1], date(2049, 12, 20), 3)
        every = await queries.retirements(conn, COUNTY, None, date(2049, 12, 20), 3)
        with pytest.raises(UnitUnknown):
            await queries.retirements(conn, Who("clerk", frozenset({Role.UNIT_CLERK}), (other[-1],)), unit[-1], date(2049, 12, 20), 3)

    assert [(item.month, item.counted, item.others) for item in mine.items] == [("2049-12", 0, 0), ("2050-01", 2, 0), ("2050-02", 0, 0)]
    assert every.items[1].counted == 3


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_whoever_has_no_month_or_is_past_it_is_told_of_beside_the_months(reporting: Database, publisher: Publisher) -> None:
    unit = (await publisher.unit("330499001"))[-1]
    await publisher.quota(unit, row("institution", 10, 7))
    past = RetirementFact(category="F50", month="2026-08")
    retiring = [SPECIAL, UNKNOWN, UNKNOWN, past, past, past, RETIREMENT, SPECIAL]
    people = [uuid4() for _ in retiring]
    await publisher.send(*(publisher.placed(unit, person, 1, retirement=each) for person, each in zip(people, retiring, strict=True)))
    await publisher.send(publisher.released(unit, people[-1], 2))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        told = await queries.retirements(conn, COUNTY, unit, NOW.date(), 300)
        in_post = await conn.fetchval("SELECT count(*) FROM people WHERE in_post")
    await reporting.pool.execute("UPDATE people SET retirement_category = NULL")  # as they were read before it was kept
    async with reporting.reading() as conn:
        before = await queries.retirements(conn, COUNTY, unit, NOW.date(), 300)

    assert [asdict(each) for each in (told.special, told.unknown, told.overdue)] == [{"counted": count, "others": 0} for count in (1, 2, 3)]
    beside = sum(each.counted for each in (told.special, told.unknown, told.overdue))
    assert sum(each.counted for each in told.items) + beside == in_post == 7
    assert (before.special.counted, before.unknown.counted, before.overdue.counted) == (0, 0, 3)


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_whoever_is_past_his_month_on_a_post_that_is_no_establishment_is_told_of_apart(
    reporting: Database, publisher: Publisher
) -> None:
    unit = (await publisher.unit("330499001"))[-1]
    await publisher.quota(unit, row("institution", 10, 1, counted=False))
    await publisher.send(publisher.placed(unit, uuid4(), 1))
    await until_read(reporting, publisher)

    async with reporting.reading() as conn:
        told = await queries.retirements(conn, COUNTY, unit, date(2050, 2, 1), 3)

    assert asdict(told.overdue) == {"counted": 0, "others": 1}


@pytest.mark.asyncio
@pytest.mark.usefixtures("worker")
async def test_a_town_counts_with_all_below_it_and_no_other_unit_does(reporting: Database, publisher: Publisher) -> None:
    root = await publisher.unit("330499", category="JG-Z")
    town = await publisher.unit("330499100", root, category="ZJ-Z")
    school = await publisher.unit("330499101", town, category="SY-E")
    for path, held in ((root, 1), (town, 2), (school, 4)):
        await publisher.quota(path[-1], row("institution", 10, held))
    await until_read(reporting, publisher)

    towns = await by_group(reporting, "town")

    assert {code: (found.label, found.quota, found.headcount) for code, found in towns.items()} == {str(town[-1]): ("330499100", 20, 6)}
