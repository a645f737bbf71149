"""What is read from the tables, once per interval by one statement, and forgotten when it cannot be read."""

import asyncio
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import TopicPartition
from opentelemetry.metrics import CallbackOptions

from services.approval.queries import figures as approval
from services.monitoring.queries import figures as monitoring
from shared import db, listening, metrics, watching
from shared.clock import Clock
from shared.consumer import Subscription
from shared.metrics import Gauge
from shared.watching import read

pytestmark = pytest.mark.asyncio


def told(gauge: Gauge, **labels: str) -> list[float]:
    """The values of the series with these labels."""
    wanted = {f"bianban.{name.replace('__', '.')}": value for name, value in labels.items()}
    return [float(each.value) for each in gauge._tell(CallbackOptions()) if wanted.items() <= dict(each.attributes or {}).items()]


async def test_age_and_depth_of_each_lane_and_the_letters_of_each_consumer(database: Callable[[str], str]) -> None:
    async with db.connect(database("roster"), "roster") as roster:
        await read(roster, Clock(None))
        assert set(told(metrics.OUTBOX_DEPTH, service="roster")) == {0}
        await roster.pool.executemany(
            "INSERT INTO outbox (lane, destination, event_id, key, type, headers, body, created_at)"
            " VALUES (3, 'roster.events', gen_random_uuid(), 'k', 't', '{}', '', now() - $1::interval)",
            [(timedelta(seconds=90),), (timedelta(seconds=10),)],
        )
        await roster.pool.executemany(
            "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ('c', $1, 't', 0, $2, '{}', '', 'e')",
            [("one", 1), ("one", 2), ("other", 3)],
        )
        await read(roster, Clock(None))

    assert told(metrics.OUTBOX_DEPTH, service="roster", outbox__lane="3", outbox__destination="kafka") == [2]
    assert 90 <= told(metrics.OUTBOX_AGE, service="roster", outbox__lane="3", outbox__destination="kafka")[0] < 600
    assert len(told(metrics.OUTBOX_DEPTH, service="roster")) == 32
    assert (told(metrics.DEAD_LETTERS, service="roster"), told(metrics.DEAD_KEYS, service="roster")) == ([3], [2])


async def test_exports_that_were_begun_again_and_again_are_told_while_they_go_on_and_for_a_day(database: Callable[[str], str]) -> None:
    now = datetime.now(UTC)
    async with db.connect(database("roster"), "roster") as roster:
        await roster.pool.executemany(
            "INSERT INTO exports (id, list, format, filters, fields, unmasked, reason, actor, roles, asked_at, state, attempt, ended_at)"
            " VALUES (gen_random_uuid(), 'l', 'csv', '{}', '{}', false, '', 'a', '{}', $1, $2, $3, $4)",
            [
                (now, "export_running", 2, None),
                (now, "export_running", 3, None),
                (now, "export_failed", 6, now - timedelta(hours=23)),
                (now, "export_failed", 6, now - timedelta(hours=25)),
            ],
        )
        await read(roster, Clock(None))

    assert told(metrics.EXPORTS_BEGUN_AGAIN, service="roster") == [2]


ISSUE = (
    "INSERT INTO issues (id, unit_id, rule, rule_version, subject, level, state, must_vanish, opens_case, size, inputs, threshold, found_at, due_at)"
    " VALUES (gen_random_uuid(), gen_random_uuid(), 'M01', '1', 's', 'red', $1, true, true, 1, '{}', '{}', now(), $2)"
)
LIST = "INSERT INTO supervision_lists (id, number, unit_id, iso_week, issued_at, released_at) VALUES (gen_random_uuid(), $1, gen_random_uuid(), $1, now(), $2)"


async def test_open_and_overdue_deadlines_and_seals_that_wait_in_monitoring(database: Callable[[str], str]) -> None:
    now = datetime.now(UTC)
    async with db.connect(database("monitoring"), "monitoring") as here:
        await here.pool.executemany(
            ISSUE, [("rectifying", now + timedelta(days=1)), ("rectifying", now - timedelta(days=1)), ("closed", now - timedelta(days=1))]
        )
        await here.pool.executemany(LIST, [("1", now - timedelta(hours=2)), ("2", None)])
        await read(here, Clock(None), monitoring.FIGURES)

    kind = {"case__kind": "rectification"}
    assert (told(metrics.OPEN_DEADLINES, **kind), told(metrics.OVERDUE_DEADLINES, **kind)) == ([1], [1])
    assert told(metrics.SEALS_WAITING, document__kind="monitoring") == [1]
    assert 7190 < told(metrics.SEALS_AGE, document__kind="monitoring")[0] < 7800


async def test_a_term_that_has_passed_is_unnoticed_until_its_case_says_so_or_is_held(database: Callable[[str], str]) -> None:
    now = datetime.now(UTC)
    async with db.connect(database("monitoring"), "monitoring") as here:
        past, to_come = now - timedelta(hours=1), now + timedelta(days=1)
        await here.pool.executemany(
            ISSUE, [("rectifying", past), ("rectifying", past), ("rectifying", to_come), ("overdue_issue", past), ("closed", past)]
        )
        await here.pool.execute(
            "UPDATE issues SET held = 'x' WHERE id = (SELECT id FROM issues WHERE state = 'rectifying' AND due_at < now() LIMIT 1)"
        )
        await read(here, Clock(None), monitoring.FIGURES)

    assert told(metrics.UNNOTICED_DEADLINES, case__kind="rectification") == [1]


APPLICATION = (
    "INSERT INTO applications (id, number, application_type, unit_id, applicant, concerned, chain_version, submitted_at, version, state, revision,"
    " step, due_at, changed_at) VALUES ($1, $1::uuid::text, 'post_use_application', $1, 'clerk', '{}', 1, now(), 1, $2, 1, 'unit_head', $3, now())"
)
ENTERED = (
    "INSERT INTO entries (application_id, sequence, kind, at, actor, role, update_id, request_hash, text, reason_codes, order_ids, state_after,"
    " revision_after) VALUES ($1, 1, $2, $3, 'engine', 'engine', '', '', '', '{}', '{}', 'in_review', 1)"
)


async def test_an_application_whose_term_has_passed_is_unnoticed_until_somebody_was_reminded_since(database: Callable[[str], str]) -> None:
    now = datetime.now(UTC)
    past, to_come, before = now - timedelta(hours=1), now + timedelta(days=1), now - timedelta(hours=2)
    unnoticed, reminded, recounted = uuid4(), uuid4(), uuid4()
    async with db.connect(database("approval"), "approval") as here:
        await here.pool.executemany(
            APPLICATION,
            [(each, "in_review", past) for each in (unnoticed, reminded, recounted)]
            + [(uuid4(), "in_review", to_come), (uuid4(), "filed", past)],
        )
        await here.pool.executemany(
            ENTERED, [(unnoticed, "reminded", before), (reminded, "reminded", past), (recounted, "term_recounted", before)]
        )
        await read(here, Clock(None), approval.FIGURES)

    assert told(metrics.UNNOTICED_DEADLINES, case__kind="approval") == [1]


async def test_cases_that_stand_still_because_a_line_of_theirs_is_not_recorded(database: Callable[[str], str]) -> None:
    async with db.connect(database("monitoring"), "monitoring") as here:
        await here.pool.executemany(ISSUE, [("rectifying", None), ("rectifying", None), ("closed", None)])
        await here.pool.execute("UPDATE issues SET held = 'not_recordable' WHERE state = 'rectifying'")
        await read(here, Clock(None), monitoring.FIGURES)

    assert told(metrics.HELD_CASES, case__kind="rectification") == [2]
    assert told(metrics.HELD_CASES, case__kind="freeze") == [0]


async def test_an_empty_service_tells_zeros(database: Callable[[str], str]) -> None:
    async with db.connect(database("approval"), "approval") as here:
        await read(here, Clock(None), approval.FIGURES)

    assert told(metrics.OPEN_DEADLINES, case__kind="approval") == [0]
    assert told(metrics.SEALS_WAITING, document__kind="approval") == [0]
    assert told(metrics.HELD_CASES, case__kind="approval") == [0]
    assert told(metrics.UNNOTICED_DEADLINES, case__kind="approval") == [0]


@pytest.mark.parametrize("trouble", [asyncpg.InterfaceError, asyncpg.InternalClientError, TimeoutError])
async def test_what_cannot_be_read_is_not_told_and_nobody_is_asked_for_nobody(
    trouble: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "EVERY", 0)
    answers = iter([True, True, False, False])
    monkeypatch.setattr(metrics, "collected", lambda: next(answers))
    seen: list[str] = []

    async def look() -> None:
        seen.append("looked")
        if len(seen) > 1:
            raise trouble("away")

    await watching.at_intervals(look, lambda: seen.append("forgot"))
    await watching.at_intervals(look, lambda: seen.append("forgot"))
    await asyncio.sleep(0)

    assert seen == ["looked", "looked", "forgot"]


async def test_a_disk_that_holds_several_folders_is_told_once_and_what_root_alone_may_write_to_is_no_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_mount", lambda self: self == tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(total=100, used=85, free=10))
    watching.tell_disks([tmp_path, tmp_path / "not_there_yet" / "out"])

    (told,) = metrics.DISKS._tell(CallbackOptions())
    assert dict(told.attributes or {})["system.filesystem.mountpoint"] == str(tmp_path)
    assert round(float(told.value), 6) == 0.9


@dataclass(frozen=True)
class Come:
    """A record of Kafka, as far as its age is asked for."""

    timestamp: int
    headers: tuple[tuple[str, bytes], ...] = ()


async def test_an_event_is_as_late_as_it_was_made_however_long_it_stood_in_the_outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(listening, "EVENT_DELAY", SimpleNamespace(record=lambda seconds, _: told.append(seconds)))
    now = time.time()
    written = int(1000 * (now - 1))
    made = [(("ce_id", str(event_id).encode()),) for event_id in (id_of(now - 3), id_of(now - 90), UUID(int=1))]
    batches = {
        TopicPartition("roster.events", 0): [Come(written, headers) for headers in made],
        TopicPartition("roster.events", 1): [Come(written, made[2]), Come(written, (("ce_id", b"7"),)), Come(written)],
    }
    listening._tell_handled(Subscription("monitoring", ("roster.events",), {}), batches, 0.0)

    assert [round(seconds) for seconds in told] == [90, 1]


def id_of(at: float) -> UUID:
    """An event's id, made at that time."""
    return UUID(int=int(1000 * at) << 80 | 0x7 << 76 | 0x8 << 60)
