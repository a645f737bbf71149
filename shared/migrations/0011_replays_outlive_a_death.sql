-- migrate:up
SET LOCAL lock_timeout = '5s';

-- An ask for a replay stands until it was followed to its end. What kills the process that follows it is given up after a few of them.
ALTER TABLE replays DROP COLUMN taken;
ALTER TABLE replays ADD COLUMN process text;
ALTER TABLE replays ADD COLUMN started smallint NOT NULL DEFAULT 0;
