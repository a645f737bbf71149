"""Stacks that were started as their user starts them outlive whoever ran the test: a process beside the run ends them once the run is gone, killed or not.

`python -m tests.deploy.lease` reads lines `+ OFFSET HOME` and `- OFFSET HOME`, and stops at the end of its input what was not given back.
"""

import subprocess
import sys
from functools import cache
from pathlib import Path

from deploy.local import stack
from deploy.local.place import PROJECT, Place


class Lease:
    """The places of one run. The input of its keeper is open as long as this process lives; no child inherits it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.deploy.lease"]
        self._keeper = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, start_new_session=True, text=True)

    def take(self, place: Place) -> None:
        """Whatever runs in it ends with this process at the latest."""
        self._tell("+", place)

    def give_back(self, place: Place) -> None:
        """It was stopped."""
        self._tell("-", place)

    def _tell(self, what: str, place: Place) -> None:
        assert self._keeper.stdin
        self._keeper.stdin.write(f"{what} {place.offset} {place.home}\n")
        self._keeper.stdin.flush()


@cache
def of_this_run() -> Lease:
    """One keeper for all places of a process."""
    return Lease()


def main() -> None:
    """Until the run is gone."""
    held: dict[str, None] = {}
    for line in sys.stdin:
        what, _, place = line.rstrip("\n").partition(" ")
        if what == "+":
            held[place] = None
        else:
            held.pop(place, None)
    for each in held:
        offset, _, home = each.partition(" ")
        stack.stop(Place(Path(home), int(offset), "test"))


if __name__ == "__main__":
    main()
