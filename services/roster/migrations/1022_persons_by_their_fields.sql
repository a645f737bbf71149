-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A column has the name of its field.
ALTER TABLE person_records RENAME COLUMN retirement_override TO retirement_category;
