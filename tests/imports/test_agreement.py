"""Whether the cells of one row agree: each rule once where it is broken, and once where it is just kept."""

from typing import Any

import pytest

from tests.imports.rows import BORN, NUMBERS, USCC, Cells, one, outside, person, said, unit

LOAN = {"借出单位": "乙单位", "借调开始": "2026-01-01", "借调到期": "2026-06-30", "借调文号": "测借〔2026〕1号"}
QUOTA: Cells = {
    "单位": "甲单位",
    "编制类型": "周转编制",
    "经费形式": "全额拨款",
    "编制数": 3,
    "批准文号": "测编〔2020〕1号",
    "批准日期": "2020-03-01",
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"核编日期": "2015-09-01"}, []),
        ({"核编日期": "2015-09-02"}, [("authorised_on", True)]),
        ({"进入时间": "2015-09-01"}, []),
        ({"进入时间": "2015-09-02"}, [("entered_on", True)]),
        ({"参加工作时间": "2015-09"}, []),
        ({"参加工作时间": "2015-10"}, [("started_on", True)]),
        ({"参加工作时间": "2000-02"}, [("work_began_on", False)]),
        ({"参加工作时间": "2000-03-05"}, []),
        ({"入党时间": "2004-03-04"}, [("party_joined_on", True)]),
        ({"入党时间": "2004-03-05"}, []),
        ({"退休类别": "女50"}, [("retirement_reason", True)]),
        ({"退休类别": "女50", "退休类别依据": "组织认定"}, []),
        ({"退休类别": "女55", "退休类别依据": "组织认定"}, []),
        ({"退休类别": "男60", "退休类别依据": "组织认定"}, [("retirement_category", False)]),
    ],
)
def test_the_dates_and_the_retirement_of_a_person_agree(changes: dict[str, Any], told: list[tuple[str, bool]]) -> None:
    assert said(one("roster", person(**changes))) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"借调到期": "2026-01-01"}, []),
        ({"借调到期": "2025-12-31"}, [("seconded_until", False)]),
        ({"借调到期": "2027-01-01"}, []),
        ({"借调开始": None}, [("seconded_from_on", False)]),
        ({"借调到期": None}, [("seconded_until", False)]),
        ({"借调到期": "2026-13-01"}, [("seconded_until", False)]),
        ({"借调文号": None}, [("secondment_document_no", True)]),
        ({"借出单位": "甲单位"}, [("seconded_to", False)]),
        ({"借出单位": None, "借调开始": None}, [("seconded_to", False)]),
        ({"借出单位": None, "借调到期": None}, [("seconded_to", False)]),
    ],
)
def test_a_loan_has_its_borrower_its_days_and_its_document(changes: dict[str, Any], told: list[tuple[str, bool]]) -> None:
    assert said(one("roster", person(**(LOAN | changes)))) == told


@pytest.mark.parametrize("left", [{"出编原因": "退休"}, {"出编文号": "测编〔2026〕1号"}, {"人员状态": "已出编"}])
def test_whatever_says_that_somebody_left_asks_for_the_day(left: dict[str, Any]) -> None:
    assert said(one("roster", person(**left))) == [("ended_on", False)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, []),
        ({"合同到期": "2026-09-17"}, [("contract_until", True)]),
        ({"合同到期": "2027-01-01"}, []),
        ({"用工起始": "2026-09-17"}, []),
        ({"用工起始": "2026-09-18"}, []),
        ({"用工起始": "2026-09-18", "合同到期": "2026-09-17"}, [("contract_until", False), ("contract_until", True)]),
        ({"用工方式": "劳务派遣"}, [("dispatch_company", True)]),
        ({"用工方式": "劳务派遣", "派遣单位": "某公司"}, []),
        ({"人员身份": "公务员"}, [("identity", False)]),
        ({"人员身份": "参公人员"}, [("identity", False)]),
        ({"人员身份": "专业技术人员"}, [("identity", True)]),
        ({"人员身份": "国企人员"}, []),
        ({"人员身份": "身份待核"}, []),
    ],
)
def test_whoever_is_outside_the_establishment_has_a_contract_and_no_identity_of_a_post(
    changes: dict[str, Any], told: list[tuple[str, bool]]
) -> None:
    assert said(one("offestablishment", outside(**changes))) == told


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, [("use_until", True)]),
        ({"使用期限": "2020-02-29"}, [("use_until", False)]),
        ({"使用期限": "2020-03-01"}, []),
        ({"使用期限": "2030-03-01"}, []),
        ({"使用期限": "2020-02-29", "批准日期": None}, [("document_on", False)]),
        ({"编制类型": "事业编制"}, []),
    ],
)
def test_posts_on_loan_have_a_term_and_it_ends_after_its_document(changes: dict[str, Any], told: list[tuple[str, bool]]) -> None:
    assert said(one("quotas", QUOTA | changes)) == told


def test_a_unit_is_below_another_and_of_a_class_that_its_nature_has() -> None:
    for own in ("甲单位", USCC[0]):
        assert said(one("units", unit(主管部门=own))) == [("parent", False)]
    assert said(one("units", unit(主管部门=USCC[1]))) == []
    assert said(one("units", unit(单位性质="事业单位", 公益类别="公益一类"))) == []
    assert said(one("units", unit(公益类别="公益一类"))) == []
    assert said(one("units", unit(单位性质="行政机关", 公益类别="公益一类"))) == [("public_welfare", True)]


def test_the_certified_birth_date_judges_the_other_dates() -> None:
    """Must fail when the number's does: whoever was born a year later in his file was thirteen."""
    later = {"公民身份号码": NUMBERS[0], "出生日期": BORN.isoformat(), "档案认定出生日期": "1987-03-05", "参加工作时间": "2000-12-01"}

    assert ("work_began_on", False) in said(one("roster", person(**later)))
    assert said(one("roster", person(**(later | {"参加工作时间": "2001-03-05"})))) == []
