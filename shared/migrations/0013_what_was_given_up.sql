-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What of a topic somebody gave up by hand: letters that were dropped, one row each, and records that a consumer was led past (next_offset).
-- Without their data; kept for ever (shared/given_up.py).
CREATE TABLE given_up (
    id uuid PRIMARY KEY,
    deed text NOT NULL CHECK (deed IN ('drop_letter', 'pass_over')),
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    at_offset bigint NOT NULL,
    next_offset bigint NOT NULL CHECK (next_offset > at_offset),
    key text,
    event_id uuid,
    type text,
    error text,
    parked_at timestamptz,
    actor text NOT NULL CHECK (actor <> ''),
    reason text NOT NULL CHECK (reason <> ''),
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

DO $$
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON given_up FROM %I', current_schema());
END $$;
