"""Key items (★) changed by a case: what is asked, what waits, and how it is refused."""

from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from services.roster.models.persons import KeyItems
from services.roster.models.requests import KeyItemsOfPost
from shared.errors import Conflict, NotFound

OF_POST = tuple(KeyItemsOfPost.model_fields)


class RegisterChange(KeyItems, KeyItemsOfPost):
    """What is to be changed, registered before its application, which carries the id alone."""


@dataclass(frozen=True)
class PendingChange:
    """A registered change as its case finds it. `before`: the same fields as they stood then; of an ID number which change was its last. `marks`: a new
    number's blind indexes by key id.
    """

    id: UUID
    person_id: UUID
    unit_id: UUID
    since: date | None
    record: dict[str, Any]
    post: dict[str, Any]
    sealed: dict[str, str | None]
    marks: dict[str, str]
    before: dict[str, Any]
    state: str
    application_id: UUID | None
    revision: int | None
    document_no: str

    @property
    def as_asked(self) -> RegisterChange:
        """The plain part, typed again."""
        return RegisterChange.model_validate({"person_id": self.person_id, "since": self.since} | self.record | self.post)


class ChangeUnknown(NotFound):
    """No such change, or not for this caller."""

    code = "change_unknown"
    sentence = "没有找到该项待办变更，或者它不在您的管辖范围内。请先登记变更内容。"


class ChangeTaken(Conflict):
    """Another application has it, or it was carried out."""

    code = "change_taken"
    sentence = "该项变更已由另一件申请办理或已经生效。请核对；需要再次变更的，请重新登记。"


class ChangeOfOther(Conflict):
    """The application names another person or another unit."""

    code = "change_of_other"
    sentence = "该项变更登记的人员或单位与申请不一致。请核对后重新提交。"


class ChangeOutdated(Conflict):
    """The facts are not those that the case was decided on."""

    code = "change_outdated"
    sentence = "登记变更之后，该人员的“{field}”已有变动，不能再按原内容变更。请重新登记并提交。"


class ChangeUnderWay(Conflict):
    """Another application is to change the same. Advice alone: of the two the later one is refused when the first has taken effect."""

    code = "change_under_way"
    sentence = "该人员的“{fields}”另有信息变更申请在办。先生效的一件生效后，另一件不能再按原内容变更。请核对：确需办理的，待在办的一件办结后再申请；内容已作废的，请先撤回。"
