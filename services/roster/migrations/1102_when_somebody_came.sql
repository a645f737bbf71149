-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 进入时间 (domain 1.4 no. 20): when the person came into the unit's system; the post is held from lower(during) on (入编时间).
ALTER TABLE placements ADD COLUMN entered_on date;
