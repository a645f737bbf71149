"""The roster's pure decisions."""

from datetime import date
from uuid import UUID, uuid4

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.roster.models.facts import PersonRecord, PostFacts, RowWords
from services.roster.models.fields import SHEETS
from services.roster.models.refusals import BirthDiffersFromId, Frozen, IdNumberInvalid, QuotaExhausted, SexDiffersFromId
from services.roster.rules.comparisons import Compared
from services.roster.rules.persons import checked_number, retirement_category, retirement_due, retirement_fact, title_level
from services.roster.rules.posts import ensure_available, ensure_may_claim, expiry, passed_freeze
from shared.events.roster import EstablishmentState
from shared.glossary import LeadingSide, PersonIdentity, PostCategory
from shared.law.citizen_id import check_digit
from shared.law.notices import load_calendar
from shared.law.retirement import Category, Sex
from workflows.roster import PostRequest

CALENDAR = load_calendar()
BORN = date(1970, 5, 20)


def test_registers_that_write_a_document_in_other_brackets_do_not_differ() -> None:
    number = Compared(SHEETS["roster"].by_name["entry_document_no"], LeadingSide.ASK, blank=False)

    assert number.same("测编〔2020〕1号", "测编[2020]1号")
    assert not number.same("测编〔2020〕1号", "测编[2020]11号")


def person(**facts: object) -> PersonRecord:
    usual: dict[str, object] = {
        "person_id": uuid4(),
        "name": "测试人员",
        "sex": Sex.FEMALE,
        "birth_on": BORN,
        "certified_birth_on": None,
        "identity": PersonIdentity.PROFESSIONAL,
        "post_category": PostCategory.TECHNICAL,
        "title": None,
        "professional_title": None,
        "retirement_override": None,
    }
    return PersonRecord(**(usual | facts))  # type: ignore[arg-type]  # a dictionary of defaults and what a test changes


def number(born: date = BORN, *, male: bool = False, area: str = "330499") -> str:
    first = f"{area}{born:%Y%m%d}30{1 if male else 2}"
    return first + check_digit(first)


@examples(*(st.integers(0, 500) for _ in range(4)), st.integers(1, 50))
def test_a_post_is_granted_only_from_what_this_row_has_left(quota: int, headcount: int, reserved: int, frozen: int, posts: int) -> None:
    row = EstablishmentState(kind="SY", funding="full", quota=quota, headcount=headcount, reserved=reserved, frozen=frozen)
    if quota - headcount - reserved - frozen >= posts:
        ensure_available(row, posts)
    else:
        with pytest.raises(QuotaExhausted):
            ensure_available(row, posts)


@examples(st.sets(st.integers(0, 4)), st.sets(st.integers(0, 4)), st.booleans())
def test_an_exception_passes_the_orders_it_names_and_no_other(in_force: set[int], named: set[int], claimed: bool) -> None:
    orders = [UUID(int=each) for each in sorted(in_force)]
    told = {"ground": "policy_placement", "document_no": "安置1号", "orders": [UUID(int=each) for each in named]}
    request = PostRequest.model_validate(
        {"application_id": uuid4(), "revision": 1, "application_type": "post_use_application", "unit_id": uuid4()}
        | {"kind": "SY", "funding": "full", "exception": told if claimed else None}
    )
    facts = PostFacts(
        EstablishmentState(kind="SY", funding="full", quota=1, headcount=0, reserved=0), True, "SY-1", RowWords({}), tuple(orders)
    )
    if in_force <= (named if claimed else set()):
        ensure_may_claim(request, facts, BORN)
    else:
        with pytest.raises(Frozen):
            ensure_may_claim(request, facts, BORN)
    passed = passed_freeze(request, orders)
    assert (passed.orders if passed else ()) == (tuple(orders) if claimed else ())


@pytest.mark.parametrize(
    ("facts", "category"),
    [
        ({"sex": Sex.MALE}, Category.M60),
        ({}, Category.F55),
        ({"post_category": PostCategory.MANUAL}, Category.F50),
        ({"identity": PersonIdentity.WORKER, "post_category": PostCategory.UNKNOWN}, Category.F50),
        ({"identity": PersonIdentity.LIKE_CIVIL_SERVANT, "post_category": PostCategory.UNKNOWN}, Category.F55),
        ({"identity": PersonIdentity.UNKNOWN, "post_category": PostCategory.UNKNOWN}, None),
        ({"title": "副县处级领导"}, Category.SPECIAL),
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


@pytest.mark.parametrize(
    ("authorised_on", "months", "last_day"),
    [
        (date(2025, 3, 17), 12, date(2026, 3, 17)),
        (date(2025, 10, 1), 12, date(2026, 10, 8)),  # National Day
        (date(2025, 9, 20), 12, date(2026, 9, 20)),  # a make-up Sunday works
        (date(2025, 8, 31), 6, date(2026, 2, 28)),  # a make-up Saturday, at the month's end
    ],
)
def test_a_validity_ends_on_the_same_day_number_or_the_next_working_day(authorised_on: date, months: int, last_day: date) -> None:
    assert expiry(authorised_on, months, CALENDAR) == last_day
