-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Where an order freezes a number only: posts per kind and funding of the unit itself, as the roster takes them.
ALTER TABLE freeze_orders ADD COLUMN posts jsonb NOT NULL DEFAULT '[]';
