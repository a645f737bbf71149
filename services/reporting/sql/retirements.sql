-- Who reaches his 法定退休年月 in each of the $5 months from $4 on, in the subtree of one unit ($3; null: all in the caller's scope $2); then who is
-- in none of the months: past his month (overdue), without one (special), or of a category nobody knows (unknown).
-- 编制 in law (counted) and other populations are never added up. A month without anybody is a row too.
WITH mine AS (
    SELECT CASE WHEN p.retirement_month < to_char($4::date, 'YYYY-MM') THEN 'overdue'
        ELSE coalesce(p.retirement_month, p.retirement_category) END AS month, e.counted
    FROM people p
    JOIN units u ON u.generation = p.generation AND u.id = p.unit_id
    JOIN establishments e ON e.generation = p.generation AND e.unit_id = p.unit_id AND e.kind = p.kind AND e.funding = p.funding
    WHERE p.generation = $1 AND in_post AND {in_scope} AND ($3::uuid IS NULL OR $3 = ANY (u.path))
), parts AS (
    SELECT to_char(first, 'YYYY-MM') AS month
    FROM generate_series($4::date, $4::date + ($5 - 1) * interval '1 month', interval '1 month') AS first
    UNION ALL VALUES ('overdue'), ('special'), ('unknown')
)
SELECT month, count(counted) FILTER (WHERE counted)::int AS counted, count(counted) FILTER (WHERE NOT counted)::int AS others
FROM parts LEFT JOIN mine USING (month) GROUP BY month ORDER BY month
