"""Which register leads, field by field: one version of that setting, from its text."""

import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.glossary import LeadingSide, reason_of


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SheetLeads(_Part):
    """Of one sheet: the side of each field, of rows that one side lacks, and fields whose empty cell there counts."""

    default: LeadingSide
    missing_here: LeadingSide
    missing_there: LeadingSide
    blank: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()

    def of(self, field: str) -> LeadingSide:
        """The side that is right about a field."""
        named = {LeadingSide.OURS: self.ours, LeadingSide.THEIRS: self.theirs, LeadingSide.ASK: self.ask}
        return next((side for side, names in named.items() if field in names), self.default)


class Outside(_Part):
    """What only one of the registers keeps."""

    kinds: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()


class Leads(_Part):
    """One version of the setting; `sheets` by our kind of sheet."""

    version: str = Field(pattern=r"^[0-9a-z]+$")
    valid_from: date
    outside: Outside = Outside()
    sheets: dict[str, SheetLeads]


class LeadsWrong(Exception):  # noqa: N818  named as the fact it states
    """An office's setting cannot be used; the text says everything that is wrong with it."""


def own_leads(text: str, columns: Mapping[str, Collection[str]], taken: Collection[str]) -> Leads:
    """A version that an office wrote. `columns`: what can be compared, by sheet; `taken`: the versions that the program brings. Raises LeadsWrong."""
    try:
        found = leads(text)
    except ValidationError as errors:
        said = [f"{'.'.join(map(str, each['loc']))}：{reason_of(each['type'], each.get('ctx', {}))}" for each in errors.errors()]
        raise LeadsWrong("；".join(said)) from None
    except ValueError as error:
        line = re.search(r"line (\d+)", str(error))
        raise LeadsWrong(f"不是有效的 TOML{f'（第 {line[1]} 行附近）' if line else ''}") from None
    if wrong := [*_of_version(found, taken), *_of_sheets(found, columns)]:
        raise LeadsWrong("；".join(wrong))
    return found


def _of_version(found: Leads, taken: Collection[str]) -> Iterator[str]:
    if found.version in taken:
        yield f"version：版本号 {found.version} 是系统自带设置的版本号，请另取一个"


def _of_sheets(found: Leads, columns: Mapping[str, Collection[str]]) -> Iterator[str]:
    yield from (f"sheets.{kind}：缺少这一部分" for kind in columns if kind not in found.sheets)
    yield from (f"sheets.{kind}：没有这一类表，只能是 {'、'.join(columns)}" for kind in found.sheets if kind not in columns)
    for kind, sheet in found.sheets.items():
        named = {"blank": sheet.blank, "ours": sheet.ours, "theirs": sheet.theirs, "ask": sheet.ask}
        for part, names in named.items():
            yield from (f"sheets.{kind}.{part}：没有可比对的项目 {name}" for name in names if name not in columns.get(kind, names))
        sides = Counter(name for names in (sheet.ours, sheet.theirs, sheet.ask) for name in set(names))
        yield from (f"sheets.{kind}：项目 {name} 写在不止一方，请只留一处" for name, times in sorted(sides.items()) if times > 1)


def leads(text: str) -> Leads:
    """A version from its TOML text. Raises ValueError."""
    return Leads.model_validate(tomllib.loads(text))
