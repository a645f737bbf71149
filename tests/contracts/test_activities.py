"""What workflows may ask: each activity name is announced once in `workflows/`, and answered by one service."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from types import ModuleType

import pytest

import services
import workflows
from deploy.local.place import PROJECT

NAME = re.compile(r"^(roster|approval|monitoring|identity|reporting)\.[a-z_]+$")


def announced() -> list[str]:
    """The constants of the workflow modules that look like `roster.claim_post`."""
    return [
        str(node.value.value)
        for module in pkgutil.walk_packages(workflows.__path__, "workflows.")
        for node in ast.parse(inspect.getsource(importlib.import_module(module.name))).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and NAME.match(str(node.value.value))
    ]


def answered() -> Iterator[tuple[str, str]]:
    """(name, service) of every method that a service's `activities.py` registers."""
    for path in sorted((PROJECT / "services").glob("*/activities*")):
        service = path.parent.name
        modules = [f"{service}.activities", *(f"{service}.activities.{part.stem}" for part in sorted(path.glob("[a-z]*.py")))]
        for holder in (cls for name in modules for cls in _holders(importlib.import_module(f"{services.__name__}.{name}"))):
            for _, member in inspect.getmembers(holder, inspect.isfunction):
                definition = getattr(member, "__temporal_activity_definition", None)
                if definition is not None:
                    yield definition.name, service


def _holders(module: ModuleType) -> list[object]:
    return [module, *(cls for _, cls in inspect.getmembers(module, inspect.isclass) if cls.__module__ == module.__name__)]


def test_each_name_is_announced_once() -> None:
    assert [name for name, count in Counter(announced()).items() if count > 1] == []


def test_each_name_is_answered_by_one_service_and_every_announced_name_is_answered() -> None:
    found = list(answered())

    assert [name for name, count in Counter(name for name, _ in found).items() if count > 1] == []
    assert sorted(name for name, _ in found) == sorted(announced())


@pytest.mark.parametrize(("name", "service"), list(answered()))
def test_a_name_begins_with_the_service_that_answers(name: str, service: str) -> None:
    assert name.split(".", maxsplit=1)[0] == service
