-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Rows of people who are lent out: that is written after all units, since the borrower may stand further down in the file.
ALTER TABLE import_rows ADD COLUMN seconded boolean NOT NULL DEFAULT false;
CREATE INDEX import_rows_seconded ON import_rows (import_id) WHERE seconded;
