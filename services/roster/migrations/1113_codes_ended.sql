-- migrate:up
SET LOCAL lock_timeout = '5s';

-- From which day on a code that an office added is in force no more, by whom, why and on which document: never changed, under the audit's seal.
CREATE TABLE code_endings (
    set text NOT NULL,
    code text NOT NULL,
    ended_on date NOT NULL,
    document_no text NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (set, code),
    FOREIGN KEY (set, code) REFERENCES code_additions
);
REVOKE UPDATE, DELETE, TRUNCATE ON code_endings FROM roster;

-- Of a code the service may end what is on record as ended, on that day; everything else of it stays, and all of a standard's.
CREATE FUNCTION refuse_all_but_a_recorded_end() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM roster.code_endings AS ended
        WHERE ended.set = OLD.set AND ended.code = OLD.code AND NEW.valid = daterange(lower(OLD.valid), ended.ended_on)
    ) THEN
        RAISE EXCEPTION 'a code changes only by its recorded end';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER codes_stay BEFORE UPDATE ON codes FOR EACH ROW WHEN (current_user = 'roster') EXECUTE FUNCTION refuse_all_but_a_recorded_end();
GRANT UPDATE (valid) ON codes TO roster;
