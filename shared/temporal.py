"""Temporal as the processes use it: one client each, encrypted payloads, refusals that are final, and the outbox's second destination."""

import asyncio
import dataclasses
import json
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import asyncpg
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import BaseModel
from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.api.errordetails.v1 import NamespaceNotFoundFailure
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.contrib.opentelemetry import OpenTelemetryPlugin
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    PayloadCodec,
)
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.runtime import LoggingConfig, OpenTelemetryConfig, Runtime, TelemetryConfig, TelemetryFilter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor, Worker

from shared import deeds
from shared.db import UNRECORDABLE, Connection
from shared.errors import Conflict, DomainError, NotFound, Unavailable
from shared.faults import WordlessFailures
from shared.metrics import WORKFLOWS as REQUESTED
from shared.telemetry import instance
from shared.traces import Doing, begun_by, moved_by, named
from shared.watching import EVERY

WORKFLOWS = "workflows"
ANSWER_WITHIN = timedelta(seconds=5)
ALL_WITHIN = 6.0
"""Seconds, for the connection too: the SDK gives one that a silent server took half a minute, and whoever else wants it queues behind."""
NOT_RECORDABLE = "not_recordable"
SLOW = 1.0
"""Seconds. So long a batch waits for its workflows; one that needs longer is passed over until it has answered."""
REST = 5.0
"""Seconds for which a workflow that could not answer is passed over."""
BUSY = 500
RACES = 3
_ENCODING = b"binary/encrypted"
_log = structlog.get_logger()


class EncryptedPayloads(PayloadCodec):
    """AES-256-GCM over every payload, the key's id beside it. Whoever reads Temporal's database reads nothing."""

    def __init__(self, key: bytes, key_id: str = "1") -> None:
        self._key, self._key_id = AESGCM(key), key_id.encode()

    async def encode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Encrypt whole payloads, metadata included."""
        return [self._encrypted(payload) for payload in payloads]

    async def decode(self, payloads: Iterable[Payload]) -> list[Payload]:
        """Decrypt what this codec encrypted; leave anything else as it is."""
        return [self._decrypted(payload) if payload.metadata.get("encoding") == _ENCODING else payload for payload in payloads]

    def _encrypted(self, payload: Payload) -> Payload:
        nonce = secrets.token_bytes(12)
        data = nonce + self._key.encrypt(nonce, payload.SerializeToString(), self._key_id)
        return Payload(metadata={"encoding": _ENCODING, "key-id": self._key_id}, data=data)

    def _decrypted(self, payload: Payload) -> Payload:
        return Payload.FromString(self._key.decrypt(payload.data[:12], payload.data[12:], payload.metadata["key-id"]))


def converter(key: bytes) -> DataConverter:
    """Pydantic messages, encrypted, failures included."""
    return dataclasses.replace(
        pydantic_data_converter,
        payload_codec=EncryptedPayloads(key),
        failure_converter_class=WordlessFailures,
    )


async def connect(address: str, namespace: str, payload_key: bytes, lazy: bool = False, otlp: str | None = None) -> Client:
    """One client per process, made after any fork. `lazy` connects at the first call, so that a process starts while Temporal is away.

    The SDK tells figures of its own to the collector `otlp`.
    """
    return await Client.connect(
        address,
        namespace=namespace,
        data_converter=converter(payload_key),
        plugins=[OpenTelemetryPlugin(add_temporal_spans=False)],
        lazy=lazy,
        runtime=_telling(otlp) if otlp else None,
    )


def _telling(otlp: str) -> Runtime:
    collector = OpenTelemetryConfig(
        url=f"{otlp.rstrip('/')}/v1/metrics", http=True, metric_periodicity=timedelta(seconds=EVERY), durations_as_seconds=True
    )
    usual = TelemetryFilter(core_level="WARN", other_level="ERROR").formatted()
    quiet = f"{usual},temporalio_common::telemetry=off"  # that the collector is away, our own exporter says
    who = {"service.instance.id": instance()}  # the SDK tells it of the process, not of each figure
    return Runtime(telemetry=TelemetryConfig(logging=LoggingConfig(quiet), metrics=collector, global_tags=who))


@contextmanager
def refusals_are_final() -> Iterator[None]:
    """A refusal inside an activity is an answer, not a fault: Temporal shall not try again. Nor what the tables do not take."""
    try:
        with unrecordable_is_final():
            yield
    except DomainError as refusal:
        raise ApplicationError(refusal.code, refusal.facts, type=refusal.code, non_retryable=True) from None


@contextmanager
def unrecordable_is_final() -> Iterator[None]:
    """What the tables do not take is not tried for ever; a unique or exclusion constraint thrice, since a twin in flight breaks it too.

    The error that travels on names the constraint and never the value, which may be somebody's.
    """
    try:
        yield
    except UNRECORDABLE as error:
        may_be_a_race = isinstance(error, asyncpg.UniqueViolationError | asyncpg.ExclusionViolationError)
        if may_be_a_race and activity.info().attempt < RACES:
            raise
        about = {name: str(getattr(error, name, None)) for name in ("sqlstate", "table_name", "constraint_name")}
        _log.error("the tables do not take it", **about)
        raise ApplicationError(NOT_RECORDABLE, about, type=NOT_RECORDABLE, non_retryable=True) from None


async def until_connected(client: Client) -> None:
    """Wait, for ever if need be, until a lazy client has reached Temporal and its namespace is there: without it a worker ends, and with it all else
    that its process does. The SDK gives no worker to a client that calls itself lazy, so it stops to.
    """
    wanted = DescribeNamespaceRequest(namespace=client.namespace)
    while client.service_client.config.lazy:
        try:
            await client.workflow_service.describe_namespace(wanted, timeout=ANSWER_WITHIN)
        except (RPCError, RuntimeError) as error:
            _log.warning("worker waits for temporal", error=type(error).__name__)
            await asyncio.sleep(1)
        else:
            client.service_client.config.lazy = False


async def serve_activities(client: Client, task_queue: str, activities: Sequence[Callable[..., Any]]) -> None:
    """Answer what workflows ask of one service, for ever; blocking activities run in threads. Waits for Temporal while it is away."""
    await until_connected(client)
    with ThreadPoolExecutor(4) as threads:
        await Worker(
            client,
            task_queue=task_queue,
            activities=activities,
            activity_executor=threads,
            graceful_shutdown_timeout=timedelta(seconds=20),
            interceptors=[_TracedActivities()],
        ).run()


class _TracedActivities(Interceptor):
    """One span and one line of the log per activity; the span below the decision that moved its workflow, or at the root of its own when a timer did."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  Temporal's own name
        """Put the span around it."""
        return _TracedActivity(next)


class _TracedActivity(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  as above
        info = activity.info()
        about: dict[str, str | int] = {
            "case.id": info.workflow_id or "",
            "temporal.run.id": info.workflow_run_id or "",
            "temporal.attempt": info.attempt,
        }
        with Doing(deeds.of_activity(info.activity_type), about, where=moved_by(info.scheduled_time)), _told(info):
            return await self.next.execute_activity(input)


@contextmanager
def _told(info: activity.Info) -> Iterator[None]:
    """One line of the log for an attempt, by ids; of a refusal its code."""
    began, failed = time.perf_counter(), {}
    try:
        yield
    except BaseException as error:
        failed = {"error": (error.type if isinstance(error, ApplicationError) else None) or named(error)}
        raise
    finally:
        ms = round(1000 * (time.perf_counter() - began), 1)
        _log.info("activity", activity=info.activity_type, case=info.workflow_id, attempt=info.attempt, ms=ms, **failed)


def update_id(name: str, key: str) -> str:
    """The id of a person's request, the same for its repeat. A hash: ids stand unencrypted in histories, where a login name would be read."""
    return str(uuid5(NAMESPACE_URL, f"{name}:{key}"))


async def decide(client: Client, workflow_id: str, update: str, argument: BaseModel | None, update_id: str) -> Any:
    """Send a person's decision (None: one without content) to its running workflow and wait for the answer, six seconds at most.

    Raises the refusal as `Refused` (its code tells why), `NotFound` when no such workflow runs, `Unavailable` when Temporal does not answer: the same
    call with the same update id may then be repeated.
    """
    with Doing(deeds.of_decision(update), {"case.id": workflow_id}, command=update):
        return await _decide(client, workflow_id, update, argument, update_id)


async def _decide(client: Client, workflow_id: str, update: str, argument: BaseModel | None, update_id: str) -> Any:
    try:
        handle, arguments = client.get_workflow_handle(workflow_id), [] if argument is None else [argument]
        async with asyncio.timeout(ALL_WITHIN):
            return await handle.execute_update(update, args=arguments, id=update_id, rpc_timeout=ANSWER_WITHIN)
    except WorkflowUpdateFailedError as failed:
        raise _refusal(failed.cause) from None
    except (WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError):
        raise Unavailable("temporal") from None
    except RPCError as error:
        if _runs_not(error):
            raise NotFound(case=workflow_id) from None
        raise Unavailable("temporal") from None
    except RuntimeError:  # how the SDK says that a lazy client has never reached the server
        raise Unavailable("temporal") from None


def _runs_not(error: RPCError) -> bool:
    """Whether Temporal knows of no such workflow that runs. That the namespace is not there (yet) says nothing of its workflows."""
    nowhere = any(each.Is(NamespaceNotFoundFailure.DESCRIPTOR) for each in error.grpc_status.details)
    return error.status is RPCStatusCode.NOT_FOUND and not nowhere


def _is_away(error: BaseException) -> bool:
    """Whether Temporal itself is not there, for whichever workflow."""
    return isinstance(error, RuntimeError) or (isinstance(error, RPCError) and error.status is RPCStatusCode.UNAVAILABLE)


class Refused(Conflict):
    """A workflow's validator said no."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__()
        self.code, self.sentence = code, sentence  # type: ignore[misc]  # a refusal that travelled through Temporal brings its own


def _refusal(cause: BaseException | None) -> DomainError:
    if isinstance(cause, ApplicationError) and cause.type:
        return Refused(cause.type, cause.message)
    return Conflict()


class TemporalSender:
    """Starts and updates workflows from outbox rows: rows of one workflow in order, workflows side by side."""

    name = "temporal"

    def __init__(self, client: Client) -> None:
        self._client = client
        self._busy: dict[str, asyncio.Task[list[int]]] = {}
        self._resting: dict[str, float] = {}

    async def ready(self, _: Connection) -> bool:
        """Unless too many workflows are waited for: each row is tried on its own."""
        return len(self._busy) < BUSY

    def passed_over(self) -> Collection[str]:
        """Workflows that have yet to answer, and those that could not a moment ago."""
        now = time.monotonic()
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        return {*self._busy, *self._resting}

    async def forget(self, conn: Connection, sent: Collection[int]) -> None:
        """Delete what was answered for."""
        await conn.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[])", list(sent))

    async def send(self, rows: Sequence[asyncpg.Record]) -> Collection[int]:
        """The ids of the rows Temporal has answered for. What is answered later is sent once more, and known by its id."""
        by_workflow: dict[str, list[asyncpg.Record]] = {}
        for row in rows:
            by_workflow.setdefault(row["key"], []).append(row)
        sending = [self._begin(key, waiting) for key, waiting in by_workflow.items()]
        answered, _ = await asyncio.wait(sending, timeout=SLOW)
        answers = [each.result() for each in answered]
        if not any(answers):
            await asyncio.sleep(0.2)
        return [row_id for ids in answers for row_id in ids]

    def _begin(self, key: str, rows: Sequence[asyncpg.Record]) -> asyncio.Task[list[int]]:
        self._busy[key] = sending = asyncio.create_task(self._send_in_order(rows))
        sending.add_done_callback(lambda _: self._busy.pop(key, None))
        return sending

    async def _send_in_order(self, rows: Sequence[asyncpg.Record]) -> list[int]:
        sent: list[int] = []
        for row in rows:
            try:
                await self._send_one(row)
            except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError, TimeoutError, RuntimeError) as error:  # RuntimeError: never reached
                _log.warning("temporal did not take a request", workflow_id=row["key"], type=row["type"], error=type(error).__name__)
                if not _is_away(error):
                    self._resting[row["key"]] = time.monotonic() + REST
                break
            sent.append(row["id"])
        return sent

    async def _send_one(self, row: asyncpg.Record) -> None:
        verb, name = row["type"].split(":", 1)
        with Doing(deeds.of_request(row["type"]), {"case.id": row["key"]}, where=begun_by(row["headers"])):
            if verb == "start":
                await self._start(name, row)
            else:
                await self._update(name, row)
        REQUESTED.add(1, {"bianban.workflow.request": verb, "bianban.workflow.name": name})

    async def _start(self, workflow: str, row: asyncpg.Record) -> None:
        with suppress(WorkflowAlreadyStartedError):  # it ran and ended already: the request was taken before
            await self._client.start_workflow(
                workflow,
                json.loads(row["body"]),
                id=row["key"],
                task_queue=WORKFLOWS,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                rpc_timeout=ANSWER_WITHIN,
            )

    async def _update(self, update: str, row: asyncpg.Record) -> None:
        """A refusal, or a workflow that has ended, is an answer: the fact came too late and changes nothing."""
        handle = self._client.get_workflow_handle(row["key"])
        try:
            await handle.execute_update(update, json.loads(row["body"]), id=str(row["event_id"]), rpc_timeout=ANSWER_WITHIN)
        except WorkflowUpdateFailedError as refusal:
            _log.info("the workflow refused", workflow_id=row["key"], update=update, error=str(refusal.cause))
        except RPCError as error:
            if not _runs_not(error):
                raise
            _log.info("the workflow has ended", workflow_id=row["key"], update=update)
