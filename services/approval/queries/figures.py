"""What approval adds to the figures that are watched."""

FIGURES = """
    UNION ALL SELECT figure, '{"bianban.case.kind": "approval"}', cases::float8 FROM (
        SELECT count(*) FILTER (WHERE due_at >= now.at) AS open, count(*) FILTER (WHERE due_at < now.at) AS overdue
        FROM now LEFT JOIN applications ON state NOT IN ('filed', 'withdrawn', 'returned')
    ) deadlines CROSS JOIN LATERAL (VALUES ('bianban.deadlines.open', open), ('bianban.deadlines.overdue', overdue)) told (figure, cases)
    UNION ALL SELECT 'bianban.deadlines.unnoticed', '{"bianban.case.kind": "approval"}', count(*)::float8
        FROM now JOIN applications a ON state = 'in_review' AND due_at < now.at AND held IS NULL
        JOIN chain_steps s ON s.application_type = a.application_type AND s.version = chain_version AND code = step AND 0 = ANY(reminders)
        AND NOT EXISTS (SELECT FROM entries WHERE application_id = a.id AND (entries.at >= due_at OR entries.kind = 'term_recounted'))
    UNION ALL SELECT 'bianban.cases.held', '{"bianban.case.kind": "approval"}', count(*)::float8 FROM applications WHERE held IS NOT NULL
    UNION ALL SELECT figure, '{"bianban.document.kind": "approval"}', value FROM (
        SELECT count(released_at)::float8 AS documents, coalesce(extract(epoch FROM max(now.at - released_at)), 0)::float8 AS age
        FROM now LEFT JOIN (SELECT released_at FROM seal_register s JOIN documents d ON d.id = s.document_id WHERE d.sealed_sha256 IS NULL) released ON true
    ) seals CROSS JOIN LATERAL (VALUES ('bianban.seals.waiting', documents), ('bianban.seals.age', age)) told (figure, value)
"""
