-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Which application a registered change is decided by, from its submission until it took effect or went back: while one has it, its person is
-- not erased.
CREATE TABLE change_holds (
    application_id uuid PRIMARY KEY,
    revision integer NOT NULL,
    change_id uuid NOT NULL REFERENCES pending_changes
);
CREATE INDEX change_holds_by_change ON change_holds (change_id);
