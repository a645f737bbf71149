-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Records are found by when they were written: they lie in that order, so a summary per block of pages is index enough.
CREATE INDEX event_log_by_writing ON event_log USING brin (recorded_at) WITH (pages_per_range = 16, autosummarize = on);
ALTER TABLE export_downloads ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();

-- One seal over what was written before `until` and not before the `until` of the seal before (shared/audit.py).
CREATE TABLE audit_seals (
    number integer PRIMARY KEY,
    until timestamptz NOT NULL,
    records integer NOT NULL CHECK (records > 0),
    root bytea NOT NULL,
    head bytea NOT NULL
);

-- The hash of each record under a seal, to say which one is not what it was. Nobody trusts them: the root must come of them.
CREATE TABLE audit_leaves (
    seal integer NOT NULL REFERENCES audit_seals,
    source text NOT NULL,
    keys text[] NOT NULL,
    leaves bytea[] NOT NULL,
    PRIMARY KEY (seal, source)
);

DO $$
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON audit_seals, audit_leaves, export_downloads FROM %I', current_schema());
END $$;
