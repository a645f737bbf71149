"""A mapping file (对照文件) against our fields: what in it does not fit is said with what would."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.roster.models.fields import Field, Kind, Sheet
from services.roster.models.imports import MappingFile, MappingWrong
from services.roster.rules.imports.cells import Choices, Value, Wrong, folded, reader_of

_NONE: Mapping[str, str] = {}


@dataclass(frozen=True)
class Translated:
    """One sheet's share of a mapping: headers to field names, code sets with the register's own words, what it calls units, defaults, and hidden values.

    `units`: by field name, its own word (folded) to ours; `extract`: header of the source, field name, pattern. `own`: headers that the mapping itself names, to a field's name, or to none.
    """

    columns: Mapping[str, str]
    choices: Mapping[str, Choices]
    defaults: Mapping[str, Value]
    extract: Sequence[tuple[str, str, str]] = ()
    own: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def known_titles(sheet: Sheet) -> dict[str, str]:
    """Every header by which a field is known, to its name."""
    return {title: each.name for each in sheet.fields for title in (*each.aliases, each.name, each.label)}


def translated(sheet: Sheet, choices: Mapping[str, Choices], mapping: MappingFile | None) -> Translated:
    """How a sheet is read. Raises MappingWrong."""
    if mapping is None:
        return Translated(known_titles(sheet), _by_field(sheet, choices, {}), {})
    fields = {each.label: each for each in sheet.fields}
    mine = {written: fields[label].name for written, label in mapping.columns.items() if label in fields}
    return Translated(
        columns={title: name for title, name in known_titles(sheet).items() if title not in mapping.columns} | mine,
        choices=_by_field(sheet, choices, {fields[label].name: words for label, words in mapping.codes.items() if label in fields}),
        defaults={
            fields[label].name: _default(fields[label], choices, text) for label, text in mapping.defaults.items() if label in fields
        },
        extract=[(each.source, fields[each.to].name, each.pattern) for each in mapping.extract if each.to in fields],
        own=mine | {written: "" for written, label in mapping.columns.items() if not label},
        units={
            fields[label].name: {folded(written): called for written, called in words.items()}
            for label, words in mapping.codes.items()
            if label in fields and fields[label].kind is Kind.UNIT
        },
    )


def ensure_fits(mapping: MappingFile, kind: str, sheets: Sequence[Sheet], choices: Mapping[str, Choices]) -> None:
    """Refuse a mapping that names what we do not have. Raises MappingWrong."""
    if mapping.kind not in {None, kind}:
        raise MappingWrong(detail=f"kind 为 {mapping.kind}，与本次导入的 {kind} 不同")
    labels = [each.label for sheet in sheets for each in sheet.fields]
    others = {alias: each.label for sheet in sheets for each in sheet.fields for alias in each.aliases}
    for part, names in (
        ("columns", [name for name in mapping.columns.values() if name]),
        ("codes", mapping.codes),
        ("defaults", mapping.defaults),
        ("extract", [each.to for each in mapping.extract]),
    ):
        _ensure_known(part, names, labels, others)
    _ensure_translatable(mapping.codes, [each for sheet in sheets for each in sheet.fields])
    _ensure_known("sheets", mapping.sheets.values(), [sheet.title for sheet in sheets])
    for each in mapping.extract:
        _ensure_pattern(each.pattern)
    for sheet in sheets:
        translated(sheet, choices, mapping)


def _ensure_known(part: str, names: Iterable[str], known: Sequence[str], others: Mapping[str, str] = _NONE) -> None:
    """`others`: what a name is called elsewhere too, to the name."""
    for name in names:
        if name not in known:
            near = [*difflib.get_close_matches(name, [*others, *known], n=1, cutoff=0.4)]
            meant = f"，是否应为“{others.get(near[0], near[0])}”" if near else ""
            raise MappingWrong(detail=f"{part} 中的“{name[:40]}”不是模板中的名称{meant}")


def _ensure_translatable(labels: Iterable[str], fields: Sequence[Field]) -> None:
    """Words of codes and of units have others; any other column is taken as it is written."""
    able = {each.label for each in fields if each.kind in {Kind.CODE, Kind.UNIT}}
    for label in labels:
        if label not in able:
            raise MappingWrong(detail=f"codes 中的“{label}”不是按代码填写的列，也不是单位列，不能对照")


def _ensure_pattern(pattern: str) -> None:
    try:
        groups = re.compile(pattern).groupindex
    except (re.error, RecursionError, OverflowError):
        raise MappingWrong(detail=f"extract 的 pattern“{pattern[:60]}”不是有效的正则表达式") from None
    if "value" not in groups:
        raise MappingWrong(detail=f"extract 的 pattern“{pattern[:60]}”中没有 (?P<value>…)，不知道取哪一段")


def _by_field(sheet: Sheet, choices: Mapping[str, Choices], words: Mapping[str, Mapping[str, str]]) -> dict[str, Choices]:
    """The choices of each field with a code, by field name."""
    return {
        each.name: _with_words(each, choices[each.codes or ""], words.get(each.name, {})) for each in sheet.fields if each.kind is Kind.CODE
    }


def _with_words(of: Field, choices: Choices, words: Mapping[str, str]) -> Choices:
    codes = dict(choices.codes)
    for written, label in words.items():
        code = choices.codes.get(folded(label))
        if code is None:
            raise MappingWrong(detail=f"codes.“{of.label}”中的“{label[:40]}”不在代码表中，可填：{'、'.join(choices.labels[:12])}")
        codes[folded(written)] = code
    return replace(choices, codes=codes)


def _default(of: Field, choices: Mapping[str, Choices], written: str) -> Value:
    try:
        return reader_of(of, choices)(written)
    except Wrong as wrong:
        raise MappingWrong(detail=f"defaults 中“{of.label}”的值{wrong}") from None
