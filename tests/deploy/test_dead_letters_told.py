"""What `bianban dead-letters replay` tells of a key without letters, and of a replay that takes its time."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from uuid import uuid4

import pytest
import pytest_asyncio
import typer
from aiokafka import TopicPartition
from typer.testing import CliRunner

from deploy import dead_letters, replaying
from deploy.dead_letters import _dropped, _ensure_within, _passed, _read_again, _replayed
from deploy.local.place import WrongPlace
from shared import db
from shared import dead_letters as shared_letters
from shared.db import Database
from shared.dead_letters import DeadLetter, Parked
from shared.parked_words import WAITS
from tests.shared.given import HAND, TOPIC, changed, partition_of, put, until

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def roster(database: Callable[[str], str], monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """Where one letter is parked under the key `one`, and nobody has long patience."""
    for patient in (dead_letters, replaying):
        monkeypatch.setattr(patient, "PATIENCE", 0.5)
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


@pytest.mark.parametrize(
    "key", ["one", "a key", "it's", "\x1b]0;pwned\x07", "\x1b[2Jevil\x1b[0m", "b\\ack'\n", "单位\u202e甲", "\U000e0041tag", "\x85next"]
)
async def test_a_key_is_told_so_that_bash_takes_it_and_no_terminal_acts_on_it(key: str) -> None:
    told = replaying.as_typed(key)
    bash = await asyncio.create_subprocess_exec(
        "bash", "-c", f"printf %s {told}", env={"LC_ALL": "C.UTF-8"}, stdout=asyncio.subprocess.PIPE
    )

    taken, _ = await bash.communicate()
    assert taken.decode() == key
    assert told.isprintable()


async def test_a_key_under_which_nothing_is_parked_is_not_said_to_be_given_up(roster: Database) -> None:
    with pytest.raises(WrongPlace, match="没有死信"):
        await _dropped(roster, "eno", HAND)


async def test_what_is_dropped_is_counted_and_kept(roster: Database) -> None:
    assert await _dropped(roster, "one", HAND) == 1
    assert await roster.pool.fetchval("SELECT reason FROM given_up") == HAND.reason


async def test_a_consumer_is_led_forward_alone_and_under_its_own_name(roster: Database) -> None:
    await roster.pool.execute("INSERT INTO consumer_positions VALUES ('roster', 't', 0, 5)")
    at = TopicPartition("t", 0)
    with pytest.raises(WrongPlace, match="没有消费者 rooster。已有：roster"):
        await _passed(roster, HAND, "rooster", at, 9)
    with pytest.raises(WrongPlace, match="已处理到 5，只能向前"):
        await _passed(roster, HAND, "roster", at, 4)

    assert await _passed(roster, HAND, "roster", at, 9) == 5


async def test_nobody_is_led_behind_the_end_of_a_topic_or_into_one_that_there_is_not(kafka: tuple[str, str]) -> None:
    unit = uuid4()
    await put(kafka, changed(unit, 1), changed(unit, 2))
    at = TopicPartition(kafka[1] + TOPIC, partition_of(unit))
    await _ensure_within(kafka[0], at, 2)

    with pytest.raises(WrongPlace, match="末尾在 2，没有 3"):
        await _ensure_within(kafka[0], at, 3)
    for nowhere in (TopicPartition("nosuch", 0), TopicPartition(at.topic, 6)):
        with pytest.raises(WrongPlace, match="Kafka 中没有"):
            await _ensure_within(kafka[0], nowhere, 1)


@pytest.mark.parametrize(("service", "where"), [("roster", "操作留痕"), ("reporting", "表 reporting.given_up（统计分析没有封存")])
@pytest.mark.parametrize("words", [("drop", "{}", "one"), ("pass", "{}", "c", "t", "0", "9"), ("reread", "{}", "c", "t", "0", "9")])
async def test_where_the_deed_is_kept_is_told_as_it_is(
    monkeypatch: pytest.MonkeyPatch, service: str, where: str, words: tuple[str, ...]
) -> None:
    """Reporting, whose tables can be made anew from events, has no seal and no 操作留痕."""
    monkeypatch.setattr(dead_letters, "ask", lambda *_: 1)
    monkeypatch.setattr(dead_letters, "asyncio", SimpleNamespace(run=lambda asked: asked.close()))

    told = CliRunner().invoke(dead_letters.app, [*(word.format(service) for word in words), "--reason", "试", "--yes"])

    assert f"已记入{where}" in told.output


UNREAD = "Unreadable: the driver cannot read offsets 5 to 8 (CorruptRecordException)"


async def park_unread(database: Database) -> TopicPartition:
    await database.pool.execute("INSERT INTO consumer_positions VALUES ('roster', 't', 0, 9)")
    await database.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ('roster', '', 't', 0, 8, '{}', '', $1)",
        UNREAD,
    )
    return TopicPartition("t", 0)


async def test_who_has_read_nothing_in_vain_is_not_led_back(roster: Database) -> None:
    at = await park_unread(roster)
    for consumer, offset in (("roster", 4), ("roster", 8), ("rooster", 5)):
        with pytest.raises(WrongPlace, match="起读不出的死信"):
            await _read_again(roster, HAND, consumer, at, offset)

    assert await roster.pool.fetchval("SELECT count(*) FROM given_up") == 0


async def test_a_consumer_that_is_away_or_slow_is_told_when_it_is_to_read_again(roster: Database) -> None:
    at = await park_unread(roster)
    with pytest.raises(WrongPlace, match="消费者没有在运行"):
        await _read_again(roster, HAND, "roster", at, 5)

    asking = asyncio.create_task(_read_again(roster, HAND, "roster", at, 5))
    await until(lambda: roster.pool.fetchval("SELECT count(*) = 2 FROM given_up"))
    await roster.pool.execute("WITH gone AS (DELETE FROM dead_letters WHERE key = '') UPDATE consumer_positions SET next_offset = 5")
    with pytest.raises(WrongPlace, match="仍在处理"):
        await asking


@pytest.mark.parametrize("again", [True, False])
async def test_whether_it_could_be_read_this_time_is_told(roster: Database, monkeypatch: pytest.MonkeyPatch, again: bool) -> None:
    monkeypatch.setattr(dead_letters, "PATIENCE", 30)
    at = await park_unread(roster)
    asking = asyncio.create_task(_read_again(roster, HAND, "roster", at, 5))
    await until(lambda: roster.pool.fetchval("SELECT count(*) = 1 FROM given_up"))
    await roster.pool.execute("UPDATE dead_letters SET again_from = NULL" if again else "DELETE FROM dead_letters WHERE key = ''")

    assert await asking is not again


async def test_what_was_not_read_is_shown_with_the_command_that_reads_it_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    letter = DeadLetter(1, "roster", "", "roster.events", "—", UNREAD, datetime(2026, 9, 1, tzinfo=UTC))
    monkeypatch.setattr(dead_letters, "ask", lambda *_: [Parked(letter, 3, 8, {}, b"")])

    dead_letters.show("roster", "")

    assert "\nbianban dead-letters reread roster roster roster.events 3 5 --reason 事由\n" in capsys.readouterr().out


async def test_a_key_stands_whole_in_the_list_however_narrow_the_terminal_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    key, at = str(uuid4()), datetime(2026, 9, 1, tzinfo=UTC)
    letter = DeadLetter(1, "roster", key, "roster.events", "roster.unit_changed.v1", "the process died while handling it", at)
    monkeypatch.setattr(dead_letters, "ask", lambda service, _: [letter] if service == "roster" else [])
    monkeypatch.setattr(dead_letters, "_tell_standing", lambda: False)
    monkeypatch.setenv("COLUMNS", "80")

    with pytest.raises(typer.Exit):
        dead_letters.listed()

    told = capsys.readouterr().out
    assert f"bianban dead-letters show roster {key}\n" in told
    assert "处理时进程中断" in told


async def test_what_waits_behind_a_letter_is_told_by_its_number(capsys: pytest.CaptureFixture[str]) -> None:
    key, at = str(uuid4()), datetime(2026, 9, 1, tzinfo=UTC)
    line = [
        DeadLetter(number, consumer, key, "roster.events", "roster.unit_changed.v1", "GapSeen" if number < 3 else WAITS, at)
        for number, consumer in enumerate(["a", "b", *["a"] * 40, *["b"] * 2], 1)
    ]

    dead_letters._tell_letters([("roster", each) for each in line])

    told = capsys.readouterr().out.splitlines()
    assert [each.split()[0] for each in told[1:-1]] == ["a", "a", "b", "b"]
    assert told[2].split() == ["a", "另有", "40", "条排在其后"]
    assert told[4].split() == ["b", "另有", "2", "条排在其后"]
    assert "共 44 条，1 个消息键" in told[-1]


@pytest.mark.parametrize("key", ["330499199001010018", "a330499199001010018b", "张三"])
async def test_a_key_that_is_no_id_is_told_by_a_number_and_found_by_it(
    roster: Database, capsys: pytest.CaptureFixture[str], key: str
) -> None:
    """A broken or foreign publisher may key a record with whoever it is about."""
    await roster.pool.execute("UPDATE dead_letters SET key = $1", key)
    found = await shared_letters.listed(roster)
    dead_letters._tell_letters([("roster", each) for each in found])

    told = capsys.readouterr().out
    shown = told.split()[4]
    assert key not in told
    assert [each.letter.key for each in await dead_letters._parked(roster, shown)] == [key]
    with pytest.raises(WrongPlace, match="消费者没有在运行"):
        await _replayed(roster, shown)
    assert await _dropped(roster, shown, HAND) == 1
