-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The office's own setting of the leading sides, as the first comparison by it found it: a version that was used is not changed.
CREATE TABLE comparison_leads (
    version text PRIMARY KEY,
    setting text NOT NULL,
    first_used_at timestamptz NOT NULL
);
REVOKE UPDATE, DELETE, TRUNCATE ON comparison_leads FROM roster;
