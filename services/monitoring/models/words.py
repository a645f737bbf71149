"""The Chinese words of monitoring's pages and lists, in this one place."""

from collections.abc import Mapping
from typing import Any

from shared.glossary import IssueState, Light

RULE_TITLES = {"M01": "超编", "M07": "先进人后核编", "M09": "出编超期"}

MATTERS = {
    "M01": "{kind}（{funding}）核定编制 {quota} 名，实有 {headcount} 名，其中超编 {people} 名。",
    "M07": "{kind}（{funding}）1 人入编时间（{started_on}）早于核准用编时间（{authorised_on}），先进人后核编。",
    "M09": "{kind}（{funding}）1 人已过法定退休月份（{month}），尚未办理出编。",
}

_REGULATION = "《地方各级人民政府机构设置和编制管理条例》（国务院令第486号）"
GROUNDS = {
    "M01": f"{_REGULATION}关于机构实有人员不得突破核定编制的规定。",
    "M07": f"{_REGULATION}，以及用编进人先核准用编、后办理入编的管理规定。",
    "M09": "《国务院关于渐进式延迟法定退休年龄的办法》，以及退休人员及时办理出编的编制管理规定。",
}
CONSEQUENCES = {Light.RED: "逾期未整改的，我办将按规定约谈、通报，并可暂停办理你单位用编进人事项。"}

REMARK_MATTERS = {
    "full": "{kind}（{funding}）核定编制 {quota} 名，实有 {headcount} 名，已满编，须先出后进。",
    "unclassified": "{kind}（{funding}）核定编制 {quota} 名，实有 {headcount} 名，其中 {people} 名超编尚未定性。",
    "data_missing": "1 人的退休类别未核定，尚不能计算法定退休月份。",
}

REMARK_TITLES = {"full": "满编（先出后进）", "unclassified": "超编待定性", "data_missing": "数据缺失（退休类别未核定）"}

SEAL_STANDINGS = {"awaiting_release": "待用印", "awaiting_seal": "待签章", "sealed": "已签章"}

BETTER_BY = {
    IssueState.TO_VERIFY: "由监督检查科核实：核实成立的签发整改通知书，不成立的予以排除。",
    IssueState.NOTICE_SIGNED: "整改通知书签章并送达后开始整改。",
    IssueState.RECTIFYING: "按整改通知书要求整改，提交整改材料，经验收后销号。",
    IssueState.OVERDUE: "整改已逾期：尽快整改并提交整改材料，经验收后销号。",
    IssueState.EVIDENCE_SUBMITTED: "整改材料待监督检查科验收，验收通过后销号。",
}

BETTER_BY_ITSELF = "办理完相应手续后自动消除。"


def matter_of(rule: str, inputs: Mapping[str, Any]) -> str:
    """What was found, in one sentence, without anybody's name."""
    return MATTERS[rule].format_map(_named(inputs))


def remark_of(code: str, inputs: Mapping[str, Any]) -> str:
    """What is worth knowing, in one sentence, without anybody's name."""
    return REMARK_MATTERS[code].format_map(_named(inputs))


def _named(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Kind and funding by what they are called; by their codes where that was not told."""
    called = {name: inputs.get(f"{name}_label") or inputs.get(name, "—") for name in ("kind", "funding")}
    return {**inputs, **called}
