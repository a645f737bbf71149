-- migrate:up
SET LOCAL lock_timeout = '5s';

-- After a load the roster has its tables counted (ANALYZE): the planner knows nothing of them until then, and autovacuum comes a minute late.
GRANT MAINTAIN ON ALL TABLES IN SCHEMA roster TO roster;

-- Leadership posts are few; a unit's view counts them.
CREATE INDEX placements_in_seats ON placements (unit_id) WHERE seat_level IS NOT NULL;
