-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The request that an entry came of, so that its repeat finds it in whatever round the issue is by then; empty: no person's request, or older.
ALTER TABLE issue_entries ADD COLUMN update_id text NOT NULL DEFAULT '';
