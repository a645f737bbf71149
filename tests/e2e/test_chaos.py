"""Three minutes of load while faults of every kind happen: nothing is lost, doubled, out of order, stuck or told wrongly."""

import subprocess
import sys
from dataclasses import replace

import pytest

from deploy.chaos.command import PROMISES
from deploy.chaos.ground import free_place, place_of_chaos
from deploy.chaos.run import Asked, Verdict, keep, run
from deploy.chaos.schedule import KINDS, plan
from deploy.local.place import PROJECT, Place, WrongPlace

BASE = Place(PROJECT / ".local", 0, "test")
SEED, MINUTES = 20260918, 3.0
HERE = [kind.name for kind in KINDS]


@pytest.mark.asyncio
async def test_three_minutes_of_faults_break_no_promise() -> None:
    asked = Asked(MINUTES, SEED)
    told: list[str] = []
    verdict = await run(free_place(BASE), asked, told.append)
    kept = keep(verdict, asked, BASE.home / "chaos")

    assert {name: cases[:3] for name, cases in verdict.findings.items() if cases} == {}, f"{kept}\n" + "\n".join(told[-60:])
    assert set(verdict.findings) == set(PROMISES)
    assert verdict.figures["requests"]["acknowledged"] > len(HERE)
    assert set(verdict.figures["faults"]) | {each.split()[0] for each in verdict.figures["skipped"]} == set(HERE)


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


def test_an_unknown_fault_is_refused_with_the_names_of_all() -> None:
    words = (sys.executable, "-m", "deploy.cli", "chaos", "--minutes", "1", "--faults", "earthquake")
    done = subprocess.run(words, cwd=PROJECT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "earthquake" in done.stderr
    assert all(kind.name in done.stderr for kind in KINDS)
