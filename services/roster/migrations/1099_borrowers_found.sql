-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who borrows the person of a row, as the row calls it, and its code where the check found it: by a short name or a name of before, too.
ALTER TABLE import_rows ADD COLUMN borrower_ref text, ADD COLUMN borrower_code text;
