"""Who a person is in law: the number, the retirement category and month, the level of a title."""

from datetime import date

import pytest

from services.roster.models.refusals import (
    BirthDiffersFromId,
    IdNumberInvalid,
    LateRetirementClosed,
    RetirementCategoryMismatch,
    RetirementReasonMissing,
    SexDiffersFromId,
)
from services.roster.rules.persons import (
    checked_number,
    ensure_late_open,
    ensure_override_grounded,
    late_is_closed,
    retirement_category,
    retirement_due,
    retirement_fact,
    title_level,
)
from shared.glossary import PersonIdentity, PostCategory
from shared.law.citizen_id import check_digit
from shared.law.retirement import Category, Sex
from tests.roster.rules.given import BORN, person, refused


def number(born: date = BORN, *, male: bool = False, area: str = "330499") -> str:
    first = f"{area}{born:%Y%m%d}30{1 if male else 2}"
    return first + check_digit(first)


@pytest.mark.parametrize(
    ("facts", "category"),
    [
        ({"sex": Sex.MALE}, Category.M60),
        ({}, Category.F55),
        ({"post_category": PostCategory.MANUAL}, Category.F50),
        ({"identity": PersonIdentity.WORKER, "post_category": PostCategory.UNKNOWN}, Category.F50),
        ({"identity": PersonIdentity.LIKE_CIVIL_SERVANT, "post_category": PostCategory.UNKNOWN}, Category.F55),
        ({"identity": PersonIdentity.UNKNOWN, "post_category": PostCategory.UNKNOWN}, None),
        ({"identity": PersonIdentity.CIVIL_SERVANT, "post_category": PostCategory.UNKNOWN}, Category.F55),
        ({"post_category": PostCategory.MANAGERIAL}, Category.F55),
        ({"title": "副县处级领导"}, Category.SPECIAL),
        *(({"leadership_level": level}, Category.SPECIAL) for level in ("bureau_head", "bureau_deputy", "county_head", "county_deputy")),
        ({"leadership_level": "township_head"}, Category.F55),
        ({"sex": Sex.MALE, "leadership_level": "county_head"}, Category.M60),
        ({"post_category": PostCategory.MANUAL, "retirement_override": Category.F55}, Category.F55),
    ],
)
def test_the_retirement_category_follows_post_and_title_and_stays_unknown_without(
    facts: dict[str, object], category: Category | None
) -> None:
    assert retirement_category(person(**facts)) is category


@pytest.mark.parametrize(
    ("title", "senior"),
    [
        ("高级教师", True),
        ("正高级教师", True),
        ("副主任医师", True),
        ("高级工程师", True),
        ("高级工艺美术师", True),
        ("副研究员", True),
        ("副研究馆员", True),
        ("教授", True),
        ("中小学高级教师", True),
        *((f"{rank}主任{title}师", True) for rank in ("", "副") for title in ("医", "中医", "药", "中药", "护", "技", "法医", "舞台技")),
        ("译审", True),
        ("一级翻译", True),
        ("播音指导", True),
        ("主任播音员", True),
        ("国家级教练", True),
        *(
            (f"{level}级{title}", True)
            for level in "一二"
            for title in ("演员", "演奏员", "编剧", "舞美设计师", "文学创作", "律师", "公证员")
        ),
        ("文学创作二级", True),
        *((f"{level}级{title}", False) for level in "三四" for title in ("演员", "美术师", "律师", "公证员")),
        ("三级翻译", False),
        ("二级翻译", False),
        ("一级播音员", False),
        ("一级教练", False),
        ("一级校对", False),
        ("一级建造师", False),
        ("助理研究员", False),
        ("实习研究员", False),
        ("一级教师", False),
        ("小学高级教师", False),
        ("小教高级", False),
        ("高级工", False),
        ("高级技工", False),
        ("高级技术工人", False),
        ("高级技师", False),
        ("主治医师", False),
        (None, False),
    ],
)
def test_a_woman_with_a_senior_title_is_special(title: str | None, senior: bool) -> None:
    assert retirement_category(person(professional_title=title)) is (Category.SPECIAL if senior else Category.F55)


@pytest.mark.parametrize(
    ("level", "titles"),
    [
        (
            "title_full_senior",
            "正高级教师 教授 研究员 研究馆员 主任医师 教授级高级工程师 编审 译审 高级记者 播音指导 一级演员 一级律师 文学创作一级",
        ),
        (
            "title_associate_senior",
            "高级教师 中小学高级教师 副教授 副研究员 副研究馆员 副主任医师 副主任护师 高级工程师 主任记者 一级翻译 二级演员 副高",
        ),
        ("title_middle", "一级教师 小学高级教师 讲师 助理研究员 主治医师 主管护师 工程师 馆员 会计师 经济师 农艺师 中级"),
        ("title_junior", "二级教师 助教 助理工程师 助理馆员 助理会计师 实习研究员 医师 护师 药师 初级会计师"),
        ("title_entry", "三级教师 护士 药士 技术员 会计员 员级"),
        (None, "高级工 高级技师 技师 主任科员 法官助理 未取得"),
    ],
)
def test_a_title_tells_its_level_where_its_words_do(level: str | None, titles: str) -> None:
    assert {title: title_level(title) for title in titles.split()} == dict.fromkeys(titles.split(), level)


@pytest.mark.parametrize("title", ["高级工", "高级技师", "高级技工", "高级技术工人"])
def test_a_woman_with_a_grade_of_workers_stays_with_the_manual_posts(title: str) -> None:
    assert retirement_category(person(professional_title=title, post_category=PostCategory.MANUAL)) is Category.F50


def test_the_certified_birth_date_rules() -> None:  # trap: trusting the ID number's birth date
    assert retirement_fact(person(certified_birth_on=date(1972, 5, 20))).month != retirement_fact(person()).month
    assert retirement_fact(person(certified_birth_on=date(1972, 5, 20))) == retirement_fact(person(birth_on=date(1972, 5, 20)))


def test_the_special_group_and_the_unknown_have_no_month() -> None:
    assert retirement_fact(person(professional_title="高级教师")).month is None
    assert retirement_fact(person(identity=PersonIdentity.UNKNOWN, post_category=PostCategory.UNKNOWN)).month is None


def test_who_chose_to_go_later_may_stay_three_years_longer_and_not_for_ever() -> None:  # the choice names no month
    late = person(flexible_retirement="flexible_late")
    assert retirement_fact(late).month == retirement_fact(person()).month
    year, month = map(int, str(retirement_fact(late).month).split("-"))
    assert (retirement_due(late).category, retirement_due(late).month) == ("F55", f"{year + 3}-{month:02}")
    special = person(flexible_retirement="flexible_late", retirement_override=Category.SPECIAL)
    assert retirement_due(special).month is None
    assert retirement_due(person(flexible_retirement="flexible_early")) == retirement_fact(person())


@pytest.mark.parametrize(
    ("identity", "level", "post", "closed"),
    [
        *((identity, None, PostCategory.TECHNICAL, True) for identity in ("civil_servant", "like_civil_servant", "manager")),
        (PersonIdentity.PROFESSIONAL, None, PostCategory.TECHNICAL, False),
        (PersonIdentity.PROFESSIONAL, "no_leading_post", PostCategory.TECHNICAL, False),
        (PersonIdentity.PROFESSIONAL, "township_deputy", PostCategory.TECHNICAL, True),
        (PersonIdentity.STATE_ENTERPRISE, None, PostCategory.MANAGERIAL, True),
        (PersonIdentity.STATE_ENTERPRISE, None, PostCategory.TECHNICAL, False),
        (PersonIdentity.PROFESSIONAL, None, PostCategory.MANAGERIAL, False),
    ],
)
def test_civil_servants_leaders_and_managers_may_not_choose_to_go_later(
    identity: str, level: str | None, post: PostCategory, closed: bool
) -> None:  # domain §7.3
    chooser = person(identity=PersonIdentity(identity), leadership_level=level, post_category=post)

    assert late_is_closed(identity, level, post) is closed
    with refused(LateRetirementClosed if closed else None):
        ensure_late_open(chooser, "flexible_late")
    ensure_late_open(chooser, "flexible_early")
    ensure_late_open(chooser, None)


def test_another_category_than_post_and_title_say_fits_the_sex_and_is_grounded() -> None:
    woman, man = person(retirement_reason="组织认定"), person(sex=Sex.MALE, retirement_reason="组织认定")

    ensure_override_grounded(woman, Category.F50)
    ensure_override_grounded(person(), None)
    for chooser, override, refusal in (
        (man, Category.F55, RetirementCategoryMismatch),
        (woman, Category.M60, RetirementCategoryMismatch),
        (person(), Category.F50, RetirementReasonMissing),
    ):
        with refused(refusal):
            ensure_override_grounded(chooser, override)


def test_an_abolished_area_code_is_taken() -> None:  # trap: refusing abolished area codes
    assert checked_number(number(area="330419"), Sex.FEMALE, BORN) == number(area="330419")


def test_a_number_must_be_one_and_agree_with_sex_and_birth() -> None:
    with pytest.raises(IdNumberInvalid) as refusal:
        checked_number(number()[:-1] + "Y", Sex.FEMALE, BORN)
    assert number()[:-1] not in str(refusal.value)
    with pytest.raises(SexDiffersFromId):
        checked_number(number(male=True), Sex.FEMALE, BORN)
    with pytest.raises(BirthDiffersFromId):
        checked_number(number(), Sex.FEMALE, date(1970, 5, 21))
