-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What the roster calls the kind and the funding; empty until an event tells it, then the code is shown.
ALTER TABLE establishments ADD COLUMN kind_label text NOT NULL DEFAULT '', ADD COLUMN funding_label text NOT NULL DEFAULT '';
