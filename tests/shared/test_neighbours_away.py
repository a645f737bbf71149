"""A neighbour is away: a request that needs it is answered at once with 503 and when to come again, nothing is half done, and all goes on by itself."""

import asyncio
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio

from deploy.chaos.proxy import Detour
from deploy.local import probes
from deploy.local.place import Place, Service
from deploy.local.stack import published
from shared import db
from shared.auth import Tokens, Who
from shared.glossary import Role
from shared.kafka import KafkaSender
from shared.outbox import relay
from shared.process import side_by_side
from tests.fuzz.ground import made
from tests.shared.given import taken, until

NOWHERE = "127.0.0.1:9"
QUOTA = {
    "kind": "SY",
    "funding": "full",
    "posts": 5,
    "document_no": "编〔2026〕1号",
    "effective_on": "2026-09-18",
    "document_on": "2026-09-18",
}
Where = Callable[[str], str]


@pytest_asyncio.fixture
async def county(stack: Place, database: Where, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    return dict(await made(stack, "monitoring", database, monkeypatch))


@asynccontextmanager
async def doors(
    stack: Place, service: Service, url: str, monkeypatch: pytest.MonkeyPatch, temporal: str = NOWHERE
) -> AsyncIterator[httpx.AsyncClient]:
    """A service that knows no Kafka and, unless told where, no Temporal."""
    away = {"BIANBAN_TEMPORAL": temporal, "BIANBAN_KAFKA": NOWHERE, f"{service.upper()}_DATABASE_URL": url}
    for name, value in (stack.variables(service) | away).items():
        monkeypatch.setenv(name, value)
    secrets = stack.home / "secrets"
    tokens = Tokens((secrets / "token.pub").read_text(), (secrets / "token.key").read_text())
    headers = {
        "authorization": f"Bearer {tokens.issue(Who('somebody', frozenset(Role)), datetime.now(UTC))}",
        "idempotency-key": "key-12345678",
    }
    app = importlib.import_module(f"services.{service}.app").create_app()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://door", headers=headers) as http:
        yield http


def unavailable(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "unavailable", "5")


@pytest.mark.asyncio
@pytest.mark.usefixtures("county")
async def test_while_temporal_is_away_a_decision_is_answered_with_503_and_the_issue_stays_as_it_was(
    stack: Place, database: Where, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with doors(stack, "monitoring", database("monitoring"), monkeypatch) as http:
        before = (await http.get("/issues")).json()["items"]
        answer = await http.post(f"/issues/{before[0]['id']}/confirmation", json={"title": "整改通知书", "demand": "限期整改"})
        after = (await http.get("/issues")).json()["items"]

    assert unavailable(answer)
    assert before == after


@pytest.mark.asyncio
async def test_while_kafka_is_away_requests_are_served_and_told_when_it_is_there_again(
    stack: Place, database: Where, kafka: tuple[str, str], county: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/units/{county['unit_id'][0]}/quotas"
    async with (
        db.connect(database("roster"), "roster") as roster,
        doors(stack, "roster", database("roster"), monkeypatch) as http,
        sending(roster, database("roster"), kafka),
    ):
        await until(lambda: roster.pool.fetchval("SELECT count(*) = 0 FROM outbox"))
        before = len(await taken(kafka))
        with frozen(stack, "kafka"):
            answer, read = await http.post(path, json=QUOTA), await http.get("/units")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(probes.kafka(stack.kafka)(0), 3)
            waiting = await roster.pool.fetchval("SELECT count(*) FROM outbox")
        await until(lambda: roster.pool.fetchval("SELECT count(*) = 0 FROM outbox"))

    assert answer.is_success, answer.text
    assert read.is_success, read.text
    assert len(await taken(kafka)) - before == waiting > 0


@contextmanager
def frozen(stack: Place, name: str) -> Iterator[None]:
    """The part itself, which neither answers nor closes what is open."""
    process = next(part for part in published(stack) if part.name == name).process()
    assert process is not None
    process.suspend()
    try:
        yield
    finally:
        process.resume()


@asynccontextmanager
async def sending(roster: db.Database, url: str, kafka: tuple[str, str]) -> AsyncIterator[None]:
    sender = KafkaSender(*kafka)
    task = asyncio.create_task(relay(roster, url, sender))
    yield
    task.cancel()
    await asyncio.wait([task])
    await sender.close()


@pytest.mark.asyncio
async def test_while_postgresql_takes_nobody_a_request_is_answered_with_503_and_its_repeat_has_the_one_effect(
    stack: Place, database: Where, county: dict[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    superuser = await asyncpg.connect(database("postgres"))
    name: str = await superuser.fetchval("SELECT current_database()")
    path = f"/units/{county['unit_id'][0]}/quotas"
    async with doors(stack, "roster", database("roster"), monkeypatch) as http:
        await superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        await superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'roster' AND datname = current_database()"
        )
        away = [await http.post(path, json=QUOTA), await http.get("/units")]
        half = await superuser.fetchval("SELECT count(*) FROM roster.accepted_commands WHERE key LIKE 'somebody:%'")
        await superuser.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")
        again = [await http.post(path, json=QUOTA) for _ in range(2)]
        done = await superuser.fetchval("SELECT count(*) FROM roster.accepted_commands WHERE key LIKE 'somebody:%'")
    await superuser.close()

    assert all(unavailable(answer) for answer in away)
    assert all(answer.is_success for answer in again)
    assert (half, done) == (0, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("patience", [db.WORKER, db.DOOR], ids=["worker", "door"])
async def test_while_postgresql_is_silent_a_process_that_is_told_to_end_does_not_wait_for_it(
    database: Where, patience: db.Patience, unused_tcp_port: int
) -> None:
    """Also in the middle of a statement, and in loops that live through whatever the database says."""
    real = urlsplit(database("identity")).port
    assert real
    way, asleep = Detour(unused_tcp_port, real), "SELECT pg_sleep(60) AS asleep"
    await way.open()

    async def for_ever(ask: Callable[[], Awaitable[object]]) -> None:
        while True:
            with suppress(*db.TROUBLE):
                await ask()

    async def live() -> None:
        url = database("identity").replace(f":{real}/", f":{unused_tcp_port}/")
        async with db.connect(url, "identity", patience=patience) as found:

            async def transact() -> None:
                async with found.transaction() as conn:
                    await conn.execute(asleep)

            await found.ping()
            await side_by_side(for_ever(transact), for_ever(lambda: found.pool.fetch(asleep)))

    living = asyncio.create_task(live())
    async with asyncpg.create_pool(database("postgres"), min_size=1) as beside:
        await until(lambda: beside.fetchval("SELECT count(*) = 2 FROM pg_stat_activity WHERE query = $1", asleep))
    way.hush()
    living.cancel()
    _, late = await asyncio.wait([living], timeout=20)
    await way.shut()

    assert not late
    assert living.cancelled()
