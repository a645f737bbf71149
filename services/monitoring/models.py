"""What monitoring's commands take and answer, its refusals with their sentences, and the words its pages use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, TypeAdapter

from shared.errors import Conflict, Forbidden, NotFound
from shared.glossary import FreezeScope, IssueState, Light, Rung
from shared.law.working_days import Calendar

CONSUMER = "monitoring"
RULE_TITLES = {"M01": "超编", "M07": "先进人后核编", "M09": "出编超期"}
MATTERS = {
    "M01": "{kind}（{funding}）核定编制 {quota} 名，实有 {headcount} 名，其中超编 {people} 名。",
    "M07": "{kind}（{funding}）1 人入编时间（{started_on}）早于核准用编时间（{authorised_on}），先进人后核编。",
    "M09": "{kind}（{funding}）1 人已过法定退休月份（{month}），尚未办理出编。",
}
REMARK_TITLES = {"full": "满编（先出后进）", "unclassified": "超编待定性", "data_missing": "数据缺失（退休类别未核定）"}

BETTER_BY = {
    IssueState.TO_VERIFY: "由监督检查科核实：核实成立的签发整改通知书，不成立的予以排除。",
    IssueState.NOTICE_SIGNED: "整改通知书送达后开始整改。",
    IssueState.RECTIFYING: "按整改通知书要求整改，提交整改材料，经验收后销号。",
    IssueState.OVERDUE: "整改已逾期：尽快整改并提交整改材料，经验收后销号。",
    IssueState.EVIDENCE_SUBMITTED: "整改材料待监督检查科验收，验收通过后销号。",
}
BETTER_BY_ITSELF = "办理完相应手续后自动消除。"


class IssueUnknown(NotFound):
    """No such issue, or not for this caller."""

    code = "issue_unknown"
    sentence = "没有找到该问题，或者它不在您的管辖范围内。"


class OrderUnknown(NotFound):
    """No such freeze order, or not for this caller."""

    code = "freeze_order_unknown"
    sentence = "没有找到该冻结令，或者它不在您的管辖范围内。"


class ListUnknown(NotFound):
    """No such edition, or not for this caller."""

    code = "supervision_list_unknown"
    sentence = "没有找到该督办清单，或者它不在您的管辖范围内。"


class CaseMissing(Conflict):
    """The issue has no running case, so nothing can be decided about it."""

    code = "no_case"
    sentence = "该问题没有正在办理的整改案件（例如期初存量尚未纳入，或仅为提示）。"


class CaseOver(Conflict):
    """The case has ended; nothing more can be decided in it."""

    code = "case_over"
    sentence = "该案件已经办结，不能再作决定。"


class StillFound(Conflict):
    """The rule still finds what was to be rectified."""

    code = "still_found"
    sentence = "该问题的情形仍然存在（规则仍能查到），不能销号。请先完成整改。"


class FreezeNotJustified(Conflict):
    """A freeze needs a confirmed red issue of the unit."""

    code = "freeze_not_justified"
    sentence = "冻结只能针对该单位已核实的红灯问题；政策性超编不冻结。"


class AlreadyFreezing(Conflict):
    """An order for one of these issues is on its way or in force."""

    code = "already_freezing"
    sentence = "所列问题已有待决定或执行中的冻结令。"


class ListAlreadyReleased(Conflict):
    """The edition was released before."""

    code = "list_already_released"
    sentence = "该督办清单已经用印登记，不能重复办理。"


class ListNotSealed(Conflict):
    """An edition is acknowledged after it was sealed."""

    code = "list_not_sealed"
    sentence = "该督办清单尚未签章，暂不能签收。"


class ListAlreadyAcknowledged(Conflict):
    """The unit has acknowledged before."""

    code = "list_already_acknowledged"
    sentence = "该督办清单已经签收。"


class ListNotReleased(Conflict):
    """Nothing is sealed that no officer released."""

    code = "list_not_released"
    sentence = "该督办清单尚未用印登记，不能签章。"


class SealTaskUnknown(NotFound):
    """No task of that number here."""

    code = "seal_task_unknown"
    sentence = "没有这个签章任务。"


class SealMismatch(Conflict):
    """The answer is about other bytes than those that wait."""

    code = "seal_mismatch"
    sentence = "签章结果与待签章的文件不符。"


class CallbackForged(Forbidden):
    """A callback that does not come from the platform."""

    code = "callback_forged"
    sentence = "签章回调未通过校验。"


class ParameterUnknown(NotFound):
    """A parameter that no rule reads."""

    code = "parameter_unknown"
    sentence = "没有这个参数。参数由规则定义，只能登记新的版本。"


class ParameterMalformed(Conflict):
    """A value of another form than the parameter has."""

    code = "parameter_malformed"
    sentence = "参数值的格式与该参数不符。"


def matter_of(rule: str, inputs: Mapping[str, Any]) -> str:
    """What was found, in one sentence, without anybody's name."""
    return MATTERS[rule].format_map(inputs)


@dataclass(frozen=True)
class Surroundings:
    """What the doors know and commands are handed: the holiday calendar, and how far business time is moved (None: time is real)."""

    calendar: Calendar
    clock_offset: Callable[[], timedelta | None]


@dataclass(frozen=True)
class Occasion:
    """Why a unit is judged: an event, a sweep (no event) or a decision. `baseline`: part of a first load, rules run dry."""

    unit_id: UUID
    at: datetime
    calendar: Calendar
    clock_offset: timedelta | None
    event_id: UUID | None = None
    baseline: bool = False


@dataclass(frozen=True)
class Issue:
    """An issue as commands handle it."""

    id: UUID
    unit_id: UUID
    rule: str
    subject: str
    level: Light
    state: IssueState
    round: int
    version: int
    present: bool
    must_vanish: bool
    opens_case: bool
    has_case: bool
    size: int
    due_at: datetime | None


class Input(BaseModel):
    """What a command takes."""

    model_config = ConfigDict(frozen=True)

    clock_offset: timedelta | None = Field(None, exclude=True, description="For workflows it starts; no part of the request itself.")


class ProposeFreeze(Input):
    """An officer proposes to freeze a unit because of its issues."""

    unit_id: UUID
    scopes: tuple[FreezeScope, ...] = Field(min_length=1)
    issue_ids: tuple[UUID, ...] = Field(min_length=1)


class ReleaseBaseline(Input):
    """The office takes a unit's first-load findings up as issues."""

    unit_id: UUID


class SetParameter(Input):
    """A new version of a parameter."""

    rule: str
    name: str
    value: JsonValue
    effective_on: date
    source: str = Field(min_length=1)
    owner: str = Field(min_length=1)


class SweepUnit(Input):
    """Judge what time alone may have broken on one unit."""

    unit_id: UUID
    on: date
    calendar: Calendar = Field(exclude=True)


class MarkUnverified(Input):
    """Look again whether a unit's events could all be handled."""

    unit_id: UUID


class IssueList(Input):
    """Issue the edition of one unit for one ISO week."""

    unit_id: UUID
    iso_week: str
    nominal: AwareDatetime


class ReleaseList(Input):
    """用印登记 of an edition by a named officer."""

    list_id: UUID


class AcknowledgeList(Input):
    """The unit confirms that it has received an edition."""

    list_id: UUID


class PrepareListSeal(Input):
    """The final bytes of an edition and the task that seals them."""

    list_id: UUID
    prepared_file: str
    placeholder: dict[str, JsonValue]
    digest: str
    seal_code: str
    certificate: str


class KeepAnswer(Input):
    """The platform's answer to a task."""

    task_id: str
    digest: str
    answer: dict[str, JsonValue]


class FileList(Input):
    """A sealed, verified edition."""

    list_id: UUID
    file: str
    sha256: str
    signer: str
    sealed_at: AwareDatetime


class _Step(BaseModel):
    rung: Rung
    offset: int


_DAYS: TypeAdapter[Any] = TypeAdapter(Annotated[int, Field(ge=1, le=250, strict=True)])
_SERIES: TypeAdapter[Any] = TypeAdapter(Annotated[str, Field(min_length=1, max_length=20)])
_POLICY: TypeAdapter[Any] = TypeAdapter(Annotated[str, Field(min_length=1)] | None)
PARAMETER_FORMS: Mapping[str, TypeAdapter[Any]] = {
    "budget_days": _DAYS,
    "plan_days": _DAYS,
    "grace_days": _DAYS,
    "extensions": TypeAdapter(Annotated[int, Field(ge=0, strict=True)]),
    "ladder": TypeAdapter(list[_Step]),
    "notice_series": _SERIES,
    "list_series": _SERIES,
    "scopes": TypeAdapter(Annotated[list[FreezeScope], Field(min_length=1)]),
    "decide_automatically": _POLICY,
    "release_automatically": _POLICY,
}
