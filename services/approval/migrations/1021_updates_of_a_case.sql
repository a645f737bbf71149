-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A request is known within its case: the same key used for two applications at once is recorded in both, not in one and never in the other.
DROP INDEX entries_by_update;
CREATE UNIQUE INDEX entries_by_update ON entries (update_id, application_id) WHERE update_id <> '';
