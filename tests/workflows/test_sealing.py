"""SealWorkflow on the real server: a platform that is away for weeks, and a document that is not to be sealed after all."""

import asyncio
import uuid
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from temporalio import activity, workflow
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError, CancelledError

import tests.workflows.rectification_play as play
from tests.workflows.record_files import ROUNDS, SHORT_RUNS, answered_meanwhile, answering, asked_again, cancelled_meanwhile, sealing, seals
from tests.workflows.server import server
from workflows.sealing import SealWorkflow
from workflows.sealing_messages import SEAL_DOCUMENT, Document, SealStart, workflow_id
from workflows.sealing_messages import TASK_QUEUE as SEAL_QUEUE
from workflows.tries import until_asked

pytestmark = pytest.mark.asyncio


@workflow.defn(name="SealWorkflow", sandboxed=False)
class Endless(SealWorkflow):
    """As it was before the patch."""

    @workflow.init
    def __init__(self, start: SealStart) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: SealStart) -> None:
        return await super().run(start)

    def _must_continue(self) -> bool:
        return False


async def test_a_document_that_waits_for_weeks_goes_on_as_new_by_its_own_clock_and_is_sealed() -> None:
    """Must fail when one run goes on for ever: at 51 200 events the server ends it, and nobody can seal the document."""
    answers = [*2 * ROUNDS * [False], True]
    async with server(SHORT_RUNS) as environment, sealing(environment, answers) as (handle, _):
        released = datetime.fromisoformat(await handle.query("next_due"))
        await asked_again(handle, answers, until=1)
        due, moved = datetime.fromisoformat(await handle.query("next_due")), await handle.query("clock_offset")
        await asked_again(handle, answers)
        await handle.result()
        run_id = (await environment.client.get_workflow_handle(handle.id).describe()).run_id

    assert run_id != handle.first_execution_run_id
    assert due - released >= (2 * ROUNDS - 1) * until_asked(1)
    assert timedelta(seconds=moved) >= (2 * ROUNDS - 2) * until_asked(1)
    assert answers == []


async def test_a_document_whose_answer_was_lost_is_asked_for_again_soon_and_then_ever_later() -> None:
    """Must fail when five minutes pass before the second asking: so long the document would lie there, sealed."""
    answers, dues = [*7 * [False], True], []
    async with server() as environment, sealing(environment, answers) as (handle, _):
        while len(answers) > 1:
            dues.append(datetime.fromisoformat(await handle.query("next_due")))
            await asked_again(handle, answers, until=len(answers) - 1)

    pauses = [(later - due).total_seconds() for due, later in pairwise(dues)]
    assert [pause // 30 * 30 for pause in pauses] == [60, 120, 240, 300, 300]


async def test_a_run_that_was_long_before_the_patch_goes_on_as_new_too() -> None:
    """Must fail when the patch is asked for under one name: the replayed run would remember its no."""
    answers = [*2 * ROUNDS * [False], True]
    async with server(SHORT_RUNS) as environment:
        async with sealing(environment, answers, Endless) as (handle, _):
            await asked_again(handle, answers, until=ROUNDS)
        async with answering(environment, SealWorkflow, SEAL_QUEUE, seals(answers)):
            await asked_again(handle, answers, until=1)
            run_id = (await environment.client.get_workflow_handle(handle.id).describe()).run_id

    assert run_id != handle.first_execution_run_id


async def test_a_platform_that_fails_is_asked_again_like_one_that_has_not_sealed_yet() -> None:
    """Must fail when a failure counts as sealed, or ends the run: nobody would ever see the document."""
    answers = [False, True]

    @activity.defn(name=SEAL_DOCUMENT)
    async def seal(_: SealStart) -> bool:
        if not answers.pop(0):
            raise ApplicationError("away", non_retryable=True)
        return True

    start = SealStart(kind=Document.NOTICE, document_id=uuid.uuid4(), released_at=play.MORNING, clock_offset=timedelta(0))
    async with server() as environment, answering(environment, SealWorkflow, SEAL_QUEUE, seal):
        handle = await environment.client.start_workflow(
            SealWorkflow.run, start, id=workflow_id(start.kind, start.document_id), task_queue="stage"
        )
        async with asyncio.timeout(60):
            while await handle.query("next_due") is None:  # noqa: ASYNC110  the failure is under way
                await asyncio.sleep(0.02)
            await asked_again(handle, answers)
            await handle.result()

    assert answers == []


async def test_who_ends_it_while_the_platform_is_asked_ends_it() -> None:
    async with server() as environment, cancelled_meanwhile(environment) as handle:
        with pytest.raises(WorkflowFailureError) as ended:
            await asyncio.wait_for(handle.result(), 60)

    assert isinstance(ended.value.cause, CancelledError)


async def test_an_answer_that_comes_while_the_platform_is_asked_is_heard() -> None:
    """Must fail when answers are counted after the asking only: the sealed document would lie there until the next asking."""
    async with server() as environment, answered_meanwhile(environment) as (handle, answers):
        await asyncio.wait_for(handle.result(), 60)

    assert answers == []
