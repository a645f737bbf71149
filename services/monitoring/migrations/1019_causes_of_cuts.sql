-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Why posts were taken away below what was in use, as the office recorded it: the cause of what no person's cause explains.
ALTER TABLE establishments ADD COLUMN over_quota_cause text;
