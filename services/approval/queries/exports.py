"""The lists of approval that leave the house: applications, and the filing ledger."""

from uuid import UUID

from services.approval.models.tasks import Tab
from services.approval.queries import tasks
from services.approval.queries.documents import IN_TURN, UNUSED, in_scope
from shared.auth import Who
from shared.exports.letters import letters_list
from shared.exports.lists import (
    Column,
    ExportList,
    Filters,
    Sheet,
    Sought,
    Source,
    as_page,
    coded,
    exports_of,
    flagged,
    joined,
    labelled,
    sorts_of,
    wall_clock,
)
from shared.exports.trail import trail_list
from shared.glossary import ApplicationState, ApplicationType, Light
from shared.pages import ordered
from shared.sheets.writing import Form
from shared.unit_copies import scope

_BELOW = "($2::uuid IS NULL OR $2 = ANY(u.path))"
_UNIT = (Column("unit_code", "单位编码", "u.code"), Column("unit", "单位", "u.name"))


def applications_source(who: Who, filters: Filters) -> Source:
    """Applications in their last revision; of a tab of the work list, those that stand in the asker's."""
    put, wanted = tasks.asking(who), as_page(tasks.Wanted, filters)
    standing = tasks.in_tab(who, wanted.tab) if "tab" in filters else f"{in_scope(who)} AND {tasks.GIVEN}"
    below = f"{put(filters['unit'], 'uuid')} = ANY(u.path)" if "unit" in filters else "true"
    rows = f"""
        FROM applications a JOIN revisions r ON r.application_id = a.id AND r.revision = a.revision
        LEFT JOIN unit_copies u ON u.id = a.unit_id LEFT JOIN unit_copies origin ON origin.id = a.from_unit_id
        LEFT JOIN chain_steps s ON s.application_type = a.application_type AND s.version = a.chain_version AND s.code = a.step
        WHERE {standing} AND {below} AND {tasks.narrowed(wanted, put)}
    """
    return Source(rows, ordered(wanted.sort, tasks.SORTS).by if "sort" in filters else "a.id", put)


APPLICATIONS = (
    Column("number", "申请编号", "a.number"),
    Column("type", "申请类型", "a.application_type", turn=labelled),
    *_UNIT,
    Column("from_unit", "调出单位", "origin.name"),
    Column("title", "标题", "r.title"),
    Column("kind", "编制类型", "r.kind", turn=coded("kinds")),
    Column("funding", "经费形式", "r.funding", turn=coded("fundings")),
    Column("posts", "用编数", "r.posts", Form.NUMBER),
    Column("revision", "件次", "a.revision", Form.NUMBER),
    Column("state", "状态", "a.state", turn=labelled),
    Column("step", "当前环节", "s.label"),
    Column("holder", "当前办理岗位", "a.holder", turn=labelled),
    Column("applicant", "申请人", "a.applicant"),
    Column("submitted_at", "提交时间", wall_clock("a.submitted_at"), Form.INSTANT),
    Column("due_at", "本环节到期", wall_clock("a.due_at"), Form.INSTANT),
    Column("changed_at", "最近变动", wall_clock("a.changed_at"), Form.INSTANT),
)


def exceptions_source(who: Who, filters: Filters) -> Source:
    """Each exception to a freeze that an application asked for, as it asked for it last; to one order, or to any. One that was dropped, or gave way
    to another, stands there, too.
    """
    order = None if "order" not in filters else str(filters["order"])
    rows = f"""
        FROM applications a JOIN revisions r ON r.application_id = a.id AND r.exception IS NOT NULL AND NOT EXISTS
        (SELECT FROM revisions again WHERE again.application_id = a.id AND again.revision > r.revision AND again.exception = r.exception)
        LEFT JOIN unit_copies u ON u.id = a.unit_id
        LEFT JOIN chain_steps s ON s.application_type = a.application_type AND s.version = a.chain_version AND s.code = a.step
        WHERE {in_scope(who)} AND {_BELOW} AND ($3::text IS NULL OR r.exception -> 'orders' ? $3)
    """
    return Source(rows, "a.id, r.revision", (scope(who), filters.get("unit"), order))


EXCEPTIONS = (
    Column("number", "申请编号", "a.number"),
    Column("type", "申请类型", "a.application_type", turn=labelled),
    *_UNIT,
    Column("title", "标题", "r.title"),
    Column("revision", "件次", "r.revision", Form.NUMBER),
    Column("applicant", "申请人", "a.applicant"),
    Column("ground", "例外情形", "r.exception ->> 'ground'", turn=labelled),
    Column("document_no", "例外依据文号", "r.exception ->> 'document_no'"),
    Column("why", "例外理由", "r.exception ->> 'why'"),
    Column("dropped", "已不再申报", "r.revision < a.revision", turn=flagged),
    Column("state", "状态", "a.state", turn=labelled),
    Column("step", "当前环节", "s.label"),
    Column("submitted_at", "提交时间", wall_clock("r.submitted_at"), Form.INSTANT),
    Column("changed_at", "最近变动", wall_clock("a.changed_at"), Form.INSTANT),
    Column("orders", "冻结单编号", "ARRAY(SELECT jsonb_array_elements_text(r.exception -> 'orders'))", turn=joined),
)


def ledger_source(who: Who, filters: Filters) -> Source:
    """What is filed."""
    rows = f"""
        FROM filing_ledger l JOIN documents d ON d.id = l.document_id JOIN applications a ON a.id = d.application_id
        LEFT JOIN unit_copies u ON u.id = d.unit_id WHERE {in_scope(who)} AND {_BELOW}
    """
    return Source(rows, "l.document_id", (scope(who), filters.get("unit")))


FILED = (
    Column("document_no", "文号", "l.document_no"),
    Column("title", "文件名称", "d.title"),
    *_UNIT,
    Column("number", "申请编号", "a.number"),
    Column("signer", "签章人", "l.signer"),
    Column("sealed_at", "签章时间", wall_clock("l.sealed_at"), Form.INSTANT),
    Column("filed_at", "归档时间", wall_clock("l.filed_at"), Form.INSTANT),
    Column("revoked", "已撤销", "EXISTS (SELECT FROM documents x WHERE x.revokes = d.id AND x.sealed_sha256 IS NOT NULL)", turn=flagged),
    Column("sha256", "文件摘要", "l.sha256"),
)


def unused_source(who: Who, filters: Filters) -> Source:
    """The gaps in the numbers."""
    return Source(f"{UNUSED} WHERE {in_scope(who)} AND {_BELOW}", IN_TURN, (scope(who), filters.get("unit")))


UNUSED_NUMBERS = (
    Column("document_no", "文号", "d.unused_no"),
    Column("title", "文件名称", "d.title"),
    *_UNIT,
    Column("number", "申请编号", "a.number"),
    Column("used_no", "改用文号", "d.used_no"),
    Column("reason", "未使用的原因", "d.why"),
)


def chains_source(_: Who, __: Filters) -> Source:
    """Every step of every version of every chain, the newest version first."""
    rows = "FROM chain_steps s JOIN chains c ON c.application_type = s.application_type AND c.version = s.version"
    return Source(rows, "c.application_type, c.effective_on DESC, c.version DESC, s.position", ())


CHAINS = (
    Column("type", "申请类型", "c.application_type", turn=labelled),
    Column("version", "版本", "c.version", Form.NUMBER),
    Column("effective_on", "生效日期", "c.effective_on", Form.DAY),
    Column("document_no", "依据", "c.document_no"),
    Column("position", "序号", "s.position", Form.NUMBER),
    Column("step", "环节", "s.label"),
    Column("role", "办理岗位", "s.role", turn=labelled),
    Column("budget_days", "时限（工作日）", "s.budget_days", Form.NUMBER),
)

EXPORTS = exports_of(
    ExportList(
        "applications",
        "申请办理清单",
        "applications.read",
        [Sheet("申请", APPLICATIONS, applications_source)],
        {
            "unit": UUID,
            "tab": Tab,
            "state": ApplicationState,
            "type": ApplicationType,
            "light": Light,
            "q": Sought,
            "sort": sorts_of(tasks.SORTS),
        },
    ),
    ExportList(
        "exceptions",
        "冻结例外台账",
        "applications.read",
        [Sheet("冻结例外", EXCEPTIONS, exceptions_source)],
        {"unit": UUID, "order": UUID},
    ),
    ExportList("filing", "归档备案台账", "filing.read", [Sheet("归档", FILED, ledger_source)], {"unit": UUID}),
    ExportList("unused_numbers", "未使用的文号", "filing.read", [Sheet("文号", UNUSED_NUMBERS, unused_source)], {"unit": UUID}),
    ExportList("chains", "审批链", "rules.read", [Sheet("审批链", CHAINS, chains_source)]),
    letters_list("approval"),
    trail_list("approval"),
)
