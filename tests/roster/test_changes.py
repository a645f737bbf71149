"""信息变更: key items change by a case with proof; what was registered is carried out only on the facts it was registered on."""

import json
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.roster.commands.changes import register_change
from services.roster.commands.claims import claim_post, give_back
from services.roster.commands.corrections import correct_person
from services.roster.commands.effects import take_effect
from services.roster.commands.persons import update_person
from services.roster.commands.reservations import hold_reservation
from services.roster.models.changes import ChangeOfOther, ChangeOutdated, ChangeTaken, RegisterChange
from services.roster.models.persons import CorrectPerson, UpdatePerson
from services.roster.models.refusals import (
    ChangedLater,
    ClaimRefusedByTombstone,
    DocumentMissing,
    NothingCorrected,
    PersonNotHere,
    RetirementReasonMissing,
    SexDiffersFromId,
    SinceBeforeBirth,
)
from services.roster.models.requests import TakeEffect
from services.roster.queries.changes import pending_view
from services.roster.queries.checks import check_application
from services.roster.queries.establishments import LATEST, Moment
from services.roster.queries.persons import ChangeView, PersonView, person_view
from shared.auth import Who
from shared.crypto import masked_id_number
from shared.db import Database
from shared.events.roster import PlacementCorrected
from shared.glossary import ApplicationType, FreezeScope, Role
from shared.law.retirement import Category, Sex
from tests.roster import given
from tests.roster.doors import Doors
from tests.roster.test_api import PERSON
from workflows.roster import PostRequest

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
LATER = given.NOW + timedelta(hours=1)
PROOF = "干部任免表〔2026〕2号"


async def in_post(database: Database) -> tuple[given.Row, UUID]:
    row = await given.row(database, 1)
    person_id, _ = await given.in_post(database, row, date(2026, 1, 5))
    return row, person_id


async def registered(database: Database, person_id: UUID, **what: Any) -> UUID:
    return await register_change(database, given.CIPHER, given.by(PROOF), RegisterChange.model_validate({"person_id": person_id} | what))


def case(row: given.Row, person_id: UUID, change_id: UUID, revision: int = 1, application_id: UUID | None = None) -> PostRequest:
    return PostRequest(
        application_id=application_id or uuid4(),
        revision=revision,
        application_type=ApplicationType.CHANGE,
        unit_id=row.unit_id,
        kind="",
        funding="",
        person_id=person_id,
        change_id=change_id,
    )


def effect(asked: PostRequest) -> TakeEffect:
    return given.effect(asked).model_copy(update={"authorisation_no": "编变〔2026〕1号"})


async def carried_out(database: Database, asked: PostRequest) -> None:
    await claim_post(database, given.by(), asked)
    by = replace(given.by("编变〔2026〕1号", at=LATER), case_id=f"approval:{asked.application_id}")
    await take_effect(database, by, effect(asked))


async def seen(database: Database, person_id: UUID, moment: Moment = LATEST) -> PersonView:
    async with database.reading() as conn:
        return await person_view(conn, given.CIPHER, person_id, OFFICE, moment)


async def lines(database: Database, person_id: UUID) -> list[ChangeView]:
    async with database.reading() as conn:
        return await given.changes_of(conn, person_id)


async def test_nothing_changes_until_the_case_is_decided_and_then_all_of_it_does(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    change_id = await registered(
        roster_db, person_id, since=date(2026, 6, 1), title="副校长", leadership_level="township_deputy", duty_status="long_leave"
    )
    before = await seen(roster_db, person_id)

    await carried_out(roster_db, case(row, person_id, change_id))

    after, earlier = await seen(roster_db, person_id), await seen(roster_db, person_id, Moment(date(2026, 5, 31)))
    assert before.placement is not None and after.placement is not None and earlier.placement is not None  # noqa: PT018
    assert [(each.title, each.leadership_level, each.placement and each.placement.duty_status) for each in (before, earlier, after)] == [
        (None, None, None),
        (None, None, None),
        ("副校长", "township_deputy", "long_leave"),
    ]
    kept = await lines(roster_db, person_id)
    assert {each.field for each in kept} == {"title", "leadership_level", "duty_status"}
    assert {(each.actor, each.document_no, each.matter) for each in kept} == {("tester", "编变〔2026〕1号", "信息变更")}
    assert {(each.asked_by, each.asked_reason, each.proof_no) for each in kept} == {("tester", "测试", PROOF)}


async def test_a_case_holds_its_change_from_the_submission_until_it_took_effect(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    asked = case(row, person_id, await registered(roster_db, person_id, since=date(2026, 6, 1), title="副校长"))

    for revision in (1, 2, 1):
        await hold_reservation(roster_db, given.by(), asked.model_copy(update={"revision": revision}))
    held = await roster_db.pool.fetch("SELECT revision FROM change_holds")
    await carried_out(roster_db, asked.model_copy(update={"revision": 2}))

    assert [row["revision"] for row in held] == [2]
    assert await roster_db.pool.fetchval("SELECT count(*) FROM change_holds") == 0


async def test_a_late_case_leaves_what_changed_after_its_day(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    for since, title in ((date(2026, 7, 1), "校长"), (date(2026, 6, 1), "副校长")):
        await carried_out(roster_db, case(row, person_id, await registered(roster_db, person_id, since=since, title=title)))

    titles = [(await seen(roster_db, person_id, Moment(date(2026, month, 15)))).title for month in (5, 6, 7, 8)]

    assert titles == [None, "副校长", "校长", "校长"]


async def test_a_number_is_registered_from_no_day_on_before_a_later_number(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    first, second = (given.id_number(number, date(1985, 3, 5)) for number in (63, 73))
    told = {"birth_on": date(1985, 3, 5), "sex": Sex.FEMALE}
    later = await registered(roster_db, person_id, since=date(2026, 7, 1), id_number=first, **told)
    await carried_out(roster_db, case(row, person_id, later))

    with pytest.raises(ChangedLater):
        await registered(roster_db, person_id, since=date(2026, 6, 1), id_number=second)


async def test_a_new_number_waits_encrypted_and_is_shown_masked(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    number = given.id_number(63, date(1985, 3, 5))
    change_id = await registered(roster_db, person_id, id_number=number, birth_on=date(1985, 3, 5), sex=Sex.FEMALE)

    kept = await roster_db.pool.fetchval("SELECT row_to_json(t)::text FROM pending_changes t")
    async with roster_db.reading() as conn:
        view = await pending_view(conn, given.CIPHER, change_id, OFFICE)
    await carried_out(roster_db, case(row, person_id, change_id))

    assert number not in kept
    masked = masked_id_number(number)
    assert next(each.after for each in view.items if each.field == "id_number") == masked
    assert (await seen(roster_db, person_id)).id_number == masked
    indexes = await roster_db.pool.fetch("SELECT key_id, id_index FROM person_indexes WHERE person_id = $1", person_id)
    assert {row["key_id"]: row["id_index"] for row in indexes} == given.CIPHER.indexes(number)
    assert isinstance(await given.last_event(roster_db), PlacementCorrected)


async def test_facts_of_the_entry_are_corrected_by_a_case(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    change_id = await registered(roster_db, person_id, started_on=date(2025, 12, 1), authorisation_no="用编〔2025〕7号")

    await carried_out(roster_db, case(row, person_id, change_id))

    assert await given.headcount(roster_db, row, date(2025, 12, 15)) == 1
    placement = (await seen(roster_db, person_id)).placement
    assert placement is not None
    assert (placement.started_on, placement.authorisation_no) == (date(2025, 12, 1), "用编〔2025〕7号")


async def test_it_is_refused_when_the_facts_changed_meanwhile(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    first, second = [await registered(roster_db, person_id, title=title) for title in ("科长", "副科长")]
    claimed = case(row, person_id, first)
    await claim_post(roster_db, given.by(), claimed)
    await correct_person(roster_db, given.CIPHER, given.by(at=LATER), CorrectPerson(person_id=person_id, title="主任"))

    with pytest.raises(ChangeOutdated):
        await take_effect(roster_db, given.by("编变〔2026〕1号"), effect(claimed))
    with pytest.raises(ChangeOutdated):
        await claim_post(roster_db, given.by(), case(row, person_id, second))
    async with roster_db.reading() as conn:
        advice = await check_application(conn, case(row, person_id, second), given.TODAY)

    assert [(each.code, each.passed) for each in advice] == [
        ("change_of_case", True),
        ("change_open", True),
        ("facts_unchanged", False),
        ("change_alone", False),
    ]
    assert (await seen(roster_db, person_id)).title == "主任"


async def test_whoever_submits_a_change_is_told_that_another_application_is_to_change_the_same(roster_db: Database) -> None:
    """Must fail when that is told at the claim alone: by then the second one has been decided by three people for nothing."""
    row, person_id = await in_post(roster_db)
    number = given.id_number(63, (await seen(roster_db, person_id)).birth_on)
    told = [{"title": "科长", "id_number": number}, {"title": "副科长", "id_number": number}, {"school": "某校"}]
    first, second, third = [case(row, person_id, await registered(roster_db, person_id, **fields)) for fields in told]

    async def alone(asked: PostRequest) -> tuple[bool, str]:
        async with roster_db.reading() as conn:
            check = (await check_application(conn, asked, given.TODAY))[-1]
        return check.passed, check.sentence

    before = [(await alone(each))[0] for each in (first, second)]
    await hold_reservation(roster_db, given.by(), first)
    passed, sentence = await alone(second)
    draft = second.model_copy(update={"application_id": UUID(int=0)})

    assert before == [True, True], "what is registered and not submitted is nobody's business"
    assert (passed, "公民身份号码、职务" in sentence) == (False, True), sentence
    assert [(await alone(each))[0] for each in (first, third, draft)] == [True, True, False]
    await give_back(roster_db, given.by(), given.back(first))
    assert (await alone(second))[0]


async def test_a_change_of_another_field_does_not_stand_in_the_way(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    change_id = await registered(roster_db, person_id, title="科长")
    await correct_person(roster_db, given.CIPHER, given.by(), CorrectPerson(person_id=person_id, name="测试人员己"))

    await carried_out(roster_db, case(row, person_id, change_id))

    view = await seen(roster_db, person_id)
    assert (view.name, view.title) == ("测试人员己", "科长")


async def test_one_application_claims_it_and_what_is_given_back_is_open_again(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    change_id = await registered(roster_db, person_id, title="科长")
    first, other = case(row, person_id, change_id), case(row, person_id, change_id)
    await claim_post(roster_db, given.by(), first)

    with pytest.raises(ChangeTaken):
        await claim_post(roster_db, given.by(), other)
    with pytest.raises(ChangeTaken):
        await take_effect(roster_db, given.by("编变〔2026〕1号"), effect(other))
    await give_back(roster_db, given.by(), given.back(first))
    with pytest.raises(ClaimRefusedByTombstone):
        await claim_post(roster_db, given.by(), first)
    await carried_out(roster_db, case(row, person_id, change_id, 2, first.application_id))
    with pytest.raises(ChangeTaken):
        await claim_post(roster_db, given.by(), other)


async def test_an_application_about_another_person_or_unit_does_not_get_it(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    other_row, other_person = await in_post(roster_db)
    change_id = await registered(roster_db, person_id, title="科长")

    for asked in (case(row, other_person, change_id), case(other_row, person_id, change_id)):
        with pytest.raises(ChangeOfOther):
            await claim_post(roster_db, given.by(), asked)


async def test_no_freeze_stands_in_its_way(roster_db: Database) -> None:  # trap 7
    row, person_id = await in_post(roster_db)
    change_id = await registered(roster_db, person_id, title="科长")
    await given.frozen(roster_db, row.unit_id, *FreezeScope)

    await carried_out(roster_db, case(row, person_id, change_id))

    assert (await seen(roster_db, person_id)).title == "科长"


async def test_what_would_be_refused_at_the_end_is_refused_at_the_beginning(roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    nowhere = await given.person(roster_db, row.unit_id)

    with pytest.raises(RetirementReasonMissing):
        await registered(roster_db, person_id, retirement_category=Category.F50)
    with pytest.raises(SexDiffersFromId):
        await registered(roster_db, person_id, sex=Sex.MALE)
    with pytest.raises(NothingCorrected):
        await registered(roster_db, person_id)
    with pytest.raises(PersonNotHere):
        await registered(roster_db, nowhere, duty_status="off_duty")
    with pytest.raises(DocumentMissing):
        await register_change(roster_db, given.CIPHER, given.by(None), RegisterChange(person_id=person_id, title="科长"))


async def test_nothing_of_somebody_changes_from_a_day_on_before_he_was_born(roster_db: Database) -> None:
    _, person_id = await in_post(roster_db)
    born = (await seen(roster_db, person_id)).birth_on
    early = born - timedelta(days=1)

    with pytest.raises(SinceBeforeBirth):
        await registered(roster_db, person_id, since=early, title="副校长")
    with pytest.raises(SinceBeforeBirth):
        await update_person(roster_db, given.CIPHER, given.by(), UpdatePerson(person_id=person_id, since=early, school="某校"))
    with pytest.raises(SinceBeforeBirth):
        await correct_person(roster_db, given.CIPHER, given.by(), CorrectPerson(person_id=person_id, since=early, school="某校"))
    await registered(roster_db, person_id, since=born, title="副校长")
    await correct_person(roster_db, given.CIPHER, given.by(), CorrectPerson(person_id=person_id, since=born, school="某校"))


async def test_what_waits_is_shown_with_a_record_of_its_own_also_under_the_key_the_person_was_seen_with(
    doors: Doors, roster_db: Database
) -> None:
    row, once = await given.row(roster_db, 1), doors.as_(Role.BUSINESS_OFFICER, key="asked-again")
    person_id = (await doors.http.post(f"/units/{row.unit_id}/persons", json=PERSON, headers=doors.office)).json()["person_id"]
    changed = {"id_number": given.id_number(91), "document_no": PROOF}
    waiting = (await doors.http.post(f"/persons/{person_id}/key-changes", json=changed, headers=doors.office)).json()["change_id"]

    for path in (f"/persons/{person_id}", f"/changes/{waiting}"):
        assert (await doors.http.post(f"{path}/reveal", json={"reason": "核对证明"}, headers=once)).status_code == 200

    assert await roster_db.pool.fetchval("SELECT count(*) FROM person_reveals") == 2


async def test_a_clerk_registers_for_his_unit_and_a_stranger_sees_nothing(doors: Doors, roster_db: Database) -> None:
    row, other = await given.row(roster_db, 1), await given.unit(roster_db)
    person_id, _ = await given.in_post(roster_db, row)
    body = {"title": "科长", "since": "2026-09-03", "document_no": PROOF, "reason": "任免"}
    clerk, stranger = doors.as_(Role.UNIT_CLERK, units=(row.unit_id,)), doors.as_(Role.UNIT_CLERK, units=(other,))

    hidden = await doors.http.post(f"/persons/{person_id}/key-changes", json=body, headers=stranger)
    made = await doors.http.post(f"/persons/{person_id}/key-changes", json=body, headers=clerk)
    where = f"/changes/{made.json()['change_id']}"
    shown, unseen = [await doors.http.get(where, headers=who) for who in (clerk, stranger)]

    number = given.id_number(87)
    body = PERSON | {"id_number": number}
    other_id = (await doors.http.post(f"/units/{row.unit_id}/persons", json=body, headers=doors.office)).json()["person_id"]
    changed = {"id_number": given.id_number(91), "document_no": PROOF}
    again = doors.as_(Role.UNIT_CLERK, units=(row.unit_id,))
    kept = await doors.http.post(f"/persons/{other_id}/key-changes", json=changed, headers=again)
    assert kept.status_code == 201, kept.text
    waiting = kept.json()["change_id"]
    refused = await doors.http.post(f"/changes/{waiting}/reveal", json={"reason": "核对证明"}, headers=clerk)
    full = await doors.http.post(f"/changes/{waiting}/reveal", json={"reason": "核对证明"}, headers=doors.office)

    assert (hidden.status_code, made.status_code, unseen.status_code, refused.status_code) == (404, 201, 404, 403)
    assert full.json()["values"] == {"id_number": changed["id_number"]}
    assert await roster_db.pool.fetchval("SELECT reason FROM person_reveals WHERE person_id = $1", UUID(other_id)) == "核对证明"
    assert shown.json()["items"] == [{"field": "title", "label": "职务", "before": None, "after": "科长", "secret": False}]
    listed = [await doors.http.get(f"/persons/{person_id}/key-changes", headers=who) for who in (clerk, stranger)]
    assert ([each["change_id"] for each in listed[0].json()["items"]], listed[1].status_code) == ([made.json()["change_id"]], 404)
    sent = [bytes(each["body"]).decode() for each in await roster_db.pool.fetch("SELECT body FROM outbox")]
    assert "科长" not in json.dumps(sent, ensure_ascii=False)


async def test_a_draft_is_checked_with_its_change_and_codes_are_told_in_words(doors: Doors, roster_db: Database) -> None:
    row, person_id = await in_post(roster_db)
    change_id = await registered(roster_db, person_id, leadership_level="township_deputy", duty_status="long_leave")
    draft = {"type": "change_application", "unit_id": str(row.unit_id), "person_id": str(person_id), "change_id": str(change_id)}
    clerk, stranger = doors.as_(Role.UNIT_CLERK, units=(row.unit_id,)), doors.as_(Role.UNIT_CLERK, units=(await given.unit(roster_db),))

    shown = (await doors.http.get(f"/changes/{change_id}", headers=clerk)).json()
    checks = await doors.http.post("/application-checks", json=draft, headers=clerk)
    unseen = await doors.http.post("/application-checks", json=draft, headers=stranger)

    assert {each["field"]: each["after"] for each in shown["items"]} == {"leadership_level": "乡科级副职", "duty_status": "长期病事假"}
    assert [(each["code"], each["passed"]) for each in checks.json()] == [
        ("change_of_case", True),
        ("change_open", True),
        ("facts_unchanged", True),
        ("change_alone", True),
    ]
    assert unseen.status_code == 404
