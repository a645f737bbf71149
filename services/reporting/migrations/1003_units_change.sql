-- migrate:up
SET LOCAL lock_timeout = '5s';

-- withheld: 不计入公开汇总. closed_on: the first day on which the unit is no more (撤并).
ALTER TABLE units ADD COLUMN withheld boolean NOT NULL DEFAULT false, ADD COLUMN closed_on date;

-- What follows from one (unit, kind, funding) row, written once: each quantity is taken per row and summed afterwards, never netted (domain §1.6).
CREATE VIEW posts AS
SELECT e.*, coalesce(p.people, 0)::integer AS people,
    greatest(quota - headcount, 0) AS vacancy, greatest(headcount - quota, 0) AS overstaffing,
    greatest(quota - headcount - reserved - frozen, 0) AS available, greatest(headcount + reserved + frozen - quota, 0) AS exceeded
FROM establishments e
LEFT JOIN (
    SELECT generation, unit_id, kind, funding, count(*) AS people FROM people WHERE in_post GROUP BY generation, unit_id, kind, funding
) AS p USING (generation, unit_id, kind, funding);
