-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 整改材料 as files: brought by the unit, handed in by the entry that names them (`details.attachments`), never changed.
CREATE TABLE evidence_files (
    id uuid PRIMARY KEY,
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size integer NOT NULL,
    sha256 text NOT NULL,
    file text NOT NULL,
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX evidence_files_issue ON evidence_files (issue_id, round);
REVOKE UPDATE, DELETE, TRUNCATE ON evidence_files FROM monitoring;
