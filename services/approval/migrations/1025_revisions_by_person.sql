-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who decides about a person is told what else is under way about him.
CREATE INDEX revisions_by_person ON revisions (person_id) WHERE person_id IS NOT NULL;
