"""处置措施: what may be recorded of an issue beyond its notice (约谈、通报、移送), by whom and about whom (升级阶梯 4, 5 and 7)."""

from collections.abc import Collection, Mapping
from datetime import date

from services.monitoring.models.refusals import AddresseeUnfit, InterviewerUnfit, MeasureOutOfTime, MeasureTooEarly
from services.monitoring.models.requests import RecordMeasure
from services.monitoring.rules.tasks import CONFIRMED
from shared.glossary import LABELS, Addressee, Interviewer, IssueState, Measure, Role, Rung

ADDRESSEES: Mapping[Measure, tuple[Addressee, ...]] = {
    Measure.INTERVIEW: (Addressee.PRINCIPAL, Addressee.DEPUTY),
    Measure.CIRCULAR: (),
    Measure.REFERRAL: (
        Addressee.DISCIPLINE,
        Addressee.ORGANISATION,
        Addressee.PERSONNEL,
        Addressee.FINANCE,
        Addressee.AUDITORS,
    ),
}

ASKED_BY: Mapping[Rung, Measure] = {Rung.INTERVIEW: Measure.INTERVIEW, Rung.CIRCULAR: Measure.CIRCULAR}
"""What a rung of the ladder asks the office to do."""

KNOW_OF_LEADS = frozenset({Role.BUSINESS_OFFICER, Role.SUPERVISION_OFFICER, Role.OFFICE_DIRECTOR, Role.COMMISSION})
"""A lead that was handed over is nothing for the unit that it is about."""


def shown_to(roles: Collection[Role]) -> list[Measure]:
    """The measures that somebody with these roles may know of."""
    return [measure for measure in Measure if measure is not Measure.REFERRAL or not KNOW_OF_LEADS.isdisjoint(roles)]


def due(fired: Collection[Rung], taken: Collection[Measure]) -> tuple[Measure, ...]:
    """What the ladder has come to in this round and nobody has recorded."""
    return tuple(measure for rung, measure in ASKED_BY.items() if rung in fired and measure not in taken)


def recordable(state: IssueState, *, numbered: bool) -> tuple[Measure, ...]:
    """What may be recorded of an issue as it stands: nothing before its notice is signed; of what is struck off a lead may still be handed over."""
    if state in CONFIRMED:
        return tuple(Measure)
    return (Measure.REFERRAL,) if state is IssueState.CLOSED and numbered else ()


def ensure_fitting(what: RecordMeasure, may: tuple[Measure, ...], signed_on: date | None, today: date) -> None:
    """Raises MeasureTooEarly, MeasureOutOfTime, AddresseeUnfit, InterviewerUnfit."""
    if what.measure not in may or signed_on is None:
        raise MeasureTooEarly(issue=what.issue_id)
    if not signed_on <= what.taken_on <= today:
        raise MeasureOutOfTime(signed_on=signed_on, today=today)
    known = ADDRESSEES[what.measure]
    if what.whom not in (known or (None,)):
        raise AddresseeUnfit(measure=LABELS[what.measure], known="、".join(LABELS[each] for each in known) or "不写对象")
    if (what.measure is Measure.INTERVIEW) != (what.led_by is not None):
        raise InterviewerUnfit
    if what.whom is Addressee.PRINCIPAL and what.led_by is not Interviewer.COMMISSION:
        raise InterviewerUnfit
