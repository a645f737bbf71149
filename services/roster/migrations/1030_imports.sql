-- migrate:up
SET LOCAL lock_timeout = '5s';

-- One file that somebody brought. step rises with whatever a watcher can see (it is the id of the progress stream); attempt fences a check that was
-- begun anew from one that still runs somewhere; scope: the roots of what its owner may see, none for the whole county.
CREATE TABLE imports (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    state text NOT NULL,
    file_name text NOT NULL,
    file_bytes bigint NOT NULL,
    file_hash text NOT NULL,
    mapping jsonb,
    political_legal boolean NOT NULL,
    actor text NOT NULL,
    scope uuid[],
    step bigint NOT NULL DEFAULT 1,
    attempt integer NOT NULL DEFAULT 0,
    rows_read integer NOT NULL DEFAULT 0,
    units_done integer NOT NULL DEFAULT 0,
    units_total integer NOT NULL DEFAULT 0,
    errors integer NOT NULL DEFAULT 0,
    warnings integer NOT NULL DEFAULT 0,
    note text NOT NULL DEFAULT '',
    columns jsonb NOT NULL DEFAULT '{}', -- by sheet: which column of the file each field was read from
    counts jsonb NOT NULL DEFAULT '{}', -- by sheet: rows by verdict
    written jsonb NOT NULL DEFAULT '{}',
    accept_valid boolean NOT NULL DEFAULT false,
    cancel_asked boolean NOT NULL DEFAULT false,
    document_no text,
    received_at timestamptz NOT NULL,
    checked_at timestamptz,
    ended_at timestamptz,
    keep_until timestamptz NOT NULL
);
CREATE INDEX imports_by_time ON imports (received_at DESC, id);

-- The file itself, encrypted piece by piece, bound to import_files.content.<import>/<number>; gone when its retention is over.
CREATE TABLE import_files (
    import_id uuid NOT NULL REFERENCES imports,
    number integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (import_id, number)
);

-- Every row of the file, judged. sealed: its values, encrypted, bound to import_rows.sealed.<import>/<sheet>/<number>; mark: the blind index by which
-- a person is recognised; changed: the fields that differ from the roster.
CREATE TABLE import_rows (
    import_id uuid NOT NULL REFERENCES imports,
    sheet text NOT NULL,
    number integer NOT NULL,
    unit_ref text,
    unit_code text,
    kind text,
    funding text,
    seat_level text,
    mark bytea,
    verdict text NOT NULL,
    changed text[] NOT NULL DEFAULT '{}',
    sealed bytea,
    PRIMARY KEY (import_id, sheet, number)
);
CREATE INDEX import_rows_by_unit ON import_rows (import_id, unit_code);
CREATE INDEX import_rows_by_mark ON import_rows (import_id, mark) WHERE mark IS NOT NULL;

-- What was found. No sentence repeats a cell: names and numbers stay in the file.
CREATE TABLE import_problems (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id uuid NOT NULL REFERENCES imports,
    sheet text NOT NULL,
    row integer NOT NULL,
    field text NOT NULL,
    sentence text NOT NULL,
    warning boolean NOT NULL
);
CREATE INDEX import_problems_by_row ON import_problems (import_id, sheet, row, id);

-- The units that something is to be written for, in the order of writing, parents first; each is written whole or not at all.
CREATE TABLE import_units (
    import_id uuid NOT NULL REFERENCES imports,
    position integer NOT NULL,
    unit_code text NOT NULL,
    parent_code text,
    name text NOT NULL,
    written jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL CHECK (state IN ('waiting', 'written', 'refused')),
    sentence text NOT NULL DEFAULT '',
    PRIMARY KEY (import_id, position),
    UNIQUE (import_id, unit_code)
);
