-- migrate:up
SET LOCAL lock_timeout = '5s';

-- By what a key of a ring is known again: a hash that tells nothing of it, written when the key first stood here and kept for ever (shared/known_keys.py).
CREATE TABLE key_marks (
    key_id smallint PRIMARY KEY CHECK (key_id BETWEEN 1 AND 255),
    mark bytea NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What was asked of an export stands under the audit's seal from now on, so it has the machine's time.
ALTER TABLE exports ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
CREATE TRIGGER when_it_was_kept_stays BEFORE UPDATE OF kept_at ON exports FOR EACH ROW EXECUTE FUNCTION refuse_change_of_exports();

DO $$
BEGIN
    EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON key_marks FROM %I', current_schema());
END $$;
