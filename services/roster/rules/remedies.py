"""Who does what about a difference between the two registers. What is no person's is written by its own command, on its own document."""

from shared.glossary import DifferenceKind, LeadingSide

_CLOSES = "办好后，下次比对一致即自动销号。"
_REMEDIES = {
    ("units", DifferenceKind.MISSING_HERE): "由编办业务科凭批准文件登记该单位（或用“单位”表导入）。",
    ("units", DifferenceKind.MISSING_THERE): "由编办业务科凭批准文件办理撤销、合并。",
    ("units", DifferenceKind.FIELD): "由编办业务科凭批准文件办理单位信息变更。",
    ("quotas", DifferenceKind.MISSING_HERE): "由编办业务科凭批准文件核定编制数（或用“编制”表导入）。",
    ("quotas", DifferenceKind.MISSING_THERE): "由编办业务科凭批准文件核减编制数。",
    ("quotas", DifferenceKind.FIELD): "由编办业务科凭批准文件核定、核增或核减编制数（或用“编制”表导入）。",
    ("seats", DifferenceKind.MISSING_HERE): "由编办业务科凭批准文件核定领导职数（或用“领导职数”表导入）。",
    ("seats", DifferenceKind.MISSING_THERE): "由编办业务科凭批准文件核减领导职数。",
    ("seats", DifferenceKind.FIELD): "由编办业务科凭批准文件核定领导职数（或用“领导职数”表导入）。",
    ("roster", DifferenceKind.MISSING_HERE): "由所在单位办理入编，编办核准。",
    ("roster", DifferenceKind.MISSING_THERE): "由所在单位办理出编，编办核准。",
    ("roster", DifferenceKind.FIELD): "由编办按上级登记更正（“采用上级登记”）；关键指标由单位办理信息变更。",
    ("roster", DifferenceKind.UNIT): "由调入、调出单位办理调动，编办核准。",
}


def remedy(sheet: str, kind: DifferenceKind, side: LeadingSide) -> str:
    """Who does what about a difference, and how it ends."""
    if kind is DifferenceKind.TWO_MATCHES:
        return f"由编办查清是哪一个，改正重复的登记。{_CLOSES}"
    if side is LeadingSide.ASK:
        return "由编办先核对并认定以哪一方的登记为准。"
    if side is LeadingSide.OURS:
        return f"以本系统为准：由编办报上级更正其登记。{_CLOSES}"
    return f"以上级登记为准：{_REMEDIES.get((sheet, kind), '由编办核对后更正。')}{_CLOSES}"
