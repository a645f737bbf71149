"""A comparison of a part of the county, and of a file that hides its numbers."""

from copy import deepcopy

import pytest

from services.roster.models.comparisons import ComparisonState
from services.roster.rules.comparisons import NUMBER_HIDDEN
from shared.crypto import masked_id_number
from shared.glossary import DifferenceState
from tests.imports.rows import NUMBERS
from tests.roster import given
from tests.roster.comparing import NOTHING, Upper, by_name

pytestmark = pytest.mark.asyncio


async def test_a_part_of_the_county_is_compared_with_that_part(upper: Upper) -> None:
    second = await upper.database.pool.fetchval("SELECT id FROM units WHERE name = '乙单位'")
    upper.sheets["人员信息"] = [{**upper.people[0], "姓名": "赵示例", "公民身份号码": NUMBERS[3], "所在机构": "乙单位"}]
    upper.sheets["机构信息"] = [each for each in upper.sheets["机构信息"] if each["机构名称"] == "乙单位"]
    del upper.sheets["编制信息"], upper.sheets["领导职数信息"]

    await upper.compare(root_id=second)

    assert await upper.found(lambda each: (each.kind, each.name, each.unit)) == [("missing_here", "赵示例", "乙单位")]


async def test_who_has_a_case_in_another_part_of_the_county_has_the_same_in_this_one(upper: Upper) -> None:
    second = await upper.database.pool.fetchval("SELECT id FROM units WHERE name = '乙单位'")
    by_name(upper, "李示例")["所在机构"] = "乙单位"
    wang = by_name(upper, "王示例")
    upper.people.extend({**wang, "姓名": name, "公民身份号码": number} for name, number in (("赵示例", NUMBERS[3]), ("钱示例", NUMBERS[4])))
    await upper.compare()
    by_name(upper, "赵示例")["所在机构"] = "乙单位"
    whole = deepcopy(upper.sheets)
    upper.sheets["人员信息"] = [by_name(upper, name) for name in ("李示例", "赵示例")]
    upper.sheets["机构信息"] = [each for each in upper.sheets["机构信息"] if each["机构名称"] == "乙单位"]
    del upper.sheets["编制信息"], upper.sheets["领导职数信息"]

    part = await upper.compare(root_id=second)
    upper.sheets = whole

    assert (part.state, part.outcome) == (ComparisonState.COMPARED, NOTHING | {"same": 1, "again": 1})
    assert (await upper.compare()).outcome == NOTHING | {"same": 3}


async def test_a_file_of_a_few_units_is_not_compared_with_the_county_unless_its_sender_says_so(upper: Upper) -> None:
    for _ in range(2):
        await given.unit(upper.database)
    units = [each for each in upper.sheets["机构信息"] if each["机构名称"] == "乙单位"]
    people = [{**upper.people[0], "姓名": "赵示例", "公民身份号码": NUMBERS[3], "所在机构": "乙单位"}]
    upper.sheets = {"机构信息": units, "人员信息": people}

    refused = await upper.compare()
    cases = await upper.differences()
    told = await upper.compare(whole=True)

    assert (refused.state, cases) == (ComparisonState.UNREADABLE, [])
    assert "只含本系统 4 个单位中的 1 个" in refused.note
    assert (told.state, told.outcome["new"]) == (ComparisonState.COMPARED, 7)


async def test_a_masked_file_makes_no_case_of_everybody(upper: Upper) -> None:
    for each in upper.people:
        each["公民身份号码"] = masked_id_number(each["公民身份号码"])

    refused = await upper.compare()

    assert (refused.state, await upper.differences()) == (ComparisonState.UNREADABLE, [])
    assert "3 名人员都没有可用的公民身份号码" in refused.note


async def test_a_masked_row_is_told_and_makes_no_case_and_ends_none(upper: Upper) -> None:
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    upper.people.append(by_name(upper, "王示例") | {"姓名": "赵示例", "公民身份号码": NUMBERS[3]})
    await upper.compare()
    for each in upper.people:
        if each["姓名"] != "王示例":
            each["公民身份号码"] = masked_id_number(each["公民身份号码"])

    view = await upper.compare()

    assert [(each.column, each.sentence) for each in view.problems] == [("公民身份号码", NUMBER_HIDDEN)] * 3
    assert (view.unread, view.outcome) == (3, NOTHING)
    assert {(each.name, each.state) for each in await upper.differences()} == {
        ("李示例", DifferenceState.TO_VERIFY),
        ("赵示例", DifferenceState.TO_VERIFY),
    }


async def test_whoever_is_found_by_his_number_is_judged_whatever_namesake_of_his_is_masked(upper: Upper) -> None:
    school = by_name(upper, "李示例")["毕业院校"]
    by_name(upper, "李示例")["毕业院校"] = "另一大学"
    await upper.compare()
    by_name(upper, "李示例")["毕业院校"] = school
    upper.people.append(by_name(upper, "王示例") | {"姓名": "李示例", "公民身份号码": masked_id_number(NUMBERS[3])})

    view = await upper.compare()

    assert (view.unread, view.outcome["closed"]) == (1, 1)
    assert [each.state for each in await upper.differences()] == [DifferenceState.CLOSED]
