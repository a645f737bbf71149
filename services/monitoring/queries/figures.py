"""What monitoring adds to the figures that are watched."""

from services.monitoring.queries.settled import UNSETTLED

FIGURES = (
    """
    UNION ALL SELECT figure, '{"bianban.case.kind": "rectification"}', cases::float8 FROM (
        SELECT count(*) FILTER (WHERE due_at >= now.at) AS open, count(*) FILTER (WHERE due_at < now.at) AS overdue
        FROM now LEFT JOIN issues ON """
    + UNSETTLED
    + """
    ) deadlines CROSS JOIN LATERAL (VALUES ('bianban.deadlines.open', open), ('bianban.deadlines.overdue', overdue)) told (figure, cases)
    UNION ALL SELECT 'bianban.deadlines.unnoticed', '{"bianban.case.kind": "rectification"}', count(*)::float8
        FROM now JOIN issues ON state = 'rectifying' AND due_at < now.at AND held IS NULL
    UNION ALL SELECT 'bianban.cases.held', '{"bianban.case.kind": "rectification"}', count(*)::float8 FROM issues WHERE held IS NOT NULL
    UNION ALL SELECT 'bianban.cases.held', '{"bianban.case.kind": "freeze"}', count(*)::float8 FROM freeze_orders WHERE held IS NOT NULL
    UNION ALL SELECT 'bianban.cases.held', '{"bianban.case.kind": "seal"}', count(*)::float8 FROM (
        SELECT FROM supervision_lists WHERE held IS NOT NULL UNION ALL SELECT FROM notice_seals WHERE held IS NOT NULL
    ) seals
    UNION ALL SELECT figure, '{"bianban.document.kind": "monitoring"}', value FROM (
        SELECT count(released_at)::float8 AS documents, coalesce(extract(epoch FROM max(now.at - released_at)), 0)::float8 AS age FROM now LEFT JOIN (
            SELECT released_at FROM supervision_lists WHERE released_at IS NOT NULL AND sealed_sha256 IS NULL
            UNION ALL SELECT released_at FROM notice_seals WHERE sealed_sha256 IS NULL
        ) released ON true
    ) seals CROSS JOIN LATERAL (VALUES ('bianban.seals.waiting', documents), ('bianban.seals.age', age)) told (figure, value)
"""
)
