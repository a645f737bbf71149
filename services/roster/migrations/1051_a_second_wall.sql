-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who has a scope reads as the role roster_scoped, with the roots of his subtrees in roster.scope; to that role the tables of people show nothing
-- else, and nothing at all where no scope is set. It is the second wall: the first is the condition in each query. The service itself sees all.
GRANT USAGE ON SCHEMA roster TO roster_scoped;
GRANT SELECT ON ALL TABLES IN SCHEMA roster TO roster_scoped;
REVOKE SELECT ON import_files, import_rows, import_problems, import_units, outbox, accepted_commands FROM roster_scoped;
ALTER DEFAULT PRIVILEGES IN SCHEMA roster GRANT SELECT ON TABLES TO roster_scoped;

CREATE FUNCTION unit_in_scope(asked uuid) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM roster.units WHERE id = asked AND path && string_to_array(current_setting('roster.scope', true), ',')::uuid[])
$$;
CREATE FUNCTION person_in_scope(asked uuid) RETURNS boolean STABLE LANGUAGE sql AS $$
    SELECT EXISTS (SELECT FROM roster.persons WHERE id = asked AND roster.unit_in_scope(unit_id))
$$;

-- A person is his unit's; what is recorded of him is also of every unit he had a post in, and of the one that borrowed him.
CREATE POLICY scoped ON persons FOR SELECT TO roster_scoped USING (unit_in_scope(unit_id));
CREATE POLICY scoped ON placements FOR SELECT TO roster_scoped USING (unit_in_scope(unit_id) OR person_in_scope(person_id));
CREATE POLICY scoped ON secondments FOR SELECT TO roster_scoped
    USING (unit_in_scope(lender_id) OR unit_in_scope(borrower_id) OR person_in_scope(person_id));
CREATE POLICY scoped ON person_records FOR SELECT TO roster_scoped USING (
    person_in_scope(person_id)
    OR EXISTS (SELECT FROM placements WHERE placements.person_id = person_records.person_id AND unit_in_scope(placements.unit_id))
    OR EXISTS (SELECT FROM secondments WHERE secondments.person_id = person_records.person_id AND unit_in_scope(borrower_id))
);
CREATE POLICY scoped ON person_changes FOR SELECT TO roster_scoped USING (person_in_scope(person_id));
CREATE POLICY scoped ON person_reveals FOR SELECT TO roster_scoped USING (person_in_scope(person_id));
CREATE POLICY scoped ON person_indexes FOR SELECT TO roster_scoped USING (person_in_scope(person_id));
CREATE POLICY scoped ON pending_changes FOR SELECT TO roster_scoped USING (unit_in_scope(unit_id));
DO $$
DECLARE walled text;
BEGIN
    FOREACH walled IN ARRAY ARRAY['persons', 'person_records', 'placements', 'secondments', 'person_changes', 'person_reveals', 'person_indexes',
        'pending_changes']
    LOOP
        EXECUTE format('CREATE POLICY whole ON %I TO roster USING (true) WITH CHECK (true)', walled);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', walled);
    END LOOP;
END $$;
