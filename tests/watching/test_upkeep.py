"""What those who run the system read over HTTP: dead letters without their data, what waits to go out, and the trail."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from deploy.local.place import Place
from services.monitoring.queries.lists import REGISTER
from shared import db, dead_letters, upkeep
from shared.db import Database
from shared.dead_letters import Parked, drop
from shared.glossary import Role
from shared.versions import OURS
from tests.shared.given import HAND
from tests.watching.given import asked_by

pytestmark = pytest.mark.asyncio
NAME, NUMBER = "欧阳娜娜", "330499199001011234"


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with db.connect(database("roster"), "roster") as opened:
        yield opened


async def parked(roster: Database, key: str, offset: int, kind: str = "roster.over_quota_recorded.v1") -> int:
    found: int = await roster.pool.fetchval(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error)"
        " VALUES ('roster', $1, 'monitoring.events', 0, $2, $3, convert_to($4, 'UTF8'), 'KeyError') RETURNING id",
        key,
        offset,
        {"ce_type": kind, "ce_id": str(uuid4()), "note": NAME},
        f'{{"name": "{NAME}", "number": "{NUMBER}", "unit_id": "{uuid4()}"}}',
    )
    return found


async def test_a_dead_letter_is_shown_with_its_whole_key_and_without_its_data(stack: Place, roster: Database) -> None:
    unit = str(uuid4())
    first, second = await parked(roster, unit, 7), await parked(roster, unit, 8)
    await parked(roster, NAME, 9, kind=NUMBER)

    async with asked_by(Role.SYSTEM_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        listed = await client.get("/upkeep/dead-letters")
        shown = await client.get(f"/upkeep/dead-letters/{second}")
        unknown = await client.get(f"/upkeep/dead-letters/{second + 1000}")

    assert (listed.json()["total"], [each["key"] for each in listed.json()["items"]]) == (3, [unit, unit, "（4 字）"])
    assert [(each["id"], each["title"], each["offset"]) for each in shown.json()] == [(first, "超编已记录", 7), (second, "超编已记录", 8)]
    assert not [word for word in (NAME, NUMBER) if word in listed.text + shown.text]
    assert (unknown.status_code, unknown.json()["code"]) == (404, "dead_letter_unknown")


async def test_the_whole_key_is_asked_to_be_replayed_by_the_system_administrator_alone(stack: Place, roster: Database) -> None:
    unit = str(uuid4())
    letter = await parked(roster, unit, 7)
    await parked(roster, unit, 8)

    async with asked_by(Role.AUDIT_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        refused = await client.post(f"/upkeep/dead-letters/{letter}/replay")
    before = await roster.pool.fetch("SELECT consumer, key FROM replays")
    async with asked_by(Role.SYSTEM_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        asked = await client.post(f"/upkeep/dead-letters/{letter}/replay")

    assert (refused.status_code, before) == (403, [])
    assert (asked.status_code, asked.json()) == (202, {"events": 2})
    assert [tuple(row) for row in await roster.pool.fetch("SELECT consumer, key FROM replays")] == [("roster", unit)]


async def test_a_letter_that_goes_while_its_replay_is_asked_for_is_unknown(
    stack: Place, roster: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    letter = await parked(roster, str(uuid4()), 7)

    async def gone(*_: object) -> list[Parked]:
        return []

    monkeypatch.setattr(dead_letters, "of_key", gone)
    async with asked_by(Role.SYSTEM_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        asked = await client.post(f"/upkeep/dead-letters/{letter}/replay")

    assert (asked.status_code, asked.json()["code"]) == (404, "dead_letter_unknown")


async def test_what_waits_to_go_out_is_counted_by_destination(stack: Place, roster: Database) -> None:
    for destination in ("roster.events", "roster.events", "temporal"):
        await roster.pool.execute(
            "INSERT INTO outbox (lane, destination, event_id, key, type, headers, body) VALUES (0, $1, $2, 'k', 't', '{}', '')",
            destination,
            uuid4(),
        )

    async with asked_by(Role.AUDIT_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        waiting = (await client.get("/upkeep/outbox")).json()

    assert [(each["destination"], each["rows"]) for each in waiting] == [("roster.events", 2), ("temporal", 1)]


async def test_where_topics_end_and_consumers_stand_is_told_to_who_keeps_the_system(stack: Place, roster: Database) -> None:
    await roster.pool.execute("INSERT INTO topic_ends (topic, partition, next_offset) VALUES ('roster.events', 1, 12)")
    await roster.pool.execute(
        "INSERT INTO consumer_positions (consumer, topic, partition, next_offset) VALUES ('roster', 'monitoring.events', 0, 5)"
    )

    async with asked_by(Role.SYSTEM_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        told = (await client.get("/upkeep/positions")).json()
    async with asked_by(Role.OBSERVER, stack, upkeep.router, database=roster, register="") as client:
        assert (await client.get("/upkeep/positions")).json() == told, "whoever reads figures is told how fresh they are"
    async with asked_by(Role.SECURITY_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        refused = await client.get("/upkeep/positions")

    assert [(each["topic"], each["partition"], each["next_offset"]) for each in told["ends"]] == [("roster.events", 1, 12)]
    assert [(each["consumer"], each["topic"], each["next_offset"]) for each in told["consumed"]] == [("roster", "monitoring.events", 5)]
    assert refused.status_code == 403


async def test_the_trail_is_told_backwards_page_by_page_to_the_audit_administrator_alone(stack: Place, roster: Database) -> None:
    unit, other = uuid4(), uuid4()
    for number, of in enumerate((unit, other, unit, unit)):
        await roster.pool.execute(
            "INSERT INTO event_log (event_id, aggregate_type, aggregate_id, version, unit_id, type, occurred_at, actor, reason, headers, body)"
            " VALUES ($1, 'unit', $2, $3, $2, 'roster.over_quota_recorded.v1', now(), $4, '检查', '{}', '{}')",
            UUID(int=number + 1),
            of,
            number + 1,
            f"officer-{number}",
        )

    async with asked_by(Role.AUDIT_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        first = (await client.get(f"/trail?unit={unit}&unit={uuid4()}&limit=2")).json()
        rest = (await client.get(f"/trail?unit={unit}&limit=2&before={first['next']}")).json()
    async with asked_by(Role.SYSTEM_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        refused = await client.get("/trail")

    assert [deed["actor"] for deed in first["items"] + rest["items"]] == ["officer-3", "officer-2", "officer-0"]
    assert (first["items"][0]["title"], first["items"][0]["reason"], rest["next"]) == ("超编已记录", "检查", None)
    assert refused.status_code == 403


async def test_the_trail_of_monitoring_tells_who_released_a_list(stack: Place, database: Callable[[str], str]) -> None:
    unit = uuid4()
    async with db.connect(database("monitoring"), "monitoring") as monitoring:
        await monitoring.pool.execute(
            "INSERT INTO supervision_lists (id, number, unit_id, iso_week, issued_at, released_by, released_at, release_reason, released_kept_at)"
            " VALUES ($1, '编督〔2026〕1号', $2, '2026-W38', now(), 'operator', now(), '核对无误', now())",
            *(uuid4(), unit),
        )
        async with asked_by(Role.AUDIT_ADMIN, stack, upkeep.router, database=monitoring, register=REGISTER) as client:
            (deed,) = (await client.get(f"/trail?unit={unit}&case=supervision:2026-W38")).json()["items"]

    assert (deed["title"], deed["actor"], deed["reason"], deed["document_no"]) == (
        "放行督办清单",
        "operator",
        "核对无误",
        "编督〔2026〕1号",
    )


async def test_the_trail_of_every_service_tells_who_gave_letters_up(stack: Place, roster: Database) -> None:
    unit = str(uuid4())
    for key, offset in ((unit, 7), (NAME, 8)):
        await parked(roster, key, offset)
        await drop(roster, "roster", key, HAND)

    async with asked_by(Role.AUDIT_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        stranger, of_unit = (await client.get("/trail")).json()["items"]
        narrowed = (await client.get(f"/trail?unit={unit}")).json()["items"]

    assert [of_unit] == narrowed
    assert (of_unit["title"], of_unit["actor"], of_unit["reason"]) == ("放弃死信", f"服务器用户 {HAND.actor}", HAND.reason)
    assert stranger["unit_id"] == str(UUID(int=0))


async def test_a_page_of_the_trail_reads_the_releases_in_the_order_of_an_index(database: Callable[[str], str]) -> None:
    """Must fail when their ids are made for each row: every page would make all of them."""
    async with db.connect(database("monitoring"), "monitoring") as monitoring, monitoring.transaction() as conn:
        await conn.execute(
            "INSERT INTO supervision_lists (id, number, unit_id, iso_week, issued_at, released_by, released_at, release_reason, released_kept_at,"
            " acknowledged_by, acknowledged_at, acknowledged_kept_at) SELECT gen_random_uuid(), n::text, gen_random_uuid(), '2026-W38', now(),"
            " 'operator', now(), '核对无误', now() - n * interval '1 minute', 'clerk', now(), now() FROM generate_series(1, 5000) AS n"
        )
        plan = "\n".join(
            row[0]
            for row in await conn.fetch(
                f"EXPLAIN SELECT * FROM ({REGISTER}) AS deed WHERE id < $1 ORDER BY id DESC LIMIT 50", upkeep.LATEST
            )
        )
        told = await conn.fetch(f"SELECT * FROM ({REGISTER}) AS deed ORDER BY id DESC")
    assert all(f"Index Scan Backward using {index}" in plan for index in ("releases_by_deed", "receipts_by_deed")), plan
    assert [row["id"].int >> 80 for row in told] == sorted((row["id"].int >> 80 for row in told), reverse=True)
    assert len({row["id"] for row in told}) == len(told) == 10_000


async def test_a_service_tells_its_version_and_its_servers(stack: Place, roster: Database) -> None:
    async with asked_by(Role.SYSTEM_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        told = (await client.get("/upkeep/parts")).json()
    async with asked_by(Role.SECURITY_ADMIN, stack, upkeep.router, database=roster, register="") as client:
        refused = await client.get("/upkeep/parts")

    server = await roster.pool.fetchval("SELECT current_setting('server_version_num')::integer / 10000")
    assert (told["number"], told["commit"]) == (OURS.number, OURS.commit)
    assert told["postgresql"].split(".")[0] == str(server)
    assert (told["temporal"], told["builds"]) == (None, [])
    assert refused.status_code == 403
