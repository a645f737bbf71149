-- Posts and people by kind, by category of the unit, or by parent unit ($3), within the caller's scope ($2); the last rows are the totals.
-- 空编, 超编 and 可用编 are taken per (unit, kind, funding) and then summed: never netted.
WITH people_by_row AS (
    SELECT unit_id, kind, funding, count(*) AS people FROM people WHERE generation = $1 AND in_post GROUP BY unit_id, kind, funding
), posts AS (
    SELECT e.*, coalesce(p.people, 0) AS people, e.quota - e.headcount - e.reserved - e.frozen AS available,
        CASE $3::text WHEN 'kind' THEN e.kind WHEN 'category' THEN u.category ELSE coalesce(u.parent_id, u.id)::text END AS code,
        CASE $3::text WHEN 'kind' THEN e.kind_label WHEN 'parent' THEN coalesce(parent.name, u.name) END AS label
    FROM establishments e
    JOIN units u ON u.generation = e.generation AND u.id = e.unit_id AND u.code IS NOT NULL
    LEFT JOIN units parent ON parent.generation = u.generation AND parent.id = u.parent_id
    LEFT JOIN people_by_row p ON p.unit_id = e.unit_id AND p.kind = e.kind AND p.funding = e.funding
    WHERE e.generation = $1 AND ($2::uuid[] IS NULL OR u.path && $2)
)
SELECT code, coalesce(nullif(max(label), ''), CASE $3::text WHEN 'kind' THEN code END) AS label, counted,
    count(DISTINCT unit_id)::int AS units,
    sum(quota)::int AS quota, sum(headcount)::int AS headcount, sum(people)::int AS people,
    sum(reserved)::int AS reserved, sum(frozen)::int AS frozen,
    sum(greatest(quota - headcount, 0))::int AS vacancy, sum(greatest(headcount - quota, 0))::int AS overstaffing,
    sum(greatest(available, 0))::int AS available, sum(greatest(-available, 0))::int AS exceeded,
    (sum(headcount)::float8 / nullif(sum(quota), 0)) AS saturation,
    (sum(greatest(quota - headcount, 0))::float8 / nullif(sum(quota), 0)) AS vacancy_rate
FROM posts
GROUP BY GROUPING SETS ((counted, code), (counted))
ORDER BY grouping(code), counted DESC, code
