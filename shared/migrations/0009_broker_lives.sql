-- migrate:up
SET LOCAL lock_timeout = '5s';

-- epoch: the leader that was looked at last; another one may have forgotten what was on its way to the first. -1 = nobody yet.
-- losses grows with each look that found less, or another leader: what was sent before it counts for nothing.
ALTER TABLE topic_ends
    ADD COLUMN epoch integer NOT NULL DEFAULT -1,
    ADD COLUMN losses integer NOT NULL DEFAULT 0;
