-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Rows and findings are written by the one check of their import, a hundred thousand at a time: no row asks anew whether its import is there.
ALTER TABLE import_rows DROP CONSTRAINT import_rows_import_id_fkey;
ALTER TABLE import_problems DROP CONSTRAINT import_problems_import_id_fkey;
