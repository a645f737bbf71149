-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Files whose time of keeping is over: the row of the file stays, its bytes are gone.
CREATE TABLE evidence_removals (
    id uuid PRIMARY KEY REFERENCES evidence_files,
    removed_at timestamptz NOT NULL,
    kept_days integer NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE UPDATE, DELETE, TRUNCATE ON evidence_removals FROM monitoring;
