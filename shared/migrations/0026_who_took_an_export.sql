-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What somebody was called when he asked for a list: it stands on each sheet beside his login name.
ALTER TABLE exports ADD COLUMN actor_name text NOT NULL DEFAULT '';
