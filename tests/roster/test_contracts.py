"""Contracts of who stands outside the establishment (编外): renewed by the unit from a day on, corrected by the office, brought by a file."""

from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from services.roster.commands.corrections import correct_placement
from services.roster.commands.persons import update_person
from services.roster.commands.placements import place_person
from services.roster.models.persons import UpdatePerson
from services.roster.models.refusals import CodeUnknown, ContractEndsBefore, ContractUnknown, OffPostUntold
from services.roster.models.requests import CorrectPlacement
from services.roster.queries.establishments import LATEST, Moment
from services.roster.queries.persons import PlacementView, person_view
from shared.auth import Who
from shared.db import Database
from shared.glossary import Role
from tests.imports.rows import person
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.importing import Office, with_posts
from tests.roster.reforming import carried_out, merge
from tests.roster.test_populations import hospital, post

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
LATER = given.NOW + timedelta(hours=1)
FIRST, NEXT, LAST = date(2026, 12, 31), date(2027, 12, 31), date(2028, 12, 31)
RENEWED = date(2026, 9, 5)


async def employed(database: Database, contract_until: date | None = FIRST) -> tuple[UUID, UUID, UUID]:
    """Unit, person and placement of somebody outside the establishment, since 2026-09-02."""
    row = (await hospital(database, {"BW": 2}))["BW"]
    person_id = await given.person(database, row.unit_id)
    return row.unit_id, person_id, await place_person(database, given.by(), post(row, person_id, contract_until=contract_until))


async def renew(database: Database, person_id: UUID, since: date = RENEWED, **what: object) -> None:
    await update_person(
        database, given.CIPHER, given.by(at=LATER), UpdatePerson.model_validate({"person_id": person_id, "since": since} | what)
    )


async def correct(database: Database, placement_id: UUID, contract_until: date) -> None:
    by = given.by(at=LATER + timedelta(hours=1))
    await correct_placement(database, by, CorrectPlacement(placement_id=placement_id, contract_until=contract_until))


async def seen(database: Database, person_id: UUID, moment: Moment = LATEST) -> PlacementView:
    async with database.reading() as conn:
        found = (await person_view(conn, given.CIPHER, person_id, OFFICE, moment)).placement
    assert found is not None
    return found


async def test_a_contract_is_renewed_from_a_day_on_and_the_days_before_stay(roster_db: Database) -> None:
    _, person_id, _ = await employed(roster_db)

    await renew(roster_db, person_id, contract_until=NEXT, dispatch_company="另一公司")

    moments = [Moment(date(2026, 9, 4)), Moment(RENEWED), Moment(RENEWED, given.NOW), LATEST]
    views = [await seen(roster_db, person_id, moment) for moment in moments]
    assert [(each.contract_until, each.dispatch_company, each.employment_form) for each in views] == [
        (FIRST, "示例人力资源公司", "dispatch"),
        (NEXT, "另一公司", "dispatch"),
        (FIRST, "示例人力资源公司", "dispatch"),
        (NEXT, "另一公司", "dispatch"),
    ]
    async with roster_db.reading() as conn:
        kept = await given.changes_of(conn, person_id)
    assert {(each.label, each.matter, each.before, each.after, each.since, each.actor, each.reason, each.document_no) for each in kept} == {
        ("合同到期", "信息维护", "2026-12-31", "2027-12-31", RENEWED, "tester", "测试", given.by().document_no),
        ("派遣单位", "信息维护", "示例人力资源公司", "另一公司", RENEWED, "tester", "测试", given.by().document_no),
    }


async def test_what_else_changes_of_the_post_leaves_the_contract_alone(roster_db: Database) -> None:
    _, person_id, placement_id = await employed(roster_db)
    await renew(roster_db, person_id, date(2026, 9, 3), internal_unit="窗口科")

    await correct(roster_db, placement_id, date(2026, 11, 30))
    assert (await seen(roster_db, person_id)).contract_until == date(2026, 11, 30)  # the first one, still the only one

    await renew(roster_db, person_id, contract_until=NEXT)
    await renew(roster_db, person_id, date(2026, 9, 6), internal_unit="后勤科")
    await correct(roster_db, placement_id, FIRST)
    now, before = await seen(roster_db, person_id), await seen(roster_db, person_id, Moment(date(2026, 9, 4)))
    assert (now.contract_until, now.internal_unit) == (NEXT, "后勤科")
    assert (before.contract_until, before.internal_unit) == (FIRST, "窗口科")


async def test_a_contract_is_renewed_where_there_is_one_and_stays_told(roster_db: Database) -> None:
    _, person_id, _ = await employed(roster_db)
    on_the_establishment, _ = await given.in_post(roster_db, await given.row(roster_db, 1))

    with pytest.raises(ContractUnknown):
        await renew(roster_db, on_the_establishment, given.TODAY, contract_until=NEXT)
    with pytest.raises(OffPostUntold):
        await renew(roster_db, person_id, employment_form=None)
    with pytest.raises(CodeUnknown):
        await renew(roster_db, person_id, employment_form="口头")
    assert (await seen(roster_db, person_id)).contract_until == FIRST


async def test_a_contract_is_not_over_before_it_begins(roster_db: Database) -> None:
    """Renewed, or with another company, from a day on; entered; or corrected."""
    unit_id, person_id, placement_id = await employed(roster_db, RENEWED - timedelta(days=1))
    newcomer = await given.person(roster_db, unit_id)

    for what in ({"contract_until": date(2026, 9, 3)}, {"dispatch_company": "另一公司"}):  # the second under the old end
        with pytest.raises(ContractEndsBefore):
            await renew(roster_db, person_id, **what)
    with pytest.raises(ContractEndsBefore):
        await correct(roster_db, placement_id, date(2026, 9, 1))
    with pytest.raises(ContractEndsBefore):
        await place_person(roster_db, given.by(), post(given.Row(unit_id, "BW"), newcomer, contract_until=date(2026, 9, 1)))

    await renew(roster_db, person_id, contract_until=RENEWED)
    assert (await seen(roster_db, person_id)).contract_until == RENEWED


async def test_the_clerk_renews_the_contracts_of_his_unit_alone(doors: Doors, roster_db: Database) -> None:
    unit_id, person_id, _ = await employed(roster_db)
    told = {"since": RENEWED.isoformat(), "contract_until": NEXT.isoformat(), "employment_form": "labour_contract", "reason": "续签一年"}
    body: dict[str, str | None] = {**told, "dispatch_company": None}
    clerk, stranger = (doors.as_(Role.UNIT_CLERK, units=(each,)) for each in (unit_id, await given.unit(roster_db)))

    hidden = await doors.http.post(f"/persons/{person_id}/updates", json=body, headers=stranger)
    done = await doors.http.post(f"/persons/{person_id}/updates", json=body, headers=clerk)
    kept = (await doors.http.get(f"/persons/{person_id}/changes", headers=clerk)).json()["items"]

    assert (hidden.status_code, done.status_code) == (404, 204)
    now = await seen(roster_db, person_id)
    assert (now.contract_until, now.employment_form, now.dispatch_company) == (NEXT, "labour_contract", None)
    form = next(each for each in kept if each["field"] == "employment_form")
    assert (form["before_label"], form["after_label"]) == ("劳务派遣", "劳动合同")


async def test_a_renewed_contract_goes_along_with_a_reform(roster_db: Database) -> None:
    unit_id, person_id, _ = await employed(roster_db)
    into = (await hospital(roster_db, {"BW": 2}))["BW"]
    await renew(roster_db, person_id, given.TODAY, contract_until=NEXT)

    await carried_out(roster_db, merge(unit_id, into.unit_id), since=given.TODAY)

    now = await seen(roster_db, person_id)
    assert (now.unit_id, now.contract_until, now.employment_form) == (into.unit_id, NEXT, "dispatch")


async def test_a_file_renews_contracts_and_the_same_file_again_changes_nothing(roster_db: Database, tmp_path: Path) -> None:
    office = Office(roster_db, tmp_path)
    units = {"单位": [with_posts(2), with_posts(1, 编制类型="编外用工控制数")]}
    await office.write("roster", units | {"人员": [person(1)]})
    outside = {name: value for name, value in person(0).items() if name not in {"编制类型", "经费形式", "入编时间"}}
    outside |= {"编外岗位类别": "窗口服务", "用工方式": "劳务派遣", "派遣单位": "某公司", "用工起始": "2021-05-01", "人员身份": "编外人员"}
    await office.write("offestablishment", [outside | {"合同到期": FIRST.isoformat()}])

    late = await office.write("offestablishment", [outside | {"合同到期": "2026-09-10"}])
    renewed = await office.write("offestablishment", [outside | {"合同到期": NEXT.isoformat(), "派遣单位": "另一公司"}])
    again = await office.write("offestablishment", [outside | {"合同到期": NEXT.isoformat(), "派遣单位": "另一公司"}])
    of_another = await office.check("offestablishment", [outside | {name: person(1)[name] for name in ("姓名", "公民身份号码")}])

    assert ({name: number for name, number in renewed.written.items() if number}, again.written) == ({"changed": 1}, {})
    assert late.written == {}
    assert any("不是续签" in sentence for *_, sentence in await office.said(late))
    assert await office.said(again) == []
    person_id = await roster_db.pool.fetchval("SELECT person_id FROM placements WHERE kind = 'BW' AND upper_inf(recorded)")
    now = await seen(roster_db, person_id)
    assert (now.contract_until, now.dispatch_company) == (NEXT, "另一公司")
    assert any("不随导入改动" in sentence for *_, sentence in await office.said(of_another))
