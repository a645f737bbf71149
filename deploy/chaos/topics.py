"""What the topics hold against what the publishers' logs say: nothing missing, and each aggregate in its order."""

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.chaos.compare import PUBLISHERS
from shared.db import Connection
from shared.listening import PARTITIONS


async def compare_topics(owner: Connection, address: str, planted: set[str]) -> dict[str, list[str]]:
    """Events of a log that are in no topic, and first occurrences that came before their predecessor (but those a fault has planted).

    The log is read first, and without what waits to be sent: daily work tells more in this very moment.
    """
    missing: list[str] = []
    disorder: list[str] = []
    for publisher in PUBLISHERS:
        rows = await owner.fetch(
            f"SELECT event_id::text AS id, type FROM {publisher}.event_log"
            f" WHERE NOT EXISTS (SELECT FROM {publisher}.outbox WHERE outbox.event_id = event_log.event_id)"
        )
        first, wrong = await _read(address, f"{publisher}.events")
        missing += [f"{row['type']} {row['id']}" for row in rows if row["id"] not in first]
        disorder += [f"{publisher}: {each}" for each in wrong if not planted & set(each.split())]
    return {"events_missing_in_topics": missing, "events_out_of_order": disorder}


async def _read(address: str, topic: str) -> tuple[set[str], list[str]]:
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer = AIOKafkaConsumer(bootstrap_servers=address, enable_auto_commit=False)
    seen: set[str] = set()
    versions: dict[str, tuple[int, str]] = {}
    wrong: list[str] = []
    await consumer.start()
    try:
        consumer.assign(partitions)
        await consumer.seek_to_beginning(*partitions)
        ends = await consumer.end_offsets(partitions)
        while [each for each in partitions if await consumer.position(each) < ends[each]]:
            for records in (await consumer.getmany(timeout_ms=500, max_records=5000)).values():
                for record in (each for each in records if each.value is not None):
                    headers = {name: value.decode() for name, value in record.headers}
                    event, about, version = headers["ce_id"], headers["ce_subject"], int(headers["ce_sequence"])
                    if event in seen:
                        continue
                    seen.add(event)
                    before, by = versions.get(about, (0, ""))
                    if version != before + 1:
                        wrong.append(f"{about} {version} after {before}: {event} {by}")
                    versions[about] = max(before, version), event
    finally:
        await consumer.stop()
    return seen, wrong
