"""`python -m tests.mutations [PART OF A NAME …]`: takes each guard out in a copy of the tree and runs the tests that must fail. 1 when one did not.

Before that they are run with the guard in place: a test that fails anyway notices nothing.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.local.place import PROJECT
from tests.mutations.guards import GUARDS, Guard

TRIES = 3


def main(*parts: str) -> int:
    """Say of each guard whether its absence was noticed."""
    chosen = [guard for guard in GUARDS if not parts or any(part in guard.name for part in parts)]
    unnoticed, green = 0, set[str]()
    with tempfile.TemporaryDirectory(prefix="bianban-mutations-") as folder:
        tree = Path(folder)
        _copy(tree)
        for guard in chosen:
            _control(tree, guard, green)
            noticed = _is_noticed(tree, guard)
            unnoticed += not noticed
            sys.stdout.write(f"{'noticed  ' if noticed else 'UNNOTICED'}  {guard.name}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - unnoticed} of {len(chosen)} guards: their absence was noticed\n")
    return 1 if unnoticed else 0


def _copy(tree: Path) -> None:
    """The files as they are now, with the tools beside them."""
    words = ("git", "ls-files", "-z", "-co", "--exclude-standard")
    listed = subprocess.run(words, cwd=PROJECT, capture_output=True, check=True).stdout
    for name in listed.decode().split("\0"):
        if name and (PROJECT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            (tree / name).write_bytes((PROJECT / name).read_bytes())
    for name in (".venv", ".cache"):
        (tree / name).symlink_to(PROJECT / name)


def _control(tree: Path, guard: Guard, green: set[str]) -> None:
    """With every guard in place each named test passes; once is enough."""
    for test in guard.tests:
        if test not in green and _fails(tree, guard.name, test):
            raise SystemExit(f"{guard.name}: {test} fails with the guard in place")
        green.add(test)


def _is_noticed(tree: Path, guard: Guard) -> bool:
    """Whether each named test fails without the guard."""
    file = tree / guard.file
    whole = file.read_text(encoding="utf-8")
    if whole.count(guard.old) != 1:
        raise SystemExit(f"{guard.name}: the guard does not stand exactly once in {guard.file}")
    file.write_text(whole.replace(guard.old, guard.new), encoding="utf-8")
    try:
        passing = [test for test in guard.tests if not _fails(tree, guard.name, test)]
    finally:
        file.write_text(whole, encoding="utf-8")
    for test in passing:
        sys.stdout.write(f"  passes all the same: {test}\n")
    return not passing


def _fails(tree: Path, name: str, test: str) -> bool:
    """Whether a test failed; a stack that did not come up (a port that somebody took meanwhile) is no failure, and tried again."""
    words = (sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", test)
    variables = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    for _ in range(TRIES):
        done = subprocess.run(words, cwd=tree, env=variables, capture_output=True, text=True, check=False)
        outcome = done.stdout.strip().rpartition("\n")[2]
        if done.returncode == 0 or (done.returncode == 1 and " failed" in outcome):
            return done.returncode == 1
    raise SystemExit(f"{name}: {test} could not run\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
