"""The file of a reform (机构改革方案): TOML or JSON in the office's words, to what the roster is asked. All that is wrong in it is told at once."""

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from pydantic import ValidationError

from services.roster.models.fields import UNITS
from services.roster.models.units import Reform
from services.roster.rules.imports.cells import Choices, Wrong, code
from shared.glossary import reason_of

KINDS = {
    "新设": "establish",
    "设立": "establish",
    "变更": "change",
    "更名": "change",
    "rename": "change",
    "撤并": "merge",
    "合并": "merge",
    "分设": "split",
    "划转编制": "move_posts",
    "划转人员": "move_people",
    "核定职数": "set_seats",
    "撤销": "close",
}
"""What a file may call a step; the route's own names are taken too."""
_KEYS = {"unit": "unit_id", "into": "into_unit_id", "to": "to_unit_id", "parent": "parent_id", "people": "person_ids"}
_TOLD = {there: here for here, there in _KEYS.items()}
_UNITS = ("unit_id", "into_unit_id", "to_unit_id", "parent_id")
_CODES = {each.name: each.codes for each in UNITS.fields if each.codes} | {
    "kind": "kinds",
    "funding": "fundings",
    "level": "leadership_levels",
    "over_quota_cause": "over_quota_causes",
}
_NAMESPACE = UUID("6f1c2f5e-7b0e-4d2c-9a55-0d6a5a1f7c11")
Plan = dict[str, Any]
Step = dict[str, Any]
PeopleOf = Callable[[str], Mapping[str, list[str]]]


@dataclass
class Names:
    """The units a file may name: by name, code or USCC, each as they were the day before the reform, and the new ones it makes."""

    ids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    called: dict[str, str] = field(default_factory=dict)

    def add(self, unit_id: str, name: str, *others: str | None) -> None:
        """A unit under all it is called."""
        self.called.setdefault(unit_id, name)
        for each in (unit_id, name, *others):
            if each:
                self.ids[each].add(unit_id)

    def find(self, word: object) -> str:
        """The unit that is meant. Raises Wrong."""
        found = self.ids.get(str(word).strip(), set())
        if not found:
            raise Wrong(f"没有找到单位“{word}”，请核对名称，或改写单位编码")
        if len(found) > 1:
            raise Wrong(f"有 {len(found)} 个单位叫“{word}”，请改写单位编码")
        return next(iter(found))


class WholeReform(Reform):
    """As the door takes it: with why, and on which document."""

    reason: str = ""
    document_no: str | None = None


def mark_of(text: str) -> str:
    """The same for the same lines, whichever way they came: a page sends another end of line than a file has."""
    return sha256(_lines(text).encode("utf-8", "backslashreplace")).hexdigest()


def read_plan(text: str) -> Plan:
    """What stands in the file. Raises Wrong where it is neither TOML nor JSON, or holds what no answer can tell."""
    text = _lines(text)
    try:
        plan = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        json.dumps(plan, ensure_ascii=False, default=str).encode()
    except (ValueError, RecursionError) as error:
        line = re.search(r"line (\d+)", str(error))
        raise Wrong(f"文件不是有效的 TOML 或 JSON{f'（第 {line[1]} 行附近）' if line else ''}，格式见示例") from None
    steps = plan.get("steps")
    if not isinstance(steps, list) or not all(isinstance(each, dict) for each in steps):
        raise Wrong("文件中没有改革步骤（steps），格式见示例")
    return dict(plan)


def _lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n")


def day_before(plan: Plan) -> str | None:
    """The day whose units the file names; none where it says no day of effect."""
    try:
        return (date.fromisoformat(str(plan.get("effective_on"))) - timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return None


def givers(plan: Plan, names: Names) -> set[str]:
    """The units of whom people are named."""
    found = set()
    for step in plan["steps"]:
        if step.get("people") or step.get("person_ids"):
            try:
                found.add(names.find(step.get("unit", step.get("unit_id"))))
            except Wrong:
                continue  # told when the step is read
    return found


def note_new(plan: Plan, names: Names, mark: str) -> None:
    """Let later steps name what earlier ones make or rename. The id of a new unit is the same at each run of the same file."""
    for step in plan["steps"]:
        kind = _kind_of(step)
        if kind == "establish" and isinstance(step.get("name"), str):
            step.setdefault("unit_id", str(uuid5(_NAMESPACE, f"{mark}/{step.get('code')}/{step['name']}")))
            names.add(str(step["unit_id"]), step["name"], str(step.get("code") or ""))
        elif kind == "change" and isinstance(step.get("name"), str) and step["name"] not in names.ids:
            try:
                names.add(names.find(step.get("unit", step.get("unit_id"))), step["name"])
            except Wrong:
                continue  # told when the step is read


def body_of(plan: Plan, names: Names, choices: Mapping[str, Choices], people_of: PeopleOf) -> tuple[dict[str, Any], list[str]]:
    """The request, and a sentence for everything that is wrong; where there is one, the request is none."""
    wrong: list[str] = []
    head = {name: _plain(value) for name, value in plan.items() if name != "steps"}
    _read(head, choices, wrong, "")
    body = {**head, "steps": [_step(step, number, names, choices, people_of, wrong) for number, step in enumerate(plan["steps"], start=1)]}
    try:
        WholeReform.model_validate(body)
    except ValidationError as errors:
        said = {each.split("：")[0] for each in wrong}
        told = [_told(each["loc"], each["type"], each.get("ctx", {})) for each in errors.errors()]
        wrong += [text for text in told if text.split("：")[0] not in said]
    return body, wrong


def _step(step: Step, number: int, names: Names, choices: Mapping[str, Choices], people_of: PeopleOf, wrong: list[str]) -> Step:
    made = {_KEYS.get(name, name): _plain(value) for name, value in step.items()} | {"step": _kind_of(step)}
    where = f"第 {number} 步 "
    for name in _UNITS:
        if made.get(name) and not (name == "unit_id" and made["step"] == "establish"):
            _put(made, name, names.find, where, wrong)
    if isinstance(made.get("successors"), list):
        _put(made, "successors", lambda each: [names.find(word) for word in each], where, wrong)
    if isinstance(made.get("person_ids"), list):
        _put(made, "person_ids", lambda each: _people(each, people_of(str(made.get("unit_id")))), where, wrong)
    _read(made, choices, wrong, where)
    for row in made["posts"] if isinstance(made.get("posts"), list) else ():
        _read(row, choices, wrong, where)
    return made


def _kind_of(step: Step) -> str:
    said = str(step.get("step", "")).strip()
    return KINDS.get(said, said)


def _read(values: Step, choices: Mapping[str, Choices], wrong: list[str], where: str) -> None:
    """Codes from their words."""
    for name in _CODES.keys() & values.keys() if isinstance(values, dict) else ():
        if values[name] is not None:
            _put(values, name, lambda cell, name=name: code(str(cell), choices[_CODES[name]]), where, wrong)  # type: ignore[misc]


def _put(values: Step, name: str, read: Callable[[Any], Any], where: str, wrong: list[str]) -> None:
    try:
        values[name] = read(values[name])
    except Wrong as why:
        wrong.append(f"{where}{_TOLD.get(name, name)}：{why}".replace("模板“代码表”", "导入模板“代码表”"))


def _people(words: Iterable[object], known: Mapping[str, list[str]]) -> list[str]:
    named = {str(each).strip(): known.get(str(each).strip(), []) for each in words}
    none, many = [word for word, ids in named.items() if not ids], [word for word, ids in named.items() if len(ids) > 1]
    said = [f"该单位没有名为{'、'.join(none)}的人员"] if none else []
    said += [f"该单位有不止一人叫{'、'.join(many)}，请改写人员编号"] if many else []
    if said:
        raise Wrong("；".join(said))
    return [ids[0] for ids in named.values()]


def _plain(value: object) -> Any:
    """As JSON has it: TOML knows days of its own."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _told(place: tuple[int | str, ...], kind: str, context: Mapping[str, Any]) -> str:
    steps = len(place) > 1 and place[0] == "steps"
    name = next(part for part in reversed(place) if isinstance(part, str))
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        return f"第 {int(place[1]) + 1} 步 step：只能是 {'、'.join(each for each in KINDS if each != 'rename')} 之一"
    return f"{f'第 {int(place[1]) + 1} 步 ' if steps else ''}{_TOLD.get(name, name)}：{reason_of(kind, context)}"
