-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 法定退休年月, as the roster tells it with every post; none for special cases and unknown ones, and until a rebuild has read the older events.
ALTER TABLE people ADD COLUMN retirement_month text;
