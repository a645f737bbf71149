-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 单列: 编制 in law that stands on a line of its own and is not added to the unit's number (周转编制, 单列编制).
ALTER TABLE establishment_kinds ADD COLUMN apart boolean NOT NULL DEFAULT false;
UPDATE establishment_kinds SET apart = true WHERE code IN ('ZZ', 'DL');
