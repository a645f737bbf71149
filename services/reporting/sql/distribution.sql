-- Posts and people by kind, by category of the unit, by parent unit, or by town ($3; then of towns and what is below them), in the subtree of
-- one unit ($4; null: all in the caller's scope $2); the last rows are the totals.
-- The kinds stand in the order of their codes, all others by how many posts they have.
-- 空编, 超编 and 可用编 are taken per (unit, kind, funding) and then summed: never netted.
WITH called AS (
    SELECT category, (array_agg(category_label ORDER BY last_event_at DESC) FILTER (WHERE category_label <> ''))[1] AS label
    FROM units WHERE generation = $1 GROUP BY category
), mine AS (
    SELECT p.*,
        CASE $3::text WHEN 'kind' THEN p.kind WHEN 'category' THEN u.category WHEN 'town' THEN town.id::text
            ELSE coalesce(u.parent_id, u.id)::text END AS code,
        CASE $3::text WHEN 'kind' THEN p.kind_label WHEN 'parent' THEN coalesce(parent.name, u.name) WHEN 'town' THEN town.name
            ELSE called.label END AS label
    FROM posts p
    JOIN units u ON u.generation = p.generation AND u.id = p.unit_id
    LEFT JOIN units parent ON parent.generation = u.generation AND parent.id = u.parent_id
    LEFT JOIN units town ON $3 = 'town' AND town.generation = u.generation AND town.id = ANY (u.path) AND town.category IN ('ZJ-Z', 'ZJ-J')
    LEFT JOIN called ON called.category = u.category
    WHERE p.generation = $1 AND u.closed_on IS NULL AND ($3 <> 'town' OR town.id IS NOT NULL) AND {in_scope}
        AND ($4::uuid IS NULL OR $4 = ANY (u.path))
)
SELECT code, coalesce(nullif(max(label), ''), CASE $3::text WHEN 'kind' THEN code END) AS label, counted,
    count(DISTINCT unit_id)::int AS units,
    sum(quota)::int AS quota, sum(headcount)::int AS headcount, sum(people)::int AS people,
    sum(reserved)::int AS reserved, sum(frozen)::int AS frozen,
    sum(vacancy)::int AS vacancy, sum(overstaffing)::int AS overstaffing,
    sum(available)::int AS available, sum(exceeded)::int AS exceeded,
    (sum(headcount)::float8 / nullif(sum(quota), 0)) AS saturation,
    (sum(vacancy)::float8 / nullif(sum(quota), 0)) AS vacancy_rate
FROM mine
GROUP BY GROUPING SETS ((counted, code), (counted))
ORDER BY grouping(code), counted DESC, CASE WHEN $3::text <> 'kind' THEN -sum(quota) END, code
