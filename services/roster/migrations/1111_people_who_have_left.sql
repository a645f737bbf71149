-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A row of a file that tells of a post of the past (出编时间): it is counted on no row of posts.
ALTER TABLE import_rows ADD COLUMN history boolean NOT NULL DEFAULT false;
