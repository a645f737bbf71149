-- migrate:up
SET LOCAL lock_timeout = '5s';

-- When a record was really written: business time may be moved where that is allowed, a seal may not.
ALTER TABLE entries ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE seal_register ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE filing_ledger ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
REVOKE UPDATE, DELETE, TRUNCATE ON entries, seal_register, filing_ledger FROM approval;
