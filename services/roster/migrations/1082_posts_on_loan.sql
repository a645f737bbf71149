-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 周转编制 are lent for a term (使用期限, the last day included): after it nobody new takes a post of the row; who is in post stays, and is seen.
ALTER TABLE quotas ADD COLUMN use_until date;
