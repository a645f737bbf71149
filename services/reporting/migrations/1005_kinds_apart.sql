-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 单列: 编制 in law that is not added to the unit's number. A row that was told of before says false until the roster tells of it again.
ALTER TABLE establishments ADD COLUMN apart boolean NOT NULL DEFAULT false;

DROP VIEW posts;
CREATE VIEW posts AS
SELECT e.generation, unit_id, kind, funding, counted AND NOT apart AS counted, quota, headcount, reserved, frozen, kind_label, funding_label,
    coalesce(p.people, 0)::integer AS people,
    greatest(quota - headcount, 0) AS vacancy, greatest(headcount - quota, 0) AS overstaffing,
    greatest(quota - headcount - reserved - frozen, 0) AS available, greatest(headcount + reserved + frozen - quota, 0) AS exceeded
FROM establishments e
LEFT JOIN (
    SELECT generation, unit_id, kind, funding, count(*) AS people FROM people WHERE in_post GROUP BY generation, unit_id, kind, funding
) AS p USING (generation, unit_id, kind, funding);
