-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The exclusion constraints' indexes (GiST) are there to refuse a second version of the same moment. The planner took them for as quick a way from
-- a person or a unit to its rows as the indexes made for it; they take four times as long. As an expression the id is found by nobody in them.
ALTER TABLE placements DROP CONSTRAINT placements_person_id_during_recorded_excl,
    ADD CONSTRAINT placements_never_two_at_once
        EXCLUDE USING gist (coalesce(person_id, '00000000-0000-0000-0000-000000000000') WITH =, during WITH &&, recorded WITH &&);
ALTER TABLE person_records DROP CONSTRAINT person_records_never_two_at_once,
    ADD CONSTRAINT person_records_never_two_at_once
        EXCLUDE USING gist (coalesce(person_id, '00000000-0000-0000-0000-000000000000') WITH =, during WITH &&, recorded WITH &&);
ALTER TABLE unit_records DROP CONSTRAINT unit_records_unit_id_during_recorded_excl,
    ADD CONSTRAINT unit_records_never_two_at_once
        EXCLUDE USING gist (coalesce(unit_id, '00000000-0000-0000-0000-000000000000') WITH =, during WITH &&, recorded WITH &&);
CREATE INDEX unit_records_by_unit ON unit_records (unit_id);
