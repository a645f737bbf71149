"""A process that crashes leaves no memory on a disk: keys, and what people typed, stand in it."""

import resource
import subprocess
import sys

import pytest

SAY = "print(next(line for line in open('/proc/self/limits') if line.startswith('Max core')).split()[4:6])"
WORKER = f"""
from shared.process import run
async def main():
    {SAY}
run(main())
"""
DOOR = f"""
from contextlib import asynccontextmanager
from fastapi.testclient import TestClient
from shared.http import service_app
@asynccontextmanager
async def life(_):
    {SAY}
    yield
with TestClient(service_app("kit", life)):
    pass
"""
COMMAND = f"""
from deploy import cli
def told():
    {SAY}
cli.app = told
cli.main()
"""


@pytest.mark.parametrize("program", [WORKER, DOOR, COMMAND], ids=["worker", "door", "command"])
def test_no_process_of_ours_leaves_its_memory_on_a_disk(program: str) -> None:
    _, allowed = resource.getrlimit(resource.RLIMIT_CORE)
    begun = subprocess.run(
        [sys.executable, "-c", program],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (allowed, allowed)),
        capture_output=True,
        text=True,
        check=True,
    )

    assert begun.stdout.strip() == "['0', '0']"
