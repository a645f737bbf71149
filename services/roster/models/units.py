"""Units through time: what is asked of them beyond registering, what a record of one holds, and why it is refused."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.roster.models.fields import UNITS
from services.roster.models.requests import Request, UnitFacts
from services.roster.models.texts import UnitName
from shared.errors import Conflict, NotFound
from shared.glossary import OverQuotaCause

KEY_ITEMS = frozenset("parent_id" if field.name == "parent" else field.name for field in UNITS.fields if field.key)
"""★: changed with a document only."""
LISTS = ("second_names", "plates", "internal_units")
"""Attributes that are several names; each list has rows of its own."""


@dataclass(frozen=True)
class UnitRecord:
    """A unit as it is in one stretch of time. `path` is root first, the unit itself last."""

    unit_id: UUID
    name: str
    short_name: str | None
    uscc: str | None
    parent_id: UUID | None
    path: tuple[UUID, ...]
    category: str
    nature: str | None
    public_welfare: str | None
    unit_funding: str | None
    sector: str | None
    rank: str | None
    system: str | None
    duties: str | None
    established_on: date | None
    leaders_above_rank: str | None
    leaders_above_rank_no: str | None
    withheld: bool
    document_no: str
    document_on: date | None


class UnitChanges(UnitFacts):
    """Only what is given is changed. `parent_id` none: the unit stands at the top."""

    name: UnitName | None = None
    uscc: str | None = None
    category: str | None = None
    parent_id: UUID | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if any(getattr(self, name) is None for name in self.model_fields_set & {"name", "category"}):
            raise ValueError("单位名称和单位类别不能改为空")
        return self


class ChangeUnit(UnitChanges):
    """A unit's attributes from a day on. `baseline`: an office's file mends them while the unit is still in its first load."""

    unit_id: UUID
    effective_on: date
    baseline: bool = False


class CloseUnit(Request):
    """撤销: nothing may be left on it. `successors` took over its duties."""

    unit_id: UUID
    effective_on: date
    successors: tuple[UUID, ...] = Field((), max_length=50)


class Establish(UnitFacts):
    """新设. The caller chooses the id, so that later steps can name the unit."""

    step: Literal["establish"]
    unit_id: UUID
    name: UnitName
    code: str = Field(min_length=1, max_length=50)
    uscc: str | None = None
    category: str
    parent_id: UUID | None = None


class Change(UnitChanges):
    """更名, 划转 of a whole unit to another parent, or any other attribute."""

    step: Literal["change"]
    unit_id: UUID


class Merge(Request):
    """撤并: posts, people, leadership posts, authorised uses and the units below go to `into_unit_id`; the unit is closed."""

    step: Literal["merge"]
    unit_id: UUID
    into_unit_id: UUID


class MovedPosts(Request):
    """Approved posts of one row."""

    kind: str
    funding: str
    posts: int = Field(ge=1, le=100_000)


class Split(Request):
    """分设: some posts and people go to a successor; the unit goes on, unless a later step closes it."""

    step: Literal["split"]
    unit_id: UUID
    into_unit_id: UUID
    posts: tuple[MovedPosts, ...] = Field((), max_length=200)
    person_ids: tuple[UUID, ...] = Field((), max_length=20_000)


class MovePosts(MovedPosts):
    """划转 of posts."""

    step: Literal["move_posts"]
    unit_id: UUID
    to_unit_id: UUID


class MovePeople(Request):
    """划转 of people, each in his kind and funding; they take no leadership seat along."""

    step: Literal["move_people"]
    unit_id: UUID
    to_unit_id: UUID
    person_ids: tuple[UUID, ...] = Field(min_length=1, max_length=20_000)


class SetLevel(Request):
    """领导职数 of one level after the reform."""

    step: Literal["set_seats"]
    unit_id: UUID
    level: str = Field(min_length=1, max_length=50)
    approved: int = Field(ge=0, le=1000)


class Close(Request):
    """撤销 of what a reform has emptied."""

    step: Literal["close"]
    unit_id: UUID
    successors: tuple[UUID, ...] = Field((), max_length=50)


def units_named(step: Mapping[str, Any]) -> set[UUID]:
    """Every unit that a step names, by its fields as they are or as they were kept."""
    named = {step.get(name) for name in ("unit_id", "into_unit_id", "to_unit_id", "parent_id")}
    return {UUID(str(each)) for each in (*named, *step.get("successors", ())) if each is not None}


Step = Annotated[Establish | Change | Merge | Split | MovePosts | MovePeople | SetLevel | Close, Field(discriminator="step")]


class Reform(Request):
    """One document, one date, steps in order. With `over_quota_cause` it may leave more people over quota, or more leaders over 领导职数, than there were."""

    title: str = Field(min_length=1, max_length=200)
    effective_on: date
    document_on: date
    over_quota_cause: OverQuotaCause | None = None
    steps: tuple[Step, ...] = Field(min_length=1, max_length=200)


class ReformRead(BaseModel):
    """The file of a reform, read: `body` is what `POST /reforms` takes, none where something is `wrong`; `key` is the same for the same text, so that
    who sends it under this key carries it out once. `units` and `people`: what those that it names are called.
    """

    key: str
    body: dict[str, Any] | None
    units: dict[UUID, str]
    people: dict[UUID, str]
    wrong: list[str]


class InternalUnitLeft(BaseModel):
    """People of one unit whose 所在内设机构 a reform leaves empty, since the unit they go to has no internal unit of that name at the end."""

    unit_id: UUID
    to_unit_id: UUID
    internal_unit: str
    people: int


class Reformed(BaseModel):
    """What a reform did."""

    reform_id: UUID
    units_changed: int
    units_closed: int
    people_moved: int
    internal_units_left: list[InternalUnitLeft]


class ChangeTried(BaseModel):
    """One attribute of a unit that a step would change, in words."""

    label: str
    before: str
    after: str


class StepTried(BaseModel):
    """What one step would do. `posts`: 编制 alone; `ceilings`: 员额 and 控制数; `uses`: authorised and not yet filled; `changes`: of 变更."""

    step: int
    posts: int
    ceilings: int
    people: int
    loans: int
    uses: int
    closes: bool
    changes: list[ChangeTried] = []


class ReformProblem(BaseModel):
    """Why a reform would be refused; `step` none: the reform as a whole."""

    step: int | None
    code: str
    sentence: str


class ReformTried(BaseModel):
    """What a reform would do, and all that speaks against it; nothing is kept. The whole is judged only where no step is refused."""

    units_changed: int
    units_closed: int
    people_moved: int
    internal_units_left: list[InternalUnitLeft]
    steps: list[StepTried]
    problems: list[ReformProblem]


class UnitClosedBefore(Conflict):
    """撤并; it is there to be read."""

    code = "unit_closed"
    sentence = "该单位已于 {closed_on} 撤销或并入其他单位。请由承接其职责的单位另行办理。"


class UnitNotThen(NotFound):
    """The unit was not, or no more, on that day."""

    code = "unit_not_then"
    sentence = "该单位在 {day} 尚未设立或已撤销。请换一个日期查询。"


class NothingRecordedYet(NotFound):
    """On that day the roster knew nothing of the unit: it was recorded later."""

    code = "nothing_recorded_yet"
    sentence = "系统在 {day} 还没有该单位的任何记录，最早的记录登记于 {first}。请把“以何日所知为准”改为该日或以后。"


class UnitChangedLater(Conflict):
    """A later change of the unit, or of its place in the tree, stands already."""

    code = "unit_changed_later"
    sentence = "该单位自 {since} 起已另有变更。请按生效时间的先后办理，生效日期不得早于该日。"


class NothingChanged(Conflict):
    """As it is already."""

    code = "nothing_changed"
    sentence = "所填内容与登记的现状相同，没有需要变更的项目。请核对后再提交。"


class AboveRankUnproved(Conflict):
    """单位领导高配 stands on a document that allows it (domain §1.3)."""

    code = "above_rank_unproved"
    sentence = "填写单位领导高配的，须写明批准高配的文号；取消高配的，请一并清空文号。"


class ParentBelow(Conflict):
    """A circle."""

    code = "parent_below"
    sentence = "主管部门不能是本单位或其下级单位。请选择其他单位作主管部门。"


class ParentWithheld(Conflict):
    """Below a withheld unit nothing is public."""

    code = "parent_withheld"
    sentence = "主管部门不计入公开汇总，其下级单位也不能公开。请先取消主管部门的标记。"


class UnitNotEmpty(Conflict):
    """Somebody or something is left."""

    code = "unit_not_empty"
    sentence = (
        "该单位尚有在编人员 {people} 名、编制 {posts} 名，员额和编外人员 {people_beside} 名、员额和编外控制数 {posts_beside} 名，"
        "已核未用 {reserved} 名、借入人员 {borrowed} 名、下级单位 {below} 个，不能撤销。请先在方案中划转完毕。"
    )


class ReformInFlight(Conflict):
    """What is under way stands on the unit."""

    code = "reform_in_flight"
    sentence = "该单位尚有在办的入编申请 {holds} 件、已批准待落编的申请 {claims} 件。请先办结、撤回或退回这些申请，再实施改革。"


class UnitUnderFreeze(Conflict):
    """A unit that is frozen does not slip away by a merger."""

    code = "unit_under_freeze"
    sentence = "对该单位的冻结决定尚未解除，不能撤并。请先作出解冻决定，再实施改革。"


class EntryAfterReform(Conflict):
    """People entered on that day or later."""

    code = "entry_after_reform"
    sentence = "有 {people} 名人员在改革生效日当天或之后才到该单位或才开始借调，最晚为 {day}。请改用其后的生效日期，或先更正日期。"


class ExitAfterReform(Conflict):
    """People were on the unit, or on loan from it or to it, on that day or later."""

    code = "exit_after_reform"
    sentence = "有 {people} 名人员在撤并生效日之后才离开该单位或才结束借调，最晚为 {day}。请把生效日期改为该日或其后，或先更正其离开日期。"


class PostsAfterReform(Conflict):
    """The unit had posts or leadership posts on that day or later: they would stay on a unit that was no more."""

    code = "posts_after_reform"
    sentence = "该单位的编制或领导职数在撤并生效日之后才核减完毕，最晚为 {day}。请把生效日期改为该日或其后。"


class EndAfterClosing(Conflict):
    """Nobody is on a unit that is no more."""

    code = "end_after_closing"
    sentence = "该单位已于 {closed_on} 撤销或并入其他单位，人员离开该单位的日期不能晚于这一天。请核对后改正日期。"


class ReformOverfills(Conflict):
    """More people over quota than before."""

    code = "reform_overfills"
    sentence = (
        "改革后 {kind}（{funding}）将超出编制 {after} 名，改革前为 {before} 名：{units}。"
        "请在方案中为所列单位一并划转编制，或注明超编原因并附批准文件。"
    )


class ReformOverfillsSeats(Conflict):
    """More leaders beyond 领导职数 than before."""

    code = "reform_overfills_seats"
    sentence = "改革后{level}将超出领导职数 {after} 名，改革前为 {before} 名：{units}。请先办理免职或调任、一并核定职数，或在方案中写明超编或超职数的原因。"


class DocumentAfterEffect(Conflict):
    """先有文件."""

    code = "document_after_effect"
    sentence = "改革生效日期早于文件日期 {document_on}。改革自文件批准之日起实施，请核对两个日期。"


class ReformAlreadyDone(Conflict):
    """The same document carries out the same steps from the same day once, whoever asks."""

    code = "reform_already_done"
    sentence = "同一文号、同一生效日期、步骤相同的改革已于 {recorded_on} 实施（{title}）。请在“机构改革”中查看；确需再办的，请另行发文。"


class ReformUnknown(NotFound):
    """No such reform, or not for this caller."""

    code = "reform_unknown"
    sentence = "没有找到该改革事项，或者它不在您的管辖范围内。"
