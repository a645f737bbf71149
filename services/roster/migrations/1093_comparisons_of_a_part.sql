-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Whether its sender says that a file with less than half of our units is the whole register.
ALTER TABLE comparison_runs ADD COLUMN whole boolean NOT NULL DEFAULT false;
