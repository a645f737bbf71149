"""The Chinese words of monitoring's pages and lists, in this one place."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.monitoring.models.issues import Detail
from shared.glossary import LABELS, FreezeScope, IssueState, Light, OverQuotaCause, calendar_ground

RULE_TITLES = {"M01": "超编", "M02": "超职数", "M07": "先进人后核编", "M09": "出编超期"}

MATTERS = {
    "M01": "{kind}（{funding}）核定编制 {quota} 名，实有 {headcount} 名，其中超编 {people} 名。",
    "M02": "{level}核定领导职数 {approved} 名，实配 {used} 名，超职数配备 {over} 名。",
    "M07": "{kind}（{funding}）1 人入编时间（{started_on}）早于核准用编时间（{authorised_on}），先进人后核编。",
    "M09": "{kind}（{funding}）1 人已过应退休月份（{month}），尚未办理出编。",
}

_REGULATION = "《地方各级人民政府机构设置和编制管理条例》（国务院令第486号）"
GROUNDS = {
    "M01": f"{_REGULATION}关于机构实有人员不得突破核定编制的规定。",
    "M02": f"{_REGULATION}关于不得擅自超职数配备领导成员的规定。",
    "M07": f"{_REGULATION}，以及用编进人先核准用编、后办理入编的管理规定。",
    "M09": "《国务院关于渐进式延迟法定退休年龄的办法》（已登记弹性延迟的，按法定退休月份之后最长三年计），以及退休人员及时办理出编的编制管理规定。",
}

REMARK_MATTERS = {
    "full": "{kind}（{funding}）核定编制 {quota} 名，实有 {headcount} 名，已满编，须先出后进。",
    "unclassified": "{kind}（{funding}）核定编制 {quota} 名，实有 {headcount} 名，其中 {people} 名超编尚未定性。定性由业务科凭文件办理：更正有关人员在编记录的超编原因，或重新核定编制并写明原因。",
    "data_missing": "人员的退休类别未核定，尚不能计算法定退休月份。",
}

REMARK_TITLES = {"full": "满编（先出后进）", "unclassified": "超编待定性", "data_missing": "数据缺失（退休类别未核定）"}

SEAL_STANDINGS = {"awaiting_release": "待用印", "awaiting_seal": "待签章", "sealed": "已签章"}
WHYS = {
    ("issue", "to_verify"): "规则查到的问题，由监督检查科核实",
    ("issue", "notice_signed"): "整改通知书已签发，由监督检查科送达",
    ("issue", "rectifying"): "整改通知书已送达，由单位按期整改并提交材料",
    ("issue", "overdue_issue"): "整改已逾期，由单位尽快整改并提交材料",
    ("issue", "evidence_submitted"): "单位已提交整改材料，由监督检查科验收",
    ("freeze", "freeze_proposed"): "冻结建议，由编办主任决定",
    ("freeze", "release_proposed"): "所涉问题已全部销号，由编办主任决定解冻",
    ("list", "awaiting_release"): "本期清单已编成，由用印管理员登记用印",
    ("list", "awaiting_acknowledgement"): "清单已签章，由单位签收",
}
WHY_RELEASE = "整改通知书已签发，由用印管理员登记用印"
WHY_LONGER = "单位申请延期，由监督检查科决定"
WHY_MEASURE = "督办已到约谈或通报，由监督检查科办理后登记"
BY_LADDER = "整改逾期，按督办阶梯由系统建议。"
"""Why the system proposed a freeze."""
WHY_STARTED, WHY_DONE = "由您提出", "您办理过"

ACTS = {
    "confirm": "核实成立，签发整改通知书",
    "dismiss": "核实不成立",
    "serve": "送达",
    "submit_evidence": "提交整改材料",
    "accept_evidence": "验收通过，销号",
    "return_evidence": "退回整改材料",
    "pause": "中止计时",
    "resume": "恢复计时",
    "extend": "延长期限",
    "ask_extension": "申请延期",
    "decline_extension": "不予延期",
    "recount": "期限重算",
    "fire_rung": "督办",
    "end_term": "期限届满",
    "approve": "同意冻结",
    "decline": "不予冻结",
    "apply": "冻结生效",
    "refused": "台账未接受",
    "lapse": "冻结建议失效",
    "propose_release": "提出解冻",
    "decline_release": "不予解冻",
    "approve_release": "同意解冻",
    "release_early": "依编委决定提前解冻",
    "release": "解冻生效",
}
"""What happened to an issue or a freeze order, as its journal says it."""

BETTER_BY = {
    IssueState.TO_VERIFY: "由监督检查科核实：核实成立的签发整改通知书，不成立的予以排除。",
    IssueState.NOTICE_SIGNED: "整改通知书签章并送达后开始整改。",
    IssueState.RECTIFYING: "按整改通知书要求整改，提交整改材料，经验收后销号。",
    IssueState.OVERDUE: "整改已逾期：尽快整改并提交整改材料，经验收后销号。",
    IssueState.EVIDENCE_SUBMITTED: "整改材料待监督检查科验收，验收通过后销号。",
}

BETTER = {
    IssueState.CLOSED: "已验收销号。",
    IssueState.DISMISSED: "核实不成立，已排除。",
    IssueState.BASELINE: "期初存量，尚未纳入整改：由监督检查科核对数据后，在单位“监督”页纳入亮灯。",
}
"""What settled it, or why nothing is asked for."""

BETTER_BY_ITSELF = "办理完相应手续后自动消除。"
GONE_BY_ITSELF = "规则已查不到，自动消除。"

GONE_WHEN = {
    "M01": "实有人数降到核定编制以内：办理调出、出编，或依法定程序调整核定编制。",
    "M02": "该层次实配降到核定职数以内：办理免职、调任，或依法定程序增加核定职数。",
    "M07": "先后次序已成事实，不会自行消除；补齐核准依据并经验收后销号。",
    "M09": "为已过应退休月份的人员办理出编。",
}
"""What a rule has to see before it finds the thing no more."""

_DETAILS = {
    "quota": "核定编制",
    "headcount": "实有人数",
    "surplus": "超出核定",
    "people": "其中本项",
    "cause": "超编原因",
    "approved": "核定职数",
    "used": "实配",
    "over": "超职数",
    "over_allowed": "允许超出",
    "month": "应退休月份",
    "started_on": "入编日期",
    "authorised_on": "核准用编日期",
    "surplus_allowed": "允许超出",
    "days_before_authorisation": "允许早于核准（日）",
    "grace_days": "宽限（工作日）",
    "last_day_of_grace": "宽限截止",
    "version": "参数版本",
    "calendar": "放假安排依据",
}


def consequences_of(scopes: Iterable[FreezeScope], level: Light) -> str:
    """What a notice says will follow: the matters that an overdue case is proposed to be frozen in; nothing where the surplus is absorbed by plan."""
    stopped = "、".join(LABELS[scope].removeprefix("冻结") for scope in scopes)
    return f"逾期未整改的，我办将按规定约谈、通报，并可暂停办理你单位{stopped}事项。" if level is Light.RED else ""


def matter_of(rule: str, inputs: Mapping[str, Any]) -> str:
    """What was found, in one sentence, without anybody's name."""
    return MATTERS[rule].format_map(_named(inputs))


def details_of(inputs: Mapping[str, Any], threshold: Mapping[str, Any]) -> list[Detail]:
    """What the rule looked at and what it held it against, by name, in their order; nobody's name is among it."""
    named, given = _named(inputs), {**inputs, **threshold}
    if "cause" in given:
        given["cause"] = LABELS[OverQuotaCause(given["cause"])]
    if "calendar" in given:
        given["calendar"] = calendar_ground(given["calendar"])
    first = (
        Detail(name="职务层次", value=named["level"])
        if "level" in given
        else Detail(name="编制", value=f"{named['kind']}（{named['funding']}）")
    )
    return [first, *(Detail(name=called, value=str(given[code])) for code, called in _DETAILS.items() if code in given)]


def remark_of(code: str, inputs: Mapping[str, Any]) -> str:
    """What is worth knowing, in one sentence, without anybody's name."""
    return REMARK_MATTERS[code].format_map(_named(inputs))


def _named(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Kind, funding and level by what they are called; by their codes where that was not told."""
    called = {name: inputs.get(f"{name}_label") or inputs.get(name, "—") for name in ("kind", "funding", "level")}
    return {**inputs, **called}
