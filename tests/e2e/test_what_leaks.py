"""After the stories: no identity number and no name of anybody in the city stands where it must not. Last in its folder, so that all has happened."""

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from deploy.bootstrap import PLAN
from deploy.city import words
from deploy.city.plants import ODD_NAMES
from deploy.identity import tokens
from deploy.local import stack
from deploy.local.parts import parts
from deploy.local.place import NAMESPACE, Place
from services.roster.models.facts import place_of
from shared.auth import Who
from shared.crypto import FieldCipher, RingFile
from shared.glossary import Role
from shared.law.citizen_id import check_digit
from shared.temporal import EncryptedPayloads

pytestmark = pytest.mark.asyncio(loop_scope="session")

NAMES_STAND_IN = {
    *(("roster", table) for table in ("person_records", "comparison_differences")),
    *(("identity", table) for table in ("users", "accepted_commands")),
}
"""The register, what differs from the upper level's, and the accounts of officials, who may be called the same; numbers stand nowhere in plain."""
_HAN = re.compile(r"[㐀-鿿豈-﫿𠀀-𳏿·]{2,}")
_NUMBER = re.compile(r"\d{17}[\dXx]")
_INVENTED = re.compile(r"33049[89]\d{11}[\dXx]")
"""Any number of an invented person, in the register or not."""
_HEX = re.compile(r"\\\\x([0-9a-f]+)")
"""A column of bytes, as COPY writes it."""
_SECRET = re.compile(r"[\w+/=-]{20,}")
"""A key, a password or a line of one, as it stands in a secret file."""


class Planted:
    """Who is in the register, and a search for any of them.

    Two characters of everyday use may stand in other words side by side (王建 in 王建设): such a name is found where it stands alone. One with a
    character that is in no word is found anywhere, as longer ones are.
    """

    def __init__(self, numbers: set[str], names: set[str]) -> None:
        self.numbers = numbers
        self._alone = {name for name in names if len(name) == 2 and not set(name) & set(words.RARE_GIVEN)}
        self.names = {name for name in names if len(name) >= 2} - self._alone
        self._lengths = {len(name) for name in self.names}

    def numbers_in(self, text: str) -> Iterator[str]:
        yield from self.numbers.intersection(_NUMBER.findall(text))

    def names_in(self, text: str) -> Iterator[str]:
        for run in set(_HAN.findall(text)):
            yield from self._alone & {run}
            for length in self._lengths:
                yield from self.names.intersection(run[start : start + length] for start in range(len(run) - length + 1))


async def planted(place: Place) -> Planted:
    cipher = FieldCipher(RingFile(place.home / "secrets" / "field.keys"))
    conn = await asyncpg.connect(place.database_url("roster"))
    rows = await conn.fetch("SELECT person_id, name, id_number FROM person_records")
    await conn.close()
    numbers = {cipher.decrypt(row["id_number"], place_of(row["person_id"])) for row in rows}
    return Planted(numbers, {row["name"] for row in rows})


async def tables(place: Place) -> AsyncIterator[tuple[tuple[str, str], str]]:
    """Every table of every schema as text."""
    conn = await asyncpg.connect(place.database_url("postgres"))
    names = await conn.fetch("SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')")
    for schema, table in names:
        parts: list[bytes] = []

        async def keep(data: bytes, parts: list[bytes] = parts) -> None:
            parts.append(data)

        await conn.copy_from_table(table, schema_name=schema, output=keep)
        yield (schema, table), with_bytes_read(b"".join(parts).decode())
    await conn.close()


def with_bytes_read(copied: str) -> str:
    """Rows as COPY writes them, what columns of bytes hold as text: events and letters are kept so."""
    return _HEX.sub(lambda found: bytes.fromhex(found[1]).decode(errors="replace"), copied)


async def records(place: Place) -> AsyncIterator[tuple[str, str]]:
    """Every record of every topic: key, headers, value."""
    consumer = AIOKafkaConsumer(bootstrap_servers=place.kafka, enable_auto_commit=False)
    await consumer.start()
    partitions = [TopicPartition(topic, number) for topic in PLAN["topics"]["names"] for number in range(PLAN["topics"]["partitions"])]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    ends = await consumer.end_offsets(partitions)
    while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
        for partition, found in (await consumer.getmany(timeout_ms=200)).items():
            for record in found:
                yield partition.topic, read(record)
    await consumer.stop()


def read(record: ConsumerRecord[bytes, bytes]) -> str:
    """All of a record as text."""
    parts = [record.key, *(part for name, value in record.headers for part in (name.encode(), value)), record.value]
    return " ".join((part or b"").decode(errors="replace") for part in parts)


async def histories(place: Place) -> AsyncIterator[tuple[str, str]]:
    """Every event of every workflow, its payloads decrypted."""
    client = await Client.connect(place.temporal, namespace=NAMESPACE)
    codec = EncryptedPayloads(bytes.fromhex((place.home / "secrets" / "payload.key").read_text().strip()))
    async for workflow in client.list_workflows():
        async for event in client.get_workflow_handle(workflow.id, run_id=workflow.run_id).fetch_history_events():
            decoded = await codec.decode(list(payloads_in(event)))
            yield workflow.id, " ".join([str(event), *(payload.data.decode(errors="replace") for payload in decoded)])


def payloads_in(message: Message) -> Iterator[Payload]:
    """Every payload anywhere in a message."""
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for each in children(field, value):
            yield from payloads_in(each)


def children(field: Any, value: Any) -> list[Message]:
    if field.message_type.GetOptions().map_entry:
        return [each for each in value.values() if isinstance(each, Message)]
    return list(value) if field.is_repeated else [value]


def logs(place: Place) -> Iterator[tuple[str, str]]:
    """What every process and every server wrote down."""
    for path in sorted(Path(place.home / "log").rglob("*")):
        if path.is_file():
            yield path.name, path.read_text(encoding="utf-8", errors="replace")


async def test_no_table_but_the_register_itself_tells_who_somebody_is(whole: Place) -> None:
    people = await planted(whole)
    assert len(people.numbers) > 1000

    found = [
        (where, [*people.numbers_in(text), *(() if where in NAMES_STAND_IN else people.names_in(text))])
        async for where, text in tables(whole)
    ]

    assert {where for where, _ in found} >= {("roster", "event_log"), ("monitoring", "issues"), ("approval", "entries")}
    assert [hit for hit in found if hit[1]] == []


async def test_no_event_tells_who_somebody_is(whole: Place) -> None:
    people, seen = await planted(whole), 0
    async for topic, text in records(whole):
        seen += 1
        assert [topic, *people.numbers_in(text), *people.names_in(text)] == [topic]
    assert seen > 500


async def test_no_history_tells_who_somebody_is(whole: Place) -> None:
    people, seen = await planted(whole), set()
    async for workflow, text in histories(whole):
        seen.add(workflow.partition(":")[0])
        assert [workflow, *people.numbers_in(text), *people.names_in(text)] == [workflow]
    assert seen >= {"approval", "rectification", "freeze"}


async def test_no_log_and_no_address_in_it_tells_who_somebody_is(whole: Place) -> None:
    people = await planted(whole)

    found = {name: [*people.numbers_in(text), *people.names_in(text)] for name, text in logs(whole)}

    assert any(name.startswith("roster") for name in found)
    assert {name: hits for name, hits in found.items() if hits} == {}


async def told_of(shown: list[str], trace_id: str) -> str:
    """What was shown of one trace, once it is there: each process sends every few seconds."""
    deadline = time.monotonic() + 60
    while not (found := [text for text in shown if trace_id in text]):
        assert time.monotonic() < deadline, trace_id
        await asyncio.sleep(0.2)
    return "".join(found)


async def registering(whole: Place, name: str, number: str) -> httpx.Response:
    """The answer to registering a person by the ordinary door."""
    owner = await asyncpg.connect(whole.database_url("bianban"))
    unit_id = await owner.fetchval("SELECT id FROM roster.units WHERE upper_inf(valid) LIMIT 1")
    await owner.close()
    token = tokens(whole).issue(Who("zhang", frozenset({Role.BUSINESS_OFFICER})), datetime.now(UTC))
    person = {"name": name, "id_number": number, "sex": "F", "birth_on": "1986-03-05", "identity": "professional"}
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        return await http.post(
            f"http://127.0.0.1:{whole.port('roster')}/units/{unit_id}/persons",
            json=person | {"post_category": "technical_post", "reason": name},
            headers={"authorization": f"Bearer {token}", "idempotency-key": f"registering-{number}"},
        )


async def test_no_span_and_no_figure_tells_who_somebody_is(whole: Place, shown: list[str]) -> None:
    number = "33049919860305436"
    answer = await registering(whole, "查探示例", number + check_digit(number))
    await told_of(shown, answer.headers["x-trace-id"])
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        figures = (await http.get(f"http://127.0.0.1:{whole.port('otlp')}/metrics")).text

    people, spans = await planted(whole), "".join(shown)
    assert (answer.status_code, "查探示例" in people.names) == (201, True)
    assert {"命令 写入导入的单位", "发出事件 期初已建账", "处理事件 期初已建账"} <= {
        span["name"] for told in shown for span in json.loads(told)
    }
    assert "bianban_outbox_depth" in figures
    assert [*people.names_in(spans), *people.names_in(figures)] == []
    assert _INVENTED.findall(spans + figures) == []


async def test_an_error_nobody_foresaw_tells_nobody(whole: Place, shown: list[str]) -> None:
    name, number = "泄露示例人", "330499198603054320"
    owner = await asyncpg.connect(whole.database_url("bianban"))
    await owner.execute(f"ALTER TABLE roster.person_records ADD CONSTRAINT planted CHECK (name <> '{name}') NOT VALID")
    answer = await registering(whole, name, number)
    await owner.execute("ALTER TABLE roster.person_records DROP CONSTRAINT planted")
    await owner.close()

    written, spans = dict(logs(whole)), await told_of(shown, answer.headers["x-trace-id"])
    assert answer.status_code == 500
    assert '"error.type":"CheckViolationError"' in spans
    assert (name in spans, number in spans) == (False, False)
    assert (name in answer.text, number in answer.text) == (False, False)
    assert "CheckViolationError" in written["roster-app.log"]
    assert [log for log, text in written.items() if name in text or number in text] == []


async def test_the_search_finds_what_is_planted() -> None:
    people = Planted({"330499196501150013"}, {"闻远迹", "𠀋示例", "古丽娜尔·艾尔肯", "单㛃", "仇龑", "王建"})

    assert list(people.numbers_in('{"a":"330499196501150013"}')) == ["330499196501150013"]
    assert list(people.names_in("已由闻远迹办理")) == ["闻远迹"]
    assert list(people.names_in("𠀋示例")) == ["𠀋示例"]
    assert list(people.names_in("报古丽娜尔·艾尔肯同志")) == ["古丽娜尔·艾尔肯"]
    assert sorted(people.names_in("请单㛃与仇龑到场")) == ["仇龑", "单㛃"]
    assert list(people.names_in('{"name": "王建"} 王建设')) == ["王建"]
    assert list(people.names_in(with_bytes_read("7\t\\\\x7b22e997bbe8bf9ce8bfb9227d\t\\\\xff"))) == ["闻远迹"]


async def test_the_search_reads_every_part_of_a_record() -> None:
    told = ConsumerRecord("t", 0, 0, 0, 0, "闻".encode(), None, None, 0, 0, [("迹", "远".encode()), ("none", None)])

    assert read(told) == "闻 迹 远 none  "


async def test_each_odd_name_of_the_city_is_in_the_register_and_searched(whole: Place) -> None:
    people = await planted(whole)

    for name in ODD_NAMES:
        assert name in people.names
        assert list(people.names_in(f"又见{name}等人")) == [name]


async def test_no_process_is_told_a_secret_by_its_start(whole: Place) -> None:
    """Command line and environment are seen by more than who may read the files. A fork shows those of its origin: its own are asked of its part."""
    secrets = {file.name: _SECRET.findall(file.read_text()) for file in whole.secrets.iterdir() if file.suffix != ".pub"}
    supervisor = psutil.Process(stack.supervisor(whole) or 0)

    told = [(process.name(), " ".join([*process.cmdline(), *process.environ().values()])) for process in family(supervisor)]
    given = [(part.name, " ".join([*part.argv, *part.variables.values()])) for part in parts(whole)]

    assert len(told) > len(stack.published(whole)) > 15
    assert secrets.keys() >= {"roster.db", "postgres.db", "field.keys", "payload.key", "token.key", "seal.hmac"}
    assert all(secrets.values())
    assert [(who, name) for who, text in told + given for name, keys in secrets.items() if any(key in text for key in keys)] == []


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process and all that it started, but for who is about to end."""
    found = [process, *process.children(recursive=True)]
    return [each for each in found if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
