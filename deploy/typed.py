"""What is typed as `项目=内容` of a person or his post: each value read as the same cell of a file would be, and all that is wrong told at once."""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from deploy.local.place import WrongPlace
from services.roster.models.fields import OFF_ESTABLISHMENT, PERSONS, Field, Kind
from services.roster.models.persons import MANDATORY, RECORD
from services.roster.models.requests import EVERY_POST_HAS, CorrectPlacement
from services.roster.rules.imports.cells import Choices, MonthOnly, Value, Wrong, reader_of
from shared.glossary import reason_of

_LEFT_ON = Field("ended_on", "出编时间", Kind.DAY)
_FIELDS = {each.name: each for sheet in (OFF_ESTABLISHMENT, PERSONS) for each in sheet.fields} | {_LEFT_ON.name: _LEFT_ON}
OF_POST = frozenset(CorrectPlacement.model_fields) & _FIELDS.keys()
CORRECTED = {name: each for name, each in _FIELDS.items() if name in OF_POST or name in RECORD}
"""What a correction may set, by name."""
_MANDATORY = MANDATORY | EVERY_POST_HAS
_OF_SHEETS = [each for sheet in (OFF_ESTABLISHMENT, PERSONS) for each in sheet.fields if each.name in CORRECTED]
_ALIASES = {alias: each.name for each in _OF_SHEETS for alias in each.aliases}
_BY_WORD = _ALIASES | {each.label: each.name for each in (_LEFT_ON, *_OF_SHEETS)} | {name: name for name in CORRECTED}
_ASKED = "?"
"""Instead of a value: it is asked for, and stands neither in a list of processes nor in a history."""


@dataclass
class Given:
    """The fields that were typed: those of the person, and those of his post."""

    person: dict[str, Value] = field(default_factory=dict)
    post: dict[str, Value] = field(default_factory=dict)


def pairs_of(written: Iterable[str], ask: Callable[[str], str]) -> list[tuple[str, str]]:
    """Each as name and text; a text that is `?` is asked for by its label. Raises WrongPlace with all that cannot be meant."""
    pairs = [(word.strip(), text.strip(), sign) for word, sign, text in (each.partition("=") for each in written)]
    _ensure_none([_unmeant(word, sign) for word, _, sign in pairs if not sign or word not in _BY_WORD])
    named = [(_BY_WORD[word], text) for word, text, _ in pairs]
    names = [name for name, _ in named]
    twice = dict.fromkeys(name for name in names if names.count(name) > 1)
    _ensure_none([f"“{CORRECTED[name].label}”写了不止一次，请只留一次" for name in twice])
    if any(name == "id_number" and text not in {"", _ASKED} for name, text in named):
        raise WrongPlace("公民身份号码请不要写在命令中（会留在终端记录和进程列表里）。请写 公民身份号码=?，再按提示输入。")
    return [(name, ask(CORRECTED[name].label) if text == _ASKED else text) for name, text in named]


def given_of(pairs: Sequence[tuple[str, str]], choices: Mapping[str, Choices]) -> Given:
    """The values, as a request takes them. Raises WrongPlace with each that cannot be read."""
    given, wrong = Given(), []
    for name, text in pairs:
        try:
            (given.post if name in OF_POST else given.person)[name] = _value(CORRECTED[name], text, choices)
        except Wrong as why:
            wrong.append(f"{CORRECTED[name].label}：{why}")
    _ensure_none(wrong)
    return given


def _value(field_: Field, text: str, choices: Mapping[str, Choices]) -> Value:
    try:
        value = reader_of(field_, choices)(text)
    except MonthOnly:
        raise Wrong("只有年月，请写完整日期，如 2026-09-18") from None
    if value is None and field_.name in _MANDATORY:
        raise Wrong("不能改为空，请写明内容")
    return value


def ensure_fits(body: Mapping[str, Any], model: type[BaseModel], labels: Mapping[str, str]) -> None:
    """A body has the form that the door takes. Raises WrongPlace with everything in it that has not."""
    try:
        model.model_validate(dict(body))
    except ValidationError as errors:
        _ensure_none([f"{_where(each['loc'], labels)}：{reason_of(each['type'], each.get('ctx', {}))}" for each in errors.errors()])


def _where(place: tuple[int | str, ...], labels: Mapping[str, str]) -> str:
    return ".".join(labels.get(str(part), str(part)) for part in place)


def _unmeant(word: str, sign: str) -> str:
    if not sign:
        return "有一项没有等号，请写成 项目=内容" if word not in _BY_WORD else f"“{word}”后面没有等号，请写成 {word}=内容"
    near = difflib.get_close_matches(word, [each.label for each in CORRECTED.values()], n=1, cutoff=0.5)
    return f"没有可更正的项目“{word}”" + (f"，是否应为“{near[0]}”？" if near else "，可用的项目见 bianban person correct --help")


def _ensure_none(wrong: Sequence[str]) -> None:
    if wrong:
        raise WrongPlace("没有更正。请改正下列各处后重新办理：\n" + "\n".join(f"  {each}。" for each in wrong))
