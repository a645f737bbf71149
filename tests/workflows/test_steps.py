"""The step machine: what it refuses, and what holds for any order of requests."""

import contextlib
from collections.abc import Callable
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.glossary import ApplicationState, ApplicationType, Role
from workflows import approval_steps as steps
from workflows.approval_steps import Case, Decider, Decision, Phase, Refusal, Step

CHAIN = (
    Step(code="unit_head", label="审签", role=Role.UNIT_HEAD, budget_days=2),
    Step(code="business_review", label="审核", role=Role.BUSINESS_OFFICER, budget_days=5),
    Step(code="director_approval", label="核准", role=Role.OFFICE_DIRECTOR, budget_days=3),
)
CLERK = Decider(actor="clerk", roles=(Role.UNIT_CLERK,))
HEAD = Decider(actor="head", roles=(Role.UNIT_HEAD,))
OFFICER = Decider(actor="officer", roles=(Role.BUSINESS_OFFICER,))
DIRECTOR = Decider(actor="director", roles=(Role.OFFICE_DIRECTOR,))
SEALER = Decider(actor="sealer", roles=(Role.SEAL_OPERATOR,))
ORDERS = tuple(UUID(int=number) for number in range(1, 4))
DOCUMENT = UUID(int=50)
TODAY = date(2026, 9, 18)


def submitted(application_type: ApplicationType = ApplicationType.POST_USE) -> Case:
    return Case(application_type=application_type, chain=CHAIN, applicant="clerk", concerned=("teacher",))


def in_review(application_type: ApplicationType = ApplicationType.POST_USE) -> Case:
    return steps.received(submitted(application_type))


def approval(case: Case, by: Decider) -> Decision:
    return Decision(by=by, verdict="approve", revision=case.revision, step=case.step.code if case.step else "")


def approved(case: Case) -> Case:
    for by in (HEAD, OFFICER, DIRECTOR):
        case = steps.decide(case, approval(case, by))
    return case


def refusal(change: Callable[[], Case]) -> str:
    with pytest.raises(Refusal) as refused:
        change()
    return refused.value.code


def test_approvals_walk_the_chain_and_end_at_the_claim() -> None:
    case = in_review()

    holders = []
    for by in (HEAD, OFFICER, DIRECTOR):
        holders.append(steps.holder_of(case))
        case = steps.decide(case, approval(case, by))

    assert holders == [Role.UNIT_HEAD, Role.BUSINESS_OFFICER, Role.OFFICE_DIRECTOR]
    assert case.phase is Phase.CLAIM


def test_a_decision_by_another_role_is_refused() -> None:
    case = in_review()

    assert refusal(lambda: steps.decide(case, approval(case, DIRECTOR))) == "wrong_person"


@pytest.mark.parametrize("name", ["clerk", "teacher"])
def test_nobody_decides_his_own_case_trap_36(name: str) -> None:
    case, by = in_review(), Decider(actor=name, roles=(Role.UNIT_HEAD,))

    assert refusal(lambda: steps.decide(case, approval(case, by))) == "own_case"


def test_nobody_decides_his_own_case_through_a_colleague() -> None:
    case, by = in_review(), HEAD.model_copy(update={"on_behalf_of": "clerk"})

    assert refusal(lambda: steps.decide(case, approval(case, by))) == "own_case"


@given(st.permutations(ORDERS), st.sets(st.sampled_from(ORDERS)), st.sets(st.sampled_from(ORDERS)), st.sets(st.sampled_from(ORDERS)))
def test_an_exception_frees_what_it_names_and_a_revision_without_it_is_held_again(
    told: list[UUID], first: set[UUID], second: set[UUID], ended: set[UUID]
) -> None:
    case = steps.excepting(submitted(), first)
    for order in told:
        case = steps.block(case, (order,))
    for order in ended:
        case = steps.unblock(case, order)
    before, again = case, steps.excepting(case, second)

    assert set(before.blocked_by) == set(ORDERS) - first - ended
    assert set(again.blocked_by) == set(ORDERS) - second - ended
    assert len(again.blocked_by) == len(set(again.blocked_by))


def test_whoever_wrote_a_revision_is_no_judge_of_the_case_also_after_another_has_mended_it() -> None:
    deputy = Decider(actor="deputy", roles=(Role.UNIT_CLERK, Role.UNIT_HEAD))
    returned = steps.decide(in_review(), approval(in_review(), HEAD).model_copy(update={"verdict": "return", "reason_codes": ("other",)}))
    second = steps.received(steps.resubmit(returned, 1, deputy))
    again = steps.decide(second, approval(second, HEAD).model_copy(update={"verdict": "return", "reason_codes": ("other",)}))

    third = steps.resubmit(again, 2, CLERK)

    assert third.authors == ("deputy", "clerk")
    for by in (deputy, CLERK, HEAD.model_copy(update={"on_behalf_of": "deputy"})):
        assert refusal(lambda by=by: steps.unless_written_by(third, by)) == "own_case"  # type: ignore[misc]
    assert steps.unless_written_by(third, HEAD) == third


def test_nobody_decides_two_steps_of_one_revision() -> None:
    both = Decider(actor="head", roles=(Role.UNIT_HEAD, Role.BUSINESS_OFFICER))
    case = steps.decide(in_review(), approval(in_review(), both))

    assert refusal(lambda: steps.decide(case, approval(case, both))) == "decided_before"


def test_whoever_was_stood_in_for_has_decided_or_written_as_much_as_who_did_it() -> None:
    case = in_review()
    second = steps.decide(case, approval(case, HEAD.model_copy(update={"actor": "deputy", "on_behalf_of": "head"})))
    mended = steps.resubmit(steps.sent_back(case), 1, CLERK.model_copy(update={"actor": "deputy", "on_behalf_of": "head"}))

    for names in ({"actor": "head"}, {"actor": "deputy"}, {"on_behalf_of": "head"}):
        by = OFFICER.model_copy(update=names)
        assert refusal(lambda by=by: steps.decide(second, approval(second, by))) == "decided_before"  # type: ignore[misc]
        assert refusal(lambda by=by: steps.unless_written_by(mended, by)) == "own_case"  # type: ignore[misc]


def test_a_decision_about_an_older_revision_is_refused() -> None:
    case = in_review()
    old = approval(case, HEAD)
    returned = steps.decide(case, old.model_copy(update={"verdict": "return", "reason_codes": ("other",)}))
    again = steps.received(steps.resubmit(returned, 1, CLERK))

    assert refusal(lambda: steps.decide(again, old)) == "stale_version"


def test_a_return_without_reasons_is_refused_trap_21() -> None:
    case = in_review()
    bare = approval(case, HEAD).model_copy(update={"verdict": "return"})

    assert refusal(lambda: steps.decide(case, bare)) == "reason_missing"


def test_a_decision_while_frozen_is_refused_and_a_withdrawal_is_not() -> None:
    case = steps.block(in_review(), ORDERS[:1])

    assert steps.state_of(case) is ApplicationState.PAUSED
    assert refusal(lambda: steps.decide(case, approval(case, HEAD))) == "paused"
    assert steps.withdraw(case).phase is Phase.WITHDRAWN


@pytest.mark.parametrize("never", [ApplicationType.EXIT, ApplicationType.CHANGE])
def test_an_exit_or_a_change_of_what_is_known_is_never_paused_trap_7(never: ApplicationType) -> None:
    case = steps.block(in_review(never), ORDERS)

    assert not case.is_paused
    assert steps.decide(case, approval(case, HEAD)).position == 1


def test_a_claim_made_before_the_freeze_stands() -> None:
    case = steps.block(steps.claimed(approved(in_review())), ORDERS)

    assert steps.state_of(case) is ApplicationState.EFFECTING
    assert case.blocked_by == ()


def test_a_freeze_that_comes_between_the_last_approval_and_the_claim_holds_it_and_counts_once() -> None:
    case = steps.block(steps.block(approved(in_review()), ORDERS[:1]), ORDERS[:1])

    assert steps.state_of(case) is ApplicationState.PAUSED
    assert case.blocked_by == ORDERS[:1]
    assert steps.claimed(case).blocked_by == ()  # the roster has granted it all the same


def test_a_withdrawal_after_the_effect_was_asked_for_is_refused() -> None:
    case = steps.effect_asked(steps.claimed(approved(in_review())))

    assert refusal(lambda: steps.withdraw(case)) == "effect_requested"


def test_what_waits_for_its_day_may_be_withdrawn() -> None:
    assert steps.withdraw(steps.claimed(approved(in_review()))).phase is Phase.WITHDRAWN


def test_whoever_was_concerned_stays_so() -> None:
    assert steps.concerning(submitted(), ("other", "teacher")).concerned == ("teacher", "other")


def test_a_second_withdrawal_is_refused() -> None:
    assert refusal(lambda: steps.withdraw(steps.withdraw(in_review()))) == "already_withdrawn"


def test_only_a_seal_operator_releases_the_document_and_not_his_own() -> None:
    case = steps.effected(steps.effect_asked(steps.claimed(approved(in_review()))))
    case = steps.rendered(case, DOCUMENT, "0" * 64)

    assert refusal(lambda: steps.release(case, DIRECTOR, DOCUMENT)) == "wrong_person"
    assert refusal(lambda: steps.release(case, SEALER.model_copy(update={"actor": "clerk"}), DOCUMENT)) == "own_case"
    assert refusal(lambda: steps.release(case, SEALER, UUID(int=51))) == "document_mismatch"
    assert steps.release(case, SEALER, DOCUMENT).phase is Phase.SEAL


def awaiting_release() -> Case:
    return steps.rendered(steps.effected(steps.effect_asked(steps.claimed(approved(in_review())))), DOCUMENT, "0" * 64)


@pytest.mark.parametrize("names", [{"actor": "teacher"}, {"on_behalf_of": "clerk"}, {"on_behalf_of": "teacher"}])
def test_whoever_is_concerned_or_stands_in_for_the_applicant_releases_no_document(names: dict[str, str]) -> None:
    assert refusal(lambda: steps.release(awaiting_release(), SEALER.model_copy(update=names), DOCUMENT)) == "own_case"


def test_a_seal_on_another_document_is_refused_and_only_the_sealed_one_is_filed() -> None:
    released = steps.release(awaiting_release(), SEALER, DOCUMENT)

    assert refusal(lambda: steps.seal_completed(released, UUID(int=51))) == "seal_mismatch"
    assert refusal(lambda: steps.filed(released)) == "wrong_state"
    assert refusal(lambda: steps.release(released, SEALER, DOCUMENT)) == "wrong_state"
    assert refusal(lambda: steps.seal_completed(steps.seal_completed(released, DOCUMENT), DOCUMENT)) == "wrong_state"
    assert steps.filed(steps.seal_completed(released, DOCUMENT)).phase is Phase.FILED


def test_what_is_filed_is_neither_decided_nor_withdrawn_and_what_is_not_received_yet_is_not_ready() -> None:
    filed = steps.filed(steps.seal_completed(steps.release(awaiting_release(), SEALER, DOCUMENT), DOCUMENT))

    assert refusal(lambda: steps.withdraw(filed)) == "already_filed"
    assert refusal(lambda: steps.decide(filed, approval(in_review(), HEAD))) == "already_filed"
    assert refusal(lambda: steps.decide(submitted(), approval(in_review(), HEAD))) == "not_ready"


def test_urging_twice_on_one_day_is_refused() -> None:
    case = steps.urge(in_review(), TODAY)

    assert refusal(lambda: steps.urge(case, TODAY)) == "urged_today"
    assert steps.urge(case, date(2026, 9, 19)).urged_on == date(2026, 9, 19)
    assert steps.decide(case, approval(case, HEAD)).urged_on is None  # the next holder is urged anew
    assert steps.sent_back(case).urged_on is None  # and whoever has the next revision


def test_nobody_is_urged_who_may_not_go_on_or_whose_move_it_is_not() -> None:
    assert refusal(lambda: steps.urge(steps.block(in_review(), ORDERS[:1]), TODAY)) == "paused"
    assert refusal(lambda: steps.urge(steps.sent_back(in_review()), TODAY)) == "wrong_state"


def test_what_a_freeze_pauses_is_mended_by_claiming_an_exception_alone() -> None:
    paused = steps.block(in_review(), ORDERS[:1])

    assert refusal(lambda: steps.resubmit(paused, 1, CLERK)) == "paused"
    assert steps.resubmit(paused, 1, CLERK, excepted=True).revision == 2
    assert refusal(lambda: steps.resubmit(in_review(), 1, CLERK, excepted=True)) == "wrong_state"


def test_what_was_returned_is_not_paused_by_a_freeze_and_is_mended_from_the_revision_that_was_read() -> None:
    returned = steps.block(steps.sent_back(in_review()), ORDERS[:1])

    assert steps.state_of(returned) is ApplicationState.RETURNED
    assert steps.holder_of(returned) is Role.UNIT_CLERK
    assert refusal(lambda: steps.resubmit(returned, 2, CLERK)) == "stale_version"
    assert steps.resubmit(returned, 1, CLERK).is_paused


def test_a_decision_about_another_step_of_the_same_revision_is_refused() -> None:
    early = approval(in_review(), HEAD).model_copy(update={"step": "business_review"})

    assert refusal(lambda: steps.decide(in_review(), early)) == "stale_version"


@given(st.permutations([("block", order) for order in ORDERS] + [("unblock", order) for order in ORDERS[:2]]))
def test_blocking_and_unblocking_commute(changes: list[tuple[str, UUID]]) -> None:
    case = in_review()

    for change, order in changes:
        case = steps.block(case, (order,)) if change == "block" else steps.unblock(case, order)

    assert case.blocked_by == ORDERS[2:]


REQUESTS: dict[str, Callable[[Case], Case]] = {
    "receive": steps.received,
    "head": lambda case: steps.decide(case, approval(case, HEAD)),
    "officer": lambda case: steps.decide(case, approval(case, OFFICER)),
    "director": lambda case: steps.decide(case, approval(case, DIRECTOR)),
    "return": lambda case: steps.decide(
        case, approval(case, HEAD if case.position == 0 else OFFICER).model_copy(update={"verdict": "return", "reason_codes": ("other",)})
    ),
    "resubmit": lambda case: steps.resubmit(case, case.revision, CLERK),
    "withdraw": steps.withdraw,
    "urge": lambda case: steps.urge(case, TODAY),
    "block": lambda case: steps.block(case, ORDERS[:1]),
    "unblock": lambda case: steps.unblock(case, ORDERS[0]),
    "claimed": steps.claimed,
    "refused": lambda case: steps.sent_back(case) if case.phase is Phase.CLAIM else case,
    "effect": steps.effect_asked,
    "effected": steps.effected,
    "rendered": lambda case: steps.rendered(case, DOCUMENT, "0" * 64),
    "release": lambda case: steps.release(case, SEALER, DOCUMENT),
    "sealed": lambda case: steps.seal_completed(case, DOCUMENT),
    "filed": steps.filed,
}
ONWARD = {
    Phase.SUBMITTED: "receive",
    Phase.RETURNED: "resubmit",
    Phase.CLAIM: "claimed",
    Phase.CLAIMED: "effect",
    Phase.EFFECT: "effected",
    Phase.DOCUMENT: "rendered",
    Phase.RELEASE: "release",
    Phase.SEAL: "sealed",
    Phase.FILING: "filed",
}


def onward(case: Case) -> str:
    """What leads on from where it stands: without it hardly a case of chance gets as far as the claim."""
    return ("head", "officer", "director")[case.position] if case.phase is Phase.REVIEW else ONWARD.get(case.phase, "withdraw")


@settings(max_examples=200)
@given(st.lists(st.just("onward") | st.sampled_from(sorted(REQUESTS)), min_size=20, max_size=60))
def test_in_any_order_of_requests_the_claim_needs_every_step_and_the_effect_is_final(requests: list[str]) -> None:
    case, approvals = submitted(), set[int]()

    for asked in requests:
        before, request = case, onward(case) if asked == "onward" else asked
        try:
            case = REQUESTS[request](case)
        except Refusal:
            continue
        if case.revision != before.revision:
            approvals = set()
            assert (case.position, case.decided_by) == (0, ())
        if request in {"head", "officer", "director"}:
            approvals.add(before.position)
            assert not before.blocked_by
        if case.phase is Phase.CLAIM:
            assert approvals == {0, 1, 2}
            assert set(case.decided_by) == {"head", "officer", "director"}
        if before.phase in steps.OVER:
            assert case.phase is before.phase
        if before.phase not in steps.WITHDRAWABLE:
            assert case.phase not in {Phase.WITHDRAWN, Phase.RETURNED} or before.phase is Phase.WITHDRAWN


@settings(max_examples=100)
@given(st.lists(st.sampled_from(["head", "officer", "director", "return", "resubmit", "receive", "block", "unblock"]), max_size=40))
def test_every_application_can_still_be_finished_or_withdrawn(requests: list[str]) -> None:
    case = submitted()
    for request in requests:
        with contextlib.suppress(Refusal):
            case = REQUESTS[request](case)

    case = steps.unblock(case, ORDERS[0])
    for request in ("resubmit", "receive", "head", "officer", "director"):
        with contextlib.suppress(Refusal):
            case = REQUESTS[request](case)

    assert case.phase is Phase.CLAIM
