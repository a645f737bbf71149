-- migrate:up
SET LOCAL lock_timeout = '5s';

-- withheld: 不计入公开汇总. closed_on: the first day on which the unit is no more (撤并).
ALTER TABLE unit_copies ADD COLUMN withheld boolean NOT NULL DEFAULT false, ADD COLUMN closed_on date;
