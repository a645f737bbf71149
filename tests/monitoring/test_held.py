"""What the tables do not take: the case stands still for everybody to see, whoever decided is told, and goes on once the cause is mended."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from deploy.local.place import Place
from shared.temporal import NOT_RECORDABLE, unrecordable_is_final
from tests.monitoring.events import Town
from tests.monitoring.house import OFFICER, House, eventually, house
from workflows.rectification import workflow_id
from workflows.rectification_orders import Confirmation
from workflows.roster import Evidence

pytestmark = pytest.mark.asyncio
BODY = {"title": "整改通知书", "demand": "限期清退"}


@pytest_asyncio.fixture
async def monitoring(stack: Place, database: Callable[[str], str], kafka: tuple[str, str], tmp_path: Path) -> AsyncIterator[House]:
    async with house(stack, database, kafka, tmp_path) as made:
        yield made


async def opened(monitoring: House) -> str:
    """An issue whose case waits for its officer; its id."""
    town = Town()
    await monitoring.publish(town.registered(), town.over_quota())
    page = await eventually(lambda: monitoring.get(OFFICER, "/issues"), lambda page: bool(page["items"]))
    issue = str(page["items"][0]["id"])
    await eventually(
        lambda: monitoring.temporal.count_workflows("WorkflowType = 'RectificationWorkflow' AND ExecutionStatus = 'Running'"),
        lambda found: found.count > 0,
    )
    return issue


async def test_a_line_that_breaks_a_constraint_holds_its_case_until_the_cause_is_mended(monitoring: House) -> None:
    """Must fail when the activity is retried for ever: nobody would be told, and the page would look as if nothing had happened."""
    issue = f"/issues/{await opened(monitoring)}"
    await monitoring.database.execute("ALTER TABLE issue_entries ADD CONSTRAINT broken CHECK (act <> 'confirm') NOT VALID")

    decided = await monitoring.post(OFFICER, f"{issue}/confirmation", **BODY)
    page = await eventually(lambda: monitoring.get(OFFICER, issue), lambda page: page["held"] is not None)
    meanwhile = await monitoring.post(OFFICER, f"{issue}/dismissal", reason="核实不成立")
    too_early = await monitoring.post(OFFICER, f"{issue}/recording")
    await monitoring.database.execute("ALTER TABLE issue_entries DROP CONSTRAINT broken")
    mended = await monitoring.post(OFFICER, f"{issue}/recording")
    listed = (await monitoring.get(OFFICER, "/issues"))["items"][0]

    codes = [(answer.status_code, answer.json()["code"]) for answer in (decided, meanwhile, too_early)]
    assert codes == [(409, "not_recorded"), (409, "held"), (409, "not_recorded")]
    assert (page["held"], page["state"]) == ("not_recordable", "to_verify")
    assert (mended.json()["held"], mended.json()["state"], mended.json()["number"]) == (None, "notice_signed", "编整〔2026〕1号")
    assert listed["held"] is None


async def test_a_history_names_nobody_who_decided(monitoring: House) -> None:
    """The ids of updates stand there in plain; only what they carry is encrypted."""
    issue = await opened(monitoring)

    decided = await monitoring.post(OFFICER, f"/issues/{issue}/confirmation", **BODY)
    history = await monitoring.temporal.get_workflow_handle(workflow_id(UUID(issue), 1)).fetch_history()

    accepted = [event.workflow_execution_update_accepted_event_attributes.accepted_request.meta.update_id for event in history.events]
    assert (decided.status_code, any(accepted)) == (200, True)
    assert OFFICER.name not in "".join(accepted)


async def test_a_text_that_no_table_can_hold_is_refused_instead_of_tried_for_ever(monitoring: House) -> None:
    """The doors refuse it; whoever else reaches Temporal is told as well."""
    issue = await opened(monitoring)
    signed = Evidence(actor="officer-shen", role="supervision_officer", update_id="u")
    handle = monitoring.temporal.get_workflow_handle(workflow_id(UUID(issue), 1))

    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await handle.execute_update("confirm", Confirmation(evidence=signed, title="通知\x00", demand="限期清退"))

    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "not_recorded"
    assert await eventually(lambda: monitoring.get(OFFICER, f"/issues/{issue}"), lambda page: page["held"] is not None)


@pytest.mark.parametrize(
    ("kind", "attempt", "final"),
    [
        (asyncpg.CheckViolationError, 1, True),
        (asyncpg.NumericValueOutOfRangeError, 1, True),
        (asyncpg.UniqueViolationError, 1, False),
        (asyncpg.UniqueViolationError, 3, True),
        (asyncpg.ExclusionViolationError, 2, False),
        (asyncpg.DeadlockDetectedError, 9, False),
    ],
)
async def test_what_a_twin_in_flight_may_break_is_tried_again_and_the_value_is_never_told(
    kind: type[asyncpg.PostgresError], attempt: int, final: bool
) -> None:
    def record() -> None:
        with unrecordable_is_final():
            raise kind("Key (name)=(沈清和) already exists")

    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=attempt)

    with pytest.raises(ApplicationError if final else kind) as raised:
        environment.run(record)

    if isinstance(raised.value, ApplicationError):
        assert (raised.value.type, raised.value.non_retryable) == (NOT_RECORDABLE, True)
        assert "沈清和" not in f"{raised.value} {raised.value.details}"
