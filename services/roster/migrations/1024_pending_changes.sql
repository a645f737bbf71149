-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A change of key items (★) that waits for its case (信息变更). open -> claimed -> applied; claimed -> open when the case gives it back.
-- before: what stood there when it was registered, so that nobody decides on facts that are no more. Sensitive values stand in `sealed` (hex),
-- encrypted for the place they will go to; of an ID number `before` and `marks` hold the blind index.
CREATE TABLE pending_changes (
    id uuid PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES persons,
    unit_id uuid NOT NULL REFERENCES units,
    since date,
    record jsonb NOT NULL,
    post jsonb NOT NULL,
    sealed jsonb NOT NULL,
    marks jsonb NOT NULL,
    before jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('open', 'claimed', 'applied')),
    application_id uuid,
    revision integer,
    registered_by text NOT NULL,
    registered_at timestamptz NOT NULL,
    reason text NOT NULL,
    document_no text NOT NULL, -- the proof
    CHECK ((state = 'open') = (application_id IS NULL))
);
CREATE INDEX pending_changes_by_person ON pending_changes (person_id);
CREATE INDEX pending_changes_by_application ON pending_changes (application_id);
