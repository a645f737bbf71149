-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Why the case stands still: the code of the refusal of a journal line; none once the line is recorded.
ALTER TABLE issues ADD COLUMN held text;
ALTER TABLE freeze_orders ADD COLUMN held text;
