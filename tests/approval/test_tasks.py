"""Work lists: whose move it is, why, how long there is, and what one may do."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.approval.rules import tasks as rules
from shared.auth import Who
from shared.clock import at_hour
from shared.glossary import ApplicationState, Role
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from shared.law.term import term_of
from tests.approval.house import FRIDAY, House
from workflows.approval_steps import Step


async def listed(home: House, who: Who, query: str = "") -> list[Any]:
    found: list[Any] = (await home.get(who, f"/tasks?{query}"))["items"]
    return found


@pytest.mark.asyncio
async def test_an_application_passes_from_list_to_list_with_the_reason_why(home: House) -> None:
    head, officer, director = home.deciders
    application = await home.submit()
    await home.until(application, lambda seen: seen["step"] == "unit_head")
    first = await listed(home, head)
    assert await listed(home, officer) == []
    await home.decide(application, head)
    second = await listed(home, officer)

    assert [(each["id"], each["why"]) for each in first] == [(str(application), "“单位负责人审签”环节由单位负责人办理")]
    assert (first[0]["term"]["remaining"], first[0]["term"]["total"], first[0]["light"]) == (2, 2, "green")
    assert [(each["id"], each["why"]) for each in second] == [(str(application), "“业务科审核”环节由编办业务科办理")]
    assert await listed(home, head) == []
    assert [each["id"] for each in await listed(home, head, "tab=done")] == [str(application)]
    assert [each["id"] for each in await listed(home, home.clerk, "tab=started")] == [str(application)]
    assert await listed(home, director, "tab=done") == []

    await home.decide(application, officer, verdict="return", reason_codes=["material_missing"])
    back = await listed(home, home.clerk)
    assert [each["why"] for each in back] == ["已退回，由申请单位补正后重新提交"]


@pytest.mark.asyncio
async def test_what_came_of_it_is_to_be_read_once(home: House) -> None:
    application = await home.submit()
    await home.post(home.clerk, f"/applications/{application}/withdrawal", {"reason": "不再需要"})
    await home.until_state(application, "withdrawn")
    unread = await listed(home, home.clerk, "tab=to_read")
    await home.post(home.clerk, f"/applications/{application}/reading")

    assert [each["why"] for each in unread] == ["申请单位已撤回，请知悉"]
    assert await listed(home, home.clerk, "tab=to_read") == []


@pytest.mark.asyncio
async def test_nobody_finds_his_own_case_or_a_case_he_decided_among_what_he_has_to_decide(home: House) -> None:
    deputy = Who("deputy", frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD, Role.BUSINESS_OFFICER}), (home.school,))
    own, of_others = await home.submit(deputy), await home.submit()
    for application in (own, of_others):
        await home.until(application, lambda seen: seen["step"] == "unit_head")
    before = [each["id"] for each in await listed(home, deputy)]
    acts = (await home.get(deputy, f"/applications/{own}"))["actions"]
    await home.decide(of_others, deputy)

    assert (before, "approve" in acts) == ([str(of_others)], False)
    assert await listed(home, deputy) == []


@pytest.mark.asyncio
async def test_who_decided_a_step_and_keeps_the_seal_finds_the_notice_to_be_released(home: House) -> None:
    head, officer, director = home.deciders
    keeper = Who(officer.name, officer.roles | {Role.SEAL_OPERATOR})
    application = await home.submit()
    for who in (head, keeper, director):
        assert (await home.decide(application, who)).status_code == 200
    seen = await home.until_state(application, "awaiting_release")

    assert [each["id"] for each in await listed(home, keeper)] == [str(application)]
    assert (await home.get(keeper, f"/applications/{application}"))["actions"] == ["release"]
    assert (await home.post(keeper, f"/documents/{seen['documents'][0]['id']}/release")).status_code == 200


@pytest.mark.asyncio
async def test_a_list_is_narrowed_ordered_and_paged_and_counted(home: House) -> None:
    applications = [await home.submit(title=title) for title in ("甲", "乙", "丙%")]
    for application in applications:
        await home.until(application, lambda seen: seen["step"] == "unit_head")
    head = home.deciders[0]
    page = await home.get(head, "/tasks?sort=submitted&limit=2")
    rest = await home.get(head, f"/tasks?sort=submitted&limit=2&after={page['next']}")
    counts = await home.get(head, "/tasks/counts")

    assert [each["title"] for each in (*page["items"], *rest["items"])] == ["甲", "乙", "丙%"]
    assert [each["title"] for each in await listed(home, head, "sort=-submitted")] == ["丙%", "乙", "甲"]
    assert [each["title"] for each in await listed(home, head, "q=丙%25")] == ["丙%"]
    assert [each["title"] for each in await listed(home, head, "q=云栖&type=entry_application")] == []
    assert await listed(home, head, "light=red") == []
    assert (counts["todo"], counts["late"], rest["next"]) == (3, 0, None)
    for question in ("sort=number", "after=x", "tab=all", "limit=0", "nonsense=1"):
        answer = await home.approval.get(f"/tasks?{question}", headers=home.headers(head))
        assert answer.status_code in {409, 422}, question


@pytest.mark.asyncio
async def test_nothing_is_lost_between_two_pages_when_the_last_line_of_the_first_is_decided_meanwhile(home: House) -> None:
    applications = [await home.submit() for _ in range(3)]
    for application in applications:
        await home.until(application, lambda seen: seen["step"] == "unit_head")
    page = await home.get(home.deciders[0], "/tasks?limit=2")
    shown = [uuid.UUID(each["id"]) for each in page["items"]]
    await home.decide(shown[-1], home.deciders[0])
    await home.until(shown[-1], lambda seen: seen["step"] != "unit_head")

    rest = await home.get(home.deciders[0], f"/tasks?limit=2&after={page['next']}")

    assert sorted([*shown, *(uuid.UUID(each["id"]) for each in rest["items"])]) == sorted(applications)


@pytest.mark.asyncio
async def test_a_transfer_is_in_the_list_of_the_unit_that_applies_and_not_of_the_one_that_lets_the_person_go(home: House) -> None:
    other = await home.unit_beside()
    moving = {"unit_id": str(other), "from_unit_id": str(home.school), "person_id": await home.person_in_post()}
    taker, giver = (Who(f"head-{unit}", frozenset({Role.UNIT_HEAD, Role.UNIT_CLERK}), (unit,)) for unit in (other, home.school))
    clerk = Who("clerk-other", frozenset({Role.UNIT_CLERK}), (other, home.school))  # he sees whom he names
    application = await home.submit(clerk, type="transfer_application", effective_on="2026-09-18", **moving)
    await home.until(application, lambda seen: seen["step"] == "unit_head")

    assert [[each["id"] for each in await listed(home, who)] for who in (taker, giver)] == [[str(application)], []]
    assert [(await home.get(who, "/tasks/counts"))["todo"] for who in (taker, giver)] == [1, 0]
    assert (await home.decide(application, giver)).json()["code"] == "application_unknown"
    assert [(await home.get(who, f"/applications/{application}"))["actions"] for who in (taker, giver)] == [
        ["approve", "return", "urge", "withdraw"],
        [],
    ]


STEPS = (
    Step(code="a", label="甲", role=Role.UNIT_HEAD, budget_days=2),
    Step(code="b", label="乙", role=Role.OFFICE_DIRECTOR, budget_days=3),
)


@pytest.mark.parametrize(
    ("state", "step", "standings"),
    [
        (ApplicationState.IN_REVIEW, None, "cfffff"),
        (ApplicationState.IN_REVIEW, "b", "ddcfff"),
        (ApplicationState.PAUSED, "a", "dpffff"),
        (ApplicationState.RETURNED, None, "cfffff"),
        (ApplicationState.EFFECTING, None, "dddcff"),
        (ApplicationState.AWAITING_RELEASE, None, "ddddcf"),
        (ApplicationState.AWAITING_SEAL, None, "dddddc"),
        (ApplicationState.FILED, None, "dddddd"),
        (ApplicationState.WITHDRAWN, None, "dfffff"),
    ],
)
def test_the_way_of_an_application(state: ApplicationState, step: str | None, standings: str) -> None:
    way = rules.stages(STEPS, state, step, {}, ("clerk", datetime.now(UTC)))

    assert "".join(each.standing[0] for each in way) == standings


@pytest.mark.parametrize(
    ("day", "told"), [(FRIDAY, (0, 2, 0)), (date(2026, 9, 20), (0, 2, 0)), (date(2026, 9, 21), (1, 1, 0)), (date(2026, 9, 23), (2, 0, 1))]
)
def test_a_term_tells_used_left_and_late_days(day: date, told: tuple[int, int, int]) -> None:
    term = term_of(Deadline.start(FRIDAY, 2, load_calendar()), (-1, 0), at_hour(day, 9))

    assert term is not None
    assert (term.used, term.remaining, term.overdue) == told


def test_what_is_to_be_read_of_a_filed_case_says_that_its_notice_was_revoked() -> None:
    asked = rules.why

    assert asked("to_read", ApplicationState.FILED, None, None, revoked=False) == "已办结，请知悉"
    assert asked("to_read", ApplicationState.FILED, None, None, revoked=True) == "已决定撤销文书，请知悉"


def test_a_stage_tells_who_did_it_and_when_once_it_is_done() -> None:
    at = datetime.now(UTC)
    decided = {"a": ("head", at), "b": ("director", at)}

    second = rules.stages(STEPS, ApplicationState.IN_REVIEW, "b", decided, ("clerk", at))
    returned = rules.stages(STEPS, ApplicationState.RETURNED, None, decided, ("clerk", at))

    assert [(each.actor, each.at) for each in second] == [("clerk", at), ("head", at), *[(None, None)] * 4]
    assert [(each.actor, each.at) for each in returned] == [("clerk", at), *[(None, None)] * 5]
    assert [way[0].label for way in (second, returned)] == ["提交受理", "单位补正"], "who has to put it right is the unit"


def test_actions_depend_on_state_role_and_distance() -> None:
    office = frozenset({Role.OFFICE_DIRECTOR})
    clerk = frozenset({Role.UNIT_CLERK})
    asked = rules.actions

    assert asked(ApplicationState.IN_REVIEW, Role.OFFICE_DIRECTOR, office, impartial=True, urged_today=False) == ("approve", "return")
    assert asked(ApplicationState.IN_REVIEW, Role.OFFICE_DIRECTOR, office, impartial=False, urged_today=False) == ()
    assert asked(ApplicationState.PAUSED, Role.OFFICE_DIRECTOR, office, impartial=True, urged_today=False) == ()
    assert asked(ApplicationState.AWAITING_RELEASE, Role.SEAL_OPERATOR, office, impartial=True, urged_today=False) == ()
    assert asked(ApplicationState.IN_REVIEW, Role.UNIT_HEAD, clerk, impartial=True, urged_today=False) == ("urge", "withdraw")
    assert asked(ApplicationState.IN_REVIEW, Role.UNIT_HEAD, clerk, impartial=True, urged_today=True) == ("withdraw",)
    assert asked(ApplicationState.IN_REVIEW, None, clerk, impartial=True, urged_today=False) == ("withdraw",)
    assert asked(ApplicationState.PAUSED, Role.UNIT_HEAD, clerk, impartial=True, urged_today=False) == ("withdraw",)
    assert asked(ApplicationState.RETURNED, Role.UNIT_CLERK, clerk, impartial=True, urged_today=False) == ("resubmit", "withdraw")
    assert asked(ApplicationState.FILED, None, clerk, impartial=True, urged_today=False) == ()
    sealer = frozenset({Role.SEAL_OPERATOR})
    assert asked(ApplicationState.FILED, Role.SEAL_OPERATOR, sealer, impartial=True, urged_today=False) == ("release",)
    assert asked(ApplicationState.FILED, Role.SEAL_OPERATOR, sealer, impartial=False, urged_today=False) == ()
    assert asked(ApplicationState.FILED, None, office, impartial=True, urged_today=False, revocable=True) == ("revoke",)
    assert asked(ApplicationState.FILED, None, office, impartial=True, urged_today=False) == ()
    assert asked(ApplicationState.FILED, None, office, impartial=False, urged_today=False, revocable=True) == ()
    assert asked(ApplicationState.FILED, None, clerk | sealer, impartial=True, urged_today=False, revocable=True) == ()
    assert [
        bool(rules.withheld(*each, impartial=False))
        for each in (
            (ApplicationState.IN_REVIEW, Role.OFFICE_DIRECTOR, office),
            (ApplicationState.FILED, Role.SEAL_OPERATOR, sealer),
            (ApplicationState.IN_REVIEW, Role.UNIT_HEAD, office),
            (ApplicationState.RETURNED, Role.UNIT_CLERK, clerk),
        )
    ] == [True, True, False, False]
    assert rules.withheld(ApplicationState.IN_REVIEW, Role.OFFICE_DIRECTOR, office, impartial=True) == ""
    officer = frozenset({Role.BUSINESS_OFFICER})
    assert asked(ApplicationState.EFFECTING, None, officer, impartial=True, urged_today=False, unrecorded=True) == ("record_again",)
    assert asked(ApplicationState.EFFECTING, None, officer, impartial=True, urged_today=False) == ()
    assert asked(ApplicationState.EFFECTING, None, clerk, impartial=True, urged_today=False, awaits_day=True) == ("withdraw",)
    assert asked(ApplicationState.EFFECTING, None, officer, impartial=True, urged_today=False, awaits_day=True) == ()
    assert asked(ApplicationState.EFFECTING, None, clerk, impartial=True, urged_today=False, unrecorded=True) == ()
