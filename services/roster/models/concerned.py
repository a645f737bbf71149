"""What a person may ask about his own data (个人信息保护法 44–50): a copy, a correction, a deletion; and how it is refused."""

from enum import StrEnum
from uuid import UUID

from pydantic import Field

from services.roster.models.requests import Request
from shared.errors import Conflict, NotFound

ANSWER_DAYS = 30
"""Within which he is answered. GB/T 35273-2020, 8.7 (待核: a recommended standard, cited from memory; the law itself says 及时, Art. 45, 46)."""


def place_of_words(request_id: UUID) -> str:
    """What the person's own words are bound to."""
    return f"person_requests.asked.{request_id}"


class RequestKind(StrEnum):
    """Access and copy (45), correction (46), deletion (47)."""

    COPY = "copy"
    CORRECTION = "correction"
    DELETION = "deletion"


class ReceiveRequest(Request):
    """`sealed`: in his own words, encrypted; by `mark` a repeat is recognised. `fields`: which he wants corrected, by their names in the register."""

    request_id: UUID = Field(exclude=True)
    person_id: UUID
    kind: RequestKind
    sealed: bytes = Field(exclude=True, repr=False)
    mark: str
    fields: tuple[str, ...] = ()
    proof: str = Field(min_length=2, max_length=200)


class HandOutCopy(Request):
    """Everything that is held of him, to him."""

    request_id: UUID


class DecideRequest(Request):
    """Granted, or refused on a ground of law; either way he is told why."""

    request_id: UUID
    granted: bool
    answer: str = Field(min_length=4, max_length=1000)
    ground: str | None = Field(None, max_length=500)


class RequestUnknown(NotFound):
    """No such request, or not for this caller."""

    code = "person_request_unknown"
    sentence = "没有找到该项个人信息申请，或者它不在您的管辖范围内。请核对申请编号。"


class RequestDecided(Conflict):
    """It was answered before."""

    code = "person_request_decided"
    sentence = "该项个人信息申请已经答复。本人有新的要求的，请另行登记。"


class ReceivedByDecider(Conflict):
    """Who took a request in does not answer it."""

    code = "own_case"
    sentence = "该项个人信息申请由您登记，须由其他人员答复。"


class NotACopy(Conflict):
    """A copy is handed out on a request for one only."""

    code = "not_a_copy"
    sentence = "该项申请不是查阅复制，或已不予提供。请先为本人登记查阅复制申请。"


class GroundMissing(Conflict):
    """Who refuses says on which ground of law."""

    code = "ground_missing"
    sentence = "不予办理须写明法律依据。请填写依据的法律条款后重新提交。"


class FieldsMissing(Conflict):
    """A correction is asked of certain fields of the register; another request of none."""

    code = "fields_missing"
    sentence = "申请更正须写明更正登记中的哪些项目，其他申请不写。请按登记表的项目名称填写，如“姓名”“出生日期”。"


class NothingCorrectedYet(Conflict):
    """A correction is granted by making it, with proof or by a case."""

    code = "not_corrected_yet"
    sentence = "登记申请之后，本人要求更正的项目（{fields}）还没有更正。请先办理更正或信息变更，再答复本人。"


class DeletionForbidden(Conflict):
    """What is kept by law is not deleted."""

    code = "deletion_forbidden"
    sentence = "该人员有编制记录，须予保存，不能删除。请以“不予办理”答复本人，并写明所依据的法律、行政法规条款和保存期限。"


class DeletionWaits(Conflict):
    """An application about him is under way: what it decides may have to be kept."""

    code = "deletion_waits"
    sentence = "该人员有正在审批或已核准待生效的申请（入编、流动或信息变更），现在不能删除。请先将该申请办结或撤回，再答复本人。"
