-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Where a person came from, when a reform brought him.
CREATE INDEX placements_by_person ON placements (person_id);
