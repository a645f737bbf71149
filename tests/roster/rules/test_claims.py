"""What an application claims, judged by every rule of its type."""

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from services.roster.models.facts import Nature, Placement, PostFacts, Reservation, RowWords
from services.roster.models.refusals import (
    ClaimRefusedByTombstone,
    ExitBeforeArrival,
    Frozen,
    KindNotAllowed,
    KindsApart,
    NotAuthorised,
    OffPostOfEstablishment,
    OffPostUntold,
    PastRetirement,
    PersonNotHere,
    PersonOnRoster,
    PostsNotOne,
    QuotaExhausted,
    QuotaTermOver,
    RequestIncomplete,
    ReservationExpired,
    ReservationRecalled,
    ReservationUnknown,
    SameUnit,
)
from services.roster.rules.persons import LATE
from services.roster.rules.posts import ensure_before_retirement, ensure_may_claim, passed_freeze
from shared.errors import DomainError
from shared.events.roster import EstablishmentState
from shared.glossary import ApplicationType, PersonIdentity, PostCategory
from shared.law.retirement import Sex
from tests.roster.rules.given import BORN, DAY, ONE, person, refused, row
from workflows.roster import PostRequest


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
