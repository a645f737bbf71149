-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who wrote a revision finds the application in no list of what he has to decide.
CREATE INDEX revisions_by_author ON revisions (submitted_by, application_id);

-- A filed application whose revocation waits for 用印 is the seal operator's move.
UPDATE applications SET holder = 'seal_operator' WHERE state = 'filed' AND id IN (
    SELECT application_id FROM documents d WHERE revokes IS NOT NULL AND sha256 IS NOT NULL
    AND NOT EXISTS (SELECT FROM seal_register r WHERE r.document_id = d.id)
);
