"""Which codes an office may add: one meaning per word of a set, nothing that is there altered, and sets that the rules know by name left as they are."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.roster.models.codes import CLOSED, TITLES, CodeRow, OwnCode
from services.roster.rules.imports.cells import MonthOnly, Wrong, day, folded, text

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,29}")
_LONGEST = 50
_SETS = {title: name for name, title in TITLES.items()} | {name: name for name in TITLES}


def set_of(called: str) -> str | None:
    """The set of this title or name."""
    return _SETS.get(called.strip())


def is_code(text: str) -> bool:
    """Whether a code may look so."""
    return _CODE.fullmatch(text) is not None


@dataclass
class Judged:
    """`new`: to be added; `same`: there already, by the office itself; `problems`: in words, each with its row."""

    new: list[OwnCode] = field(default_factory=list)
    same: int = 0
    problems: list[str] = field(default_factory=list)


def judged(rows: Sequence[CodeRow], known: Mapping[str, Mapping[str, str]], own: Sequence[OwnCode]) -> Judged:
    """`known`: by set, each word that has a meaning there, folded, to the label of its code; `own`: what the office added before."""
    found, words = Judged(), {name: dict(each) for name, each in known.items()}
    for place, row in enumerate(rows, start=1):
        said = list(_of_form(row))
        read = None if said else _read(row)
        if read in own:
            found.same += 1
            continue
        if read is not None:
            taken = words.setdefault(read.set, {})
            said += [f"“{word}”已是“{taken[folded(word)]}”的代码、名称或别名，请换一个" for word in _words(read) if folded(word) in taken]
            taken |= {folded(word): read.label for word in _words(read) if folded(word) not in taken}
            found.new.append(read)
        found.problems += [f"第 {row.row or place} 行：{each}。" for each in said]
    return found


def _of_form(row: CodeRow) -> Iterator[str]:
    name = set_of(row.set)
    if name is None:
        yield f"没有名为“{row.set}”的代码集。现有：{'、'.join(title for each, title in TITLES.items() if each not in CLOSED)}"
    elif name in CLOSED:
        yield f"代码集“{TITLES[name]}”{CLOSED[name]}"
    if not is_code(row.code.strip()):
        yield "代码应为 1 至 30 个字母、数字、下划线、点或连字符，以字母或数字开头"
    yield from _of_words("名称", [row.label])
    yield from _of_words("别名", row.aliases)
    try:
        if day(row.since) is None:
            yield "启用日期未填写，请补填"
    except MonthOnly:
        yield "启用日期只有年月，请写完整日期"
    except Wrong as wrong:
        yield f"启用日期：{wrong}"


def _of_words(what: str, words: Iterable[str]) -> Iterator[str]:
    for word in words:
        try:
            if text(word, _LONGEST) is None:
                yield f"{what}未填写，或填写的是“无”一类的字，请改为实际内容"
        except Wrong as wrong:
            yield f"{what}{wrong}"


def _read(row: CodeRow) -> OwnCode:
    aliases = tuple(dict.fromkeys(str(text(each, _LONGEST)) for each in row.aliases))
    label, since = str(text(row.label, _LONGEST)), date.fromisoformat(str(day(row.since)))
    return OwnCode(set=_SETS[row.set.strip()], code=row.code.strip(), label=label, aliases=aliases, since=since)


def _words(code: OwnCode) -> list[str]:
    return list(dict.fromkeys((code.code, code.label, *code.aliases)))
