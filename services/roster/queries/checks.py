"""The checks of an application as advice, at its submission: the rules that judge the claim, asked one by one."""

from collections.abc import Callable
from datetime import date

from services.roster.models.facts import PostFacts
from services.roster.queries.changes import changed_elsewhere, pending_change, standing_of
from services.roster.queries.facts import post_facts
from services.roster.queries.persons import LABELS as FIELD_LABELS
from services.roster.rules import changes as change_rules
from services.roster.rules import posts as rules
from shared.db import Connection
from shared.errors import DomainError
from shared.glossary import LABELS, ApplicationType
from workflows.roster import Check, PostRequest

Judge = Callable[[PostRequest, PostFacts, date], object]
_REGULATION = "中国共产党机构编制工作条例"


async def check_application(conn: Connection, request: PostRequest, today: date) -> list[Check]:
    """Every check that concerns this type, passed or not, with its clause: a complete one-time list."""
    rules.ensure_complete(request)
    if request.application_type is ApplicationType.CHANGE:
        return await _change_checks(conn, request)
    facts = await post_facts(conn, request, today)
    request = rules.excepting(request, facts.frozen_by)
    return [_checked(check, request, facts, today) for check in _CHECKS if request.application_type in check[1]]


async def _change_checks(conn: Connection, request: PostRequest) -> list[Check]:
    """Of 信息变更: nothing is asked of a post."""
    if request.change_id is None:
        return []
    change = await pending_change(conn, request.change_id)
    now = await standing_of(conn, change.person_id, change.before)
    elsewhere = await changed_elsewhere(conn, change, request.application_id)
    judged: tuple[tuple[str, str, Callable[[], None]], ...] = (
        ("change_of_case", "变更登记的人员和单位与申请一致。", lambda: change_rules.ensure_of_this_case(request, change)),
        ("change_open", "该项变更没有另外办理。", lambda: change_rules.ensure_open(change)),
        ("facts_unchanged", "登记变更之后，有关信息没有变动。", lambda: change_rules.ensure_unchanged(change, now, FIELD_LABELS)),
        ("change_alone", "没有另一件在办的申请变更相同的项目。", lambda: change_rules.ensure_alone(elsewhere, FIELD_LABELS)),
    )
    return [_advice(code, sentence, "实名制管理：关键信息凭证明材料变更", judge) for code, sentence, judge in judged]


_TAKES_A_POST = {ApplicationType.POST_USE, ApplicationType.ENTRY, ApplicationType.TRANSFER}
_CHECKS: tuple[tuple[str, set[ApplicationType], str, str, Judge], ...] = (
    (
        "kind_allowed",
        _TAKES_A_POST,
        "编制类型与单位类别相符。",
        f"{_REGULATION}；编制不得混用",
        lambda _, facts, __: rules.ensure_kind_allowed(facts),
    ),
    (
        "post_available",
        {ApplicationType.POST_USE, ApplicationType.TRANSFER},
        "可用编制充足。",
        "可用编 = 编制数 − 实有数 − 已核未用 − 冻结数，按单位、编制类型、经费形式分别计算",
        lambda request, facts, _: rules.ensure_available(facts.establishment, request.posts),
    ),
    (
        "in_term",
        _TAKES_A_POST,
        "编制没有使用期限，或期限未满。",
        "周转编制有使用期限，期满收回",
        lambda request, facts, today: rules.ensure_in_term(facts.establishment, request.effective_on or today),
    ),
    (
        "not_frozen",
        _TAKES_A_POST,
        "本单位及上级单位没有冻结此项业务。",
        _REGULATION,
        lambda request, facts, _: rules.ensure_not_frozen(rules.unexcepted(request, facts.frozen_by)),
    ),
    (
        "authorised_first",
        {ApplicationType.ENTRY},
        "已核准用编，且在有效期内。",
        "先核编后进人",
        rules.ensure_authorised_first,
    ),
    (
        "on_no_other_roster",
        {ApplicationType.ENTRY},
        "人员未在其他单位在册（编外在内）。",
        "实名制管理：一人一编",
        lambda request, facts, today: rules.ensure_on_no_roster(facts.post_ends, request.effective_on or today),
    ),
    (
        "before_retirement",
        {ApplicationType.ENTRY, ApplicationType.TRANSFER},
        "入编、调入日期不在法定退休时间之后，或退休类别尚不能认定。",
        "国务院关于渐进式延迟法定退休年龄的办法",
        lambda request, facts, today: rules.ensure_before_retirement(
            facts.person, facts.population_of(request.kind), request.effective_on or today
        ),
    ),
    (
        "off_post_told",
        {ApplicationType.ENTRY},
        "不是编外人员，或已写明编外岗位类别和用工方式。",
        "实名制管理：编外人员登记岗位类别和用工方式",
        lambda request, facts, _: rules.ensure_off_post_told(request, facts.population_of(request.kind)),
    ),
    (
        "person_here",
        {ApplicationType.EXIT},
        "人员在本单位编制上。",
        "实名制管理：一人一编",
        lambda request, facts, _: rules.ensure_here(facts.on_rosters, request.unit_id),
    ),
    (
        "person_at_giver",
        {ApplicationType.TRANSFER},
        "人员在调出单位编制上。",
        "实名制管理：一人一编",
        lambda request, facts, _: rules.ensure_at_giver(facts.on_rosters, request),
    ),
    (
        "left_later",
        {ApplicationType.EXIT, ApplicationType.TRANSFER},
        "生效日期晚于人员到现任岗位的日期。",
        "实名制管理：一人一编",
        rules.ensure_left_later,
    ),
    (
        "kinds_alike",
        {ApplicationType.TRANSFER},
        "拟用编制类型与现任岗位性质相同。",
        "先核编后进人；编制、员额、编外之间不以调动办理",
        lambda request, facts, _: rules.ensure_kinds_alike(rules.ensure_at_giver(facts.on_rosters, request), request.kind, facts.natures),
    ),
)


def _checked(check: tuple[str, set[ApplicationType], str, str, Judge], request: PostRequest, facts: PostFacts, today: date) -> Check:
    code, _, sentence, clause, judge = check
    if code == "not_frozen" and (passed := rules.passed_freeze(request, facts.frozen_by)):
        sentence = f"单位已被冻结，申报了冻结例外（{LABELS[passed.ground]}，{passed.document_no}），是否成立由审批人认定。"
    if code == "not_frozen" and request.exception and not request.exception.orders:
        return Check(code=code, passed=False, sentence="单位没有被冻结，不需要申报冻结例外。请删去冻结例外后再提交。", clause=clause)
    return _advice(code, sentence, clause, lambda: judge(request, facts, today))


def _advice(code: str, sentence: str, clause: str, judge: Callable[[], object]) -> Check:
    try:
        judge()
    except DomainError as refusal:
        return Check(code=code, passed=False, sentence=str(refusal), clause=clause)
    return Check(code=code, passed=True, sentence=sentence, clause=clause)
