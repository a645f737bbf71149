"""Records histories of single stories that `test_replay.py` replays: `python -m tests.workflows.record_files NAME...`, a new name with each `patched()`."""

import asyncio
import itertools
import os
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import tests.workflows.rectification_play as play
from shared.glossary import EntryKind, Role
from shared.law.working_days import Calendar, DayKind
from tests.workflows import approval_play
from tests.workflows.recorded import keep
from tests.workflows.server import server
from tests.workflows.test_imports import KEPT, running
from workflows import approval_messages as messages
from workflows import imports
from workflows.clock import ClockMoved
from workflows.comparison import COMPARE, ComparisonStart, ComparisonWorkflow, workflow_id
from workflows.freeze_case import Decision
from workflows.journal import RECORD_AGAIN
from workflows.rectification_orders import Confirmation, Dismissal, ExtensionOrder, ExtensionRefusal, ExtensionRequest
from workflows.roster import EXPIRE_RESERVATIONS, TASK_QUEUE, Sweep, Verdict
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


async def release_refused(environment: WorkflowEnvironment) -> Any:
    """A freeze whose release the roster takes at the second time only."""
    async with play.freeze_on_stage(environment) as played:
        played.services.lifts = [Verdict(accepted=False, code="order_unknown", sentence="没有找到该冻结决定。")]
        signed = Decision(evidence=play.by(Role.OFFICE_DIRECTOR, "director-gu", "编冻〔2026〕1号"), approve=True)
        await played.order("decide", signed)
        for asked in (2, 4):
            while len(played.services.order_entries) < asked:  # noqa: ASYNC110  the stage has no event for it
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


async def extended(environment: WorkflowEnvironment) -> Any:
    """Asked for longer, declined, asked again and granted; meanwhile business time is moved."""
    async with play.rectification_on_stage(environment) as played:
        await played.serve()
        await played.order("ask_extension", ExtensionRequest(evidence=play.CLERK, days=3))
        await played.order("decline_extension", ExtensionRefusal(evidence=play.by()))
        await played.order("clock_moved", ClockMoved(offset=played.offset + timedelta(days=2)))
        await played.order("ask_extension", ExtensionRequest(evidence=play.CLERK, days=2))
        await played.order("extend", ExtensionOrder(evidence=play.by(), days=2))
        await played.accept()
        await played.handle.result()
        return await played.handle.fetch_history()


async def rectification_held(environment: WorkflowEnvironment) -> Any:
    """A line that the tables do not take, until it is tried again."""
    async with play.rectification_on_stage(environment) as played:
        await held_once(played.handle, played.services, played.order("dismiss", Dismissal(evidence=play.by())))
        await played.handle.result()
        return await played.handle.fetch_history()


async def approval_held(environment: WorkflowEnvironment) -> Any:
    """The same of an application that is withdrawn."""
    async with approval_play.Stage(environment).open(1000) as stage:
        played = await stage.play(approval_play.start(), approval_play.Services())
        await played.until(EntryKind.RECEIVED)
        withdrawing = played.tell("withdraw", messages.Withdrawal(by=approval_play.CLERK, reason="不再需要"))
        await held_once(played.handle, played.services, withdrawing)
        await played.handle.result()
        return await played.handle.fetch_history()


async def freeze_held(environment: WorkflowEnvironment) -> Any:
    """The same of an order that is declined."""
    async with play.freeze_on_stage(environment) as played:
        declining = Decision(evidence=play.by(Role.OFFICE_DIRECTOR, "director-gu"), approve=False)
        await held_once(played.handle, played.services, played.order("decide", declining))
        await played.handle.result()
        return await played.handle.fetch_history()


async def held_once(handle: Any, services: play.Services | approval_play.Services, order: Awaitable[Any]) -> None:
    """The line of this order is refused, and taken when it is tried again."""
    services.refuses = True
    with suppress(WorkflowUpdateFailedError):
        await order
    services.refuses = False
    await handle.execute_update(RECORD_AGAIN)


async def rectification_continued(_: WorkflowEnvironment) -> Any:
    """The first run of a case that goes on as new."""
    async with server(SHORT_RUNS) as environment, play.rectification_on_stage(environment) as played:
        await played.order("confirm", Confirmation(evidence=play.by(), title="整改通知书", demand="限期整改"))
        await moved_on(played)
        return await first_run(environment, played.handle)


async def freeze_continued(_: WorkflowEnvironment) -> Any:
    """The same of an order that is in force."""
    async with server(SHORT_RUNS) as environment, play.freeze_on_stage(environment, clock_offset=timedelta(0)) as played:
        await played.order("decide", Decision(evidence=play.by(Role.OFFICE_DIRECTOR, "director-gu", "编冻〔2026〕1号"), approve=True))
        await moved_on(played)
        return await first_run(environment, played.handle)


async def moved_on(played: play.Play) -> None:
    """Business time is moved until the run has become too long."""
    first, seconds = played.handle.first_execution_run_id, itertools.count(1)
    current = played.environment.client.get_workflow_handle(played.handle.id)
    while (await current.describe()).run_id == first:
        await current.execute_update("clock_moved", ClockMoved(offset=played.offset + timedelta(seconds=next(seconds))))


async def claim_continued(_: WorkflowEnvironment) -> Any:
    """A run of a claim that a freeze without a name refuses for hours."""
    unnamed = Verdict(accepted=False, code="frozen")
    async with server(SHORT_RUNS) as environment, approval_play.Stage(environment).open(1000) as stage:
        begin = approval_play.start(chain=approval_play.CHAIN[:1])
        played = await stage.play(begin, approval_play.Services(claims=100 * [unnamed]))
        await played.until(EntryKind.RECEIVED)
        await played.decide()
        while len(played.services.claimed) < 2:
            await played.pass_time(timedelta(seconds=11))
        run = (await played.handle.describe()).run_id
        while (await played.handle.describe()).run_id == run:
            await played.pass_time(timedelta(seconds=11))
        return await environment.client.get_workflow_handle(played.handle.id, run_id=run).fetch_history()


async def approval_went_on(environment: WorkflowEnvironment) -> Any:
    """The first run of an application that goes on as new: business time is moved, its days are counted anew, one line is taken late."""
    async with approval_play.Stage(environment).open(1000) as stage:
        friday = approval_play.at(play.FRIDAY)
        played = await stage.play(approval_play.start(entries_per_run=4, clock_offset=friday), approval_play.Services())
        await played.until(EntryKind.RECEIVED)
        run = (await played.handle.describe()).run_id
        await played.tell("clock_moved", ClockMoved(offset=friday + timedelta(minutes=1)))
        kinds = dict.fromkeys(play.CALENDAR.off, DayKind.OFF) | dict.fromkeys(play.CALENDAR.work, DayKind.WORK)
        newly = Calendar.of(kinds | {date(2026, 9, 21): DayKind.OFF}, play.CALENDAR.published)
        await played.tell("recount", messages.Recount(calendar=newly))
        await played.until(EntryKind.RECOUNTED)
        await played.decide()
        await played.decide()
        await played.until_run_after(run)
        return await first_run(environment, played.handle)


async def first_run(environment: WorkflowEnvironment, handle: Any) -> Any:
    return await environment.client.get_workflow_handle(handle.id, run_id=handle.first_execution_run_id).fetch_history()


async def ended(environment: WorkflowEnvironment) -> Any:
    """Cancelled while the platform is asked."""
    async with cancelled_meanwhile(environment) as handle:
        with suppress(WorkflowFailureError):
            await handle.result()
    return await handle.fetch_history()


@asynccontextmanager
async def cancelled_meanwhile(environment: WorkflowEnvironment) -> AsyncIterator[Any]:
    """A document whose run is cancelled while the platform, which never answers, is asked."""
    asked = asyncio.Event()

    @activity.defn(name=SEAL_DOCUMENT)
    async def seal(_: SealStart) -> bool:
        asked.set()
        await asyncio.Event().wait()
        return False

    start = SealStart(kind=Document.NOTICE, document_id=uuid.uuid4(), released_at=play.MORNING)
    async with answering(environment, SealWorkflow, SEAL_QUEUE, seal):
        case = sealing_id(start.kind, start.document_id)
        handle = await environment.client.start_workflow(SealWorkflow.run, start, id=case, task_queue="stage")
        await asked.wait()
        await handle.cancel()
        yield handle


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
    async with server(SHORT_RUNS) as environment, sealing(environment, answers) as (handle, _document):
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
    "freeze-held": freeze_held,
    "freeze-continued": freeze_continued,
    "freeze-release-refused": release_refused,
    "rectification-dismissed": dismissed,
    "rectification-extended": extended,
    "rectification-held": rectification_held,
    "rectification-continued": rectification_continued,
    "approval-held": approval_held,
    "approval-claim-continued": claim_continued,
    "approval-went-on": approval_went_on,
    "seal-ended": ended,
    "seal-sealed": sealed,
    "seal-waited": waited,
    "seal-continued": waited,
    "seal-heard": heard,
    "seal-sooner": sealed,
    "supervision-issued": issued,
    "sweep-swept": swept,
}


async def main(names: Sequence[str]) -> None:
    async with server() as environment:
        for name in names:
            keep(name, await STORIES[name](environment))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    os._exit(0)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)
