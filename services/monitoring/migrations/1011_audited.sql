-- migrate:up
SET LOCAL lock_timeout = '5s';

-- When a record was really written: business time may be moved where that is allowed, a seal may not.
ALTER TABLE parameters ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE issue_entries ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
ALTER TABLE freeze_entries ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
REVOKE UPDATE, DELETE, TRUNCATE ON issue_entries, freeze_entries FROM monitoring;
REVOKE DELETE, TRUNCATE ON parameters FROM monitoring;

-- The last head each service told, and those that an edition of the weekly list prints.
CREATE TABLE audit_heads (
    service text PRIMARY KEY,
    number integer NOT NULL,
    head text NOT NULL,
    until timestamptz NOT NULL
);
ALTER TABLE supervision_lists ADD COLUMN audit_heads jsonb NOT NULL DEFAULT '[]';
