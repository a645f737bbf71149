-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What the roster calls the category of a unit; empty until an event of such a unit tells it, then the code is shown.
ALTER TABLE units ADD COLUMN category_label text NOT NULL DEFAULT '';
