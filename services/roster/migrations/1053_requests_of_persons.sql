-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What a person asked about his own data (个人信息保护法 44–50), and what became of it. asked: in his own words, encrypted, bound to
-- person_requests.asked.<id>; proof: how it was made sure that it is he. A copy may be handed out again; each time is a reveal.
CREATE TABLE person_requests (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES persons,
    kind text NOT NULL CHECK (kind IN ('copy', 'correction', 'deletion')),
    asked bytea NOT NULL,
    proof text NOT NULL,
    received_at timestamptz NOT NULL,
    received_by text NOT NULL,
    due_on date NOT NULL,
    outcome text CHECK (outcome IN ('granted', 'refused')),
    ground text,
    answer text,
    decided_at timestamptz,
    decided_by text,
    CHECK ((outcome IS NULL) = (decided_at IS NULL))
);
CREATE INDEX person_requests_by_person ON person_requests (person_id, id);
CREATE INDEX person_requests_open ON person_requests (due_on) WHERE outcome IS NULL;
CREATE POLICY scoped ON person_requests FOR SELECT TO roster_scoped USING (person_in_scope(person_id));
CREATE POLICY whole ON person_requests TO roster USING (true) WITH CHECK (true);
ALTER TABLE person_requests ENABLE ROW LEVEL SECURITY;
