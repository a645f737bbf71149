-- 使用率 by kind and funding over the subtree of one unit ($3; null: all in the caller's scope $2); the last rows are the totals.
WITH mine AS (
    SELECT p.*
    FROM posts p
    JOIN units u ON u.generation = p.generation AND u.id = p.unit_id
    WHERE p.generation = $1 AND u.closed_on IS NULL AND {in_scope} AND ($3::uuid IS NULL OR $3 = ANY (u.path))
)
SELECT kind, funding, coalesce(nullif(max(kind_label), ''), kind) AS kind_label,
    coalesce(nullif(max(funding_label), ''), funding) AS funding_label, counted,
    count(DISTINCT unit_id)::int AS units,
    sum(quota)::int AS quota, sum(headcount)::int AS headcount, sum(people)::int AS people,
    sum(reserved)::int AS reserved, sum(frozen)::int AS frozen,
    sum(vacancy)::int AS vacancy, sum(overstaffing)::int AS overstaffing,
    sum(available)::int AS available, sum(exceeded)::int AS exceeded,
    (sum(headcount)::float8 / nullif(sum(quota), 0)) AS saturation,
    (sum(vacancy)::float8 / nullif(sum(quota), 0)) AS vacancy_rate
FROM mine
GROUP BY GROUPING SETS ((counted, kind, funding), (counted))
ORDER BY grouping(kind), counted DESC, kind, funding
