-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who is in post now, by row: every command that takes a post counts it.
CREATE INDEX placements_in_post ON placements (unit_id, kind, funding) WHERE upper_inf(during) AND upper_inf(recorded);
