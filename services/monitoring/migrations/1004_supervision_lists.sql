-- migrate:up
SET LOCAL lock_timeout = '5s';

-- One immutable numbered edition per unit and ISO week; what follows (release, seal, acknowledgement) is added once and never changed.
CREATE TABLE supervision_lists (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    unit_id uuid NOT NULL,
    iso_week text NOT NULL,
    issued_at timestamptz NOT NULL,
    released_by text,
    released_at timestamptz,
    release_reason text,
    sealed_sha256 text,
    sealed_file text,
    signer text,
    sealed_at timestamptz,
    acknowledged_by text,
    acknowledged_at timestamptz,
    UNIQUE (unit_id, iso_week)
);

CREATE TABLE supervision_lines (
    list_id uuid NOT NULL REFERENCES supervision_lists,
    line_no integer NOT NULL,
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    kind text NOT NULL,
    rule text NOT NULL,
    level text NOT NULL,
    state text NOT NULL,
    matter text NOT NULL,
    document_no text,
    measure text,
    found_on date NOT NULL,
    due_at timestamptz,
    remaining integer,
    PRIMARY KEY (list_id, line_no)
);

-- A prepared file and the task for its digest; the platform's answer is stored before anything follows from it.
CREATE TABLE seal_tasks (
    list_id uuid PRIMARY KEY REFERENCES supervision_lists,
    task_id text NOT NULL UNIQUE,
    seal_code text NOT NULL,
    certificate text NOT NULL,
    placeholder jsonb NOT NULL,
    prepared_file text NOT NULL,
    digest text NOT NULL,
    answer jsonb,
    answered_at timestamptz
);
