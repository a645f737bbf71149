-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Why a level has fewer approved seats than leaders, as the office recorded it when it lowered the number.
ALTER TABLE seats ADD COLUMN over_seats_cause text;
