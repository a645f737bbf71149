-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 待阅: up to which line of the timeline somebody has seen an application.
CREATE TABLE readings (
    application_id uuid NOT NULL REFERENCES applications,
    reader text NOT NULL,
    sequence integer NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (application_id, reader)
);
CREATE INDEX entries_by_actor ON entries (actor, application_id);
CREATE INDEX applications_by_applicant ON applications (applicant, id);
CREATE INDEX applications_by_holder ON applications (holder, due_at, id) WHERE holder IS NOT NULL;
