-- migrate:up
SET LOCAL lock_timeout = '5s';

-- By which blind index a person is known, under each key: who registers a number writes one under every key he has, so two processes whose rings
-- differ meet on the keys they share. An index under a new key that is missing is made by `bianban keys rotate`.
CREATE TABLE person_indexes (
    key_id smallint NOT NULL,
    id_index bytea NOT NULL,
    person_id uuid NOT NULL REFERENCES persons,
    PRIMARY KEY (key_id, id_index),
    UNIQUE (person_id, key_id)
);
INSERT INTO person_indexes (key_id, id_index, person_id) SELECT 1, id_index, id FROM persons;
ALTER TABLE persons DROP COLUMN id_index;

-- The keys there have been; the keys themselves are in the secret file. needed_since: from then on nobody registers a number without an index under
-- it. complete_at: everything is under it.
CREATE TABLE field_keys (
    id smallint PRIMARY KEY CHECK (id BETWEEN 1 AND 255),
    suite text NOT NULL,
    since timestamptz NOT NULL,
    actor text NOT NULL,
    needed_since timestamptz,
    complete_at timestamptz,
    retired_at timestamptz
);

-- marks: the blind indexes of a new ID number by key id. Of the ID number `before` holds its last change (person_changes), which no key changes.
UPDATE pending_changes SET
    marks = CASE WHEN marks ? 'id_number' THEN jsonb_build_object('1', marks->'id_number') ELSE '{}' END,
    before = CASE WHEN before ? 'id_number' THEN before || jsonb_build_object('id_number', coalesce((SELECT max(id) FROM person_changes
        WHERE person_changes.person_id = pending_changes.person_id AND field = 'id_number'), 0)) ELSE before END;
