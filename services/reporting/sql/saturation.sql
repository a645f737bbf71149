-- 使用率 by kind and funding over the subtree of one unit ($3; null: all in the caller's scope $2); the last rows are the totals.
WITH people_by_row AS (
    SELECT unit_id, kind, funding, count(*) AS people FROM people WHERE generation = $1 AND in_post GROUP BY unit_id, kind, funding
), posts AS (
    SELECT e.*, coalesce(p.people, 0) AS people, e.quota - e.headcount - e.reserved - e.frozen AS available
    FROM establishments e
    JOIN units u ON u.generation = e.generation AND u.id = e.unit_id AND u.code IS NOT NULL
    LEFT JOIN people_by_row p ON p.unit_id = e.unit_id AND p.kind = e.kind AND p.funding = e.funding
    WHERE e.generation = $1 AND ($2::uuid[] IS NULL OR u.path && $2) AND ($3::uuid IS NULL OR $3 = ANY (u.path))
)
SELECT kind, funding, coalesce(nullif(max(kind_label), ''), kind) AS kind_label,
    coalesce(nullif(max(funding_label), ''), funding) AS funding_label, counted,
    count(DISTINCT unit_id)::int AS units,
    sum(quota)::int AS quota, sum(headcount)::int AS headcount, sum(people)::int AS people,
    sum(reserved)::int AS reserved, sum(frozen)::int AS frozen,
    sum(greatest(quota - headcount, 0))::int AS vacancy, sum(greatest(headcount - quota, 0))::int AS overstaffing,
    sum(greatest(available, 0))::int AS available, sum(greatest(-available, 0))::int AS exceeded,
    (sum(headcount)::float8 / nullif(sum(quota), 0)) AS saturation,
    (sum(greatest(quota - headcount, 0))::float8 / nullif(sum(quota), 0)) AS vacancy_rate
FROM posts
GROUP BY GROUPING SETS ((counted, kind, funding), (counted))
ORDER BY grouping(kind), counted DESC, kind, funding
