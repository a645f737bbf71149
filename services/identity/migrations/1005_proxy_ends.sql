-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 代办 ended before its time; the proxy itself stays as it was set. Reason and document are in the event log.
CREATE TABLE proxy_ends (
    id uuid PRIMARY KEY REFERENCES proxies,
    ended_at timestamptz NOT NULL,
    ended_by text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
REVOKE UPDATE, DELETE, TRUNCATE ON proxy_ends FROM identity;
CREATE INDEX proxies_by_absent ON proxies (absent_id);
