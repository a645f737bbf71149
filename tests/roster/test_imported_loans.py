"""Who is lent out, as a file tells it: recorded after all units, compared with the loan that lasts."""

import pytest

from services.roster.commands.quotas import set_quota
from services.roster.commands.unit_changes import change_unit
from services.roster.models.refusals import DocumentMissing
from services.roster.models.requests import SetQuota
from services.roster.models.units import ChangeUnit
from tests.imports.rows import USCC, person
from tests.roster import given
from tests.roster.importing import Office, two_units, with_posts

pytestmark = pytest.mark.asyncio


async def test_people_who_are_lent_out_are_recorded_after_all_units(office: Office) -> None:
    units = [with_posts(), with_posts(单位名称="乙单位", 单位简称="乙局", 统一社会信用代码=USCC[1])]
    lent = {"借调开始": "2026-03-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}

    view = await office.write(
        "roster", {"单位": units, "人员": [person(0, 借出单位="乙局", **lent), person(1, 借出单位="外市某局", **lent)]}
    )

    rows = await office.database.pool.fetch(
        "SELECT borrower_id IS NULL AS outside, borrower, document_no FROM secondments ORDER BY outside"
    )
    assert [(row, column, sentence[:20]) for _, row, column, sentence in await office.said(view)] == [
        (3, "借出单位", "“外市某局”不在系统中，按外单位记入；是")
    ]
    assert (view.warnings, view.written["loans"]) == (1, 2)
    assert [tuple(row) for row in rows] == [(False, None, "测借〔2026〕1号"), (True, "外市某局", "测借〔2026〕1号")]
    again = await office.write("roster", [person(2)], accept_valid=True)  # the lender is still in its first load
    assert again.written["persons"] == 1


async def test_a_loan_that_nothing_approved_stands_without_a_document(office: Office) -> None:  # M17
    lent = {"借出单位": "外市某局", "借调开始": "2026-03-01", "借调到期": "2026-12-31"}

    view = await office.write("roster", {"单位": [with_posts()], "人员": [person(0, **lent)]})

    row = await office.database.pool.fetchrow(
        "SELECT secondments.document_no, event_log.document_no AS ground, body->>'document_no' AS told FROM secondments, event_log"
        " WHERE type = 'roster.secondment_started.v1'"
    )
    assert row
    assert (row["document_no"], row["told"], row["ground"][:5]) == (None, None, "期初建账-")
    assert (2, "借调文号", "没有借调文号：期初建账中按未经批准的借调记入；单位") in [
        (row, column, sentence[:25]) for _, row, column, sentence in await office.said(view)
    ]


async def test_a_unit_in_daily_use_lends_nobody_without_a_document(office: Office) -> None:
    lent = {"借出单位": "外市某局", "借调开始": given.TODAY.isoformat(), "借调到期": "2026-12-31"}
    await office.write("roster", {"单位": [with_posts()], "人员": [person(0)]})
    unit_id = await office.database.pool.fetchval("SELECT id FROM units")
    await set_quota(
        office.database,
        given.by(),
        SetQuota(unit_id=unit_id, kind="SY", funding="full", posts=30, effective_on=given.TODAY, document_on=given.TODAY),
    )

    view = await office.write("roster", [person(0, **lent)])

    assert await office.database.pool.fetchval("SELECT count(*) FROM secondments") == 0
    assert any(sentence.startswith(f"借调未登记：{DocumentMissing()}"[:12]) for _, _, _, sentence in await office.said(view))


async def test_a_borrower_is_found_by_its_name_of_before_and_its_loan_is_the_same_the_second_time(office: Office) -> None:
    await two_units(office)
    named = given.by(), ChangeUnit(unit_id=await office.unit_id("乙单位"), name="乙局", effective_on=given.TODAY)
    await change_unit(office.database, *named)
    lent = {"借出单位": "乙单位", "借调开始": "2026-09-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}

    view = await office.write("roster", [person(0, **lent)])
    again = await office.check("roster", [person(0, **lent)])

    assert [(row, column, sentence[:14]) for _, row, column, sentence in await office.said(view)] == [
        (2, "借出单位", "“乙单位”已更名为“乙局”，")
    ]
    assert {name: number for name, number in view.written.items() if number} == {"loans": 1}
    assert await office.database.pool.fetchval("SELECT borrower_id FROM secondments") == named[1].unit_id
    assert (again.sheets["roster"].same, again.warnings) == (1, 0)


async def test_a_borrower_that_is_not_written_itself_is_told_and_recorded_by_its_name(office: Office) -> None:
    units = [with_posts(), with_posts("x", 单位名称="乙单位", 统一社会信用代码=USCC[1])]
    lent = {"借出单位": "乙单位", "借调开始": "2026-09-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}

    view = await office.write("roster", {"单位": units, "人员": [person(0, **lent)]}, accept_valid=True)

    assert "“乙单位”有错误，本次不写入" in next(sentence for _, _, column, sentence in await office.said(view) if column == "借出单位")
    assert await office.database.pool.fetchval("SELECT borrower FROM secondments") == "乙单位"


async def test_loans_of_people_who_are_there_are_compared_and_written(office: Office) -> None:
    units = [with_posts(), with_posts(单位名称="乙单位", 统一社会信用代码=USCC[1])]
    lent = {"借出单位": "乙单位", "借调开始": "2026-09-01", "借调到期": "2026-12-31", "借调文号": "测借〔2026〕1号"}
    await office.write("roster", {"单位": units, "人员": [person(0), person(1)]})

    new = await office.write("roster", [person(0, **lent), person(1)])
    same = await office.write("roster", [person(0, **lent)])
    longer = await office.write(
        "roster", [person(0, **lent | {"借出单位": USCC[1], "借调到期": "2027-02-28", "借调文号": "测借〔2026〕2号"})]
    )
    shorter, other = [
        await office.write("roster", [person(0, **lent | change)]) for change in ({"借调到期": "2026-10-31"}, {"借出单位": "外市某局"})
    ]

    counted = [view.sheets["roster"] for view in (new, same, longer, shorter, other)]
    assert [(each.added, each.changed, each.same) for each in counted] == [(0, 1, 1), (0, 0, 1), (0, 1, 0), (0, 0, 1), (0, 0, 1)]
    assert [await office.said(view) for view in (new, same, longer)] == [[], [], []]
    assert [[column for _, _, column, _ in await office.said(view)] for view in (shorter, other)] == [["借调到期"], ["借出单位"]]
    rows = await office.database.pool.fetch("SELECT until::text, document_no FROM secondments WHERE upper_inf(recorded)")
    assert [tuple(row) for row in rows] == [("2027-02-28", "测借〔2026〕2号")]
