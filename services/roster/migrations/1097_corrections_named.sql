-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Which fields a person wants corrected; his request is granted when one of them was. Empty: a request from before, or not a correction.
ALTER TABLE person_requests ADD COLUMN fields text[] NOT NULL DEFAULT '{}';
