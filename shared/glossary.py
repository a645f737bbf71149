"""The field's terms: English in code, one Chinese label per term, here and nowhere else.

Establishment kinds, fundings, entry and exit reasons are data with validity (roster tables), not members of an enum.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Light(StrEnum):
    """亮灯. Green: normal; yellow: 先出后进; red: only rectification."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    UNVERIFIED = "unverified"


class OverQuotaCause(StrEnum):
    """Why a unit holds more people than posts, as the office recorded it."""

    VIOLATION = "violation"
    POLICY = "policy"
    HISTORY = "history"


class FreezeScope(StrEnum):
    """What a freeze stops. Exits, corrections, deaths, retirements and rectification are never stopped."""

    POST_USE = "post_use"
    ENTRY = "entry"
    ORGANISATION = "organisation"
    LEADERSHIP = "leadership"
    OFF_ESTABLISHMENT = "off_establishment"


class ExceptionGround(StrEnum):
    """冻结例外: on what ground an application goes on under a freeze."""

    POLICY_PLACEMENT = "policy_placement"
    ANNOUNCED_EXAMINATION = "announced_examination"


class PersonIdentity(StrEnum):
    """人员身份: as what a person is employed."""

    CIVIL_SERVANT = "civil_servant"
    LIKE_CIVIL_SERVANT = "like_civil_servant"
    MANAGER = "manager"
    PROFESSIONAL = "professional"
    WORKER = "worker"
    OFF_ESTABLISHMENT = "off_establishment_staff"
    STATE_ENTERPRISE = "state_enterprise"
    UNKNOWN = "unknown_identity"


class PostCategory(StrEnum):
    """岗位类别: what kind of post a person works in; it decides the retirement category."""

    MANAGERIAL = "managerial_post"
    TECHNICAL = "technical_post"
    MANUAL = "manual_post"
    UNKNOWN = "unknown_post"


class ApplicationType(StrEnum):
    """What a unit applies for."""

    POST_USE = "post_use_application"
    ENTRY = "entry_application"
    EXIT = "exit_application"
    TRANSFER = "transfer_application"
    CHANGE = "change_application"


class ApplicationState(StrEnum):
    """Where an application stands."""

    IN_REVIEW = "in_review"
    PAUSED = "paused"
    RETURNED = "returned"
    EFFECTING = "effecting"
    AWAITING_RELEASE = "awaiting_release"
    AWAITING_SEAL = "awaiting_seal"
    FILED = "filed"
    WITHDRAWN = "withdrawn"


class EntryKind(StrEnum):
    """What happened to an application: one line of its timeline."""

    RECEIVED = "application_received"
    APPROVED = "step_approved"
    SENT_BACK = "sent_back"
    REFUSED = "refused_by_roster"
    RESUBMITTED = "resubmitted"
    WITHDREW = "withdrew"
    URGED = "urged"
    REMINDED = "reminded"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    CLAIMED = "post_claimed"
    EFFECTED = "effected"
    RENDERED = "document_rendered"
    RELEASED = "released_to_seal"
    SEALED = "sealed"
    RECORDED = "filed_in_ledger"
    REVOKED = "revocation_decided"
    RECOUNTED = "term_recounted"


class IssueState(StrEnum):
    """The life of an issue. A warning (预警) opens no case: it goes by itself, or becomes one that waits to be verified."""

    BASELINE = "baseline"
    WARNED = "warned"
    TO_VERIFY = "to_verify"
    NOTICE_SIGNED = "notice_signed"
    RECTIFYING = "rectifying"
    OVERDUE = "overdue_issue"
    EVIDENCE_SUBMITTED = "evidence_submitted"
    CLOSED = "closed"
    DISMISSED = "dismissed"


class Rung(StrEnum):
    """A step of the escalation ladder; each fires once per case and revision."""

    REMINDER = "reminder"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    INTERVIEW = "interview"
    CIRCULAR = "circular"
    FREEZE_PROPOSAL = "freeze_proposal"


class Measure(StrEnum):
    """What the office does about a problem beyond its notice (处置措施; 升级阶梯 4, 5 and 7)."""

    INTERVIEW = "interview_held"
    CIRCULAR = "circular_issued"
    REFERRAL = "lead_referred"


class Addressee(StrEnum):
    """Who is interviewed, or which office a lead is handed over to."""

    PRINCIPAL = "principal"
    DEPUTY = "deputy"
    DISCIPLINE = "discipline"
    ORGANISATION = "organisation_department"
    PERSONNEL = "personnel_bureau"
    FINANCE = "finance_bureau"
    AUDITORS = "audit_bureau"


class Interviewer(StrEnum):
    """Who conducts an interview."""

    OFFICE = "office_leader"
    COMMISSION = "commission_leader"


class FreezeState(StrEnum):
    """The life of a freeze order."""

    PROPOSED = "freeze_proposed"
    DECLINED = "freeze_declined"
    IN_FORCE = "in_force"
    RELEASE_PROPOSED = "release_proposed"
    RELEASED = "released"


class LineKind(StrEnum):
    """How a line of a supervision list relates to the edition before."""

    NEW = "new_line"
    CARRIED = "carried"
    OVERDUE = "overdue_line"
    CLEARED = "cleared"


class LeadingSide(StrEnum):
    """Which register is right where ours and the upper level's differ. ASK: an officer says."""

    OURS = "ours"
    THEIRS = "theirs"
    ASK = "ask"


class DifferenceKind(StrEnum):
    """In what our register and the upper level's differ."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    FIELD = "field_differs"
    UNIT = "unit_differs"
    TWO_MATCHES = "two_matches"


class DifferenceState(StrEnum):
    """The life of a difference between the registers (domain §9)."""

    TO_VERIFY = "difference_to_verify"
    ANSWERED = "difference_answered"
    IN_REVIEW = "difference_in_review"
    RECTIFIED = "difference_rectified"
    EXPLAINED = "difference_explained"
    CLOSED = "difference_closed"


class Role(StrEnum):
    """Who a user is (domain §11). The three administrators are three people (三员分立)."""

    UNIT_CLERK = "unit_clerk"
    UNIT_HEAD = "unit_head"
    PARENT_UNIT = "parent_unit"
    BUSINESS_OFFICER = "business_officer"
    SUPERVISION_OFFICER = "supervision_officer"
    OFFICE_DIRECTOR = "office_director"
    SEAL_OPERATOR = "seal_operator"
    COMMISSION = "commission"
    OBSERVER = "observer"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"
    SERVICE = "service"


class SignInWay(StrEnum):
    """How somebody has shown who he is."""

    PASSWORD = "password"  # noqa: S105  a way, no password
    SECOND_FACTOR = "password_and_code"
    PROVIDER = "identity_provider"
    DEMO = "demo_choice"


class AccountDeed(StrEnum):
    """What happened to an account or to its sessions: one line of the record of sign-ins."""

    SIGNED_IN = "signed_in"
    REFUSED = "sign_in_refused"
    LOCKED = "account_locked"
    UNLOCKED = "account_unlocked"
    SIGNED_OUT = "signed_out"
    SESSIONS_ENDED = "sessions_ended"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105
    PASSWORD_HANDED_OUT = "one_time_password_handed_out"  # noqa: S105
    FACTOR_ADDED = "second_factor_added"
    FACTOR_REMOVED = "second_factor_removed"


_REASONS = {
    "missing": "必填，不能为空",
    "extra_forbidden": "不是此接口的内容，请删去",
    "greater_than_equal": "不能小于 {ge}",
    "greater_than": "必须大于 {gt}",
    "less_than_equal": "不能大于 {le}",
    "less_than": "必须小于 {lt}",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不符合要求",
    "string_type": "应为文字",
    "too_short": "至少 {min_length} 项",
    "too_long": "至多 {max_length} 项",
    "enum": "只能是 {expected} 之一",
    "literal_error": "只能是 {expected} 之一",
    "json_invalid": "不是有效的 JSON",
    "uuid_parsing": "不是有效的编号",
    "value_error": "{error}",
}
_KINDS = {
    "date": "应为日期，如 2026-09-18",
    "datetime": "应为时间，如 2026-09-18T09:00:00+08:00",
    "int": "应为整数",
    "float": "应为数字",
    "bool": "应为 true 或 false",
}


def reason_of(kind: str, context: Mapping[str, object]) -> str:
    """What is wrong with a field, for people, from pydantic's error type and its numbers."""
    kind = "missing" if kind == "string_too_short" and context.get("min_length") == 1 else kind
    said = _REASONS.get(kind) or next((sentence for prefix, sentence in _KINDS.items() if kind.startswith(prefix)), "内容不符合要求")
    if "expected" in context:
        context = {"expected": str(context["expected"]).replace(" or ", "、").replace(", ", "、")}
    return said.format_map(context)


LABELS: dict[StrEnum, str] = {
    Light.GREEN: "绿灯",
    Light.YELLOW: "黄灯",
    Light.RED: "红灯",
    Light.UNVERIFIED: "数据待核",
    OverQuotaCause.VIOLATION: "违规超编",
    OverQuotaCause.POLICY: "政策性超编",
    OverQuotaCause.HISTORY: "历史遗留超编",
    FreezeScope.POST_USE: "冻结用编",
    FreezeScope.ENTRY: "冻结入编",
    FreezeScope.ORGANISATION: "冻结机构编制调整",
    FreezeScope.LEADERSHIP: "冻结领导职数",
    FreezeScope.OFF_ESTABLISHMENT: "冻结编外用工",
    ExceptionGround.POLICY_PLACEMENT: "政策性安置",
    ExceptionGround.ANNOUNCED_EXAMINATION: "统一招考已公告",
    PersonIdentity.CIVIL_SERVANT: "公务员",
    PersonIdentity.LIKE_CIVIL_SERVANT: "参公人员",
    PersonIdentity.MANAGER: "事业管理人员",
    PersonIdentity.PROFESSIONAL: "专业技术人员",
    PersonIdentity.WORKER: "工勤人员",
    PersonIdentity.OFF_ESTABLISHMENT: "编外人员",
    PersonIdentity.STATE_ENTERPRISE: "国企人员",
    PersonIdentity.UNKNOWN: "身份待核",
    PostCategory.MANAGERIAL: "管理岗位",
    PostCategory.TECHNICAL: "专业技术岗位",
    PostCategory.MANUAL: "工勤技能岗位",
    PostCategory.UNKNOWN: "岗位待核",
    ApplicationType.POST_USE: "用编申请",
    ApplicationType.ENTRY: "入编申请",
    ApplicationType.EXIT: "出编申请",
    ApplicationType.TRANSFER: "调动申请",
    ApplicationType.CHANGE: "信息变更申请",
    ApplicationState.IN_REVIEW: "审核中",
    ApplicationState.PAUSED: "暂停办理",
    ApplicationState.RETURNED: "已退回",
    ApplicationState.EFFECTING: "落编中",
    ApplicationState.AWAITING_RELEASE: "待用印",
    ApplicationState.AWAITING_SEAL: "待签章",
    ApplicationState.FILED: "已办结",
    ApplicationState.WITHDRAWN: "已撤回",
    EntryKind.RECEIVED: "受理",
    EntryKind.APPROVED: "审核通过",
    EntryKind.SENT_BACK: "退回申请单位",
    EntryKind.REFUSED: "核验未通过",
    EntryKind.RESUBMITTED: "重新提交",
    EntryKind.WITHDREW: "申请单位撤回",
    EntryKind.URGED: "催办",
    EntryKind.REMINDED: "到期提示",
    EntryKind.BLOCKED: "因冻结暂停",
    EntryKind.UNBLOCKED: "解冻续办",
    EntryKind.CLAIMED: "核验通过",
    EntryKind.EFFECTED: "落编完成",
    EntryKind.RENDERED: "通知单生成",
    EntryKind.RELEASED: "用印登记",
    EntryKind.SEALED: "签章返回",
    EntryKind.RECORDED: "归档备案",
    EntryKind.REVOKED: "决定撤销",
    EntryKind.RECOUNTED: "期限重算",
    IssueState.BASELINE: "期初存量",
    IssueState.WARNED: "预警",
    IssueState.TO_VERIFY: "待核实",
    IssueState.NOTICE_SIGNED: "已签发待送达",
    IssueState.RECTIFYING: "整改中",
    IssueState.OVERDUE: "逾期未整改",
    IssueState.EVIDENCE_SUBMITTED: "待验收",
    IssueState.CLOSED: "已销号",
    IssueState.DISMISSED: "核实不成立",
    Rung.REMINDER: "提醒",
    Rung.DUE_SOON: "临期督办",
    Rung.OVERDUE: "逾期",
    Rung.INTERVIEW: "约谈",
    Rung.CIRCULAR: "通报",
    Rung.FREEZE_PROPOSAL: "拟冻结",
    Measure.INTERVIEW: "实施约谈",
    Measure.CIRCULAR: "印发通报",
    Measure.REFERRAL: "移送线索",
    Addressee.PRINCIPAL: "单位主要负责人",
    Addressee.DEPUTY: "单位分管负责人",
    Addressee.DISCIPLINE: "纪检监察机关",
    Addressee.ORGANISATION: "组织部门",
    Addressee.PERSONNEL: "人力资源社会保障部门",
    Addressee.FINANCE: "财政部门",
    Addressee.AUDITORS: "审计机关",
    Interviewer.OFFICE: "编办负责人",
    Interviewer.COMMISSION: "编委领导",
    FreezeState.PROPOSED: "冻结待决定",
    FreezeState.DECLINED: "不予冻结",
    FreezeState.IN_FORCE: "冻结中",
    FreezeState.RELEASE_PROPOSED: "拟解冻",
    FreezeState.RELEASED: "已解冻",
    LineKind.NEW: "新增",
    LineKind.CARRIED: "结转",
    LineKind.OVERDUE: "超期",
    LineKind.CLEARED: "本期销号",
    LeadingSide.OURS: "本系统为准",
    LeadingSide.THEIRS: "上级系统为准",
    LeadingSide.ASK: "由编办认定",
    DifferenceKind.MISSING_HERE: "本系统缺少",
    DifferenceKind.MISSING_THERE: "上级系统缺少",
    DifferenceKind.FIELD: "内容不一致",
    DifferenceKind.UNIT: "所在单位不一致",
    DifferenceKind.TWO_MATCHES: "重复匹配",
    DifferenceState.TO_VERIFY: "差异待核实",
    DifferenceState.ANSWERED: "单位已反馈",
    DifferenceState.IN_REVIEW: "编办审核",
    DifferenceState.RECTIFIED: "已整改",
    DifferenceState.EXPLAINED: "合理说明",
    DifferenceState.CLOSED: "差异销号",
    SignInWay.PASSWORD: "密码",
    SignInWay.SECOND_FACTOR: "密码和动态口令",
    SignInWay.PROVIDER: "统一身份认证",
    SignInWay.DEMO: "演示选择",
    AccountDeed.SIGNED_IN: "登录",
    AccountDeed.REFUSED: "登录未通过",
    AccountDeed.LOCKED: "登录锁定",
    AccountDeed.UNLOCKED: "登录解锁",
    AccountDeed.SIGNED_OUT: "退出登录",
    AccountDeed.SESSIONS_ENDED: "会话终止",
    AccountDeed.PASSWORD_CHANGED: "修改密码",
    AccountDeed.PASSWORD_HANDED_OUT: "发放一次性密码",
    AccountDeed.FACTOR_ADDED: "启用动态口令",
    AccountDeed.FACTOR_REMOVED: "停用动态口令",
    Role.UNIT_CLERK: "单位经办",
    Role.UNIT_HEAD: "单位负责人",
    Role.PARENT_UNIT: "主管部门",
    Role.BUSINESS_OFFICER: "编办业务科",
    Role.SUPERVISION_OFFICER: "编办监督检查科",
    Role.OFFICE_DIRECTOR: "编办主任",
    Role.SEAL_OPERATOR: "用印管理员",
    Role.COMMISSION: "编委",
    Role.OBSERVER: "协同部门",
    Role.SYSTEM_ADMIN: "系统管理员",
    Role.SECURITY_ADMIN: "安全管理员",
    Role.AUDIT_ADMIN: "审计管理员",
    Role.SERVICE: "系统服务",
}

SEATS_CAUSES = {
    OverQuotaCause.VIOLATION: "违规超职数",
    OverQuotaCause.POLICY: "政策性超职数",
    OverQuotaCause.HISTORY: "历史遗留超职数",
}
"""What the causes are called of leaders beyond 领导职数."""

WORK_TABS = {"todo": "待办", "to_read": "待阅", "started": "我发起", "done": "已办"}
WORK_KINDS = {"issue": "问题整改", "freeze": "冻结单", "list": "督办清单"}
LIST_STANDINGS = {"awaiting_release": "待用印", "awaiting_seal": "待签章", "awaiting_acknowledgement": "待签收", "acknowledged": "已签收"}
SERVICE_NAMES = {"roster": "编制台账", "approval": "审批", "monitoring": "监测督办", "reporting": "报表", "identity": "用户与权限"}


def holiday_ground(years: Sequence[int]) -> str:
    """放假安排依据: the notices of these years; none: the holidays of fixed date alone."""
    if not years:
        return "当年放假安排尚未公布，暂按固定日期的法定节日计"
    return f"国务院办公厅关于 {'、'.join(map(str, years))} 年部分节假日安排的通知"


def calendar_ground(version: str) -> str:
    """The same of a calendar that only its version is kept of: the last year that it knows, and the digest."""
    year = version.partition("-")[0]
    return f"{holiday_ground([int(year)] if year.isdigit() else [])}（日历版本 {version}）"
