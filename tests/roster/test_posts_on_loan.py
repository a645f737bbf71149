"""周转编制 are lent for a term: it is kept, told, and after it nobody new takes one."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.roster.commands.claims import claim_post
from services.roster.commands.placements import place_person
from services.roster.commands.quotas import move_quota, raise_quota, set_quota
from services.roster.models.refusals import DatesOutOfOrder, QuotaTermOver
from services.roster.models.requests import MoveQuota, RaiseQuota, SetQuota
from services.roster.queries.checks import check_application
from shared.db import Database
from shared.events.roster import QuotaChanged
from shared.glossary import ApplicationType
from tests.imports.rows import unit
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.importing import Office

pytestmark = pytest.mark.asyncio
DAY, LATER = date(2024, 1, 1), date(2026, 9, 1)
LAST = given.TODAY
QUOTA: dict[str, Any] = {
    "单位": "甲单位",
    "编制类型": "周转编制",
    "经费形式": "全额拨款",
    "编制数": 2,
    "使用期限": "2026-12-31",
    "批准文号": "测编〔2024〕1号",
    "批准日期": "2024-01-01",
}


async def lent(database: Database, until: date | None = LAST) -> given.Row:
    row = given.Row(await given.unit(database), "ZZ")
    await set_quota(database, given.by(), SetQuota(**row.key, posts=3, effective_on=DAY, document_on=DAY, use_until=until))
    return row


async def test_a_post_on_loan_is_taken_up_to_its_last_day_and_never_after(roster_db: Database) -> None:
    row = await lent(roster_db)
    await given.in_post(roster_db, row, LAST)
    over = await lent(roster_db, LAST - timedelta(days=1))
    person_id = await given.person(roster_db, over.unit_id)

    for kind in (ApplicationType.POST_USE, ApplicationType.ENTRY):
        more = {"person_id": person_id, "reason_code": "open_recruitment"} if kind is ApplicationType.ENTRY else {}
        with pytest.raises(QuotaTermOver):
            await claim_post(roster_db, given.by(), given.request(over, kind, **more))
    with pytest.raises(QuotaTermOver):
        await place_person(roster_db, given.by(), given.placement(over, person_id))
    async with roster_db.reading() as conn:
        advice = await check_application(conn, given.request(over, ApplicationType.POST_USE), given.TODAY)
    assert [each.code for each in advice if not each.passed] == ["in_term"]


async def test_who_is_there_stays_after_the_term_and_may_go(roster_db: Database) -> None:
    row = await lent(roster_db, date(2026, 9, 10))
    _, placement_id = await given.in_post(roster_db, row, date(2026, 9, 2))

    assert (await given.state(roster_db, row)).headcount == 1
    await given.release(roster_db, placement_id)
    assert (await given.state(roster_db, row)).headcount == 0


async def test_the_term_stays_until_another_is_set_and_goes_along_with_posts(roster_db: Database) -> None:
    row, other = await lent(roster_db), given.Row(await given.unit(roster_db), "ZZ")
    change = {"effective_on": LATER, "document_on": LATER}

    await raise_quota(roster_db, given.by(), RaiseQuota(**row.key, **change, posts=1))
    kept = await given.last_event(roster_db)
    await move_quota(roster_db, given.by(), MoveQuota(**row.key, **change, posts=1, to_unit_id=other.unit_id))
    await raise_quota(roster_db, given.by(), RaiseQuota(**row.key, **change, posts=1, use_until=date(2027, 1, 1)))

    assert isinstance(kept, QuotaChanged)
    assert [each.use_until for each in kept.establishments] == [LAST]
    assert ((await given.state(roster_db, row)).use_until, (await given.state(roster_db, other)).use_until) == (date(2027, 1, 1), LAST)
    with pytest.raises(DatesOutOfOrder):
        await set_quota(roster_db, given.by(), SetQuota(**row.key, **change, posts=1, use_until=DAY))


async def test_the_door_takes_and_shows_it(doors: Doors, roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    body = {"kind": "ZZ", "funding": "full", "posts": 2, "effective_on": "2024-01-01", "document_on": "2024-01-01", "document_no": "文1"}

    answer = await doors.http.post(f"/units/{unit_id}/quotas", json=body | {"use_until": "2026-12-31"}, headers=doors.office)

    assert answer.status_code == 204
    [row] = (await doors.http.get(f"/units/{unit_id}", headers=doors.office)).json()["establishments"]
    [line] = (await doors.http.get("/posts", params={"kind": "ZZ"}, headers=doors.office)).json()["items"]
    assert (row["use_until"], line["use_until"]) == ("2026-12-31", "2026-12-31")


async def test_a_file_brings_it_and_the_same_file_changes_nothing(roster_db: Database, tmp_path: Path) -> None:
    office = Office(roster_db, tmp_path)
    await office.write("units", [unit()])

    first = await office.write("quotas", [QUOTA])
    again = await office.write("quotas", [QUOTA])
    other = await office.write("quotas", [QUOTA | {"使用期限": "2027-12-31"}])
    longer = await office.write("quotas", [QUOTA | {"使用期限": "2028-12-31", "批准文号": "测编〔2026〕2号", "批准日期": "2026-06-01"}])

    assert (first.written["quotas"], again.written, other.written, longer.written["quotas"]) == (1, {}, {}, 1)
    assert [(column, sentence[:15]) for _, _, column, sentence in await office.said(other)] == [("使用期限", "系统中为 2026-12-31")]
    rows = await roster_db.pool.fetch("SELECT posts, use_until FROM quotas WHERE upper_inf(during) AND upper_inf(recorded)")
    assert [tuple(row) for row in rows] == [(2, date(2028, 12, 31))]
