"""The steps of a reform in words: what is done to which unit, and what of it is told beside."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Words = Mapping[str, Mapping[str, str]]
Names = Mapping[str, str]

TITLES = {
    "establish": "新设",
    "change": "变更",
    "merge": "撤并",
    "split": "分设",
    "move_posts": "划转编制",
    "move_people": "划转人员",
    "set_seats": "核定职数",
    "close": "撤销",
}
COUNTED = (
    ("posts", "编制 {} 名"),
    ("ceilings", "员额、控制数 {} 名"),
    ("people", "人员 {} 名"),
    ("loans", "借调 {} 项"),
    ("uses", "已核未用 {} 项"),
)
OTHER = "其他单位"
_FACTS = {
    "name": ("名称", ""),
    "code": ("编码", ""),
    "uscc": ("统一社会信用代码", ""),
    "category": ("类别", "categories"),
    "short_name": ("简称", ""),
    "nature": ("性质", "natures"),
    "public_welfare": ("公益分类", "public_welfare_classes"),
    "unit_funding": ("经费形式", "fundings"),
    "sector": ("行业", "sectors"),
    "rank": ("级别", "ranks"),
    "system": ("系统", "systems"),
    "duties": ("主要职责", ""),
    "established_on": ("成立日期", ""),
    "leaders_above_rank": ("单位领导高配", "ranks"),
    "leaders_above_rank_no": ("高配批准文号", ""),
    "second_names": ("第二名称", ""),
    "plates": ("加挂牌子", ""),
    "internal_units": ("内设机构", ""),
    "withheld": ("不计入公开汇总", ""),
    "document_on": ("文件日期", ""),
}
"""What a step says of a unit: its label, and the code set its value is of."""


@dataclass(frozen=True)
class Said:
    """One step. `to`: the unit that takes over; `more`: label and value of what else it says."""

    title: str
    unit: str
    to: str
    more: tuple[tuple[str, str], ...]


def said(step: Mapping[str, Any], names: Names, words: Words, people: Names) -> Said:
    """`people`: what those that it names are called; of others their number is told."""
    return Said(
        title_of(step), step["unit_id"], step.get("into_unit_id") or step.get("to_unit_id") or "", tuple(_more(step, names, words, people))
    )


def title_of(step: Mapping[str, Any]) -> str:
    """What is done; a change of the name alone has a word of its own."""
    return "更名" if step["step"] == "change" and step.keys() == {"step", "unit_id", "name"} else TITLES[step["step"]]


def counted(tried: Mapping[str, Any]) -> str:
    """What one step would move or change, in words; nothing where it does neither."""
    told = [each.format(tried[name]) for name, each in COUNTED if tried[name]] + (["单位撤销"] if tried["closes"] else [])
    return "，".join(told + [f"{each['label']} {each['before']} → {each['after']}" for each in tried.get("changes", ())])


def without_internal_unit(left: Iterable[Mapping[str, Any]], names: Names) -> list[str]:
    """Whose 所在内设机构 a reform leaves empty, in words."""
    return [
        f"{names.get(each['unit_id'], OTHER)}“{each['internal_unit']}”的 {each['people']} 名人员："
        f"{names.get(each['to_unit_id'], OTHER)}没有同名的内设机构，改革后其所在内设机构为空。"
        for each in left
    ]


def _more(step: Mapping[str, Any], names: Names, words: Words, people: Names) -> Iterator[tuple[str, str]]:
    for name in step:
        if name in _FACTS:
            label, table = _FACTS[name]
            yield label, _value(step[name], words.get(table, {}))
    if "parent_id" in step:
        yield "主管部门", names.get(step["parent_id"], OTHER) if step["parent_id"] else "无，在顶层"
    posts = step.get("posts", ()) if step["step"] == "split" else [step] if step["step"] == "move_posts" else ()
    if posts:
        yield (
            "编制",
            "、".join(
                f"{_word(words, 'kinds', row['kind'])}（{_word(words, 'fundings', row['funding'])}）{row['posts']} 名" for row in posts
            ),
        )
    if step.get("person_ids"):
        yield "人员", _people(step["person_ids"], people)
    if "level" in step:
        yield "职数", f"{_word(words, 'leadership_levels', step['level'])} {step['approved']} 名"
    if step["step"] == "merge":
        yield "划入", "编制、人员、职数、已核未用和下级单位全部划入"
    if step.get("successors"):
        yield "承接单位", "、".join(names.get(each, OTHER) for each in step["successors"])


def _people(person_ids: list[str], people: Names) -> str:
    called = [people[each] for each in person_ids if each in people]
    return f"{len(person_ids)} 名" + (f"（{'、'.join(called)}）" if called else "")


def _word(words: Words, table: str, code: str) -> str:
    return words.get(table, {}).get(code, code)


def _value(value: Any, words: Names) -> str:
    if value in (None, "", []):
        return "（空）"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(str(each) for each in value)
    return words.get(str(value), str(value))
