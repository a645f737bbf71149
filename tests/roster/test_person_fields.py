"""What is known of a person, field by field: sealed where sensitive, through time, changed by whom the field belongs to, with every change kept."""

import json
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.roster.commands.corrections import correct_person, correct_placement
from services.roster.commands.persons import register_person, update_person
from services.roster.commands.placements import place_person
from services.roster.commands.records import rewrite
from services.roster.models.fields import FROM_INSURANCE, OFF_ESTABLISHMENT, PERSONS
from services.roster.models.persons import RECORD, SENSITIVE, TOLD, CorrectPerson, PersonDetails, PersonFacts, RegisterPerson, UpdatePerson
from services.roster.models.refusals import (
    BirthDiffersFromId,
    ChangedLater,
    ChangeNeedsCase,
    CodeUnknown,
    DocumentMissing,
    EffectiveInFuture,
    KeyItemWouldChange,
    LateRetirementClosed,
    LifeInFuture,
    NothingCorrected,
    RetirementReasonMissing,
    SinceBeforePost,
)
from services.roster.models.requests import CorrectPlacement, PostDetails
from services.roster.queries.establishments import LATEST, Moment
from services.roster.queries.persons import ChangeView, PersonView, person_view, revealed
from shared.auth import Who
from shared.db import Database
from shared.events.roster import PlacementCorrected, RetirementFact
from shared.glossary import PersonIdentity, PostCategory, Role
from shared.law.retirement import Category, Sex
from tests.roster import given
from tests.roster.doors import Doors

pytestmark = pytest.mark.asyncio
OFFICE = Who("officer", frozenset())
LATER = given.NOW + timedelta(hours=1)
SECRETS = {"ethnicity": "22", "political_status": "09", "party_joined_on": date(2009, 7, 1)}
FIELDS: dict[str, object] = {
    **SECRETS,
    "native_place": "示例省示例市",
    "birth_place": "示例市",
    "work_began_on": date(2008, 8, 1),
    "education": "21",
    "degree": "408",
    "full_time_education": "21",
    "full_time_degree": "408",
    "in_service_education": "14",
    "in_service_degree": "3",
    "school": "示例大学",
    "major": "土木工程",
    "graduated_on": date(2008, 6, 1),
    "person_class": "class_non_leading",
    "title": "科员",
    "title_since": date(2015, 1, 1),
    "leadership_level": "no_leading_post",
    "grade": "C09",
    "post_grade": "T10",
    "professional_title": "工程师",
    "professional_title_level": "title_middle",
    "above_rank": False,
    "civil_servant_registered": False,
    "flexible_retirement": "flexible_early",
}
INSURED = {"pension_scheme": "pension_public", "pension_unit": "示例市第一小学", "pension_status": "pension_paying"}


async def registered(database: Database, unit_id: UUID, **more: object) -> UUID:
    facts: dict[str, object] = {
        "unit_id": unit_id,
        "name": "测试人员丁",
        "id_number": given.id_number(41),
        "sex": Sex.FEMALE,
        "birth_on": given.BORN,
        "identity": PersonIdentity.PROFESSIONAL,
        "post_category": PostCategory.TECHNICAL,
    }
    return await register_person(database, given.CIPHER, given.by(), RegisterPerson.model_validate(facts | more))


async def in_post(database: Database, **more: object) -> tuple[UUID, UUID]:
    row = await given.row(database, 1)
    person_id = await registered(database, row.unit_id, **more)
    return person_id, await place_person(database, given.by(), given.placement(row, person_id, date(2026, 1, 5)))


async def seen(database: Database, person_id: UUID, moment: Moment = LATEST) -> PersonView:
    async with database.reading() as conn:
        return await person_view(conn, given.CIPHER, person_id, OFFICE, moment)


async def lines(database: Database, person_id: UUID) -> list[ChangeView]:
    async with database.reading() as conn:
        return await given.changes_of(conn, person_id)


async def test_the_form_the_record_and_the_view_have_the_same_fields() -> None:
    of_record = {field.name for sheet in (PERSONS, OFF_ESTABLISHMENT) for field in sheet.fields} & set(RECORD)
    keys = {field.name for field in PERSONS.fields if field.key}

    assert of_record == set(TOLD)
    assert {field.name for field in FROM_INSURANCE} == set(RECORD) - set(TOLD)
    assert set(RECORD) <= set(PersonView.model_fields)
    assert not keys & set(PersonDetails.model_fields)
    assert {name for name in PersonFacts.model_fields if name in keys} == keys & set(RECORD) - {"id_number"}
    assert {field.name for field in (*PERSONS.fields, *FROM_INSURANCE) if field.sensitivity == "SP"} == SENSITIVE


async def test_every_field_comes_back_and_the_sensitive_ones_only_when_revealed(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db), **FIELDS)

    view = await seen(roster_db, person_id)
    async with roster_db.reading() as conn:
        open_ = await revealed(conn, given.CIPHER, person_id)

    assert {name: getattr(view, name) for name in FIELDS if name not in SENSITIVE} == {
        n: v for n, v in FIELDS.items() if n not in SENSITIVE
    }
    assert {getattr(view, name) for name in SECRETS} == {"＊"}
    assert {name: getattr(open_, name) for name in SECRETS} == SECRETS


async def test_a_sensitive_value_is_encrypted_by_itself_and_bound_to_its_field(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db), **FIELDS)

    kept = await roster_db.pool.fetchrow("SELECT * FROM person_records")
    assert kept is not None
    told = SENSITIVE.intersection(TOLD)
    assert len({bytes(kept[name]) for name in told}) == len(told)
    assert given.CIPHER.decrypt(kept["political_status"], f"person_records.political_status.{person_id}") == "09"
    asked = await roster_db.pool.fetch("SELECT row_to_json(t)::text AS line FROM accepted_commands t")
    assert not [each for each in asked if "2009-07-01" in each["line"]]


async def test_a_unit_changes_its_fields_from_a_day_on_and_the_days_before_stay(roster_db: Database) -> None:
    person_id, _ = await in_post(roster_db, **FIELDS)
    what = UpdatePerson(person_id=person_id, since=date(2026, 7, 1), grade="C08", ethnicity="01", school=None)

    await update_person(roster_db, given.CIPHER, given.by("人事〔2026〕7号", at=LATER), what)

    day_before, day = [await seen(roster_db, person_id, Moment(on)) for on in (date(2026, 6, 30), date(2026, 7, 1))]
    as_known_before = await seen(roster_db, person_id, Moment(date(2026, 7, 1), given.NOW))
    assert [(each.grade, each.school) for each in (day_before, day, as_known_before)] == [
        ("C09", "示例大学"),
        ("C08", None),
        ("C09", "示例大学"),
    ]
    assert (await seen(roster_db, person_id)).grade == "C08"


async def test_every_change_is_kept_with_before_after_who_why_and_document(roster_db: Database) -> None:
    person_id, placement_id = await in_post(roster_db, **FIELDS)
    what = UpdatePerson(person_id=person_id, since=date(2026, 7, 1), grade="C08", political_status="01", internal_unit="办公室")
    await update_person(roster_db, given.CIPHER, given.by("人事〔2026〕7号", at=LATER), what)
    await correct_person(
        roster_db, given.CIPHER, given.by("更〔2026〕1号", at=LATER), CorrectPerson(person_id=person_id, name="测试人员戊")
    )
    await correct_placement(
        roster_db, given.by("更〔2026〕2号", at=LATER), CorrectPlacement(placement_id=placement_id, entry_source="示例大学")
    )

    kept = await lines(roster_db, person_id)

    assert {(each.label, each.since, each.before, each.after, each.document_no) for each in kept} == {
        ("职级", date(2026, 7, 1), "C09", "C08", "人事〔2026〕7号"),
        ("政治面貌", date(2026, 7, 1), "＊", "＊", "人事〔2026〕7号"),
        ("所在内设机构", date(2026, 7, 1), None, "办公室", "人事〔2026〕7号"),
        ("姓名", None, "测试人员丁", "测试人员戊", "更〔2026〕1号"),
        ("姓名", date(2026, 7, 1), "测试人员丁", "测试人员戊", "更〔2026〕1号"),
        ("进入来源", None, None, "示例大学", "更〔2026〕2号"),
    }
    assert {(each.actor, each.reason) for each in kept} == {("tester", "测试")}


async def test_a_unit_overwrites_no_later_change(roster_db: Database) -> None:
    person_id, _ = await in_post(roster_db, **FIELDS)
    for since, grade in ((date(2026, 7, 1), "C08"), (date(2026, 8, 1), "C07")):
        await update_person(roster_db, given.CIPHER, given.by(at=LATER), UpdatePerson(person_id=person_id, since=since, grade=grade))

    with pytest.raises(ChangedLater):
        await update_person(
            roster_db, given.CIPHER, given.by(at=LATER), UpdatePerson(person_id=person_id, since=date(2026, 7, 15), grade="C06")
        )
    await update_person(
        roster_db, given.CIPHER, given.by(at=LATER), UpdatePerson(person_id=person_id, since=date(2026, 7, 15), major="建筑学")
    )
    shown = [await seen(roster_db, person_id, Moment(date(2026, month, 20))) for month in (6, 7, 8)]
    assert [(each.grade, each.major) for each in shown] == [("C09", "土木工程"), ("C08", "建筑学"), ("C07", "建筑学")]


@pytest.mark.parametrize(
    "change", [{"professional_title": "高级工程师"}, {"post_category": PostCategory.MANUAL}], ids=["special group", "manual post"]
)
async def test_no_unit_changes_the_retirement_category_by_way_of_post_or_title(roster_db: Database, change: dict[str, object]) -> None:
    person_id, _ = await in_post(roster_db)

    with pytest.raises(KeyItemWouldChange):
        await update_person(
            roster_db, given.CIPHER, given.by(), UpdatePerson.model_validate({"person_id": person_id, "since": given.TODAY} | change)
        )

    assert (await seen(roster_db, person_id)).retirement.category == "F55"


async def test_an_update_has_content_and_a_day_that_has_come(roster_db: Database) -> None:
    person_id, _ = await in_post(roster_db)
    tomorrow = given.TODAY + timedelta(days=1)

    with pytest.raises(NothingCorrected):
        await update_person(roster_db, given.CIPHER, given.by(), UpdatePerson(person_id=person_id, since=given.TODAY))
    with pytest.raises(EffectiveInFuture):
        await update_person(roster_db, given.CIPHER, given.by(), UpdatePerson(person_id=person_id, since=tomorrow, major="史学"))


@pytest.mark.parametrize("field", ["ethnicity", "education", "leadership_level"])
async def test_a_code_outside_its_set_is_refused_without_being_repeated(roster_db: Database, field: str) -> None:
    unit_id = await given.unit(roster_db)

    with pytest.raises(CodeUnknown) as refusal:
        await registered(roster_db, unit_id, **{field: "汉汉"})

    assert "汉汉" not in str(refusal.value)


async def test_a_retirement_category_of_ones_own_says_why(roster_db: Database) -> None:
    unit_id = await given.unit(roster_db)
    with pytest.raises(RetirementReasonMissing):
        await registered(roster_db, unit_id, retirement_category=Category.F50)
    person_id = await registered(roster_db, unit_id)
    with pytest.raises(RetirementReasonMissing):
        await correct_person(roster_db, given.CIPHER, given.by(), CorrectPerson(person_id=person_id, retirement_category=Category.F50))

    grounded = CorrectPerson(person_id=person_id, retirement_category=Category.F50, retirement_reason="聘用在工勤岗位")
    await correct_person(roster_db, given.CIPHER, given.by(at=LATER), grounded)

    view = await seen(roster_db, person_id)
    assert (view.retirement_category, view.retirement_reason, view.retirement.category) == ("F50", "聘用在工勤岗位", "F50")


async def test_a_birth_date_agrees_with_the_number_also_when_it_alone_is_corrected(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db))

    with pytest.raises(BirthDiffersFromId):
        await correct_person(roster_db, given.CIPHER, given.by(), CorrectPerson(person_id=person_id, birth_on=date(1986, 3, 6)))


async def test_the_certified_birth_date_stands_beside_the_numbers_and_governs(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db), certified_birth_on=date(1985, 3, 5))

    view = await seen(roster_db, person_id)

    assert (view.birth_on, view.certified_birth_on) == (given.BORN, date(1985, 3, 5))
    assert view.retirement.month == "2043-03"


async def test_a_key_item_is_corrected_from_where_it_was_wrong_and_never_changed_from_a_day_on(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db), title="科员")
    async with roster_db.transaction() as conn:  # as a case wrote it
        await rewrite(conn, given.by(at=LATER), person_id, {"title": "科长"}, date(2026, 3, 1))

    for day in (date(2026, 2, 1), date(2026, 3, 2)):
        with pytest.raises(ChangeNeedsCase, match=r"职务.*信息变更"):
            await correct_person(roster_db, given.CIPHER, given.by(), CorrectPerson(person_id=person_id, title="副科长", since=day))
    wrong_since = CorrectPerson(person_id=person_id, title="副科长", since=date(2026, 3, 1))
    with pytest.raises(DocumentMissing):
        await correct_person(roster_db, given.CIPHER, given.by(" "), wrong_since)
    await correct_person(roster_db, given.CIPHER, given.by(at=LATER), wrong_since)

    assert [(await seen(roster_db, person_id, Moment(date(2026, month, 1)))).title for month in (2, 3)] == ["科员", "副科长"]


async def test_a_correction_ends_where_a_later_value_of_the_field_stands(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db), title="科员", major="土木工程")
    async with roster_db.transaction() as conn:  # as cases and the unit wrote it
        for since, values in (
            (date(2026, 3, 1), {"title": "科长"}),
            (date(2026, 5, 1), {"major": "史学"}),
            (date(2026, 7, 1), {"title": "局长"}),
        ):
            await rewrite(conn, given.by("任〔2026〕1号", at=LATER), person_id, values, since)

    middle = CorrectPerson(person_id=person_id, title="副科长", native_place="示例省示例市", since=date(2026, 3, 1))
    await correct_person(roster_db, given.CIPHER, given.by("更〔2026〕1号", at=LATER), middle)
    await correct_person(
        roster_db,
        given.CIPHER,
        given.by("更〔2026〕2号", at=LATER),
        CorrectPerson(person_id=person_id, major="数学", since=date(2026, 4, 1)),
    )

    views = [await seen(roster_db, person_id, Moment(date(2026, month, 15))) for month in range(2, 9)]
    assert [each.title for each in views] == ["科员", "副科长", "副科长", "副科长", "副科长", "局长", "局长"]
    assert [each.major for each in views] == ["土木工程", "土木工程", "数学", "史学", "史学", "史学", "史学"]
    assert [each.native_place for each in views] == [None] + ["示例省示例市"] * 6
    stand = await roster_db.pool.fetch(
        "SELECT lower(during) AS since, document_no FROM person_records WHERE person_id = $1 AND upper_inf(recorded) ORDER BY during",
        person_id,
    )
    assert [each["since"] for each in stand if each["document_no"] == "更〔2026〕2号"] == [date(2026, 4, 1)]
    kept = [(each.since, each.before, each.after) for each in await lines(roster_db, person_id) if each.document_no == "更〔2026〕1号"]
    assert {each for each in kept if each[2] == "副科长"} == {
        (date(2026, 3, 1), "科长", "副科长"),
        (date(2026, 5, 1), "科长", "副科长"),
    }
    await correct_person(roster_db, given.CIPHER, given.by("更〔2026〕3号", at=LATER), CorrectPerson(person_id=person_id, title="主任"))
    assert {(await seen(roster_db, person_id, Moment(date(2026, month, 15)))).title for month in range(2, 9)} == {"主任"}


async def test_a_number_is_corrected_from_no_day_on_before_a_later_number(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db))
    async with roster_db.transaction() as conn:  # as cases wrote it
        for since, sealed in ((date(2026, 3, 1), b"wrong"), (date(2026, 7, 1), b"right")):
            await rewrite(conn, given.by(at=LATER), person_id, {"id_number": sealed}, since)
    middle = CorrectPerson(person_id=person_id, id_number=given.id_number(51), since=date(2026, 3, 1))

    with pytest.raises(ChangedLater):
        await correct_person(roster_db, given.CIPHER, given.by(at=LATER), middle)


async def test_what_is_no_key_item_changes_the_retirement_category_by_no_correction_from_a_day_on(roster_db: Database) -> None:
    person_id = await registered(roster_db, await given.unit(roster_db))

    with pytest.raises(KeyItemWouldChange):
        await correct_person(
            roster_db,
            given.CIPHER,
            given.by(),
            CorrectPerson(person_id=person_id, post_category=PostCategory.MANUAL, since=date(2026, 3, 1)),
        )


async def test_the_internal_unit_changes_from_a_day_on_and_the_exit_keeps_all_of_the_post(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await registered(roster_db, row.unit_id)
    details = PostDetails(internal_unit="教务处", duty_status="probation", entry_source="示例大学", entry_document_no="编〔2026〕3号")
    post = given.placement(row, person_id, date(2026, 1, 5)).model_copy(update=details.model_dump())
    placement_id = await place_person(roster_db, given.by(), post)
    moving = UpdatePerson(person_id=person_id, since=date(2026, 7, 1), internal_unit="总务处")
    with pytest.raises(SinceBeforePost, match="起始日期 2026-01-04 早于到岗日期 2026-01-05"):
        await update_person(roster_db, given.CIPHER, given.by(), moving.model_copy(update={"since": date(2026, 1, 4)}))
    await update_person(roster_db, given.CIPHER, given.by(at=LATER), moving)

    await given.release(roster_db, placement_id)

    places = [(await seen(roster_db, person_id, Moment(date(2026, month, 1)))).placement for month in (2, 7, 9)]
    assert [each and (each.internal_unit, each.duty_status, each.entry_document_no, each.entry_source) for each in places] == [
        ("教务处", "probation", "编〔2026〕3号", "示例大学"),
        ("总务处", "probation", "编〔2026〕3号", "示例大学"),
        ("总务处", "probation", "编〔2026〕3号", "示例大学"),
    ]


async def test_when_somebody_came_stands_beside_the_entry_and_outlasts_the_exit(roster_db: Database) -> None:
    row = await given.row(roster_db, 1)
    person_id = await registered(roster_db, row.unit_id)
    post = given.placement(row, person_id, date(2026, 1, 5)).model_copy(update={"entered_on": date(2025, 7, 1)})
    placement_id = await place_person(roster_db, given.by(), post)
    wrong = CorrectPlacement(placement_id=placement_id, entered_on=date(2025, 8, 1))
    await correct_placement(roster_db, given.by("更〔2026〕2号", at=LATER), wrong)

    await given.release(roster_db, placement_id)

    moments = (Moment(date(2026, 2, 1), given.NOW), Moment(date(2026, 2, 1)))
    places = [(await seen(roster_db, person_id, moment)).placement for moment in moments]
    assert [each and (each.started_on, each.entered_on) for each in places] == [
        (date(2026, 1, 5), date(2025, 7, 1)),
        (date(2026, 1, 5), date(2025, 8, 1)),
    ]
    assert [(each.label, each.before, each.after) for each in await lines(roster_db, person_id)] == [
        ("进入时间", "2025-07-01", "2025-08-01")
    ]


async def test_the_level_of_a_title_decides_no_retirement_category(roster_db: Database) -> None:
    person_id, _ = await in_post(roster_db)
    what = UpdatePerson(person_id=person_id, since=given.TODAY, professional_title_level="title_associate_senior")

    await update_person(roster_db, given.CIPHER, given.by(at=LATER), what)

    view = await seen(roster_db, person_id)
    assert (view.professional_title_level, view.retirement.category) == ("title_associate_senior", "F55")


@pytest.mark.parametrize(
    ("facts", "open_"),
    [
        ({}, True),
        ({"leadership_level": "no_leading_post"}, True),
        ({"identity": PersonIdentity.WORKER, "post_category": PostCategory.MANUAL}, True),
        ({"leadership_level": "township_head"}, False),
        ({"identity": PersonIdentity.CIVIL_SERVANT}, False),
        ({"identity": PersonIdentity.MANAGER}, False),
        ({"identity": PersonIdentity.STATE_ENTERPRISE, "post_category": PostCategory.MANAGERIAL}, False),
    ],
)
async def test_late_flexible_retirement_is_open_to_nobody_who_leads_or_serves(
    roster_db: Database, facts: dict[str, object], *, open_: bool
) -> None:
    unit_id = await given.unit(roster_db)
    person_id = await registered(roster_db, unit_id, flexible_retirement="flexible_early", **facts)
    late = UpdatePerson(person_id=person_id, since=given.TODAY, flexible_retirement="flexible_late")

    if open_:
        await update_person(roster_db, given.CIPHER, given.by(at=LATER), late)
    else:
        with pytest.raises(LateRetirementClosed):
            await update_person(roster_db, given.CIPHER, given.by(at=LATER), late)
        more = facts | {"id_number": given.id_number(43), "flexible_retirement": "flexible_late"}
        with pytest.raises(LateRetirementClosed):
            await registered(roster_db, unit_id, **more)

    assert (await seen(roster_db, person_id)).flexible_retirement == ("flexible_late" if open_ else "flexible_early")


async def test_a_late_retirement_is_told_where_the_month_is_watched_and_so_is_its_end(roster_db: Database) -> None:
    person_id, placement_id = await in_post(roster_db)

    async def choose(choice: str) -> None:
        what = UpdatePerson(person_id=person_id, since=given.TODAY, flexible_retirement=choice)
        await update_person(roster_db, given.CIPHER, given.by(at=LATER), what)

    await choose("flexible_early")
    year, month = str((await seen(roster_db, person_id)).retirement.month).split("-")
    three_years_after = f"{int(year) + 3}-{month}"
    count = len(await given.published(roster_db))
    await choose("flexible_late")
    await choose("flexible_none")
    later, again = (await given.published(roster_db))[count:]

    assert isinstance(later, PlacementCorrected)
    assert isinstance(again, PlacementCorrected)
    assert (later.person_id, later.ended_on, later.retirement) == (person_id, None, RetirementFact(category="F55", month=three_years_after))
    assert again.retirement == (await seen(roster_db, person_id)).retirement
    assert (again.version, again.person_version) == (later.version + 1, later.person_version + 1)

    await given.release(roster_db, placement_id)
    count = len(await given.published(roster_db))
    await choose("flexible_late")
    assert len(await given.published(roster_db)) == count  # who left is watched by nobody


async def test_what_the_insurance_says_is_kept_sealed_through_every_change_and_told_by_nobody_else(
    doors: Doors, roster_db: Database
) -> None:
    person_id, _ = await in_post(roster_db, **FIELDS)
    sealed = {name: given.CIPHER.encrypt(value, f"person_records.{name}.{person_id}") for name, value in INSURED.items()}
    async with roster_db.transaction() as conn:  # as a comparison will write it
        await rewrite(conn, given.by("比对〔2026〕8号", at=LATER), person_id, sealed, date(2026, 8, 1))
    await update_person(
        roster_db, given.CIPHER, given.by(at=LATER), UpdatePerson(person_id=person_id, since=date(2026, 8, 20), major="数学")
    )

    before, after = [await seen(roster_db, person_id, Moment(on)) for on in (date(2026, 7, 31), date(2026, 9, 1))]
    async with roster_db.reading() as conn:
        open_ = await revealed(conn, given.CIPHER, person_id)
    assert [{getattr(each, name) for name in INSURED} for each in (before, after)] == [{None}, {"＊"}]
    assert {name: getattr(open_, name) for name in INSURED} == INSURED
    assert {(each.label, each.after) for each in await lines(roster_db, person_id) if each.field in INSURED} == {
        ("养老保险险种", "＊"),
        ("参保单位", "＊"),
        ("参保状态", "＊"),
    }
    body = {"since": "2026-09-03", "reason": "手工改动", "pension_status": "pension_dead"}
    for route in ("updates", "corrections", "key-changes"):
        answer = await doors.http.post(f"/persons/{person_id}/{route}", json=body | {"document_no": "更1号"}, headers=doors.office)
        assert answer.status_code == 422, route


async def test_each_key_item_sent_as_an_update_is_refused_by_name_with_the_way_it_changes(doors: Doors, roster_db: Database) -> None:
    person_id, _ = await given.in_post(roster_db, await given.row(roster_db, 1))
    body = {"since": "2026-09-03", "reason": "改动", "name": "测试人员甲", "certified_birth_on": "1970-01-01", "duty_status": "probation"}

    answer = await doors.http.post(f"/persons/{person_id}/updates", json=body | {"seat_level": "unit_head"}, headers=doors.office)

    said = {each["field"]: each["reason"] for each in answer.json()["fields"]}
    assert answer.status_code == 422
    assert said.keys() == {"name", "certified_birth_on", "duty_status", "seat_level"}
    assert "任免" in said["seat_level"]
    assert all("信息变更申请" in said[name] for name in said.keys() - {"seat_level"})
    assert "测试人员甲" not in answer.text


async def test_what_no_file_may_bring_into_a_text_comes_in_by_no_door(doors: Doors, roster_db: Database) -> None:
    person_id, _ = await given.in_post(roster_db, await given.row(roster_db, 1))
    texts = {
        "birth_place": "=cmd|' /C calc'!A0",
        "native_place": "示例省\n示例市",
        "school": "示例\x07大学",
        "internal_unit": "@办公室",
        "major": "",
    }
    why = {"reason": "按档案补录", "document_no": "测档〔2026〕1号"}

    updated = await doors.http.post(f"/persons/{person_id}/updates", json=texts | why | {"since": "2026-09-03"}, headers=doors.office)
    corrected = await doors.http.post(f"/persons/{person_id}/corrections", json=why | {"title": "+科员"}, headers=doors.office)

    assert (updated.status_code, corrected.status_code) == (422, 422)
    assert {each["field"] for each in updated.json()["fields"]} == texts.keys()
    assert [each["field"] for each in corrected.json()["fields"]] == ["title"]


async def test_what_nobody_sees_in_a_text_is_taken_out_at_a_door_as_in_a_file(doors: Doors, roster_db: Database) -> None:
    person_id, _ = await given.in_post(roster_db, await given.row(roster_db, 1))
    body = {"since": "2026-09-03", "reason": "按档案补录", "school": "\ufeff示例\u200b大\u202e学", "major": "会\u00ad计学"}

    answer = await doors.http.post(f"/persons/{person_id}/updates", json=body, headers=doors.office)
    nothing = await doors.http.post(f"/persons/{person_id}/updates", json=body | {"school": "\u200b"}, headers=doors.office)
    kept = await doors.http.get(f"/persons/{person_id}/changes", headers=doors.office)

    assert (answer.status_code, nothing.status_code) == (204, 422)
    assert {each["field"]: each["after"] for each in kept.json()["items"]} == {"school": "示例大学", "major": "会计学"}


async def test_no_day_of_a_life_lies_ahead_by_whatever_door_it_is_told(roster_db: Database) -> None:
    person_id, _ = await in_post(roster_db)
    tomorrow, today = given.TODAY + timedelta(days=1), given.TODAY
    ahead = CorrectPerson(person_id=person_id, certified_birth_on=tomorrow)
    what = UpdatePerson(person_id=person_id, since=today, work_began_on=tomorrow, party_joined_on=tomorrow, graduated_on=today)

    with pytest.raises(LifeInFuture, match="档案认定出生日期晚于今天"):
        await correct_person(roster_db, given.CIPHER, given.by(), ahead)
    with pytest.raises(LifeInFuture, match="入党时间、参加工作时间晚于今天"):
        await update_person(roster_db, given.CIPHER, given.by(), what)
    with pytest.raises(LifeInFuture):
        await registered(roster_db, await given.unit(roster_db), certified_birth_on=tomorrow)


async def test_a_clerk_changes_persons_of_his_unit_alone_and_sees_the_change_masked(doors: Doors, roster_db: Database) -> None:
    row, other = await given.row(roster_db, 1), await given.unit(roster_db)
    person_id, _ = await given.in_post(roster_db, row)
    body = {"since": "2026-09-03", "political_status": "13", "major": "会计学", "education": "14", "reason": "按档案补录"}
    clerk, stranger = doors.as_(Role.UNIT_CLERK, units=(row.unit_id,)), doors.as_(Role.UNIT_CLERK, units=(other,))

    hidden = await doors.http.post(f"/persons/{person_id}/updates", json=body, headers=stranger)
    key_item = await doors.http.post(f"/persons/{person_id}/updates", json=body | {"title": "处长"}, headers=clerk)
    done = await doors.http.post(f"/persons/{person_id}/updates", json=body, headers=clerk)
    kept = await doors.http.get(f"/persons/{person_id}/changes", headers=clerk)
    unseen = await doors.http.get(f"/persons/{person_id}/changes", headers=stranger)

    assert (hidden.status_code, key_item.status_code, done.status_code, unseen.status_code) == (404, 422, 204, 404)
    (told,) = key_item.json()["fields"]
    assert told["field"] == "title"
    assert told["reason"].startswith("职务是关键信息，信息维护不能改。请凭证明材料提交信息变更申请（人员页面“信息变更”")
    said = {each["field"]: (each["before"], each["after"], each["actor"], each["reason"]) for each in kept.json()["items"]}
    assert said == {
        "political_status": (None, "＊", "unit_clerk-user", "按档案补录"),
        "major": (None, "会计学", "unit_clerk-user", "按档案补录"),
        "education": (None, "14", "unit_clerk-user", "按档案补录"),
    }
    assert next(each["after_label"] for each in kept.json()["items"] if each["field"] == "education") == "硕士研究生毕业"
    assert "13" not in json.dumps([each["after"] for each in kept.json()["items"]])
