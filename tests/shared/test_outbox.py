"""The outbox: order per key, whatever is killed; each destination on its own; what was asked once is asked once."""

import asyncio
import random
from collections.abc import Collection, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import BaseModel
from temporalio import activity
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from deploy.bootstrap import prepare_namespace
from deploy.local.place import Place
from shared import listening, outbox
from shared.consumer import Subscription
from shared.db import Connection, Database
from shared.errors import Unavailable
from shared.kafka import KafkaSender
from shared.lanes import Lanes
from shared.outbox import BODY_LIMIT, LANES, relay
from shared.temporal import TemporalSender, connect, decide, serve_activities
from tests.shared.given import Kit, by, changed, doubles, first_occurrences, kill, process, start, taken, until

VERSIONS = 60
UNITS = 8


class Argument(BaseModel):
    """What a workflow is started with."""

    text: str = "x"


async def write(database: Database, units: Sequence[UUID], versions: range) -> None:
    """Each version of each unit in a transaction of its own, units side by side."""

    async def one(unit_id: UUID) -> None:
        for version in versions:
            async with database.transaction() as conn:
                await outbox.append(conn, by(), changed(unit_id, version))
            database.wake()

    await asyncio.gather(*(one(unit) for unit in units))


async def empty(kit: Kit) -> bool:
    return await kit.count("outbox") == 0


@pytest.mark.asyncio
@pytest.mark.parametrize("relays", [1, 2, 4])
async def test_order_per_key_holds_while_relays_are_killed_and_nothing_is_lost(kit: Kit, relays: int) -> None:
    units = [uuid4() for _ in range(UNITS)]
    arguments = ("relay", kit.url, *kit.kafka)
    running = [await start(*arguments) for _ in range(relays)]
    chance = random.Random(relays)
    writing = asyncio.create_task(write(kit.database, units, range(1, VERSIONS + 1)))

    for _ in range(4):
        await asyncio.sleep(0.7)
        victim = chance.randrange(relays)
        await kill(running[victim])
        running[victim] = await start(*arguments)
    await writing
    await until(lambda: empty(kit))
    await asyncio.gather(*(kill(each) for each in running))

    assert first_occurrences(await taken(kit.kafka)) == {str(unit): list(range(1, VERSIONS + 1)) for unit in units}


@pytest.mark.asyncio
async def test_relays_side_by_side_send_each_row_once(kit: Kit) -> None:
    units = [uuid4() for _ in range(40)]
    arguments = ("relay", kit.url, *kit.kafka)
    async with process(*arguments), process(*arguments), process(*arguments):
        await until(lambda: shared_out(kit, 3))
        await write(kit.database, units, range(1, 11))
        await until(lambda: empty(kit))

    found = await taken(kit.kafka)
    assert (len(found), doubles(found)) == (400, 0)


async def shared_out(kit: Kit, relays: int) -> bool:
    """Whether so many relays own lanes."""
    owners: int = await kit.database.pool.fetchval(
        "SELECT count(DISTINCT pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND mode = 'ExclusiveLock'"
        " AND classid = hashtext($1)::oid",
        "outbox:identity:kafka",
    )
    return owners == relays


@pytest.mark.asyncio
async def test_a_relay_that_is_told_to_end_in_the_moment_it_is_stirred_ends(kit: Kit) -> None:
    """What is cancelled as what it waits for comes must not go on: a worker would outlive its SIGTERM."""
    stirred, lanes = asyncio.Event(), SimpleNamespace(owned=set(LANES))
    conn = await asyncpg.connect(kit.url)
    relaying = asyncio.create_task(outbox._send_for_a_while(conn, cast("Lanes", lanes), KafkaSender(*kit.kafka), stirred, 3600.0))
    await until(lambda: waited_for(stirred))
    stirred.set()
    await asyncio.sleep(0)
    relaying.cancel()
    await asyncio.wait([relaying], timeout=20)
    await conn.close()

    assert relaying.cancelled()


async def waited_for(stirred: asyncio.Event) -> bool:
    return bool(stirred._waiters)  # asyncio tells nobody


class Slow:
    """A destination that takes one row at a time."""

    name = "kafka"

    async def ready(self, _: Connection) -> bool:
        return True

    def passed_over(self) -> Collection[str]:
        return ()

    async def forget(self, conn: Connection, sent: Collection[int]) -> None:
        await conn.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", list(sent))

    async def send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        await asyncio.sleep(0.01)
        return [rows[0]["id"]]


class Broken:
    """What it was doing in a transaction is rolled back over a connection that is gone."""

    name = "broken"

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def ready(self, _: Connection) -> bool:
        self.asked.set()
        try:
            return await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise asyncpg.InterfaceError("connection is closed") from None


@pytest.mark.asyncio
async def test_a_relay_that_is_told_to_end_as_its_connection_is_lost_ends(kit: Kit) -> None:
    """A worker would outlive its SIGTERM."""
    broken = Broken()
    relaying = asyncio.create_task(relay(kit.database, kit.url, cast("outbox.Sender", broken)))
    await broken.asked.wait()
    relaying.cancel()
    _, late = await asyncio.wait([relaying], timeout=10)
    relaying.cancel()

    assert not late


@pytest.mark.asyncio
async def test_a_relay_that_is_never_idle_still_gives_lanes_to_a_second_one(kit: Kit) -> None:
    await write(kit.database, [uuid4() for _ in range(30)], range(1, 31))
    first = asyncio.create_task(relay(kit.database, kit.url, Slow()))
    await until(lambda: shared_out(kit, 1))
    second = asyncio.create_task(relay(kit.database, kit.url, Slow()))

    await until(lambda: shared_out(kit, 2))
    left = await kit.count("outbox")
    for task in (first, second):
        task.cancel()
    await asyncio.wait([first, second])

    assert left > 0


@pytest.mark.asyncio
async def test_a_batch_that_is_full_keeps_the_order_of_what_did_not_fit(kit: Kit) -> None:
    unit = uuid4()
    async with kit.database.transaction() as conn:
        await outbox.append(
            conn, by(), *(changed(unit, version).model_copy(update={"document_no": "号" * 2000}) for version in range(1, 121))
        )
    async with process("relay", kit.url, *kit.kafka):
        await until(lambda: empty(kit))

    assert first_occurrences(await taken(kit.kafka)) == {str(unit): list(range(1, 121))}


@pytest.mark.asyncio
async def test_what_waits_for_temporal_is_found_without_a_walk_through_all_that_waits_for_kafka(kit: Kit) -> None:
    put = (
        "INSERT INTO outbox (lane, destination, event_id, key, type, headers, body)"
        " SELECT i & 15, $1, gen_random_uuid(), i::text, '', '{}', '' FROM generate_series(1, $2::integer) AS i"
    )
    async with kit.database.pool.acquire() as conn:
        never = conn.transaction()
        await never.start()
        await conn.execute(put, "unit.events", 20_000)
        await conn.execute(put, outbox.TEMPORAL, 3)
        await conn.execute("SET LOCAL plan_cache_mode TO force_generic_plan")
        found = await conn.fetch(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {outbox.WAITING_FOR_TEMPORAL}", list(LANES), outbox.BATCH, [])
        await never.rollback()

    (told,) = found[0][0]
    assert told["Plan"]["Actual Rows"] == 3
    assert told["Plan"]["Shared Hit Blocks"] + told["Plan"]["Shared Read Blocks"] < 20


@pytest.mark.asyncio
async def test_a_message_beyond_the_limit_is_refused_before_it_can_block_its_lane(kit: Kit) -> None:
    async with kit.database.transaction() as conn:
        with pytest.raises(ValueError, match="do not fit"):
            await outbox.start_workflow(conn, "AnyWorkflow", f"any:{uuid4()}", Argument(text="x" * BODY_LIMIT))


@pytest.mark.asyncio
async def test_a_rolled_back_transaction_tells_nobody_anything(kit: Kit) -> None:
    async def fail() -> None:
        async with kit.database.transaction() as conn:
            await outbox.append(conn, by(), changed(uuid4(), 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()

    assert (await kit.count("outbox"), await kit.count("event_log")) == (0, 0)


@pytest.mark.asyncio
async def test_two_events_of_one_version_cannot_both_be_published(kit: Kit) -> None:
    unit = uuid4()
    await write(kit.database, [unit], range(1, 2))

    with pytest.raises(asyncpg.UniqueViolationError):
        await write(kit.database, [unit], range(1, 2))


@pytest.mark.asyncio
async def test_a_workflow_is_asked_for_once_even_after_the_row_was_sent(kit: Kit) -> None:
    workflow_id = f"kit:{uuid4()}"
    waiting: list[int] = []
    for _ in range(2):
        async with kit.database.transaction() as conn:
            await outbox.start_workflow(conn, "KitWorkflow", workflow_id, Argument())
        waiting.append(await kit.count("outbox"))
        await kit.database.pool.execute("DELETE FROM outbox")

    assert waiting == [1, 0]


@pytest.mark.asyncio
async def test_kafka_is_served_while_temporal_is_away_and_temporal_gets_its_rows_later(kit: Kit, temporal: Client) -> None:
    unit, workflow_id = uuid4(), f"kit:{uuid4()}"
    async with kit.database.transaction() as conn:
        await outbox.start_workflow(conn, "KitWorkflow", workflow_id, Argument())
        await outbox.append(conn, by(), changed(unit, 1))
    away = await connect("127.0.0.1:9", temporal.namespace, bytes(32), lazy=True)
    relays = [
        asyncio.create_task(relay(kit.database, kit.url, sender))
        for sender in (TemporalSender(away), KafkaSender(kit.kafka[0], kit.kafka[1]))
    ]

    await until(lambda: only_temporal_waits(kit))
    await asyncio.sleep(1)
    assert not relays[0].done()
    relays[0].cancel()
    relays.append(asyncio.create_task(relay(kit.database, kit.url, TemporalSender(temporal))))
    await until(lambda: empty(kit))
    for task in relays:
        task.cancel()
    await asyncio.wait(relays)

    assert await taken(kit.kafka) == [(str(unit), 1)]
    assert (await temporal.get_workflow_handle(workflow_id).describe()).workflow_type == "KitWorkflow"
    await temporal.get_workflow_handle(workflow_id).terminate()


async def only_temporal_waits(kit: Kit) -> bool:
    rows = await kit.database.pool.fetch("SELECT destination FROM outbox")
    return [row["destination"] for row in rows] == ["temporal"]


@pytest.mark.asyncio
async def test_requests_to_one_workflow_arrive_in_their_order_and_an_ended_one_blocks_nobody(kit: Kit, temporal: Client) -> None:
    ended, running = f"kit:{uuid4()}", f"kit:{uuid4()}"
    await temporal.start_workflow("KitWorkflow", id=ended, task_queue=str(uuid4()), execution_timeout=timedelta(hours=1))
    await temporal.get_workflow_handle(ended).terminate()
    async with kit.database.transaction() as conn:
        await outbox.update_workflow(conn, "change", ended, Argument(), uuid4())
        await outbox.start_workflow(conn, "KitWorkflow", ended, Argument())
        await outbox.start_workflow(conn, "KitWorkflow", running, Argument())
    task = asyncio.create_task(relay(kit.database, kit.url, TemporalSender(temporal)))

    await until(lambda: empty(kit))
    task.cancel()
    await asyncio.wait([task])

    runs = [run async for run in temporal.list_workflows(f"WorkflowId = '{ended}'")]
    assert len(runs) <= 1
    await terminated(temporal, running)


@pytest.mark.asyncio
async def test_workflows_that_do_not_answer_keep_no_other_waiting_however_many_they_are(
    kit: Kit, temporal: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "BATCH", 2)
    deaf, last = [f"kit:{uuid4()}" for _ in range(3)], f"kit:{uuid4()}"
    for each in deaf:
        await temporal.start_workflow("KitWorkflow", id=each, task_queue=str(uuid4()))
    async with kit.database.transaction() as conn:
        for each in deaf:
            await outbox.update_workflow(conn, "change", each, Argument(), uuid4())
        await outbox.start_workflow(conn, "KitWorkflow", last, Argument())
    task = asyncio.create_task(relay(kit.database, kit.url, TemporalSender(temporal)))

    await until(lambda: only_these_wait(kit, deaf))
    task.cancel()
    await asyncio.wait([task])
    for each in (*deaf, last):
        await terminated(temporal, each)


async def only_these_wait(kit: Kit, workflows: Sequence[str]) -> bool:
    rows = await kit.database.pool.fetch("SELECT key FROM outbox ORDER BY id")
    return [row["key"] for row in rows] == workflows


async def terminated(temporal: Client, workflow_id: str) -> None:
    """It was started: only what runs can be terminated."""
    try:
        await temporal.get_workflow_handle(workflow_id).terminate()
    except RPCError as error:
        pytest.fail(f"{workflow_id} does not run: {error}")


@pytest.mark.asyncio
async def test_what_a_namespace_that_is_not_there_yet_cannot_take_waits_for_it(stack: Place, kit: Kit) -> None:
    async with kit.database.transaction() as conn:
        await outbox.update_workflow(conn, "change", "kit:1", Argument(), uuid4())
        rows = await conn.fetch("SELECT * FROM outbox")
    nowhere = await connect(stack.temporal, f"n{uuid4().hex}", bytes(32))

    assert await TemporalSender(nowhere).send(rows) == []
    with pytest.raises(Unavailable):
        await decide(nowhere, "kit:1", "change", Argument(), "1")


@pytest.mark.asyncio
async def test_activities_wait_for_their_namespace_and_end_nothing_beside_them(stack: Place) -> None:
    queue, namespace = str(uuid4()), f"n{uuid4().hex}"
    client = await connect(stack.temporal, namespace, bytes(32), lazy=True)
    serving = asyncio.create_task(serve_activities(client, queue, [nothing]))
    await asyncio.wait([serving], timeout=3)
    assert not serving.done()
    await prepare_namespace(stack.temporal, namespace)
    await until(lambda: polled(client, queue))
    serving.cancel()
    await asyncio.wait([serving])


@activity.defn
async def nothing() -> None:
    """Nobody asks for it."""


async def polled(client: Client, queue: str) -> bool:
    kind = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
    asked = DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=queue), task_queue_type=kind)
    try:
        return bool((await client.workflow_service.describe_task_queue(asked)).pollers)
    except RPCError:  # the namespace is a moment old
        return False


def test_every_lane_of_the_hash_is_in_the_list() -> None:
    assert list(LANES) == list(range(16))


@pytest.mark.asyncio
async def test_a_network_that_goes_silent_holds_the_lanes_for_half_a_minute_only(kit: Kit) -> None:
    """The settings: what they do, a network without an end would have to show."""
    subscription = Subscription("kit", (), {})
    async with (
        outbox._lanes("identity", kit.url, "kafka") as (relays, _, _),
        listening._listening(kit.url, kit.kafka[0], subscription) as (own, _),
    ):
        for conn in (relays, own._conn):
            rows = await conn.fetch("SELECT setting::integer FROM pg_settings WHERE name LIKE 'tcp_keepalives%' ORDER BY name")
            assert [row["setting"] for row in rows] == [3, 10, 5]
            assert cast("Any", conn)._config.command_timeout == 30
