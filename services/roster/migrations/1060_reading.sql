-- migrate:up
SET LOCAL lock_timeout = '5s';

-- This PostgreSQL orders by bytes (no ICU), and pg_trgm knows no Chinese there. So what lists of names are ordered by and searched with is written
-- with the name (shared/spelling.py).

-- name_key: each character after its reading, so that a beginning of the name is a beginning of the key. letters, initials: zhangwei, zw.
ALTER TABLE person_records
    ADD COLUMN name_key text NOT NULL DEFAULT '',
    ADD COLUMN letters text NOT NULL DEFAULT '',
    ADD COLUMN initials text NOT NULL DEFAULT '';
CREATE INDEX person_records_by_name_key ON person_records (name_key, person_id);
CREATE INDEX person_records_by_letters ON person_records (letters, person_id);
CREATE INDEX person_records_by_initials ON person_records (initials, person_id);
CREATE INDEX person_records_by_birth ON person_records (birth_on, person_id);
CREATE INDEX person_records_by_title ON person_records (title) WHERE title IS NOT NULL;

-- From a person to his record and his post without the exclusion constraints' indexes (GiST), which the planner takes for as quick.
DROP INDEX person_records_now;
CREATE INDEX person_records_by_person ON person_records (person_id) INCLUDE (name_key, during, recorded);
DROP INDEX placements_by_person;
CREATE INDEX placements_by_person ON placements (person_id) INCLUDE (unit_id, kind, during, recorded);
CREATE INDEX placements_by_start ON placements (lower(during), person_id);
CREATE INDEX placements_off_duty ON placements (duty_status) WHERE duty_status <> 'on_duty';
CREATE INDEX post_changes_by_status ON post_changes (duty_status);
CREATE INDEX secondments_by_form ON secondments (form);

-- By what a unit is found: all the names it ever had, its codes and how they are spelt, one a line; grams are the pieces of one to three characters.
CREATE TABLE unit_search (
    unit_id uuid PRIMARY KEY REFERENCES units,
    name_key text NOT NULL,
    written text NOT NULL,
    grams text[] NOT NULL
);
CREATE INDEX unit_search_by_name_key ON unit_search (name_key, unit_id);
CREATE INDEX unit_search_by_grams ON unit_search USING gin (grams);

-- The ledger (台账) of the whole house, latest first.
CREATE INDEX event_log_by_time ON event_log (occurred_at, event_id);

-- The tree, branch by branch, on any day.
CREATE INDEX unit_records_by_parent ON unit_records (parent_id);
DROP INDEX unit_records_by_path;
CREATE INDEX unit_records_by_path ON unit_records USING gin (path);
