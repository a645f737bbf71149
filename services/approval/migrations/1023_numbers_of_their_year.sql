-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A notice that is approved again in another year gets a number of that year; which numbers it had, and nobody was given, stays on record.
ALTER TABLE documents ADD COLUMN unused_nos text[] NOT NULL DEFAULT '{}';
