-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What a reform told of who came to sit in no internal unit is kept as it was told. Of the reforms before, it is reckoned once: both halves of a move
-- are recorded from one instant on, and what was corrected later stands in rows of its own.
ALTER TABLE reforms ADD COLUMN internal_units_left jsonb NOT NULL DEFAULT '[]';
UPDATE reforms SET internal_units_left = told.lines FROM (
    SELECT transfer_id, jsonb_agg(jsonb_build_object('unit_id', unit_id, 'to_unit_id', to_unit_id, 'internal_unit', internal_unit, 'people', people)
        ORDER BY unit_id, to_unit_id, internal_unit) AS lines
    FROM (
        SELECT gone.transfer_id, gone.unit_id, come.unit_id AS to_unit_id, sat.internal_unit, count(*) AS people
        FROM placements AS gone
        JOIN reforms ON reforms.id = gone.transfer_id AND upper(gone.during) = effective_on
        JOIN placements AS come ON come.person_id = gone.person_id AND come.transfer_id = gone.transfer_id
            AND lower(come.during) = upper(gone.during) AND lower(come.recorded) = lower(gone.recorded)
        CROSS JOIN LATERAL (
            SELECT CASE WHEN changed.placement_id IS NULL THEN gone.internal_unit ELSE changed.internal_unit END AS internal_unit
            FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
                SELECT placement_id, internal_unit FROM post_changes WHERE placement_id = gone.placement_id
                AND recorded @> lower(gone.recorded) ORDER BY since DESC LIMIT 1
            ) AS changed ON true
        ) AS sat
        WHERE come.internal_unit IS NULL AND sat.internal_unit IS NOT NULL
        GROUP BY gone.transfer_id, gone.unit_id, come.unit_id, sat.internal_unit
    ) AS lost GROUP BY transfer_id
) AS told WHERE reforms.id = told.transfer_id;
