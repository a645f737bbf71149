"""The code tables: every set a field of the register names, whole where a standard fixes it, and in the words of the glossary where the code has them too."""

from collections.abc import Sequence
from enum import StrEnum

import pytest

from services.roster.models.fields import FROM_INSURANCE, SHEETS
from services.roster.queries.codes import Code, Codes, codes
from shared.db import Database
from shared.glossary import LABELS, OverQuotaCause, PersonIdentity, PostCategory
from shared.law.retirement import Category, Sex
from tests.roster import given

pytestmark = pytest.mark.asyncio
ENUMS: dict[str, Sequence[StrEnum]] = {
    "identities": tuple(PersonIdentity),
    "post_categories": tuple(PostCategory),
    "over_quota_causes": tuple(OverQuotaCause),
    "retirement_categories": tuple(Category),
}


async def answered(database: Database) -> Codes:
    async with database.reading() as conn:
        return await codes(conn, given.TODAY)


async def test_every_set_a_field_names_is_answered_with_one_meaning_per_word(roster_db: Database) -> None:
    known = await answered(roster_db)

    fields = [*FROM_INSURANCE, *(field for sheet in SHEETS.values() for field in sheet.fields)]
    for name in {field.codes for field in fields if field.codes}:
        words = [word for code in known.of(name) for word in (code.label, *code.aliases)]
        assert words, name
        assert len(words) == len(set(words)), name


async def test_an_example_of_a_form_is_a_word_of_its_set(roster_db: Database) -> None:
    known = await answered(roster_db)

    for field in (field for sheet in SHEETS.values() for field in sheet.fields if field.codes and field.example):
        assert field.example in {code.label for code in known.of(str(field.codes))}, field.label


@pytest.mark.parametrize(("name", "number"), [("ethnicities", 56), ("political_statuses", 13), ("civil_grades", 12), ("off_post_kinds", 5)])
async def test_a_standard_set_is_whole(roster_db: Database, name: str, number: int) -> None:
    assert len((await answered(roster_db)).of(name)) == number


async def test_standard_codes_are_the_standards(roster_db: Database) -> None:
    known = await answered(roster_db)

    def code_of(name: str, label: str) -> Code:
        return next(code for code in known.of(name) if code.label == label)

    said = {(name, label): code_of(name, label).code for name, label in (("ethnicities", "汉族"), ("ethnicities", "基诺族"))}
    assert list(said.values()) == ["01", "56"]
    assert (code_of("political_statuses", "群众").code, code_of("educations", "本科毕业").code, code_of("degrees", "学士").code) == (
        "13",
        "21",
        "4",
    )
    sexes = {code.label: (code.code, code.standard) for code in known.of("sexes")}
    assert sexes == {"男": (Sex.MALE, "1"), "女": (Sex.FEMALE, "2"), "未知": ("unknown_sex", "0"), "未说明": ("unsaid_sex", "9")}


@pytest.mark.parametrize("name", ENUMS)
async def test_what_the_program_knows_by_name_is_what_the_table_holds(roster_db: Database, name: str) -> None:
    held = {code.code: code.label for code in (await answered(roster_db)).of(name)}

    assert set(held) == {each.value for each in ENUMS[name]}
    assert all(held[each.value] == LABELS[each] for each in ENUMS[name] if each in LABELS)
