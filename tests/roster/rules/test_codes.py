"""Which codes an office may add."""

import pytest

from services.roster.models.codes import CodeRow
from services.roster.rules.codes import judged


def code(code: str, label: str, *aliases: str, row: int | None = None, set_: str = "岗位等级", since: str = "2026-09-10") -> CodeRow:
    return CodeRow(row=row, set=set_, code=code, label=label, aliases=aliases, since=since)


def test_a_word_has_one_meaning_in_a_set_however_it_is_written_and_whoever_added_it() -> None:
    (own,) = judged([code("HN-1", "特设岗位", "特岗")], {}, []).new
    known = {"post_grades": {"M01": "管理一级"}}

    again = judged([code("HN-1", "特设岗位", "特岗"), code("HN-2", "甲岗")], known, [own])
    clash = judged(
        [
            code("M01", "又一级", row=40),
            code("HN-2", "乙岗"),
            code("HN-3", "丙岗", "乙 岗"),
            code("HN-4", "乙岗"),
            code("HN-2", "乙岗", set_="行业"),
        ],
        known,
        [],
    )

    assert (again.same, [each.code for each in again.new], again.problems) == (1, ["HN-2"], [])
    assert clash.problems == [
        "第 40 行：“M01”已是“管理一级”的代码、名称或别名，请换一个。",
        "第 3 行：“乙岗”已是“乙岗”的代码、名称或别名，请换一个。",
        "第 4 行：“乙岗”已是“乙岗”的代码、名称或别名，请换一个。",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (code("A" * 30, "字" * 50), []),
        (code("A" * 31, "甲"), ["代码应为"]),
        (code("-A", "甲"), ["代码应为"]),
        (code("A", "字" * 51), ["名称"]),
        (code("A", "甲", "字" * 51), ["别名"]),
        (code("A", "甲", "无"), ["别名未填写"]),
        (code("A", "甲", since=""), ["启用日期未填写"]),
        (code("A", "甲", since="2026-09"), ["启用日期只有年月，请写完整日期。"]),
        (code("A", "甲", since="2026-13-01"), ["启用日期：日期不存在，请核对。"]),
        (code("A", "甲", set_="编制类型"), ["代码集“编制类型”与编制核定和进出编规则相连"]),
        (code("A", "甲", set_="没有的集"), ["没有名为“没有的集”的代码集。现有："]),
    ],
)
def test_what_a_code_may_look_like(row: CodeRow, said: list[str]) -> None:
    problems = judged([row], {}, []).problems

    assert len(problems) == len(said)
    assert all(words in problem for words, problem in zip(said, problems, strict=True)), problems
    assert not any("编制类型" in problem.partition("现有：")[2] for problem in problems)
