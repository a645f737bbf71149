-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What is told as a figure every quarter of a minute: exports that were begun again and again. There are few of them among all that are kept for ever.
CREATE INDEX exports_begun_again ON exports (ended_at) WHERE attempt > 2;
