-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 处置措施: what the office has done about an issue beyond its notice (约谈、通报、移送). Never changed; what was recorded wrongly is recorded anew.
CREATE TABLE measures (
    id uuid PRIMARY KEY,
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    measure text NOT NULL,
    taken_on date NOT NULL,
    whom text,
    led_by text,
    document_no text NOT NULL,
    summary text NOT NULL,
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX measures_of_issue ON measures (issue_id, round, measure);
CREATE INDEX measures_by_keeping ON measures (kept_at);
REVOKE UPDATE, DELETE, TRUNCATE ON measures FROM monitoring;
