-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 退休类别, as the roster tells it with every post: who has no 法定退休年月, has none because of it. None of people who left, and until a rebuild has
-- read the older events: they are counted neither as special nor as unknown.
ALTER TABLE people ADD COLUMN retirement_category text;
