"""A unit's first load (期初建账): what is asked, what is answered, and why it is refused."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import BaseModel, Field, model_validator

from services.roster.models.persons import PersonFacts, Sealed
from services.roster.models.requests import PostDetails, Request
from shared.errors import Conflict
from shared.glossary import OverQuotaCause
from shared.law.retirement import Category


class LoadedQuota(Request):
    """Approved posts of one (kind, funding), with the approval they rest on."""

    kind: str
    funding: str
    posts: int = Field(ge=0, le=100_000)
    document_no: str = Field(min_length=1, max_length=100)
    document_on: date
    use_until: date | None = Field(None, description="使用期限 (周转编制).")


class LoadedSeats(Request):
    """Approved leadership posts of one level, with the approval they rest on."""

    level: str = Field(min_length=1, max_length=50)
    approved: int = Field(ge=0, le=1000)
    document_no: str = Field(min_length=1, max_length=100)
    document_on: date


class LoadedPost(PostDetails):
    """The post a person holds. Without an entry reason it is 期初建账; beyond the quota without a cause it is 历史遗留.

    `ended_on`: he held it until then (that day does not count); it is history, and takes no place in the quota.
    """

    kind: str
    funding: str
    started_on: date
    seat_level: str | None = None
    entry_reason: str | None = None
    authorisation_no: str | None = Field(None, max_length=100)
    authorised_on: date | None = None
    over_quota_cause: OverQuotaCause | None = None
    ended_on: date | None = None
    exit_reason: str | None = Field(None, max_length=50)
    exit_document_no: str | None = Field(None, max_length=100)

    @model_validator(mode="after")
    def _ended_for_a_reason(self) -> "LoadedPost":
        if self.ended_on is not None and (self.exit_reason is None or self.ended_on <= self.started_on):
            raise ValueError("已出编的，出编时间须晚于入编时间，并填出编原因")
        return self


class OpenLoadedPerson(PersonFacts, LoadedPost):
    """A person with the post he holds, as the door takes him."""

    id_number: str = Field(min_length=15, max_length=18, repr=False)


class LoadedPerson(Sealed, PersonFacts, LoadedPost):
    """The same with the sensitive values encrypted: no plain one reaches a command, a hash or a log."""

    person_id: UUID = Field(exclude=True)

    @property
    def retirement_override(self) -> Category | None:
        """As `rules.persons` calls it."""
        return self.retirement_category


class LoadUnit(Request):
    """One unit as an office hands it over. Known by its code; what is there already and equal is left alone."""

    name: str = Field(min_length=1, max_length=200)
    code: str = Field(min_length=1, max_length=50)
    uscc: str | None = None
    category: str
    parent_id: UUID | None = None
    valid_from: date
    quotas: tuple[LoadedQuota, ...] = Field((), max_length=200)
    seats: tuple[LoadedSeats, ...] = Field((), max_length=50)
    persons: tuple[LoadedPerson, ...] = Field((), max_length=20_000)


class Loaded(BaseModel):
    """What a load did: rows written, and rows that were there already."""

    unit_id: UUID
    registered: bool
    quotas: int
    seats: int = 0
    placed: int
    history: int = 0
    over_quota: int
    present: int


@dataclass(frozen=True)
class LoadProblem:
    """Why a load cannot be taken. `person` is the place in the list (from 0); none when it is about the unit."""

    code: str
    sentence: str
    person: int | None = None


class LoadRefused(Conflict):
    """The roster, or the list itself, speaks against the load."""

    code = "load_refused"
    sentence = "本单位的期初数据未导入：{first}（共 {count} 个问题）。请用 /loads/check 查看全部问题，改正后重新导入。"


class FirstLoadEnded(Conflict):
    """The unit is in daily use: a load would pass its rules by."""

    code = "first_load_ended"
    sentence = "该单位已开始日常业务，期初导入已关闭。请通过用编、入编或更正办理。"


class UnitDiffers(Conflict):
    """The unit is registered with other facts."""

    code = "unit_differs"
    sentence = "系统中该单位的名称、类别或主管部门与文件不同。请核对后改正文件，或先办理单位信息变更。"


class QuotaDiffers(Conflict):
    """The row is there with another number."""

    code = "quota_differs"
    sentence = "系统中该单位 {kind}（{funding}）的编制数为 {quota} 名，与文件的 {posts} 名不同。请核对，变更编制数请凭批准文件办理。"


class PersonDiffers(Conflict):
    """The person is on this unit with other facts of the post."""

    code = "person_differs"
    sentence = "该人员已在本单位在编，但编制类型、经费形式或入编时间与文件不同。请核对，如系统有误请办理更正。"


class PersonTwice(Conflict):
    """One person stands in the list twice."""

    code = "person_twice"
    sentence = "该人员在文件中出现两次。一人只能占一个编制，请核对。"


class NoQuotaRow(Conflict):
    """Nothing was approved for this kind and funding."""

    code = "no_quota_row"
    sentence = "本单位没有核定编制类型 {kind}（{funding}）。请改正，或补上核定的编制数。"
