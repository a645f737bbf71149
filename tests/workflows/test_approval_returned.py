"""Applications that go back: what is given back, and who may mend and decide them."""

import uuid
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowUpdateStage
from temporalio.worker import UnsandboxedWorkflowRunner

import tests.workflows.approval_play as play
from deploy.chaos.older_workflows import unpatched
from shared.glossary import ApplicationState, ApplicationType, EntryKind
from tests.workflows.approval_play import CHANGE, CLERK, ENTRY, HEAD, OFFICER, SEALER, start
from tests.workflows.server import server
from workflows import approval_messages as messages
from workflows.approval_steps import Decider
from workflows.roster import Verdict

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_refused_claim_returns_the_application_with_the_rosters_reason(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.approve_all()

    refused = await played.until(EntryKind.REFUSED)
    await played.until_given_back(1)
    await played.tell("resubmit", played.mended(1))
    await played.until(EntryKind.RECEIVED, 2)

    assert (refused.text, refused.reason_codes, refused.standing.state) == (
        "可用编制不足。",
        ("quota_exhausted",),
        ApplicationState.RETURNED,
    )
    assert played.services.given_back == [1]
    assert [(on.actor, on.reason) for on in played.services.given_back_on] == [("system", "可用编制不足。")]


async def test_what_a_returned_revision_held_is_given_back_also_when_the_next_one_is_there_at_once(stage: play.Stage) -> None:
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    played.services.may_claim.clear()
    await played.approve_all()
    played.services.may_record.clear()
    played.services.may_claim.set()
    await played.until(EntryKind.REFUSED)

    await played.handle.start_update("resubmit", played.mended(1), wait_for_stage=WorkflowUpdateStage.ACCEPTED)
    played.services.may_record.set()

    await played.until(EntryKind.RECEIVED, 2)
    assert played.services.given_back == [1]


async def test_what_the_roster_does_not_take_back_is_given_back_again_and_the_case_is_mended_meanwhile(stage: play.Stage) -> None:
    played = await stage.play(start(), play.Services(takes_back=False))
    await played.until(EntryKind.RECEIVED)
    await played.decide()
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.decide()
    await played.decide()
    await played.until(EntryKind.REFUSED)
    await played.until_given_back(1)

    await played.tell("resubmit", played.mended(1))
    played.services.takes_back = True
    await played.while_it_asks_again(EntryKind.RECEIVED, 2)

    assert await played.until(EntryKind.RECEIVED, 2)
    assert set(played.services.given_back) == {1}


async def test_what_the_roster_does_not_take_back_is_shown_until_it_has(stage: play.Stage) -> None:
    played = await stage.play(start(), play.Services(takes_back=False))
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.approve_all()
    refused = await played.until(EntryKind.REFUSED)
    mark = f"{refused.sequence} not_taken_back"
    await played.until_held(mark)

    played.services.takes_back = True
    await played.until_held(f"{mark} over")
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))

    assert await played.handle.result() == "withdrawn"
    assert set(played.services.held[:-1]) == {mark}


async def test_the_mark_of_what_was_not_taken_back_goes_in_a_later_run_too(stage: play.Stage) -> None:
    played = await stage.play(start(entries_per_run=1), play.Services(takes_back=False))
    await played.until(EntryKind.RECEIVED)
    played.services.claims = [Verdict(accepted=False, code="quota_exhausted", sentence="可用编制不足。")]
    await played.approve_all()
    refused = await played.until(EntryKind.REFUSED)
    await played.until_held(f"{refused.sequence} not_taken_back")
    await played.until_given_back(2)

    played.services.takes_back = True

    await played.until_held(f"{refused.sequence} not_taken_back over")


async def test_a_revocation_is_filed_once_the_roster_has_taken_back_what_nobody_used(stage: play.Stage) -> None:
    played = await stage.play(play.revocation(), play.Services(takes_back=False))
    await played.release()
    await played.until_asked_for_its_seal(1)
    await played.seal()
    await played.until_given_back(1)

    played.services.takes_back = True
    await played.while_it_asks_again(EntryKind.RECORDED)

    assert await played.until(EntryKind.RECORDED)
    assert len(played.services.recalled) > 1


async def test_an_entry_whose_reservation_cannot_be_held_goes_back(stage: play.Stage) -> None:
    services = play.Services(hold=Verdict(accepted=False, code="reservation_expired", sentence="核准已过有效期。"))
    begin = start(ApplicationType.ENTRY, content=play.content(**ENTRY))
    played = await stage.play(begin, services)
    refused = await played.until(EntryKind.REFUSED)

    assert refused.reason_codes == ("reservation_expired",)


@pytest.mark.parametrize(("kind", "what"), [(ApplicationType.ENTRY, ENTRY), (ApplicationType.CHANGE, CHANGE)])
async def test_every_way_out_gives_back_what_an_entry_or_a_change_holds(
    stage: play.Stage, kind: ApplicationType, what: dict[str, Any]
) -> None:
    played = await stage.play(start(kind, content=play.content(**what)))
    await played.until(EntryKind.RECEIVED)

    await played.decide("return")
    await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.content(**what)}))
    await played.until(EntryKind.RECEIVED, 2)
    await played.tell("withdraw", messages.Withdrawal(by=CLERK, reason="不再需要"))

    assert await played.handle.result() == "withdrawn"
    assert played.services.given_back == [1, 2]


async def test_of_a_change_begun_by_an_older_build_the_next_revision_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """Must fail under one name alone for the patch: of a run that began before it the SDK answers no to the end."""
    async with server() as environment:
        old, new = play.Stage(environment), play.Stage(environment)
        with monkeypatch.context() as build:
            build.setattr(workflow, "patched", unpatched)
            async with old.open(0, UnsandboxedWorkflowRunner()):
                played = await old.play(start(ApplicationType.CHANGE, content=play.content(**CHANGE)))
                await played.until(EntryKind.RECEIVED)
        before, new.services = list(played.services.holds), old.services
        async with new.open(0):
            await played.decide("return")
            await played.tell("resubmit", played.mended(1).model_copy(update={"content": play.content(**CHANGE)}))
            await played.until(EntryKind.RECEIVED, 2)

    assert (before, played.services.holds) == ([], [2])


async def test_a_mended_application_stays_with_its_units(stage: play.Stage) -> None:
    """The tables, the deciders' scopes and the freezes know the units of the submission only."""
    giver, other = uuid.UUID(int=5), uuid.UUID(int=2)
    played = await stage.play(start(ApplicationType.TRANSFER, content=play.content(from_unit_id=giver)))
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    units: list[dict[str, Any]] = [
        {"unit_id": other, "from_unit_id": giver},
        {"from_unit_id": other},
        {},
        {"from_unit_id": giver, "posts": 1},
    ]
    mended = [played.mended(1).model_copy(update={"content": play.content(**each)}) for each in units]

    codes = [await played.refused("resubmit", each) for each in mended[:3]]
    await played.tell("resubmit", mended[3])

    assert codes == ["unit_fixed"] * 3
    assert (await played.until(EntryKind.RESUBMITTED)).resubmission == mended[3]


async def test_whoever_rewrote_a_returned_application_neither_signs_nor_releases_it(stage: play.Stage) -> None:
    deputy = Decider(actor="deputy", roles=(*HEAD.roles, *SEALER.roles))
    played = await stage.play(start())
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1).model_copy(update={"by": deputy}))
    await played.until(EntryKind.RECEIVED, 2)

    codes = [await played.refused("decide", played.decision(verdict, by=deputy)) for verdict in ("approve", "return")]
    await played.approve_all()
    document = (await played.until(EntryKind.RENDERED)).document_id
    assert document is not None
    codes.append(await played.refused("release_document", messages.Release(by=deputy, document_id=document)))
    await played.release()

    assert codes == ["own_case"] * 3


async def test_whom_a_mended_application_is_about_decides_it_no_more_than_whom_the_first_was_about(stage: play.Stage) -> None:
    played = await stage.play(start(concerned=(OFFICER.actor,)))
    await played.until(EntryKind.RECEIVED)
    await played.decide("return")
    await played.tell("resubmit", played.mended(1).model_copy(update={"concerned": (HEAD.actor,)}))
    await played.until(EntryKind.RECEIVED, 2)

    codes = [await played.refused("decide", played.decision(by=by)) for by in (HEAD, OFFICER)]

    assert codes == ["own_case"] * 2
