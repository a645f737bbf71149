"""What has become otherwise between the check of a file and its writing."""

from collections.abc import Awaitable, Callable
from datetime import date

import pytest

from services.roster.commands.reforms import carry_out
from services.roster.commands.transfers import transfer_person
from services.roster.commands.units import set_seats
from services.roster.models.imports import (
    ImportState,
)
from services.roster.models.refusals import PersonElsewhere, PersonUnknown, SeatsChangedLater
from services.roster.models.requests import SetSeats, TransferPerson
from services.roster.models.units import Reform
from services.roster.queries import imports as queries
from tests.imports.rows import USCC, person, unit
from tests.roster import given
from tests.roster.importing import Office, two_units

pytestmark = pytest.mark.asyncio


async def test_seats_that_changed_later_since_the_check_refuse_their_unit_and_no_other(office: Office) -> None:
    names = ["甲单位", "乙单位"]
    await office.write("units", [unit(单位名称=name, 统一社会信用代码=code) for name, code in zip(names, USCC, strict=False)])
    seats = {"职务层次": "单位正职", "核定职数": 1, "批准文号": "测编〔2021〕1号", "批准日期": "2021-05-01"}
    await office.write("seats", [seats | {"单位": name} for name in names])
    seats |= {"核定职数": 2, "批准文号": "测编〔2026〕6号", "批准日期": "2026-06-01"}
    view = await office.check("seats", [seats | {"单位": name} for name in names])
    unit_id = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[0])
    later = SetSeats(unit_id=unit_id, level="unit_head", approved=3, effective_on=date(2026, 8, 1))
    await set_seats(office.database, given.by(), later)

    done = await office.apply(view)

    assert await office.refused(done) == [("甲单位", str(SeatsChangedLater(since=later.effective_on)))]
    assert (done.state, done.written["seats"]) == (ImportState.APPLIED, 1)
    rows = await office.database.pool.fetch(
        "SELECT name, approved FROM seats JOIN units ON units.id = unit_id WHERE upper_inf(during) AND upper_inf(recorded) ORDER BY approved"
    )
    assert [tuple(row) for row in rows] == [("乙单位", 2), ("甲单位", 3)]


async def moved_to_the_other(office: Office) -> None:
    """The person of 甲单位 is transferred to 乙单位."""
    here = await office.database.pool.fetchrow(
        "SELECT person_id, units.id FROM placements JOIN units ON units.id = unit_id WHERE code = $1", USCC[0]
    )
    assert here is not None
    other = await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", USCC[1])
    way = TransferPerson(
        person_id=here["person_id"],
        from_unit_id=here["id"],
        to_unit_id=other,
        kind="SY",
        funding="full",
        effective_on=given.TODAY,
        authorisation_no="调〔2026〕1号",
        authorised_on=date(2026, 9, 1),
    )
    await transfer_person(office.database, given.by(), way)


async def merged_into_the_other(office: Office) -> None:
    """甲单位 is merged into 乙单位."""
    gone, into = [await office.database.pool.fetchval("SELECT id FROM units WHERE code = $1", code) for code in USCC[:2]]
    what = {
        "title": "机构改革",
        "effective_on": given.TODAY,
        "document_on": given.TODAY,
        "steps": [{"step": "merge", "unit_id": gone, "into_unit_id": into}],
    }
    await carry_out(office.database, given.by(), Reform.model_validate(what))


@pytest.mark.parametrize("leave", [moved_to_the_other, merged_into_the_other])
async def test_nothing_is_changed_of_who_left_the_unit_since_the_check(office: Office, leave: Callable[[Office], Awaitable[None]]) -> None:
    await two_units(office)
    people = [person(0, 学历="硕士研究生毕业", 所在内设机构="办公室"), person(1, 单位="乙单位", 学历="硕士研究生毕业")]
    view = await office.check("roster", people)
    await leave(office)

    done = await office.apply(view)

    assert await office.refused(done) == [("甲单位", str(PersonElsewhere()))]
    assert (done.state, done.written["changed"]) == (ImportState.APPLIED, 1)
    assert await office.database.pool.fetchval("SELECT count(*) FROM post_changes") == 0
    changed = await office.database.pool.fetch(
        "SELECT field, code FROM person_changes JOIN placements USING (person_id) JOIN units ON units.id = unit_id"
    )
    assert [tuple(line) for line in changed] == [("education", USCC[1])]


async def test_whose_number_was_corrected_since_the_check_is_not_found_and_holds_up_no_other(office: Office) -> None:
    await two_units(office)
    people = [person(0, 学历="硕士研究生毕业"), person(1, 单位="乙单位", 学历="硕士研究生毕业")]
    view = await office.check("roster", people)
    await office.database.pool.execute(
        "DELETE FROM person_indexes USING placements JOIN units ON units.id = unit_id WHERE placements.person_id = person_indexes.person_id AND code = $1",
        USCC[0],
    )

    done = await office.apply(view)

    assert await office.refused(done) == [("甲单位", str(PersonUnknown()))]
    assert (done.state, done.written["changed"]) == (ImportState.APPLIED, 1)


async def test_nobody_is_lent_for_a_unit_that_he_left_since_the_check(office: Office) -> None:
    await two_units(office)
    lent = {"借出单位": "外市某局", "借调开始": given.TODAY.isoformat(), "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}
    view = await office.check("roster", [person(0, **lent), person(1, 单位="乙单位", **lent)])
    await moved_to_the_other(office)

    done = await office.apply(view)

    assert done.state == ImportState.APPLIED
    assert [(row, sentence[:10]) for _, row, _, sentence in await office.said(done)] == [
        (2, "“外市某局”不在系统"),
        (2, f"借调未登记：{PersonElsewhere()}"[:10]),
        (3, "“外市某局”不在系统"),
    ]
    async with office.database.reading() as conn:
        assert [each.at_writing for _, each in await queries.problems(conn, done.id, 0, 10)] == [False, True, False]
    assert (view.warnings, done.warnings, done.written["loans"]) == (2, 3, 1)
    assert await office.database.pool.fetchval("SELECT count(*) FROM secondments") == 1
