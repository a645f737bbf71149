"""借调 and 挂职: what is asked, how it is refused, and one secondment as decisions see it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import Field, model_validator

from services.roster.models.requests import Request
from shared.errors import Conflict, NotFound


class SecondmentForm(StrEnum):
    """As which duty status it shows (code set duty_statuses): 借出, 挂职."""

    SECONDED_OUT = "seconded_out"
    TEMPORARY_POST = "temporary_post"


class SecondPerson(Request):
    """To a unit of the register, or to one outside it by its name. `until`: the last day approved. `baseline`: found at a first load, not judged."""

    person_id: UUID
    borrower_id: UUID | None = None
    borrower: str | None = Field(None, min_length=1, max_length=200)
    form: SecondmentForm = SecondmentForm.SECONDED_OUT
    started_on: date
    until: date
    baseline: bool = False

    @model_validator(mode="after")
    def _one_borrower(self) -> "SecondPerson":
        if (self.borrower_id is None) == (self.borrower is None):
            raise ValueError("借入单位须填写一个：本系统中的单位，或其他单位的名称")
        return self


class ExtendSecondment(Request):
    """`until`: the new last day approved. `notice_on`: the day on which the notice given by the unit is over, counted at the door; it must lie within
    the term that runs. None: not judged.
    """

    secondment_id: UUID
    until: date
    notice_on: date | None = Field(None, exclude=True)


class EndSecondment(Request):
    """The day of return does not count."""

    secondment_id: UUID
    ended_on: date


@dataclass(frozen=True)
class Secondment:
    """One secondment as known now. `ended_on` is the day of return; none while it lasts. `document_no`: none where a first load found no approval."""

    secondment_id: UUID
    person_id: UUID
    lender_id: UUID
    borrower_id: UUID | None
    borrower: str | None
    form: SecondmentForm
    started_on: date
    until: date
    ended_on: date | None
    document_no: str | None


@dataclass(frozen=True)
class Limits:
    """In months: of one term, of all terms together, and of the time between two secondments; in working days: how early a renewal is filed."""

    term: int
    total: int
    rest: int
    notice: int


class SecondmentUnknown(NotFound):
    """No such secondment, or not for this caller."""

    code = "secondment_unknown"
    sentence = "没有找到该借调记录，或者它不在您的管辖范围内。请从人员页面重新打开借调记录，核对后再办。"


class SecondedAlready(Conflict):
    """A person works at one place."""

    code = "seconded_already"
    sentence = "该人员自 {since} 起另有借调。请先办理借调结束。"


class SecondmentTooLong(Conflict):
    """The limit is a parameter."""

    code = "secondment_too_long"
    sentence = "借调期限不得超过 {months} 个月，即最迟至 {day}。请缩短期限，或到期后办理延期、返回。"


class SecondmentNotLonger(Conflict):
    """An extension to a day that is not later."""

    code = "secondment_not_longer"
    sentence = "该借调已批准到 {until}，延长后的最后一天须晚于此日。请核对；提前归还的，请登记归还。"


class SecondmentTooSoon(Conflict):
    """The limit is a parameter."""

    code = "secondment_too_soon"
    sentence = "该人员上次借调于 {ended_on} 结束，{months} 个月内不得再次借调，最早为 {day}。请核对。"


class RenewalTooLate(Conflict):
    """The limit is a parameter."""

    code = "secondment_renewal_too_late"
    sentence = "续借须在到期（{until}）前 {days} 个工作日申请，本次申请已晚于该期限。请到期后返回；确有需要的，由编办按规定另行研究。"


class SecondmentEndedBefore(Conflict):
    """It is over."""

    code = "secondment_ended"
    sentence = "该借调已于 {ended_on} 结束。无需再次办理；如再次借调，请另行登记。"
