-- migrate:up
SET LOCAL lock_timeout = '5s';

-- One comparison with a file of the upper level's 实名制 register. input: file_hash, format (column map) and leads (leading sides) by their versions;
-- root_id: the subtree that the file covers, none for the whole county; attempt fences one that was begun anew from one that still runs somewhere.
CREATE TABLE comparison_runs (
    id uuid PRIMARY KEY,
    state text NOT NULL,
    file_name text NOT NULL,
    file_bytes bigint NOT NULL,
    file_hash text NOT NULL,
    format text NOT NULL,
    leads text NOT NULL,
    root_id uuid REFERENCES units,
    actor text NOT NULL,
    step bigint NOT NULL DEFAULT 1,
    attempt integer NOT NULL DEFAULT 0,
    rows_read integer NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}', -- by sheet: rows there, rows here, rows that were matched
    outcome jsonb NOT NULL DEFAULT '{}', -- what became of the differences: new, again, same, silent, closed
    problems jsonb NOT NULL DEFAULT '[]', -- rows and cells that could not be compared, the first of them
    unread integer NOT NULL DEFAULT 0, -- how many those are in all
    note text NOT NULL DEFAULT '',
    received_at timestamptz NOT NULL,
    compared_at timestamptz,
    ended_at timestamptz
);

-- The file, encrypted piece by piece, bound to comparison_files.content.<run>/<number>; gone as soon as it is compared.
CREATE TABLE comparison_files (
    run_id uuid NOT NULL REFERENCES comparison_runs,
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (run_id, number)
);

-- One difference is one case; what it is about (subject) has one row whatever becomes of it, and its history in comparison_steps.
-- subject: sheet, kind, field and whom or what it is about; of a person who is not in our roster his encrypted number says that.
-- Sensitive values are encrypted, bound to comparison_differences.<ours|theirs|number>.<id>. explained: it is remembered while the facts stay.
CREATE TABLE comparison_differences (
    id uuid PRIMARY KEY,
    subject text NOT NULL UNIQUE,
    sheet text NOT NULL,
    kind text NOT NULL,
    field text NOT NULL,
    unit_id uuid REFERENCES units,
    person_id uuid REFERENCES persons,
    name text NOT NULL,
    number_sealed bytea,
    ours text,
    theirs text,
    ours_sealed bytea,
    theirs_sealed bytea,
    leads text NOT NULL,
    decided text,
    state text NOT NULL,
    explained boolean NOT NULL DEFAULT false,
    change_id uuid,
    first_run uuid NOT NULL REFERENCES comparison_runs,
    last_run uuid NOT NULL REFERENCES comparison_runs,
    found_at timestamptz NOT NULL,
    moved_at timestamptz NOT NULL
);
CREATE INDEX comparison_differences_by_unit ON comparison_differences (unit_id, id);
CREATE INDEX comparison_differences_by_state ON comparison_differences (state, id);
CREATE INDEX comparison_differences_by_person ON comparison_differences (person_id) WHERE person_id IS NOT NULL;

-- Who moved a difference, when, from where to where, why, on which document; a comparison moves too (actor: who asked for it).
CREATE TABLE comparison_steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    difference_id uuid NOT NULL REFERENCES comparison_differences,
    run_id uuid REFERENCES comparison_runs,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    state text NOT NULL,
    side text,
    reason text NOT NULL,
    document_no text
);
CREATE INDEX comparison_steps_by_difference ON comparison_steps (difference_id, id);
