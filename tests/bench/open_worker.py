"""The worker of `open`: our workflows with our settings in a namespace of the bench. `python -m tests.bench.open_worker ADDRESS NAMESPACE`."""

import os
import sys

from shared import telemetry
from shared.process import run
from shared.temporal import connect
from workflows.worker import worker


async def _main(address: str, namespace: str) -> None:
    telemetry.set_up("bench-workflows", None)
    client = await connect(address, namespace, bytes.fromhex(os.environ["BENCH_KEY"]))
    await worker(client).run()


if __name__ == "__main__":
    run(_main(*sys.argv[1:]))
