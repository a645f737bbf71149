-- migrate:up
SET LOCAL lock_timeout = '5s';

-- On what a claim passed a freeze: orders, ground, document and who decided. NULL: none stood in its way.
ALTER TABLE claims ADD COLUMN exception jsonb;
