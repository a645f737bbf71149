-- migrate:up
SET LOCAL lock_timeout = '5s';

-- When a record was really written: business time may be moved where that is allowed, a seal may not.
ALTER TABLE grants ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE proxies ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
REVOKE UPDATE, DELETE, TRUNCATE ON proxies FROM identity;
