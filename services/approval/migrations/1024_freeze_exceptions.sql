-- migrate:up
SET LOCAL lock_timeout = '5s';

-- On what the revision goes on under a freeze: ground, document, why, and the orders in force when it was claimed. NULL: no exception.
ALTER TABLE revisions ADD COLUMN exception jsonb;
