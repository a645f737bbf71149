-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What became of a person's request, as it was decided: added once, never changed, under the audit's seal.
CREATE TABLE person_decisions (
    request_id uuid PRIMARY KEY REFERENCES person_requests,
    person_id uuid NOT NULL,
    kind text NOT NULL,
    proof text NOT NULL,
    fields text[] NOT NULL,
    received_at timestamptz NOT NULL,
    received_by text NOT NULL,
    outcome text NOT NULL,
    ground text,
    answer text NOT NULL,
    decided_at timestamptz NOT NULL,
    decided_by text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO person_decisions (request_id, person_id, kind, proof, fields, received_at, received_by, outcome, ground, answer, decided_at, decided_by)
SELECT id, person_id, kind, proof, fields, received_at, received_by, outcome, ground, coalesce(answer, ''), decided_at, coalesce(decided_by, '')
FROM person_requests WHERE outcome IS NOT NULL;
CREATE POLICY scoped ON person_decisions FOR SELECT TO roster_scoped USING (person_in_scope(person_id));
CREATE POLICY whole ON person_decisions TO roster USING (true) WITH CHECK (true);
ALTER TABLE person_decisions ENABLE ROW LEVEL SECURITY;
REVOKE UPDATE, DELETE, TRUNCATE ON person_decisions FROM roster;
