"""Records histories of single stories that `test_replay.py` replays: `python -m tests.workflows.record_files NAME...`, a new name with each `patched()`."""

import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import tests.workflows.rectification_play as play
from shared.glossary import Role
from tests.workflows.recorded import keep
from tests.workflows.test_imports import KEPT, running
from workflows import imports
from workflows.clock import ClockMoved
from workflows.comparison import COMPARE, ComparisonStart, ComparisonWorkflow, workflow_id
from workflows.freeze_case import Decision
from workflows.rectification_orders import Dismissal
from workflows.roster import EXPIRE_RESERVATIONS, TASK_QUEUE, Sweep
from workflows.schedules import Due, Nominal
from workflows.sealing import SealWorkflow
from workflows.sealing_messages import SEAL_COMPLETED, SEAL_DOCUMENT, Document, SealAnswered, SealStart
from workflows.sealing_messages import TASK_QUEUE as SEAL_QUEUE
from workflows.sealing_messages import workflow_id as sealing_id
from workflows.supervision import ISSUE_LISTS, SupervisionWorkflow
from workflows.sweep import MONITORING, SWEEP, SWEEP_DAY, SweepWorkflow
from workflows.worker import runner

SHORT_RUNS = "limit.historyCount.suggestContinueAsNew=30"
ROUNDS = 6


async def written(environment: WorkflowEnvironment) -> Any:
    """Checked, written, forgotten."""
    async with running(environment, 1000) as (handle, _, told):
        with environment.with_time_skipping_disabled():
            await handle.execute_update(imports.APPLY, told)
            await handle.execute_update("clock_moved", ClockMoved(offset=KEPT + timedelta(minutes=1)))
            await handle.result()
    return await handle.fetch_history()


async def compared(environment: WorkflowEnvironment) -> Any:
    """Compared."""

    @activity.defn(name=COMPARE)
    async def compare(_: ComparisonStart) -> None:
        pass

    client, run_id = environment.client, uuid.uuid4()
    workflows = Worker(client, task_queue="stage", workflows=[ComparisonWorkflow], workflow_runner=runner())
    async with workflows, Worker(client, task_queue=TASK_QUEUE, activities=[compare]):
        with environment.with_time_skipping_disabled():
            start = ComparisonStart(run_id=run_id)
            handle = await client.start_workflow(ComparisonWorkflow.run, start, id=workflow_id(run_id), task_queue="stage")
            await handle.result()
    return await handle.fetch_history()


async def unwanted(environment: WorkflowEnvironment) -> Any:
    """Checked, not wanted, forgotten."""
    async with running(environment, 1000) as (handle, _, told):
        with environment.with_time_skipping_disabled():
            await handle.execute_update(imports.CANCEL, told)
            while await handle.query("next_due") is None:  # noqa: ASYNC110  the check is still under way
                await asyncio.sleep(0.02)
            await handle.execute_update("clock_moved", ClockMoved(offset=KEPT + timedelta(minutes=1)))
            await handle.result()
    return await handle.fetch_history()


async def declined(environment: WorkflowEnvironment) -> Any:
    """A freeze that the director does not sign."""
    async with play.freeze_on_stage(environment) as played:
        await played.order("decide", Decision(evidence=play.by(Role.OFFICE_DIRECTOR, "director-gu"), approve=False))
        await played.handle.result()
        return await played.handle.fetch_history()


async def released_early(environment: WorkflowEnvironment) -> Any:
    """A freeze that is released by decision of the commission while its issues are open."""
    async with play.freeze_on_stage(environment) as played:
        signed = Decision(evidence=play.by(Role.OFFICE_DIRECTOR, "director-gu", "编冻〔2026〕1号"), approve=True)
        await played.order("decide", signed)
        while len(played.services.order_entries) < 2:  # noqa: ASYNC110  the stage has no event for it
            await asyncio.sleep(0.02)
        await played.order("decide_release", signed.model_copy(update={"early": True}))
        await played.handle.result()
        return await played.handle.fetch_history()


async def dismissed(environment: WorkflowEnvironment) -> Any:
    """A finding that does not hold."""
    async with play.rectification_on_stage(environment) as played:
        await played.order("dismiss", Dismissal(evidence=play.by()))
        await played.handle.result()
        return await played.handle.fetch_history()


async def sealed(environment: WorkflowEnvironment) -> Any:
    """The platform is away, asked again, and answers at last."""
    answers = [False, False, True]
    async with sealing(environment, answers) as (handle, document):
        await handle.execute_update("clock_moved", ClockMoved(offset=timedelta(minutes=6)))
        while len(answers) > 1:  # noqa: ASYNC110  the stage has no event for it
            await asyncio.sleep(0.02)
        await handle.execute_update(SEAL_COMPLETED, SealAnswered(document_id=document))
        await handle.result()
    return await handle.fetch_history()


async def waited(_: WorkflowEnvironment) -> Any:
    """The platform is away for longer than one run lasts."""
    answers = [*ROUNDS * [False], True]
    async with play.server(SHORT_RUNS) as environment, sealing(environment, answers) as (handle, _document):
        await asked_again(handle, answers)
        await handle.result()
        return await environment.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id).fetch_history()


async def heard(environment: WorkflowEnvironment) -> Any:
    """The answer comes while the platform is still asked."""
    async with answered_meanwhile(environment) as (handle, _):
        await handle.result()
    return await handle.fetch_history()


@asynccontextmanager
async def answered_meanwhile(environment: WorkflowEnvironment) -> AsyncIterator[tuple[Any, list[bool]]]:
    """A document whose answer is told to its run before the first asking has said that there is none."""
    asked, told, answers, document = asyncio.Event(), asyncio.Event(), [False, True], uuid.uuid4()

    @activity.defn(name=SEAL_DOCUMENT)
    async def seal(_: SealStart) -> bool:
        asked.set()
        await told.wait()
        return answers.pop(0)

    start = SealStart(kind=Document.NOTICE, document_id=document, released_at=play.MORNING)
    async with answering(environment, SealWorkflow, SEAL_QUEUE, seal):
        handle = await environment.client.start_workflow(SealWorkflow.run, start, id=sealing_id(start.kind, document), task_queue="stage")
        await asked.wait()
        await handle.execute_update(SEAL_COMPLETED, SealAnswered(document_id=document))
        told.set()
        yield handle, answers


async def asked_again(handle: Any, answers: list[bool], until: int = 0) -> None:
    """Let the five minutes go by again and again, until so many answers are left."""
    while len(answers) > until:
        left, due = len(answers), datetime.fromisoformat(await handle.query("next_due"))
        await handle.execute_update("clock_moved", ClockMoved(offset=due - datetime.now(UTC)))
        while len(answers) == left:  # noqa: ASYNC110  the stage has no event for it
            await asyncio.sleep(0.02)
        while left > 1 and await handle.query("next_due") is None:  # noqa: ASYNC110  as above
            await asyncio.sleep(0.02)


def seals(answers: list[bool]) -> Callable[..., Any]:
    """A platform that gives these answers, one after the other."""

    @activity.defn(name=SEAL_DOCUMENT)
    async def seal(_: SealStart) -> bool:
        return answers.pop(0)

    return seal


@asynccontextmanager
async def sealing(
    environment: WorkflowEnvironment, answers: list[bool], kind: type[SealWorkflow] = SealWorkflow
) -> AsyncIterator[tuple[Any, uuid.UUID]]:
    """A document whose platform gives these answers; the first is there."""
    document = uuid.uuid4()
    start = SealStart(kind=Document.NOTICE, document_id=document, released_at=play.MORNING, clock_offset=timedelta(0))
    async with answering(environment, kind, SEAL_QUEUE, seals(answers)):
        handle = await environment.client.start_workflow(SealWorkflow.run, start, id=sealing_id(start.kind, document), task_queue="stage")
        while await handle.query("next_due") is None:  # noqa: ASYNC110  the first answer is under way
            await asyncio.sleep(0.02)
        yield handle, document


async def issued(environment: WorkflowEnvironment) -> Any:
    """The weekly lists of one day."""

    @activity.defn(name=ISSUE_LISTS)
    async def issue(_: Due) -> int:
        return 2

    async with answering(environment, SupervisionWorkflow, MONITORING, issue):
        handle = await environment.client.start_workflow(
            SupervisionWorkflow.run, Nominal(at=play.MORNING), id="supervision:daily", task_queue="stage"
        )
        await handle.result()
    return await handle.fetch_history()


async def swept(environment: WorkflowEnvironment) -> Any:
    """The sweep of one day."""

    @activity.defn(name=SWEEP_DAY)
    async def day(due: Due) -> Due:
        return due

    @activity.defn(name=EXPIRE_RESERVATIONS)
    async def expire(_: Sweep) -> int:
        return 1

    @activity.defn(name=SWEEP)
    async def judge(_: Due) -> int:
        return 3

    async with (
        answering(environment, SweepWorkflow, MONITORING, day, judge),
        Worker(environment.client, task_queue=TASK_QUEUE, activities=[expire]),
    ):
        handle = await environment.client.start_workflow(SweepWorkflow.run, Nominal(at=play.MORNING), id="sweep:daily", task_queue="stage")
        await handle.result()
    return await handle.fetch_history()


@asynccontextmanager
async def answering(environment: WorkflowEnvironment, kind: type, queue: str, *activities: Callable[..., Any]) -> AsyncIterator[None]:
    client = environment.client
    workflows = Worker(client, task_queue="stage", workflows=[kind], workflow_runner=runner())
    async with workflows, Worker(client, task_queue=queue, activities=activities):
        with environment.with_time_skipping_disabled():
            yield


STORIES: dict[str, Callable[[WorkflowEnvironment], Awaitable[Any]]] = {
    "import-written": written,
    "import-unwanted": unwanted,
    "comparison-compared": compared,
    "freeze-declined": declined,
    "freeze-released-early": released_early,
    "rectification-dismissed": dismissed,
    "seal-sealed": sealed,
    "seal-waited": waited,
    "seal-continued": waited,
    "seal-heard": heard,
    "seal-sooner": sealed,
    "supervision-issued": issued,
    "sweep-swept": swept,
}


async def main(names: Sequence[str]) -> None:
    async with play.server() as environment:
        for name in names:
            keep(name, await STORIES[name](environment))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    os._exit(0)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)
