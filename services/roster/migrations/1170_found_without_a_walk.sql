-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The versions of a post before its last one are read when somebody leaves, when a post is corrected, and with each look at a unit whose leaders were
-- appointed since; what an application reserved, with each of its steps. No index led there: all posts of the county were read.
CREATE INDEX placements_by_placement ON placements (placement_id);
CREATE INDEX reservations_by_application ON reservations (application_id);
CREATE INDEX reserved_ledger_by_application ON reserved_ledger (application_id) WHERE posts > 0;
