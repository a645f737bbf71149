-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What was found when the file was written, not when it was checked: a loan that was refused.
ALTER TABLE import_problems ADD COLUMN at_writing boolean NOT NULL DEFAULT false;
UPDATE import_problems SET at_writing = true WHERE warning AND sentence LIKE '借调未登记：%';
