"""`bianban dead-letters replay SERVICE --all`: what one cause parked is handled again in order, and what stays is named."""

from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from deploy import dead_letters as command
from deploy import replaying
from deploy.local.place import WrongPlace
from deploy.replaying import replay_all
from shared.db import Connection
from shared.errors import Conflict
from shared.events.roster import QuotaChanged
from shared.parked_words import parked_because
from tests.shared.given import TOPIC, Kit, changed, keep_effect, put, until


class Refusing:
    """Refuses one unit until it is mended."""

    def __init__(self, unit: UUID) -> None:
        self.unit: UUID | None = unit

    async def __call__(self, conn: Connection, event: QuotaChanged) -> None:
        if event.unit_id == self.unit:
            raise Conflict
        await keep_effect(conn, event)


def told_of(told: list[str], unit: UUID) -> str:
    (line,) = [line for line in told if str(unit) in line]
    return line


@pytest.mark.asyncio
async def test_all_that_a_gap_parked_is_handled_in_order_once_it_is_filled_and_what_still_lacks_something_is_named(kit: Kit) -> None:
    filled, lacking, refused = [uuid4() for _ in range(3)], uuid4(), uuid4()
    handler = Refusing(refused)
    early = [changed(unit, version) for unit in (*filled, lacking) for version in (2, 3)]
    async with kit.consuming(kit.subscription(handler)):
        await put(kit.kafka, *early, changed(refused, 1))
        await until(lambda: kit.handled(*early))
        first = [changed(unit, 1) for unit in filled]
        await put(kit.kafka, *first)
        await until(lambda: kit.database.pool.fetchval("SELECT count(*) = 12 FROM dead_letters"))

        told: list[str] = []
        stay = await replay_all(kit.database, "GapSeen", kit.kafka[1] + TOPIC, told.append)

        assert (stay, len(told), [line.partition("  ")[0] for line in told]) == (1, 4, ["1/4", "2/4", "3/4", "4/4"])
        assert [await kit.effects(unit) for unit in filled] == [[1, 2, 3]] * 3
        assert "仍有 2 条，原因：缺少此前的版本" in told_of(told, lacking)
        assert f"bianban dead-letters show identity {lacking}" in told_of(told, lacking)
        assert all("已全部处理" in told_of(told, unit) for unit in filled)

        handler.unit = None
        told.clear()
        assert await replay_all(kit.database, None, None, told.append) == 1
        assert (len(told), await kit.effects(refused), await kit.effects(lacking)) == (2, [1], [])


@pytest.mark.asyncio
async def test_a_cause_that_parked_nothing_is_told_with_those_that_did_and_a_consumer_that_is_away_as_such(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kit.database.pool.execute(
        "INSERT INTO dead_letters (consumer, key, topic, partition, at_offset, headers, body, error) VALUES ('kit', 'one', 't', 0, 1, '{}', '', 'GapSeen')"
    )
    for cause, topic in (("Conflict", None), (None, "u")):
        with pytest.raises(WrongPlace, match="现有的原因：缺少此前的版本（GapSeen）"):
            await replay_all(kit.database, cause, topic, print)
    assert await kit.count("replays") == 0

    monkeypatch.setattr(replaying, "PATIENCE", 0.5)
    with pytest.raises(WrongPlace, match="消费者没有在运行"):
        await replay_all(kit.database, parked_because("GapSeen"), "t", print)


@pytest.mark.parametrize(
    "words", [["roster"], ["roster", "one", "--all"], ["roster", "one", "--cause", "GapSeen"], ["roster", "one", "--topic", "t"]]
)
def test_one_key_or_all_of_them_is_asked_for_and_nothing_in_between(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ask", lambda *_: 0)

    assert CliRunner().invoke(command.app, ["replay", *words]).exit_code == 2
    assert CliRunner().invoke(command.app, ["replay", "roster", "--all", "--cause", "GapSeen", "--topic", "t"]).exit_code == 0
