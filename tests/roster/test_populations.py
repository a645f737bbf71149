"""Three populations under ceilings of their own: what is not 编制 is never added to it."""

from datetime import date
from uuid import UUID

import pytest

from services.roster.commands.claims import claim_post
from services.roster.commands.effects import take_effect
from services.roster.commands.placements import place_person
from services.roster.commands.reservations import hold_reservation
from services.roster.models.refusals import CodeUnknown, Frozen, OffPostOfEstablishment, OffPostUntold, QuotaExhausted
from services.roster.models.requests import PlacePerson
from services.roster.queries.establishments import Moment
from services.roster.queries.facts import placements_of
from services.roster.queries.populations import PopulationsView, populations
from shared.db import Database
from shared.glossary import ApplicationType, FreezeScope, Role
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_api import PERSON

pytestmark = pytest.mark.asyncio
TOLD = {"off_post_kind": "counter_service", "employment_form": "dispatch", "dispatch_company": "示例人力资源公司"}


async def hospital(database: Database, posts: dict[str, int], category: str = "SY-H") -> dict[str, given.Row]:
    """A unit that may hold 事业编制, 报备员额 and 编外用工控制数."""
    unit_id = await given.unit(database, category=category)
    rows = {kind: given.Row(unit_id, kind) for kind in posts}
    for kind, number in posts.items():
        await given.quota(database, rows[kind], number)
    return rows


def post(row: given.Row, person_id: UUID, **more: object) -> PlacePerson:
    return given.placement(row, person_id, date(2026, 9, 2)).model_copy(update=(TOLD if row.kind == "BW" else {}) | more)


async def placed(database: Database, row: given.Row, number: int) -> None:
    for _ in range(number):
        await place_person(database, given.by(), post(row, await given.person(database, row.unit_id)))


async def counted(database: Database, unit_id: UUID, moment: Moment | None = None) -> PopulationsView:
    async with database.reading() as conn:
        return await populations(conn, unit_id, moment or Moment())


async def test_what_is_not_establishment_is_not_added_to_it(roster_db: Database) -> None:  # trap 2
    rows = await hospital(roster_db, {"SY": 4, "BB": 3, "BW": 2})
    for kind, number in {"SY": 2, "BB": 3, "BW": 1}.items():
        await placed(roster_db, rows[kind], number)

    seen = await counted(roster_db, rows["SY"].unit_id)

    groups = (seen.establishment, seen.filed_quota, seen.off_establishment, seen.state_enterprise)
    assert [(each.quota, each.headcount, each.vacancy, each.saturation) for each in groups] == [
        (4, 2, 2, 0.5),
        (3, 3, 0, 1.0),
        (2, 1, 1, 0.5),
        (0, 0, 0, None),
    ]
    assert seen.off_establishment_ratio == 0.5


async def test_what_stands_apart_is_not_added_to_the_units_number(roster_db: Database) -> None:  # domain §1.2
    rows = await hospital(roster_db, {"SY": 4, "ZZ": 2, "BW": 1})
    for kind, number in {"SY": 1, "ZZ": 1, "BW": 1}.items():
        await placed(roster_db, rows[kind], number)

    seen = await counted(roster_db, rows["SY"].unit_id)

    assert [(each.quota, each.headcount, each.vacancy) for each in (seen.establishment, seen.apart)] == [(4, 1, 3), (2, 1, 1)]
    assert seen.off_establishment_ratio == 0.5  # of all who are 在编


async def test_vacancies_of_one_kind_do_not_offset_another(roster_db: Database) -> None:  # trap 1
    rows = await hospital(roster_db, {"XZ": 3, "GQ": 0}, "JG-Z")
    await given.over_quota(roster_db, rows["GQ"])

    seen = (await counted(roster_db, rows["XZ"].unit_id)).establishment

    assert (seen.vacancy, seen.overstaffing, seen.headcount, seen.quota) == (3, 1, 1, 3)


async def test_without_anybody_in_post_there_is_no_ratio(roster_db: Database) -> None:  # trap 32
    rows = await hospital(roster_db, {"SY": 1, "BW": 1})
    await placed(roster_db, rows["BW"], 1)

    assert (await counted(roster_db, rows["SY"].unit_id)).off_establishment_ratio is None


async def test_each_ceiling_holds_by_itself(roster_db: Database) -> None:
    rows = await hospital(roster_db, {"SY": 5, "BW": 1})
    await placed(roster_db, rows["BW"], 1)

    with pytest.raises(QuotaExhausted):
        await placed(roster_db, rows["BW"], 1)


async def test_off_establishment_staff_say_what_they_do_and_how_they_are_employed(roster_db: Database) -> None:
    rows = await hospital(roster_db, {"BW": 1})
    person_id = await given.person(roster_db, rows["BW"].unit_id)

    with pytest.raises(OffPostUntold):
        await place_person(roster_db, given.by(), post(rows["BW"], person_id, off_post_kind=None))
    with pytest.raises(CodeUnknown):
        await place_person(roster_db, given.by(), post(rows["BW"], person_id, off_post_kind="财务"))


async def test_on_the_establishment_nobody_has_what_belongs_to_off_establishment_staff(roster_db: Database) -> None:
    row = (await hospital(roster_db, {"SY": 1}))["SY"]
    person_id, authorised = await given.person(roster_db, row.unit_id), await given.reservation(roster_db, row)
    asked = given.entry(row, person_id, authorised).model_copy(update={"employment_form": "dispatch"})

    with pytest.raises(OffPostOfEstablishment):
        await place_person(roster_db, given.by(), post(row, person_id, off_post_kind="counter_service"))
    with pytest.raises(OffPostOfEstablishment):
        await hold_reservation(roster_db, given.by(), asked)
    with pytest.raises(OffPostOfEstablishment):
        await claim_post(roster_db, given.by(), asked)


async def test_an_application_says_the_same_of_off_establishment_staff_as_the_office(roster_db: Database) -> None:
    row = (await hospital(roster_db, {"BW": 1}))["BW"]
    person_id, authorised = await given.person(roster_db, row.unit_id), await given.reservation(roster_db, row)
    untold = given.entry(row, person_id, authorised)
    unknown = untold.model_copy(update=TOLD | {"off_post_kind": "财务"})
    told = untold.model_copy(update={name: TOLD[name] for name in ("off_post_kind", "employment_form")})

    for refused, why in ((untold, OffPostUntold), (unknown, CodeUnknown)):
        with pytest.raises(why):
            await hold_reservation(roster_db, given.by(), refused)
        with pytest.raises(why):
            await claim_post(roster_db, given.by(), refused)
    await take_effect(roster_db, given.by(), given.effect(await given.claimed(roster_db, told)))

    async with roster_db.reading() as conn:
        (placed,) = await placements_of(conn, person_id)
    assert (placed.off_post_kind, placed.employment_form) == (TOLD["off_post_kind"], TOLD["employment_form"])


async def test_a_freeze_of_entries_leaves_off_establishment_alone_and_its_own_does_not(roster_db: Database) -> None:
    rows = await hospital(roster_db, {"SY": 2, "BW": 2})
    unit_id = rows["SY"].unit_id
    await given.frozen(roster_db, unit_id, FreezeScope.ENTRY, FreezeScope.POST_USE)
    with pytest.raises(Frozen):
        await placed(roster_db, rows["SY"], 1)
    await placed(roster_db, rows["BW"], 1)
    await given.frozen(roster_db, unit_id, FreezeScope.OFF_ESTABLISHMENT)

    with pytest.raises(Frozen):
        await placed(roster_db, rows["BW"], 1)
    with pytest.raises(Frozen):
        await claim_post(roster_db, given.by(), given.request(rows["BW"], ApplicationType.POST_USE))


async def test_the_list_of_a_unit_can_be_of_one_population_and_each_post_says_which(doors: Doors, roster_db: Database) -> None:
    rows = await hospital(roster_db, {"SY": 1, "BW": 1})
    for number, row in enumerate(rows.values()):
        body = PERSON | {"id_number": given.id_number(50 + number * 7)}
        registered = await doors.http.post(f"/units/{row.unit_id}/persons", json=body, headers=doors.office)
        await place_person(roster_db, given.by(), post(row, UUID(registered.json()["person_id"])))
    path = f"/units/{rows['SY'].unit_id}"

    everybody = (await doors.http.get(f"{path}/persons", headers=doors.office)).json()["items"]
    outside = (await doors.http.get(f"{path}/persons", params={"population": "off_establishment"}, headers=doors.office)).json()["items"]
    groups = (await doors.http.get(f"{path}/populations", headers=doors.as_(Role.OBSERVER))).json()

    assert {(each["placement"]["kind"], each["placement"]["counted"]) for each in everybody} == {("SY", True), ("BW", False)}
    assert [(each["placement"]["population"], each["placement"]["dispatch_company"]) for each in outside] == [
        ("off_establishment", "示例人力资源公司")
    ]
    assert (groups["establishment"]["headcount"], groups["off_establishment"]["headcount"]) == (1, 1)


async def test_before_the_first_ceiling_nobody_knows_what_is_over_it(roster_db: Database) -> None:
    rows = await hospital(roster_db, {"BW": 1})
    unit_id = rows["BW"].unit_id

    seen = (await counted(roster_db, unit_id, Moment(date(2019, 1, 1)))).off_establishment

    assert (seen.quota, seen.vacancy, seen.saturation, seen.headcount) == (None, None, None, 0)
