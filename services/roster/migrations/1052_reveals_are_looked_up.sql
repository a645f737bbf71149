-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The audit asks by person and by user. A row is never changed.
CREATE INDEX person_reveals_by_person ON person_reveals (person_id, id);
CREATE INDEX person_reveals_by_actor ON person_reveals (actor, id);
CREATE FUNCTION refuse_change_of_reveals() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER reveals_stay BEFORE UPDATE OR DELETE ON person_reveals FOR EACH ROW EXECUTE FUNCTION refuse_change_of_reveals();
