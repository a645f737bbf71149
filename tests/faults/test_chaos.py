"""Three minutes of load while faults of every kind happen: nothing is lost, doubled, out of order, stuck or told wrongly."""

import os
import random
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.chaos.command import PROMISES
from deploy.chaos.ground import SERVERS, SLOTS, free_place, place_of_chaos
from deploy.chaos.run import Asked, Verdict, keep, run
from deploy.chaos.schedule import KINDS, plan
from deploy.local.place import PROJECT, Place, WrongPlace
from deploy.local.process import PortTaken, refuse_taken_ports
from deploy.local.stack import refuse_taken
from tests.left_behind import people_in

BASE = Place(PROJECT / ".local", 0, "test")
SEED, MINUTES = 20260918, 3.0
HERE = [kind.name for kind in KINDS]
WITH_ROOT = {"disk-full"}
"""What only root can have."""


@pytest.mark.asyncio
async def test_three_minutes_of_faults_break_no_promise() -> None:
    asked = Asked(MINUTES, SEED)
    told: list[str] = []
    place = free_place(BASE)
    verdict = await run(place, asked, told.append)
    kept = keep(verdict, asked, BASE.home / "chaos")

    assert {name: cases[:3] for name, cases in verdict.findings.items() if cases} == {}, f"{kept}\n" + "\n".join(told[-60:])
    assert set(verdict.findings) == set(PROMISES)
    assert people_in(place.home, "log") == {}
    assert all(verdict.figures["acknowledged_by"].values()), verdict.figures["acknowledged_by"]
    assert set(HERE) - set(verdict.figures["faults"]) <= WITH_ROOT, verdict.figures["skipped"]


def test_the_same_seed_plans_the_same_faults_and_another_seed_others() -> None:
    def planned(seed: int) -> list[str]:
        return [f"{at:.3f} {fault}" for at, fault in plan(seed, 180, list(KINDS))]

    assert planned(1) == planned(1)
    assert planned(1) != planned(2)


def test_one_case_that_breaks_a_promise_is_the_verdict() -> None:
    assert Verdict({"lost": [], "doubled": []}, {}).kept
    assert not Verdict({"lost": [], "doubled": ["person"]}, {}).kept


def test_production_is_refused() -> None:
    with pytest.raises(WrongPlace):
        place_of_chaos(replace(BASE, environment="production"))


def test_the_next_place_is_taken_where_a_way_to_a_server_is_held_and_with_none_left_the_ports_are_named(tmp_path: Path) -> None:
    """Must fail when only the ports of the stack itself are looked at: the run would end with an OSError."""
    base = _unused(tmp_path)
    with ExitStack() as held:
        first, *others = [place_of_chaos(base, slot).reached("kafka") for slot in range(SLOTS)]
        held.enter_context(socket.create_server(("127.0.0.1", first)))
        found = free_place(base)
        for port in others:
            held.enter_context(socket.create_server(("127.0.0.1", port)))
        with pytest.raises(PortTaken, match="BIANBAN_PORT_OFFSET") as none_left:
            free_place(base)

    assert found == place_of_chaos(base, 1)
    for port in (first, *others):
        assert f"端口 {port} 已被占用：进程 {os.getpid()}" in str(none_left.value)


def _unused(home: Path) -> Place:
    """One of which every place is free, below the ports that clients are given."""
    while True:
        base = Place(home, random.randrange(-4_000, -2_000), "test")
        with suppress(PortTaken):
            for slot in range(SLOTS):
                place = place_of_chaos(base, slot)
                refuse_taken(place)
                refuse_taken_ports(place.reached(server) for server in SERVERS)
            return base


def test_an_unknown_fault_is_refused_with_the_names_of_all() -> None:
    words = (sys.executable, "-m", "deploy.cli", "chaos", "--minutes", "1", "--faults", "earthquake")
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "earthquake" in done.stderr
    assert all(kind.name in done.stderr for kind in KINDS)
