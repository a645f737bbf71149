"""`bianban dead-letters list` names a reader that stands before a batch which does not tell its end, and the command that leads it on."""

import socket
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
import typer
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from deploy import dead_letters, standing_readers
from deploy.local.place import Place, WrongPlace
from deploy.standing_readers import Reader, Standing, readers, standing
from shared import db
from shared.db import Database
from tests.shared.given import TOPIC, changed, put, unit_in


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str]) -> AsyncIterator[Database]:
    async with db.connect(database("roster"), "roster") as opened:
        yield opened


async def log_of(stack: Place, kafka: tuple[str, str], batches: int) -> Path:
    """The broker's own file of partition 0, which holds so many batches of one event."""
    for _ in range(batches):
        await put(kafka, changed(unit_in(0), 1))
    (log,) = (stack.home / "kafka" / "data" / f"{kafka[1]}{TOPIC}-0").glob("*.log")
    return log


def spoil(log: Path, offset: int, at: int, head: bytes) -> None:
    """Write over what stands `at` bytes into the batch of one event that begins at this offset."""
    place = 0
    with log.open("r+b") as file:
        for _ in range(offset):
            file.seek(place + 8)
            place += 12 + struct.unpack(">i", file.read(4))[0]
        file.seek(place + at)
        file.write(head)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("at", "head", "behind"),
    [(23, b"\x7f\xff\xff\xff", 2), (8, b"\x7f\xff\xff\xff", 4), (0, bytes(61), 4)],
    ids=["an end beyond all", "a length beyond all", "no head at all"],
)
async def test_who_stands_before_a_broken_batch_is_told_from_where_he_can_read_again(
    stack: Place, kafka: tuple[str, str], at: int, head: bytes, behind: int
) -> None:
    spoil(await log_of(stack, kafka, 4), 1, at, head)
    before, here, past = (Reader("roster", "roster", kafka[1] + TOPIC, 0, offset) for offset in (0, 1, 4))

    assert await standing(kafka[0], [before, here, past]) == [Standing(here, behind)]


@pytest.mark.asyncio
async def test_who_is_late_or_whose_batch_is_parked_as_a_whole_does_not_stand(stack: Place, kafka: tuple[str, str]) -> None:
    spoil(await log_of(stack, kafka, 3), 1, 60, b"\xff")

    assert await standing(kafka[0], [Reader("roster", "roster", kafka[1] + TOPIC, 0, offset) for offset in (0, 1, 2)]) == []


@pytest.mark.asyncio
async def test_a_reader_that_has_handled_nothing_of_a_partition_yet_is_looked_at_there(roster: Database) -> None:
    await roster.pool.execute("INSERT INTO consumer_positions VALUES ('roster', 't', 2, 5)")

    assert [each.offset for each in await readers(roster)] == [0, 0, 5, 0, 0, 0]


def test_the_list_shows_the_command_to_type(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def found(*_: object) -> list[Standing]:
        return [Standing(Reader("roster", "roster", "roster.events", 3, 290), behind) for behind in (364, None)]

    monkeypatch.setattr(dead_letters, "ask", lambda *_: [])
    monkeypatch.setattr(dead_letters, "standing", found)

    with pytest.raises(typer.Exit) as left:
        dead_letters.listed()

    shown = capsys.readouterr().out
    assert left.value.exit_code == 1
    assert "停在 roster.events/3 的 290" in shown
    assert "bianban dead-letters pass roster roster roster.events 3 364 --reason 事由\n" in shown
    assert "没有找到可读之处" in shown


def test_where_kafka_is_away_the_list_says_what_was_not_looked_at(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def away(*_: object) -> list[Standing]:
        raise KafkaConnectionError

    monkeypatch.setattr(dead_letters, "ask", lambda *_: [])
    monkeypatch.setattr(dead_letters, "standing", away)

    with pytest.raises(typer.Exit) as left:
        dead_letters.listed()

    assert left.value.exit_code == 1  # whoever asks by a script must not take it for none
    assert "Kafka 没有应答，未能核对" in capsys.readouterr().out


@pytest.mark.asyncio
async def test_a_kafka_that_hangs_is_told_in_seconds_and_without_the_drivers_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(standing_readers, "SILENT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kafka = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TimeoutError):
            await standing(kafka, [Reader("roster", "roster", "roster.events", 0, 0)])
        with pytest.raises(WrongPlace, match="restart kafka"):
            await dead_letters._ensure_within(kafka, TopicPartition("roster.events", 0), 0)

    assert caplog.text == ""
