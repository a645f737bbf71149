"""Records the histories of the workflows of files that `test_replay.py` replays: `python -m tests.workflows.record_files NAME...`, a new name with each `patched()`."""

import asyncio
import os
import re
import sys
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

import tests.workflows.rectification_play as play
from tests.workflows.test_imports import KEPT, running
from workflows import imports
from workflows.clock import ClockMoved
from workflows.comparison import COMPARE, ComparisonStart, ComparisonWorkflow, workflow_id
from workflows.roster import TASK_QUEUE
from workflows.worker import runner

HISTORIES = Path(__file__).parent / "histories"


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


STORIES: dict[str, Callable[[WorkflowEnvironment], Awaitable[Any]]] = {"import-written": written, "comparison-compared": compared}


async def main(names: Sequence[str]) -> None:
    async with play.server() as environment:
        for name in names:
            text = (await STORIES[name](environment)).to_json()
            without_machine = re.sub(r'"identity": "[^"]*"', '"identity": "recorder"', text)
            (HISTORIES / f"{name}.json").write_text(without_machine + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
    os._exit(0)  # temporalio may crash at interpreter exit after all work is done (sdk-python#300)
