"""The roster's pure decisions."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.roster.models.codes import CodeRow
from services.roster.models.facts import Nature, PersonRecord, Placement, PostFacts, Reservation, RowWords
from services.roster.models.fields import SHEETS
from services.roster.models.refusals import (
    BirthDiffersFromId,
    ClaimRefusedByTombstone,
    DatesOutOfOrder,
    ExitBeforeArrival,
    Frozen,
    IdNumberInvalid,
    KindNotAllowed,
    KindsApart,
    LateRetirementClosed,
    NotAuthorised,
    NotOverQuota,
    NotOverSeats,
    OffPostOfEstablishment,
    OffPostUntold,
    PastRetirement,
    PersonNotHere,
    PersonOnRoster,
    PostsNotOne,
    QuotaBelowUse,
    QuotaExhausted,
    QuotaTermOver,
    RequestIncomplete,
    ReservationExpired,
    ReservationHeld,
    ReservationRecalled,
    ReservationUnknown,
    ReservationUsedUp,
    RetirementCategoryMismatch,
    RetirementReasonMissing,
    SameUnit,
    SeatsExhausted,
    SexDiffersFromId,
)
from services.roster.models.secondments import (
    ExtendSecondment,
    Limits,
    RenewalTooLate,
    SecondedAlready,
    Secondment,
    SecondmentEndedBefore,
    SecondmentForm,
    SecondmentNotLonger,
    SecondmentTooLong,
    SecondmentTooSoon,
    SecondPerson,
)
from services.roster.models.units import ReformOverfills, ReformOverfillsSeats
from services.roster.rules.codes import judged
from services.roster.rules.comparisons import MOVES, Compared, OurUnit, Units, found_again, may_be_answered
from services.roster.rules.persons import (
    LATE,
    checked_number,
    ensure_late_open,
    ensure_override_grounded,
    late_is_closed,
    retirement_category,
    retirement_due,
    retirement_fact,
    title_level,
)
from services.roster.rules.posts import (
    ensure_above_use,
    ensure_available,
    ensure_before_retirement,
    ensure_in_term,
    ensure_may_claim,
    ensure_may_grow,
    ensure_no_seat_vacant,
    ensure_on_no_roster,
    ensure_over_quota,
    ensure_seat_vacant,
    ensure_usable,
    expiry,
    passed_freeze,
)
from services.roster.rules.reforms import Level, ensure_no_more_over, ensure_no_more_over_seats, excess_of, seats_over, settled_causes
from services.roster.rules.secondments import ensure_may_begin, ensure_may_extend
from shared.errors import DomainError
from shared.events.roster import EstablishmentState, SeatsState
from shared.glossary import ApplicationType, DifferenceState, LeadingSide, OverQuotaCause, PersonIdentity, PostCategory
from shared.law.citizen_id import check_digit
from shared.law.notices import load_calendar
from shared.law.retirement import Category, Sex
from workflows.roster import PostRequest

CALENDAR = load_calendar()
BORN = date(1970, 5, 20)
DAY, ONE = date(2026, 9, 18), timedelta(days=1)
LIMITS = Limits(term=6, total=12, rest=24, notice=10)


def refused(refusal: type[DomainError] | None) -> Any:
    return pytest.raises(refusal) if refusal else nullcontext()


def test_registers_that_write_a_document_in_other_brackets_do_not_differ() -> None:
    number = Compared(SHEETS["roster"].by_name["entry_document_no"], LeadingSide.ASK, blank=False)

    assert number.same("测编〔2020〕1号", "测编[2020]1号")
    assert not number.same("测编〔2020〕1号", "测编[2020]11号")


def test_a_reform_that_fills_one_level_and_empties_another_of_the_same_name_is_refused() -> None:
    """Levels are told apart by their codes; an office's own may be called as one that ended."""

    def over(old: int, new: int) -> Counter[Level]:
        return seats_over(SeatsState(level=code, level_label="副职", approved=1, used=used) for code, used in (("d1", old), ("d2", new)))

    ensure_no_more_over_seats(over(3, 2), over(2, 2), None)
    with pytest.raises(ReformOverfillsSeats, match=r"改革后副职将超出领导职数 2 名，改革前为 0 名.*超职数的原因"):
        ensure_no_more_over_seats(over(3, 1), over(1, 3), None)


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


def row(quota: int, headcount: int, **more: Any) -> EstablishmentState:
    return EstablishmentState(**{"kind": "SY", "funding": "full", "quota": quota, "headcount": headcount, "reserved": 0, **more})


@pytest.mark.parametrize(("headcount", "reserved", "frozen"), [(4, 0, 0), (5, 0, 0), (6, 0, 0), (4, 1, 0), (3, 1, 0), (3, 1, 1)])
def test_whoever_finds_no_post_left_and_nobody_else_is_recorded_beyond_quota(headcount: int, reserved: int, frozen: int) -> None:
    full = headcount + reserved + frozen >= 5
    here = row(5, headcount, reserved=reserved, frozen=frozen)

    with refused(QuotaExhausted if full else None):
        ensure_available(here, 1)
    with refused(None if full else NotOverQuota):
        ensure_over_quota(here)


@pytest.mark.parametrize("used", range(4))
def test_whoever_finds_no_seat_left_and_nobody_else_is_recorded_beyond_the_number_of_leaders(used: int) -> None:
    seats = SeatsState(level="unit_deputy", approved=2, used=used)

    with refused(SeatsExhausted if used >= 2 else None):
        ensure_seat_vacant(seats)
    with refused(NotOverSeats if used < 2 else None):
        ensure_no_seat_vacant(seats)


def test_a_post_on_loan_is_taken_on_the_last_day_of_its_term_and_not_on_the_next() -> None:
    lent = row(1, 0, use_until=DAY)

    ensure_in_term(lent, DAY)
    with refused(QuotaTermOver):
        ensure_in_term(lent, DAY + ONE)
    ensure_in_term(row(1, 0), date.max)


@pytest.mark.parametrize(("quota", "cause", "refusal"), [(3, None, None), (2, None, QuotaBelowUse), (2, "policy", None)])
def test_a_quota_goes_down_to_what_is_in_use_and_below_it_with_a_recorded_cause(
    quota: int, cause: str | None, refusal: type[DomainError] | None
) -> None:
    with refused(refusal):
        ensure_above_use(5, row(quota, 2, reserved=1), cause)


@pytest.mark.parametrize("quota", [1, 2], ids=["as many as before", "more than before"])
def test_a_quota_that_does_not_fall_needs_no_cause_though_more_are_in_use(quota: int) -> None:
    ensure_above_use(1, row(quota, 2, reserved=1), None)


@pytest.mark.parametrize(
    ("wanted", "approved", "used", "refusal"),
    [(5, 5, 3, None), (6, 5, 3, Frozen), (7, 5, 7, None), (8, 5, 7, Frozen)],
    ids=["as many as before", "one more", "the surplus is approved", "more than the surplus"],
)
def test_a_freeze_stops_growth_and_not_the_approval_of_a_surplus(
    wanted: int, approved: int, used: int, refusal: type[DomainError] | None
) -> None:
    with refused(refusal):
        ensure_may_grow([uuid4()], wanted, approved, used)
    ensure_may_grow([], wanted, approved, used)


@pytest.mark.parametrize(
    ("ends", "refusal"),
    [([], None), ([DAY], None), ([DAY - ONE, DAY + ONE], PersonOnRoster), ([DAY - ONE, None], PersonOnRoster)],
    ids=["never in post", "he leaves on that day", "he leaves a day later", "he is in post"],
)
def test_whoever_leaves_one_unit_enters_another_on_the_same_day_and_not_before(
    ends: list[date | None], refusal: type[DomainError] | None
) -> None:  # the day of exit does not count
    with refused(refusal):
        ensure_on_no_roster(ends, DAY)


@pytest.mark.parametrize(
    ("facts", "refusal"),
    [
        ({}, None),
        ({"unspent": 2, "held": 1}, None),
        ({"unspent": 1, "held": 1}, ReservationHeld),
        ({"unspent": 0}, ReservationUsedUp),
        ({"expires_on": DAY - ONE}, ReservationExpired),
        ({"expires_on": DAY - ONE, "unspent": 0}, ReservationUsedUp),
        ({"recalled_on": DAY}, ReservationRecalled),
    ],
)
def test_an_authorised_post_is_good_to_its_last_day_and_for_one_alone(facts: dict[str, Any], refusal: type[DomainError] | None) -> None:
    usual: dict[str, Any] = {"id": uuid4(), "unit_id": uuid4(), "kind": "SY", "funding": "full", "posts": 2, "unspent": 1, "held": 0}
    days = {"authorisation_no": "用编〔2026〕1号", "authorised_on": DAY, "expires_on": DAY}

    with refused(refusal):
        ensure_usable(Reservation(**(usual | days | facts)), DAY)


UNIT, GIVER, PERSON = (UUID(int=each) for each in (1, 2, 3))
GRANTED = Reservation(UUID(int=4), UNIT, "SY", "full", 1, 1, 0, "用编〔2026〕1号", DAY, DAY)
NATURES = {
    "SY": Nature(True, "public", "事业编制"),
    "SYC": Nature(True, "public", "参公事业编制"),
    "BW": Nature(False, "off_establishment", "编外"),
}
ASKED: dict[ApplicationType, dict[str, Any]] = {
    ApplicationType.POST_USE: {"posts": 2},
    ApplicationType.ENTRY: {"person_id": PERSON, "reason_code": "open_recruitment", "reservation_id": GRANTED.id},
    ApplicationType.EXIT: {"person_id": PERSON, "reason_code": "retirement"},
    ApplicationType.TRANSFER: {"person_id": PERSON, "from_unit_id": GIVER},
}
POST_USE, ENTRY, EXIT, TRANSFER = ASKED


def held(unit_id: UUID, kind: str = "SY", ended_on: date | None = None) -> Placement:
    return Placement(uuid4(), PERSON, unit_id, kind, "full", BORN, ended_on, "", None, None, None, None, None, None, None)


def claim(kind: ApplicationType, facts: dict[str, Any], asked: dict[str, Any]) -> None:
    """One of its kind that may be claimed, but for what is said."""
    usual: dict[str, Any] = {
        "application_id": uuid4(),
        "revision": 2,
        "application_type": kind,
        "unit_id": UNIT,
        "kind": "SY",
        "funding": "full",
    }
    on_rosters = {EXIT: (held(UNIT),), TRANSFER: (held(GIVER),)}.get(kind, ())
    known: dict[str, Any] = {
        "establishment": row(2, 0),
        "kind_allowed": True,
        "category": "SY-1",
        "words": RowWords({}),
        "buried_revision": 1,
    }
    known |= {"reservation": GRANTED, "on_rosters": on_rosters, "natures": NATURES}
    ensure_may_claim(PostRequest.model_validate(usual | ASKED[kind] | asked), PostFacts(**(known | facts)), DAY)


@pytest.mark.parametrize("kind", ASKED)
def test_what_breaks_no_rule_is_claimed_and_what_woke_up_late_or_lacks_a_word_is_not(kind: ApplicationType) -> None:
    claim(kind, {}, {})
    with refused(ClaimRefusedByTombstone):
        claim(kind, {"buried_revision": 2}, {})
    for name in {"person_id", "reason_code", "from_unit_id"} & ASKED[kind].keys():
        with refused(RequestIncomplete):
            claim(kind, {}, {name: None})
    with refused(PostsNotOne if kind is not POST_USE else QuotaExhausted):
        claim(kind, {}, {"posts": 3})


@pytest.mark.parametrize("kind", [POST_USE, ENTRY, TRANSFER])
def test_nothing_is_said_of_posts_that_were_not_chosen_yet(kind: ApplicationType) -> None:
    missing = {"核准用编"} if kind is ENTRY else {"编制类型", "经费形式"}
    for name in ("kind", "funding") if kind is not ENTRY else ("kind",):
        with pytest.raises(RequestIncomplete) as lacking:
            claim(kind, {}, {name: "", "reservation_id": None})
        assert lacking.value.facts["field"] in missing


@pytest.mark.parametrize("kind", [EXIT, TRANSFER])
def test_nobody_leaves_a_post_on_or_before_the_day_he_came_to_it(kind: ApplicationType) -> None:
    came = held(UNIT if kind is EXIT else GIVER).started_on
    claim(kind, {}, {"effective_on": came + ONE})
    for day in (came, came - ONE):
        with refused(ExitBeforeArrival):
            claim(kind, {}, {"effective_on": day})


def test_nobody_comes_onto_a_post_after_his_month_of_retirement_but_as_off_establishment_staff() -> None:
    """Must fail when only the exit is judged by it: whoever retired last year would pass every check and be approved."""
    his = person(sex=Sex.MALE, birth_on=date(1970, 5, 20))  # 60 in 2030-05 and 17 months more
    claim(ENTRY, {"person": his}, {"effective_on": date(2031, 10, 31)})
    claim(ENTRY, {"person": None}, {"effective_on": date(2031, 11, 1)})
    claim(ENTRY, {"person": replace(his, flexible_retirement=LATE)}, {"effective_on": date(2031, 11, 1)})
    claim(
        ENTRY, {"person": person(post_category=PostCategory.UNKNOWN, identity=PersonIdentity.UNKNOWN)}, {"effective_on": date(2090, 1, 1)}
    )
    with pytest.raises(PastRetirement, match="法定退休时间是 2031-10"):
        claim(ENTRY, {"person": his}, {"effective_on": date(2031, 11, 1)})

    ensure_before_retirement(his, "off_establishment", date(2040, 1, 1))


def test_nobody_is_transferred_after_his_month_of_retirement_either() -> None:
    """Must fail when only an entry is judged by it: a transfer would end the finding at the giver and begin a post that nobody may begin."""
    his = person(sex=Sex.MALE, birth_on=date(1970, 5, 20))
    claim(TRANSFER, {"person": his}, {"effective_on": date(2031, 10, 31)})
    with refused(PastRetirement):
        claim(TRANSFER, {"person": his}, {"effective_on": date(2031, 11, 1)})


@pytest.mark.parametrize("kind", [POST_USE, ENTRY, TRANSFER])
def test_who_takes_a_post_is_stopped_by_a_freeze_a_kind_that_is_not_allowed_and_a_term_that_is_over(kind: ApplicationType) -> None:
    lent_out = {"establishment": row(2, 0, use_until=DAY)}
    for facts, refusal in (({"frozen_by": (uuid4(),)}, Frozen), ({"kind_allowed": False}, KindNotAllowed)):
        with refused(refusal):
            claim(kind, facts, {})
        claim(EXIT, facts, {})  # whoever goes takes none
    claim(kind, lent_out, {})
    with refused(QuotaTermOver):
        claim(kind, lent_out, {"effective_on": DAY + ONE})
    with refused(QuotaTermOver):
        claim(kind, {"establishment": row(2, 0, use_until=DAY - ONE)}, {})


@pytest.mark.parametrize(
    ("facts", "asked", "refusal"),
    [
        ({"establishment": row(1, 0, reserved=1)}, {}, None),
        ({}, {"reservation_id": None}, NotAuthorised),
        ({}, {"effective_on": DAY - ONE}, NotAuthorised),
        ({"reservation": None}, {}, ReservationUnknown),
        ({"reservation": None, "holds_one": True}, {}, ReservationUnknown),
        ({"reservation": replace(GRANTED, expires_on=DAY - ONE)}, {}, ReservationExpired),
        ({"reservation": replace(GRANTED, expires_on=DAY - ONE, held=1), "holds_one": True}, {}, None),
        ({"reservation": replace(GRANTED, recalled_on=DAY)}, {}, ReservationRecalled),
        ({"reservation": replace(GRANTED, recalled_on=DAY, held=1), "holds_one": True}, {}, ReservationRecalled),
        ({"on_rosters": (held(GIVER),)}, {}, PersonOnRoster),
        ({"on_rosters": (held(GIVER, ended_on=DAY),)}, {}, None),
        ({"on_rosters": (held(GIVER, ended_on=DAY + ONE),)}, {}, PersonOnRoster),
        ({"on_rosters": (held(GIVER, ended_on=DAY + ONE),)}, {"effective_on": DAY + ONE}, None),
        ({}, {"kind": "BW"}, OffPostUntold),
        ({}, {"kind": "BW", "off_post_kind": "1"}, OffPostUntold),
        ({}, {"kind": "BW", "off_post_kind": "1", "employment_form": "dispatch"}, None),
        ({}, {"employment_form": "dispatch"}, OffPostOfEstablishment),
    ],
)
def test_an_entry_stands_on_an_authorised_use_and_one_post_a_person(
    facts: dict[str, Any], asked: dict[str, Any], refusal: type[DomainError] | None
) -> None:  # 先核编后进人
    with refused(refusal):
        claim(ENTRY, facts, asked)


@pytest.mark.parametrize(
    ("kind", "facts", "asked", "refusal"),
    [
        (EXIT, {"on_rosters": (held(GIVER),)}, {}, PersonNotHere),
        (EXIT, {"on_rosters": (held(UNIT, ended_on=DAY),)}, {}, PersonNotHere),
        (EXIT, {"on_rosters": (held(UNIT, ended_on=DAY), held(UNIT))}, {}, None),
        (TRANSFER, {"on_rosters": (held(UNIT),)}, {}, PersonNotHere),
        (TRANSFER, {"on_rosters": (held(UNIT),)}, {"from_unit_id": UNIT}, SameUnit),
        (TRANSFER, {"establishment": row(2, 2)}, {}, QuotaExhausted),
        (TRANSFER, {}, {"kind": "SYC"}, None),
        (TRANSFER, {"on_rosters": (held(GIVER, "BW"),)}, {}, KindsApart),
    ],
)
def test_who_goes_is_there_and_a_transfer_stays_within_what_the_post_is(
    kind: ApplicationType, facts: dict[str, Any], asked: dict[str, Any], refusal: type[DomainError] | None
) -> None:
    with refused(refusal):
        claim(kind, facts, asked)


def lent(started_on: date, until: date, ended_on: date | None) -> Secondment:
    return Secondment(uuid4(), uuid4(), uuid4(), None, "某局", SecondmentForm.SECONDED_OUT, started_on, until, ended_on, None)


@pytest.mark.parametrize(
    ("started_on", "until", "baseline", "refusal"),
    [
        (date(2028, 6, 1), date(2028, 12, 1), False, None),
        (date(2028, 5, 31), date(2028, 6, 30), False, SecondmentTooSoon),
        (date(2028, 6, 1), date(2028, 12, 2), False, SecondmentTooLong),
        (date(2028, 6, 1), date(2028, 6, 1), False, None),
        (date(2028, 6, 1), date(2028, 5, 31), False, DatesOutOfOrder),
        (date(2026, 6, 1), date(2027, 12, 1), True, None),
        (date(2026, 5, 31), date(2026, 6, 30), True, SecondedAlready),
    ],
    ids=["two years later for six months", "a day before", "a day longer", "one day", "no day", "found at a first load", "not back yet"],
)
def test_a_loan_lasts_six_months_and_none_begins_within_two_years_of_the_last(
    started_on: date, until: date, baseline: bool, refusal: type[DomainError] | None
) -> None:  # domain §4.3
    what = SecondPerson(person_id=uuid4(), borrower="某局", started_on=started_on, until=until, baseline=baseline)

    with refused(refusal):
        ensure_may_begin(what, [lent(date(2026, 1, 1), date(2026, 6, 30), date(2026, 6, 1))], LIMITS)
    with refused(DatesOutOfOrder if refusal is DatesOutOfOrder else SecondedAlready):
        ensure_may_begin(what, [lent(date(2026, 1, 1), date(2026, 6, 30), None)], LIMITS)


@pytest.mark.parametrize(
    ("until", "notice_on", "refusal"),
    [
        (date(2027, 3, 2), date(2026, 9, 2), None),
        (date(2027, 3, 2), date(2026, 9, 3), RenewalTooLate),
        (date(2027, 3, 2), None, None),
        (date(2027, 3, 3), None, SecondmentTooLong),
        (date(2026, 9, 2), None, SecondmentNotLonger),
    ],
    ids=["filed in time", "filed a day late", "not judged", "a day beyond the total", "no longer than before"],
)
def test_a_loan_is_renewed_up_to_a_year_in_all_by_who_files_it_in_time(
    until: date, notice_on: date | None, refusal: type[DomainError] | None
) -> None:
    what = ExtendSecondment(secondment_id=uuid4(), until=until, notice_on=notice_on)

    with refused(refusal):
        ensure_may_extend(lent(date(2026, 3, 2), date(2026, 9, 2), None), what, LIMITS)
    with refused(SecondmentEndedBefore):
        ensure_may_extend(lent(date(2026, 3, 2), date(2026, 9, 2), date(2026, 9, 1)), what, LIMITS)


V, P = OverQuotaCause.VIOLATION, OverQuotaCause.POLICY


def figures(quota: int, headcount: int, reserved: int = 0) -> EstablishmentState:
    return EstablishmentState(kind="SY", funding="full", quota=quota, headcount=headcount, reserved=reserved)


def test_a_reform_nets_no_unit_with_another_and_counts_what_is_promised() -> None:
    assert excess_of([figures(5, 5, 1), figures(9, 1), figures(2, 4)]) == {("SY", "full"): 3}
    deputies = [SeatsState(level="deputy", level_label="单位副职", approved=approved, used=used) for approved, used in ((2, 3), (5, 1))]
    assert seats_over([*deputies, SeatsState(level="untold", approved=0, used=1)]) == {("deputy", "单位副职"): 1, ("untold", "untold"): 1}


@pytest.mark.parametrize(
    ("before", "after", "cause", "over"),
    [(0, 1, None, True), (1, 2, None, True), (2, 2, None, False), (2, 1, None, False), (0, 1, P, False)],
)
def test_a_reform_makes_no_greater_surplus_without_a_cause(before: int, after: int, cause: OverQuotaCause | None, over: bool) -> None:
    row, level = ("SY", "full"), ("deputy", "单位副职")
    with refused(ReformOverfills if over else None):
        ensure_no_more_over(Counter({row: before}), Counter({row: after}), cause, RowWords({}))
    with refused(ReformOverfillsSeats if over else None):
        ensure_no_more_over_seats(Counter({level: before}), Counter({level: after}), cause)


@pytest.mark.parametrize(
    ("arrived", "over", "explained", "cause", "settled"),
    [
        ((V, None), 0, 1, P, [None, None]),
        ((V, None, None), 3, 1, P, [V, P, P]),
        ((V, None, None), 2, 1, P, [V, None, P]),
        ((None, None), 1, 1, P, [None, None]),
        ((V, None), 2, 1, None, [V, None]),
        ((V, V), 2, 0, P, [V, V]),
    ],
)
def test_what_nothing_explains_of_a_surplus_is_the_reforms(
    arrived: tuple[OverQuotaCause | None, ...],
    over: int,
    explained: int,
    cause: OverQuotaCause | None,
    settled: list[OverQuotaCause | None],
) -> None:
    assert settled_causes(arrived, over, explained, cause) == settled


@pytest.mark.parametrize("state", DifferenceState)
def test_a_difference_that_is_found_again_comes_back_unless_it_waits_or_was_explained_and_says_the_same(state: DifferenceState) -> None:
    waits = state in {DifferenceState.TO_VERIFY, DifferenceState.ANSWERED, DifferenceState.IN_REVIEW}

    assert found_again(state, explained=False, same_facts=True) is (None if waits else DifferenceState.TO_VERIFY)
    assert found_again(state, explained=True, same_facts=True) is None
    assert found_again(state, explained=False, same_facts=False) is DifferenceState.TO_VERIFY
    assert found_again(state, explained=True, same_facts=False) is DifferenceState.TO_VERIFY
    assert may_be_answered(state) is (state in {DifferenceState.TO_VERIFY, DifferenceState.ANSWERED})


def test_the_office_moves_a_difference_on_and_back_to_the_unit_and_one_that_is_struck_off_nowhere() -> None:
    ends = {DifferenceState.RECTIFIED, DifferenceState.EXPLAINED}

    assert {state: set(to) for state, to in MOVES.items()} == {
        DifferenceState.TO_VERIFY: {DifferenceState.IN_REVIEW, *ends},
        DifferenceState.ANSWERED: {DifferenceState.TO_VERIFY, DifferenceState.IN_REVIEW, *ends},
        DifferenceState.IN_REVIEW: {DifferenceState.TO_VERIFY, *ends},
        DifferenceState.RECTIFIED: {DifferenceState.TO_VERIFY, DifferenceState.CLOSED},
        DifferenceState.EXPLAINED: {DifferenceState.TO_VERIFY, DifferenceState.CLOSED},
        DifferenceState.CLOSED: set(),
    }


def test_a_unit_is_found_by_its_code_before_any_name_and_by_a_name_that_only_one_has() -> None:
    first, second, third = (
        OurUnit(uuid4(), name, (code,), (name, also))
        for name, code, also in (("甲局", "A1", "老名"), ("乙局", "B2", "老名"), ("A1", "C3", "丙局"))
    )
    units = Units([first, second, third])

    assert [units.find(called) for called in ("Ａ1", "乙局", "丙 局", "老名", "没有", None)] == [
        *(first.unit_id, second.unit_id, third.unit_id),
        *(None, None, None),
    ]
    assert [units.shown(called) for called in ("B2", "老名", None)] == ["乙局", "老名", None]
    assert units.coded(None, "没有", "C3", "B2") == third.unit_id


def code(code: str, label: str, *aliases: str, row: int | None = None, set_: str = "岗位等级", since: str = "2026-09-10") -> CodeRow:
    return CodeRow(row=row, set=set_, code=code, label=label, aliases=aliases, since=since)


def test_a_word_has_one_meaning_in_a_set_however_it_is_written_and_whoever_added_it() -> None:
    (own,) = judged([code("HN-1", "特设岗位", "特岗")], {}, []).new
    known = {"post_grades": {"M01": "管理一级"}}

    again = judged([code("HN-1", "特设岗位", "特岗"), code("HN-2", "甲岗")], known, [own])
    clash = judged(
        [
            code("M01", "又一级", row=40),
            code("HN-2", "乙岗"),
            code("HN-3", "丙岗", "乙 岗"),
            code("HN-4", "乙岗"),
            code("HN-2", "乙岗", set_="行业"),
        ],
        known,
        [],
    )

    assert (again.same, [each.code for each in again.new], again.problems) == (1, ["HN-2"], [])
    assert clash.problems == [
        "第 40 行：“M01”已是“管理一级”的代码、名称或别名，请换一个。",
        "第 3 行：“乙岗”已是“乙岗”的代码、名称或别名，请换一个。",
        "第 4 行：“乙岗”已是“乙岗”的代码、名称或别名，请换一个。",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (code("A" * 30, "字" * 50), []),
        (code("A" * 31, "甲"), ["代码应为"]),
        (code("-A", "甲"), ["代码应为"]),
        (code("A", "字" * 51), ["名称"]),
        (code("A", "甲", "字" * 51), ["别名"]),
        (code("A", "甲", "无"), ["别名未填写"]),
        (code("A", "甲", since=""), ["启用日期未填写"]),
        (code("A", "甲", since="2026-09"), ["启用日期只有年月，请写完整日期。"]),
        (code("A", "甲", since="2026-13-01"), ["启用日期：日期不存在，请核对。"]),
        (code("A", "甲", set_="编制类型"), ["代码集“编制类型”与编制核定和进出编规则相连"]),
        (code("A", "甲", set_="没有的集"), ["没有名为“没有的集”的代码集。现有："]),
    ],
)
def test_what_a_code_may_look_like(row: CodeRow, said: list[str]) -> None:
    problems = judged([row], {}, []).problems

    assert len(problems) == len(said)
    assert all(words in problem for words, problem in zip(said, problems, strict=True)), problems
    assert not any("编制类型" in problem.partition("现有：")[2] for problem in problems)
