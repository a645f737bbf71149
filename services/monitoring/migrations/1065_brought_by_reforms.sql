-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Whether a reform brought anybody to a unit is asked whenever something new is found there; to most units none did.
CREATE INDEX placements_reformed ON placements (unit_id) WHERE reformed;
