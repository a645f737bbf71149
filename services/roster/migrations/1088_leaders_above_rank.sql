-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 单位领导高配 (domain 1.3): which of the unit's leaders may hold which rank above the post's, and the document that allows it.
ALTER TABLE unit_records ADD COLUMN leaders_above_rank text, ADD COLUMN leaders_above_rank_no text;
