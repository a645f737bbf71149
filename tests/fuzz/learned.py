"""What answers taught: values by the names they stand under, put in place of invented ones, so that requests get past "not found"."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from schemathesis import Case

KEPT = 40
_ITEM = re.compile(r"/(\w+?)s?(?:/|$)")


class Learned:
    """Values by name; `choice` picks one, or leaves what was invented."""

    def __init__(self, known: Mapping[str, list[Any]]) -> None:
        self._known = {name: list(values) for name, values in known.items()}

    def from_answer(self, path: str, answer: Any) -> None:
        """`id` is remembered as what the route speaks of: `/units` teaches `unit_id`."""
        if isinstance(answer, dict):
            for name, value in answer.items():
                self.from_answer(path, value)
                self._keep(_full(name, path), value)
        elif isinstance(answer, list):
            for value in answer[:KEPT]:
                self.from_answer(path, value)

    def put_into(self, case: Case[Any], choice: int) -> None:
        """Half of what has a known name gets a known value; the bits of `choice` say which half."""
        turns = _Bits(choice)
        for part in (case.path_parameters, case.query, case.body):
            self._replace(part, turns)

    def put_around(self, case: Case[Any], wholes: Sequence[Mapping[str, Any]], choice: int) -> None:
        """Of an invented body a quarter of the fields, of a small choice none, in a body that would be taken, asked of what is there."""
        turns = _Bits(choice)
        for name in case.path_parameters or ():
            if known := self._known.get(_alias(name)):
                case.path_parameters[name] = known[turns.take(len(known))]
        whole = wholes[turns.take(len(wholes))]
        if isinstance(case.body, dict):
            for name in sorted(case.body.keys() | whole.keys()):
                if turns.take(4) < 3:
                    case.body.pop(name, None)
                    case.body |= {name: whole[name]} if name in whole else {}

    def _replace(self, part: Any, turns: "_Bits") -> None:
        for name, value in list(part.items()) if isinstance(part, dict) else ():
            if isinstance(value, dict | list):
                self._replace(value, turns)
            elif (known := self._known.get(_alias(name))) and turns.take(2):
                part[name] = known[turns.take(len(known))]
        for value in part if isinstance(part, list) else ():
            self._replace(value, turns)

    def _keep(self, name: str, value: Any) -> None:
        if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
            values = self._known.setdefault(name, [])
            if value not in values:
                values.append(value)
                del values[:-KEPT]


class _Bits:
    def __init__(self, choice: int) -> None:
        self._left = choice

    def take(self, below: int) -> int:
        self._left, taken = divmod(self._left, below)
        return taken


def _full(name: str, path: str) -> str:
    item = _ITEM.match(path)
    return f"{item[1]}_id" if name == "id" and item else _alias(name)


def _alias(name: str) -> str:
    return {"unit": "unit_id", "parent_id": "unit_id", "from_unit_id": "unit_id", "after": "after"}.get(name, name)
