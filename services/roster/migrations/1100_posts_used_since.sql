-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The day from which a post that was reserved counts as used; without one it is the instant at which that was written.
ALTER TABLE reserved_ledger ADD COLUMN since date;
