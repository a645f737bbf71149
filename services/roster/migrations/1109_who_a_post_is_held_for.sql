-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who was erased before is no longer named by what a comparison found of him.
UPDATE comparison_differences SET name = '', number_sealed = NULL, ours = NULL, theirs = NULL, ours_sealed = NULL, theirs_sealed = NULL
WHERE person_id IS NOT NULL AND NOT EXISTS (SELECT FROM person_records WHERE person_records.person_id = comparison_differences.person_id);

-- For whom an entry application holds a post: while it does, he is not erased. None: held before this was written down.
ALTER TABLE holds ADD COLUMN person_id uuid REFERENCES persons;
CREATE INDEX holds_by_person ON holds (person_id) WHERE person_id IS NOT NULL;
