"""A forked process reads our own modules only: what is foreign stands in the nursery's list."""

import json
import subprocess
import sys
from pathlib import Path

from deploy.local import secret_files
from deploy.local.parts import parts
from deploy.local.place import PROJECT, Place

READ = """
import importlib, json, sys
import deploy.local.read_before
known = {name.partition(".")[0] for name in sys.modules}
for module in sys.argv[1:]:
    importlib.import_module(module)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules} - known - sys.stdlib_module_names)))
"""
OURS = {"services", "shared", "workflows"}


def modules(place: Place) -> list[str]:
    """The programs of the forked parts; those of uvicorn name theirs as an argument."""
    words = [word for part in parts(place) if part.forked for word in part.argv]
    return sorted({word.partition(":")[0] for word in words if word.partition(".")[0] in OURS})


def test_what_is_foreign_has_been_read_before(tmp_path: Path) -> None:
    """Must fail when a process reads a package that is not in the list: each of a dozen would read it for itself at every start."""
    place = Place(tmp_path, 1900, "demo")
    place.make_folders()
    secret_files.make(place.secrets)
    read = modules(place)

    foreign = (
        set(json.loads(subprocess.run([sys.executable, "-c", READ, *read], cwd=PROJECT, capture_output=True, check=True).stdout)) - OURS
    )

    assert len(read) > 8
    assert foreign == set()
