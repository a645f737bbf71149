"""docs/reliability.md speaks of what there is: every test it names exists, every fault and every guard stands in it."""

import re

import pytest

from deploy.chaos.schedule import KINDS
from deploy.local.place import PROJECT
from tests.mutations.guards import GUARDS

PAGE = (PROJECT / "docs" / "reliability.md").read_text(encoding="utf-8")


def test_every_test_it_names_exists() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))

    assert len(named) > 15
    assert {name for name in named if f"def {name}(" not in written} == set()


def test_every_fault_and_every_guard_stands_in_it() -> None:
    assert {kind.name for kind in KINDS if f"`{kind.name}`" not in PAGE} == set()
    assert {guard.name for guard in GUARDS if f"| {guard.name} |" not in PAGE} == set()


@pytest.mark.parametrize(("letter", "last"), [("F", 26), ("S", 20)])
def test_each_fault_and_each_attack_is_answered(letter: str, last: int) -> None:
    rows = re.findall(rf"^\| {letter}(\d+)(?:, {letter}(\d+))? \| [^|]+ \| [^|]+ \|$", PAGE, re.MULTILINE)

    assert [int(number) for row in rows for number in row if number] == list(range(1, last + 1))


def test_each_guard_stands_where_its_mutation_takes_it_out() -> None:
    assert [guard.name for guard in GUARDS if (PROJECT / guard.file).read_text(encoding="utf-8").count(guard.old) != 1] == []
