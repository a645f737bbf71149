"""The import contracts hold, and each is seen to refuse the import it is there for."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.place import PROJECT

TREE = ("deploy", "services", "workflows", "shared")
LINTER = Path(sys.executable).with_name("lint-imports")
FORBIDDEN = {
    "layers": ("shared/planted.py", "import workflows\n"),
    "independence": ("services/roster/planted.py", "import services.approval.models\n"),
    "doors": ("services/roster/rules.py", "import services.roster.commands\n"),
    "pure": ("services/roster/rules.py", "import asyncpg\n"),
    "deterministic": ("workflows/planted.py", "import random\n"),
    "outbox": ("services/roster/api.py", "import shared.outbox\n"),
    "settings": ("services/roster/api.py", "import services.roster.settings\n"),
}


def lint(tree: Path, contract: str) -> "subprocess.CompletedProcess[str]":
    command = [str(LINTER), "--no-cache", "--contract", contract, "pyproject.toml"]
    return subprocess.run(command, cwd=tree, env={"PYTHONPATH": str(tree)}, capture_output=True, text=True, check=False)


def module(tree: Path, path: str) -> Path:
    """The file of a module, whether it is one file or has grown into a package; made empty where a service has not got it yet."""
    package = (tree / path).with_suffix("")
    file = package / "__init__.py" if package.is_dir() else tree / path
    file.parent.mkdir(exist_ok=True)
    file.touch()
    return file


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the code."""
    shutil.copy(PROJECT / "pyproject.toml", tmp_path)
    for name in TREE:
        shutil.copytree(PROJECT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ("roster/__init__.py", "roster/commands.py", "roster/settings.py", "approval/__init__.py", "approval/models.py"):
        module(tmp_path / "services", path)
    return tmp_path


@pytest.mark.parametrize("contract", FORBIDDEN)
def test_a_forbidden_import_is_refused(tree: Path, contract: str) -> None:
    path, statement = FORBIDDEN[contract]
    before = lint(tree, contract)
    with module(tree, path).open("a", encoding="utf-8") as file:
        file.write(f"\n{statement}")

    after = lint(tree, contract)

    assert before.returncode == 0, before.stdout
    assert after.returncode == 1, after.stdout
    assert statement.split()[1] in after.stdout


def test_every_contract_has_a_planted_import() -> None:
    ids = [line.split('"')[1] for line in (PROJECT / "pyproject.toml").read_text().splitlines() if line.startswith('id = "')]
    assert set(ids) == set(FORBIDDEN)
