"""What `bianban dead-letters replay` tells of a key without letters, and of a replay that takes its time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from uuid import uuid4

import pytest
import pytest_asyncio
import typer

from deploy import dead_letters
from deploy.dead_letters import _dropped, _replayed
from deploy.local.place import WrongPlace
from shared import db
from shared.db import Database
from shared.dead_letters import DeadLetter
from tests.shared.given import until

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Where one letter is parked under the key `one`, and nobody has long patience."""
    monkeypatch.setattr(dead_letters, "PATIENCE", 0.5)
    async with db.connect(database("roster"), "roster") as opened:
        await opened.pool.execute(
            "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ('c', 'one', 't', 0, 1, '{}', '', 'e')"
        )
        yield opened


async def test_a_key_under_which_nothing_is_parked_is_not_said_to_be_done(roster: Database) -> None:
    with pytest.raises(WrongPlace, match="没有死信"):
        await _replayed(roster, "eno")


async def test_a_consumer_that_is_away_is_told(roster: Database) -> None:
    with pytest.raises(WrongPlace, match="消费者没有在运行"):
        await _replayed(roster, "one")


async def test_a_replay_that_takes_longer_than_one_waits_is_told_to_go_on(roster: Database) -> None:
    asking = asyncio.create_task(_replayed(roster, "one"))
    await until(lambda: roster.pool.fetchval("UPDATE replays SET process = 'a worker', started = 1 RETURNING true"))

    with pytest.raises(WrongPlace, match="仍在处理"):
        await asking


async def test_a_key_under_which_nothing_is_parked_is_not_said_to_be_given_up(roster: Database) -> None:
    with pytest.raises(WrongPlace, match="没有死信"):
        await _dropped(roster, "eno")


async def test_a_key_stands_whole_in_the_list_however_narrow_the_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key, at = str(uuid4()), datetime(2026, 9, 1, tzinfo=UTC)
    letter = DeadLetter(1, "roster", key, "roster.events", "roster.unit_changed.v1", "the process died while handling it", at)
    monkeypatch.setattr(dead_letters, "ask", lambda service, _: [letter] if service == "roster" else [])
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(typer.Exit):
        dead_letters.listed()

    told = capsys.readouterr().out
    assert f"bianban dead-letters show roster {key}\n" in told
    assert "处理时进程中断" in told
