-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Whether a reform, and no decision about the person, brought him to the unit: what a first load left goes along (decision 0020).
ALTER TABLE placements ADD COLUMN reformed boolean NOT NULL DEFAULT false;
