"""SQL is never built of what somebody sent. Requests, events and rows reach a statement as parameters; their attributes never stand in its text.

What is said at run time, of helpers that are given names: `tests/fuzz/test_openapi.py` finds nothing that was sent in any statement.
"""

import ast
import re
from collections.abc import Iterator

import pytest

from deploy.local.place import PROJECT

SQL = re.compile(r"\b(SELECT|INSERT INTO|DELETE FROM|UPDATE \w+|WHERE|FROM|JOIN|ORDER BY|LIMIT|AND|BEGIN|SET LOCAL|NOTIFY|LISTEN)\b")
CONSTANT = re.compile(r"(\w+\.)?_?[A-Z][A-Z0-9_]*(\[.*\])?")
ORDER = re.compile(r"(self\.)?order\.(keys|places|by|by_keys|descending)")
ALLOWED = {
    "shared/audit/models.py: self.table": "what stands under the seal is declared in code",
    "shared/audit/models.py: self.key": "the same",
    "shared/audit/models.py: self.written": "the same",
    "shared/db.py: self.service": "the process's own name",
    "shared/db.py: self._wall": "made of ids by services/roster/api/door.py, which asks for UUIDs",
    "shared/exports/running.py: source.rows": "a list of ours",
    "shared/exports/running.py: source.order": "the same",
    "services/roster/commands/brought.py: self.table": "declared in code",
    "services/roster/commands/brought.py: self.owner": "the same",
    "services/roster/queries/comparison_facts.py: source.rows": "a list of ours",
    "services/roster/queries/exports/persons.py: source.rows": "the same",
    "services/roster/queries/person_lists.py: shape.columns": "names of our own fields: `_shape` takes no other",
    "services/roster/queries/persons.py: paging.limit": "a whole number from 1 to 200",
    "services/roster/queries/reforms.py: paging.limit": "the same",
    "services/roster/queries/unit_history.py: paging.limit": "the same",
}


def put_into_text(tree: ast.Module) -> Iterator[str]:
    """Attributes and items that stand in the text of an SQL f-string, or in a name of the same function that does."""
    for function in (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)):
        given = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for text in (each for each in ast.walk(function) if isinstance(each, ast.JoinedStr) and SQL.search(ast.unparse(each))):
            for part in text.values:
                if isinstance(part, ast.FormattedValue):
                    yield from _data(given.get(part.value.id, part.value) if isinstance(part.value, ast.Name) else part.value)


def _data(value: ast.expr) -> Iterator[str]:
    """What a function is given goes into its parameters; its own name may be a method's."""
    if isinstance(value, ast.Attribute | ast.Subscript):
        said = ast.unparse(value)
        if not CONSTANT.fullmatch(said) and not ORDER.fullmatch(said):
            yield said
    elif isinstance(value, ast.Compare):
        return
    elif isinstance(value, ast.Call):
        if isinstance(value.func, ast.Name) and value.func.id == "str":
            yield ast.unparse(value)
    else:
        for each in ast.iter_child_nodes(value):
            if isinstance(each, ast.expr) and each is not getattr(value, "test", None):
                yield from _data(each)


def found() -> set[str]:
    return {
        f"{path.relative_to(PROJECT).as_posix()}: {said}"
        for folder in ("services", "shared")
        for path in sorted((PROJECT / folder).rglob("*.py"))
        for said in put_into_text(ast.parse(path.read_text(encoding="utf-8")))
    }


def test_nothing_that_was_sent_stands_in_the_text_of_a_statement() -> None:
    assert found() == set(ALLOWED)


@pytest.mark.parametrize(
    "line",
    [
        "conn.fetch(f\"SELECT 1 FROM units WHERE name = '{what.name}'\")",
        "conn.fetch(f\"SELECT 1 FROM units WHERE name = '{str(name)}'\")",
        "conn.fetch(f\"SELECT 1 FROM units ORDER BY {body['sort']}\")",
        "name = wanted.name\n    conn.fetch(f\"SELECT 1 FROM units WHERE name = '{name}'\")",
        "conn.fetch(f\"SELECT 1 FROM units WHERE {'true' if all else event.kind}\")",
    ],
)
def test_a_statement_built_of_what_was_sent_is_seen(line: str) -> None:
    assert list(put_into_text(ast.parse(f"def planted():\n    {line}\n")))
