"""A case whose workflow is lost goes on from the tables, wherever it stood."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.service import RPCError, RPCStatusCode

from services.approval.commands.reopening import reopen_cases
from services.approval.models.facts import Pinned
from services.approval.models.reopening import KeptCase, KeptLine
from services.approval.queries.reopening import kept_case
from services.approval.rules.reopening import carried
from services.roster.commands.parameters import SetParameter, set_parameter
from services.roster.rules.posts import months_after
from shared.auth import Who
from shared.clock import at_hour
from shared.db import By
from shared.documents import Renderer
from shared.glossary import ApplicationState, ApplicationType, EntryKind, Role
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from tests.approval.house import FRIDAY, House, eventually
from workflows import approval_steps as steps
from workflows.approval_messages import Content
from workflows.approval_steps import Phase, Step

pytestmark = pytest.mark.asyncio
Way = Callable[[House, uuid.UUID], Awaitable[None]]
RETURNED = ["application_received", "sent_back", "resubmitted"]
FILED = [
    *("application_received", "step_approved", "step_approved", "step_approved", "post_claimed", "effected"),
    *("document_rendered", "released_to_seal", "sealed", "filed_in_ledger"),
]


async def as_received(_: House, __: uuid.UUID) -> None:
    """Nobody has decided."""


async def half_way(home: House, application: uuid.UUID) -> None:
    for who in home.deciders[:2]:
        assert (await home.decide(application, who)).status_code == 200


async def mended(home: House, application: uuid.UUID, by: Who | None = None) -> None:
    await home.decide(application, home.deciders[0], verdict="return", reason_codes=["material_missing"], opinion="请补齐")
    again = {"unit_id": str(home.school), "kind": "SY", "funding": "full", "title": "数学教师", "justification": "已补齐", "revision": 1}
    assert (await home.post(by or home.clerk, f"/applications/{application}/resubmission", again)).status_code == 200
    await home.until(application, lambda seen: seen["step"] == "unit_head")


async def written(home: House, application: uuid.UUID) -> None:
    await home.approve(application)
    await home.until_state(application, "awaiting_release")


async def lose(home: House, application: uuid.UUID) -> None:
    """Temporal forgets the case, and it is taken up again."""
    handle = home.temporal.get_workflow_handle(f"approval:{application}")
    gone = DeleteWorkflowExecutionRequest(namespace=home.temporal.namespace, workflow_execution=WorkflowExecution(workflow_id=handle.id))
    await home.temporal.workflow_service.delete_workflow_execution(gone)

    async def is_known() -> bool:
        try:
            await handle.describe()
        except RPCError as error:
            return error.status is not RPCStatusCode.NOT_FOUND
        return True

    await eventually(is_known, lambda known: not known)
    async with home.database.transaction() as conn:
        assert await reopen_cases(conn, home.clock.offset()) == 1
    home.database.wake()


async def go_on(home: House, application: uuid.UUID, deciders: tuple[Who, ...]) -> list[str]:
    """To the end of the chain, the seal and the ledger; the timeline then."""
    for who in deciders:
        await eventually(lambda who=who: home.decide(application, who), lambda answer: answer.status_code == 200)  # type: ignore[misc]
    document = (await home.until_state(application, "awaiting_release"))["documents"][0]["id"]
    await eventually(lambda: home.post(home.sealer, f"/documents/{document}/release", {}), lambda answer: answer.status_code == 200)
    return [line["kind"] for line in (await home.until_state(application, "filed"))["timeline"]]


@pytest.mark.parametrize(("so_far", "left", "before"), [(as_received, 3, []), (half_way, 1, []), (mended, 3, RETURNED), (written, 0, [])])
async def test_a_lost_case_goes_on_where_its_timeline_ends(home: House, so_far: Way, left: int, before: list[str]) -> None:
    application = await home.submit()
    await so_far(home, application)

    await lose(home, application)

    assert await go_on(home, application, home.deciders[3 - left :]) == before + FILED


async def test_who_decided_before_the_loss_decides_no_other_step_and_a_repeat_gets_its_answer(home: House) -> None:
    application, officer = await home.submit(), home.deciders[1]
    await home.decide(application, home.deciders[0])
    about = {"revision": 1, "step": "business_review"}
    first = await home.decide(application, officer, key="decision-0001", **about)

    await lose(home, application)

    both = Who(officer.name, home.deciders[2].roles)
    await eventually(lambda: home.decide(application, both), lambda answer: answer.json().get("code") == "decided_before")
    assert (await home.decide(application, officer, key="decision-0001", **about)).json() == first.json()


async def test_who_mended_it_before_the_loss_signs_it_no_more_than_the_applicant(home: House) -> None:
    deputy = Who("deputy", frozenset({Role.UNIT_CLERK, Role.UNIT_HEAD}), (home.school,))
    application = await home.submit()
    await mended(home, application, deputy)
    before, listed = await home.decide(application, deputy), (await home.get(deputy, "/tasks"))["items"]
    acts = (await home.get(deputy, f"/applications/{application}"))["actions"]

    await lose(home, application)

    assert (before.json()["code"], listed, "approve" in acts) == ("own_case", [], False)
    await eventually(lambda: home.decide(application, deputy), lambda answer: answer.json().get("code") == "own_case")
    assert [each["id"] for each in (await home.get(home.deciders[0], "/tasks"))["items"]] == [str(application)]


@pytest.mark.parametrize("lost", [False, True])
async def test_an_authorised_use_is_valid_as_long_as_was_said_when_it_was_submitted(home: House, *, lost: bool) -> None:
    async def say(months: int, since: date) -> None:
        by = By("director", home.clock.now(), str(uuid.uuid4()), reason="测试")
        what = SetParameter(name="post_use_months", value=months, valid_from=since, source="编办规〔2026〕8号")
        await set_parameter(home.roster_database, by, what)

    await say(6, FRIDAY - timedelta(days=20))
    application = await home.submit()
    await say(24, FRIDAY - timedelta(days=10))
    if lost:
        await lose(home, application)

    await go_on(home, application, home.deciders)

    expires_on = await home.roster_database.pool.fetchval("SELECT expires_on FROM reservations WHERE application_id = $1", application)
    assert expires_on == months_after(FRIDAY, 6)


async def test_what_the_effect_left_is_asked_anew_for_a_notice_that_was_not_written(home: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> bytes:
        raise OSError("no paper")

    application = await home.submit()
    with monkeypatch.context() as paper:
        paper.setattr(Renderer, "pdf", broken)
        await home.approve(application)
        await home.until(application, lambda seen: seen["timeline"][-1]["kind"] == "effected")
        await lose(home, application)

    assert await go_on(home, application, ()) == FILED
    reserved = await home.roster_database.pool.fetchval("SELECT count(*) FROM reservations WHERE application_id = $1", application)
    assert reserved == 1


async def test_each_line_of_a_timeline_leads_to_its_phase(home: House) -> None:
    application = await home.submit()
    await written(home, application)
    async with home.database.reading() as conn:
        kept = await kept_case(conn, application)

    cut = [carried(replace(kept, lines=kept.lines[:length])) for length in range(len(kept.lines) + 1)]

    assert [each.case.phase for each in cut] == [
        *(Phase.SUBMITTED, Phase.REVIEW, Phase.REVIEW, Phase.REVIEW, Phase.CLAIM),
        *(Phase.EFFECT, Phase.DOCUMENT, Phase.RELEASE),
    ]
    assert [each.case.position for each in cut[1:4]] == [0, 1, 2]
    assert [each.held for each in cut] == [None, 1, 1, 1, 1, 1, None, None]


async def test_the_number_of_an_approval_that_came_to_nothing_says_nothing_of_the_next_one(home: House) -> None:
    application = await home.submit()
    await written(home, application)
    async with home.database.reading() as conn:
        kept = await kept_case(conn, application)
    assert kept.document is not None
    earlier = replace(kept.document, numbered_on=FRIDAY - timedelta(days=1))

    claimed_anew = carried(replace(kept, document=earlier, lines=kept.lines[:5]))

    assert (claimed_anew.case.phase, claimed_anew.decided_on) == (Phase.CLAIMED, FRIDAY)


@pytest.mark.parametrize(("before", "held"), [([], 1), (["application_received"], 1), (["application_received", "sent_back"], None)])
async def test_what_a_revision_held_that_another_followed_without_a_return_is_given_back(before: list[str], held: int | None) -> None:
    lines = tuple(
        KeptLine(
            number, EntryKind(kind), at_hour(FRIDAY, 10), "clerk", Role.UNIT_CLERK, None, "", "", ApplicationState.IN_REVIEW, 2, None, None
        )
        for number, kind in enumerate([*before, "resubmitted"], 1)
    )
    chain = (Step(code="unit_head", label="审签", role=Role.UNIT_HEAD, budget_days=2),)
    pinned = Pinned(ApplicationType.ENTRY, chain, Content(unit_id=uuid.uuid4(), kind="SY", funding="full"))
    kept = KeptCase(
        pinned=pinned, applicant="clerk", concerned=(), revision=2, blocked_by=(), lifted=(), deadline=None, document=None, lines=lines
    )

    assert carried(kept).held == held


async def test_a_case_that_an_ended_freeze_still_holds_is_freed_by_the_word_of_its_end() -> None:
    order, other = uuid.uuid4(), uuid.uuid4()
    chain = (Step(code="unit_head", label="审签", role=Role.UNIT_HEAD, budget_days=2),)
    content = Content(unit_id=uuid.uuid4(), kind="SY", funding="full")
    kept = KeptCase(
        pinned=Pinned(ApplicationType.POST_USE, chain, content),
        applicant="clerk",
        concerned=(),
        revision=1,
        blocked_by=(order,),
        lifted=(order, other),
        deadline=None,
        document=None,
        lines=(),
    )

    case = carried(kept).case

    freed = steps.unblock(case, order)
    assert case.blocked_by == (order,)
    assert (freed.blocked_by, set(freed.lifted)) == ((), {order, other})


TWO_STEPS = (
    Step(code="unit_head", label="审签", role=Role.UNIT_HEAD, budget_days=2),
    Step(code="business_review", label="审核", role=Role.BUSINESS_OFFICER, budget_days=5),
)


def line(number: int, kind: EntryKind, step: str | None = None, actor: str = "head", absent: str | None = None) -> KeptLine:
    at = at_hour(FRIDAY, 9 + number)
    return KeptLine(number, kind, at, actor, Role.UNIT_HEAD, absent, "", "", ApplicationState.IN_REVIEW, 1, step, None)


def kept_as(*lines: KeptLine) -> KeptCase:
    content = Content(unit_id=uuid.uuid4(), kind="SY", funding="full")
    return KeptCase(
        pinned=Pinned(ApplicationType.ENTRY, TWO_STEPS, content),
        applicant="clerk",
        concerned=(),
        revision=1,
        blocked_by=(),
        lifted=(),
        deadline=Deadline.start(FRIDAY, 2, load_calendar()),
        document=None,
        lines=lines,
    )


async def test_what_was_urged_reminded_and_decided_for_another_before_the_loss_is_known_after_it() -> None:
    so_far = (
        line(1, EntryKind.RECEIVED, "unit_head"),
        line(2, EntryKind.URGED, "unit_head", actor="clerk"),
        line(3, EntryKind.REMINDED, "unit_head"),
    )
    approved = line(4, EntryKind.APPROVED, "business_review", actor="deputy", absent="head")

    waiting, next_step = carried(kept_as(*so_far)), carried(kept_as(*so_far, approved))

    assert (waiting.reminded, waiting.case.urged_on, waiting.case.decided_by) == ((-1,), FRIDAY, ())
    assert (next_step.reminded, next_step.case.urged_on, next_step.case.decided_by) == ((), None, ("deputy", "head"))


@pytest.mark.parametrize(("before", "held"), [([], 1), ([EntryKind.SENT_BACK], None), ([EntryKind.REFUSED], None)])
async def test_what_was_withdrawn_before_the_loss_gives_back_what_no_return_has(before: list[EntryKind], held: int | None) -> None:
    kinds = [EntryKind.RECEIVED, *before, EntryKind.WITHDREW]

    found = carried(kept_as(*(line(number, kind) for number, kind in enumerate(kinds, 1))))

    assert (found.case.phase, found.held) == (Phase.WITHDRAWN, held)
