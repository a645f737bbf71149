"""`python -m deploy.local [PART …]`: the supervisor of one stack, in this process. `bianban up` starts it detached."""

import argparse
import asyncio
import os
import signal
import sys

from deploy.local import leftovers, secret_files, stack, state
from deploy.local.parts import choose, parts
from deploy.local.place import Place, WrongPlace
from deploy.local.process import end_with_parent
from deploy.local.supervisor import Supervisor


def main() -> int:
    """Supervise the named parts (all when none is named) until told to stop; 1 when the home has a supervisor already."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("parts", nargs="*")
    arguments.add_argument("--parent", type=int, help="end when this process, the one that started us, ends")
    given = arguments.parse_args()
    if given.parent:
        end_with_parent(signal.SIGTERM, given.parent)()
    place = Place.from_environment()
    place.make_folders()
    try:
        stack.ensure_keys(place)
    except WrongPlace as told:
        sys.stderr.write(f"{told}\n")
        return 1
    if state.lock(place.home / "run" / "supervisor.lock") is None:
        sys.stderr.write("这个数据目录已有一个监管进程在运行。\n")
        return 1
    leftovers.end(place)
    secret_files.make(place.home / "secrets")
    chosen = parts(place) if place.environment != "test" and not given.parts else choose(parts(place), set(given.parts))
    supervisor = Supervisor(place, chosen)
    asyncio.run(supervisor.run())
    return 0


if __name__ == "__main__":
    os._exit(main())  # nothing is left to do; waiting for what was forked late would only hang
