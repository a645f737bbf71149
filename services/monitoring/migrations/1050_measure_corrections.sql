-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What of `measures` was recorded wrongly: struck out once, by whom, when and why, and what was recorded instead, if anything. Never changed.
CREATE TABLE measure_corrections (
    measure_id uuid PRIMARY KEY REFERENCES measures,
    instead_id uuid UNIQUE REFERENCES measures,
    reason text NOT NULL,
    corrected_by text NOT NULL,
    corrected_at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX measure_corrections_by_keeping ON measure_corrections (kept_at);
REVOKE UPDATE, DELETE, TRUNCATE ON measure_corrections FROM monitoring;
