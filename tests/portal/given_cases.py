"""What monitoring answers of an issue and a freeze order, made by its own models, so that it has their form; every text of it may be planted."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.monitoring.models.issues import (
    Detail,
    EvidenceFile,
    FiredRung,
    IssueLine,
    IssuePage,
    LinkedOrder,
    MeasureLine,
    NextRung,
    NoticeSeal,
    TimelineEntry,
)
from services.monitoring.models.tasks import Action
from services.monitoring.queries.freezes import LinkedIssue, OrderEntry, OrderPage
from services.monitoring.rules.stages import issue_stages, order_stages
from shared.glossary import LABELS, Addressee, FreezeScope, FreezeState, Interviewer, IssueState, Light, Measure, Role, Rung
from shared.law.deadline import Deadline
from shared.law.notices import load_calendar
from shared.law.term import term_of
from tests.portal.conftest import XSS
from tests.portal.given import UNIT_ID
from workflows.roster import FrozenPosts

ISSUE_ID = "01a210f8-5bc8-7567-b52b-9533203e1941"
ORDER_ID = "01a210f8-5bc8-7567-b52b-9533203e1942"
FILE_ID = "01a210f8-5bc8-7567-b52b-9533203e1943"
NOW = datetime(2026, 9, 25, 2, 0, tzinfo=UTC)
SERVED = Deadline.start(date(2026, 9, 18), 15, load_calendar())
PAUSED = SERVED.paused(datetime(2026, 9, 23, 2, 0, tzinfo=UTC), "lu", "待验收")


def issue(state: IssueState = IssueState.RECTIFYING, *actions: Action, deadline: Deadline | None = SERVED, **more: Any) -> dict[str, Any]:
    """One issue as its reader is told of it."""
    entries = [entry("confirm", 1, {"title": XSS, "demand": XSS, "budget_days": 15}), entry("serve", 2, {"served_on": "2026-09-18"})]
    entries.append(entry("submit_evidence", 3, {"description": f"已出编{XSS}", "attachments": [FILE_ID]}))
    page = IssuePage(
        **line(state, deadline).model_dump(),
        rule_version="1",
        subject="SY/full/violation",
        present=True,
        inputs={},
        threshold={},
        event_id=UUID(ISSUE_ID),
        demand=f"清退 1 人{XSS}",
        signed_by="lu",
        signed_at=NOW,
        served_on=date(2026, 9, 18),
        revision=1,
        closed_at=None,
        closing_document_no=None,
        notice=seal_of("sealed"),
        sealed_notices=[],
        certificate=deadline.certificate() if deadline else None,
        timeline=entries,
        rungs=[FiredRung(round=1, revision=1, rung=Rung.REMINDER, label="提醒", planned_at=NOW, fired_at=NOW)],
        next_rung=NextRung(rung=Rung.OVERDUE, label="逾期", at=NOW),
        asked_extension=None,
        extension_days=30,
        budget_days=15,
        has_case=True,
        still_found=True,
        freezes=[LinkedOrder(id=UUID(ORDER_ID), round=1, state=FreezeState.PROPOSED, state_label="冻结待决定")],
        measures=[measure()],
        recordable=(),
        due_measures=(),
        ground=f"条例{XSS}",
        details=[Detail(name="实有人数", value=XSS)],
        gone_when=XSS,
        better_by=XSS,
        files=[brought(handed_in=True)],
        stages=issue_stages(state, {"found": NOW}, sealed=True, paused=False),
        actions=actions,
        withheld={},
    )
    return page.model_copy(update=more).model_dump(mode="json")


def measure() -> MeasureLine:
    """An interview that was recorded."""
    return MeasureLine(
        id=UUID(ORDER_ID),
        round=1,
        measure=Measure.INTERVIEW,
        label="实施约谈",
        taken_on=date(2026, 9, 20),
        whom=Addressee.PRINCIPAL,
        led_by=Interviewer.COMMISSION,
        document_no=f"约谈1号{XSS}",
        summary=f"限期清退{XSS}",
        recorded_by="lu",
        recorded_at=NOW,
    )


def line(state: IssueState = IssueState.RECTIFYING, deadline: Deadline | None = SERVED) -> IssueLine:
    """The same in a list."""
    return IssueLine(
        id=UUID(ISSUE_ID),
        unit_id=UUID(UNIT_ID),
        unit=f"第一小学{XSS}",
        rule="M01",
        rule_title="超编",
        title=f"关于限期整改超编问题的通知{XSS}",
        matter=f"核定 40，实有 41{XSS}",
        level=Light.RED,
        state=state,
        state_label=LABELS[state],
        round=1,
        number="编整〔2026〕1号",
        found_at=NOW,
        as_of=NOW - timedelta(hours=1),
        due_at=deadline.due_at if deadline else None,
        term=term_of(deadline, (), NOW),
        held=None,
    )


def entry(act: str, sequence: int, details: dict[str, Any]) -> TimelineEntry:
    """A line of the journal."""
    told: dict[str, Any] = {"act": act, "label": act, "state": IssueState.RECTIFYING, "at": NOW, "actor": "lu", "details": details}
    return TimelineEntry(round=1, sequence=sequence, role=Role.SUPERVISION_OFFICER, reason=XSS, document_no=f"文1号{XSS}", **told)


def seal_of(standing: str) -> NoticeSeal:
    """How far the notice is."""
    at = NOW if standing == "sealed" else None
    return NoticeSeal(
        as_of=NOW - timedelta(days=2),
        standing=standing,
        standing_label="签章",
        released_by="he",
        released_at=at,
        sealed_at=at,
        sealed_sha256="ab" * 32,
        signer=f"编办{XSS}",
    )


def brought(*, handed_in: bool) -> EvidenceFile:
    """A file of the evidence."""
    return EvidenceFile(
        id=UUID(FILE_ID),
        round=1,
        name=f"通知单{XSS}.pdf",
        media_type="application/pdf",
        size=2048,
        sha256="cd" * 32,
        brought_by="zhu",
        brought_at=NOW,
        handed_in=handed_in,
    )


def order(state: FreezeState = FreezeState.PROPOSED, *actions: Action, **more: Any) -> dict[str, Any]:
    """One freeze order as its reader is told of it."""
    page = OrderPage(
        id=UUID(ORDER_ID),
        unit_id=UUID(UNIT_ID),
        unit=f"第一小学{XSS}",
        scopes=[FreezeScope.ENTRY],
        posts=[FrozenPosts(kind="SY", funding="full", posts=2)],
        state=state,
        state_label=LABELS[state],
        held=None,
        reason=f"逾期未整改{XSS}",
        proposed_by="lu",
        proposed_at=NOW,
        document_no=f"冻1号{XSS}",
        decided_by="gu",
        decided_at=NOW,
        release_document_no=XSS,
        released_by="gu",
        released_at=NOW,
        issues=[_linked()],
        timeline=[_happened()],
        stages=order_stages(state, ["approve"], {}),
        actions=actions,
        withheld={},
    )
    return page.model_copy(update=more).model_dump(mode="json")


def _linked() -> LinkedIssue:
    return LinkedIssue(
        issue_id=UUID(ISSUE_ID), round=1, number="编整1号", title=XSS, state=IssueState.OVERDUE, state_label="逾期", accepted_at=None
    )


def _happened() -> OrderEntry:
    told: dict[str, Any] = {"act": "approve", "label": "同意冻结", "state": FreezeState.IN_FORCE, "at": NOW, "actor": "gu"}
    return OrderEntry(sequence=1, role=Role.OFFICE_DIRECTOR, reason=XSS, document_no=XSS, **told)
