-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Whom somebody named for a 调动 into unit_id by unit, name and whole number: who was found, and where he was placed; none where the three did not
-- agree. What was typed stands nowhere. A row is never changed.
CREATE TABLE person_finds (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES units,
    person_id uuid REFERENCES persons,
    from_unit_id uuid REFERENCES units,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((person_id IS NULL) = (from_unit_id IS NULL))
);
CREATE INDEX person_finds_by_unit ON person_finds (unit_id, person_id, id) WHERE person_id IS NOT NULL;
CREATE INDEX person_finds_by_actor ON person_finds (actor, id);
CREATE TRIGGER finds_stay BEFORE UPDATE OR DELETE ON person_finds FOR EACH ROW EXECUTE FUNCTION refuse_change_of_reveals();
CREATE POLICY scoped ON person_finds FOR SELECT TO roster_scoped USING (unit_in_scope(unit_id));
CREATE POLICY whole ON person_finds TO roster USING (true) WITH CHECK (true);
ALTER TABLE person_finds ENABLE ROW LEVEL SECURITY;
REVOKE UPDATE, DELETE, TRUNCATE ON person_finds FROM roster;
