-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The codes that an office added to a set, who and when: never changed, under the audit's seal. The code itself stands among the others.
CREATE TABLE code_additions (
    set text NOT NULL,
    code text NOT NULL,
    label text NOT NULL,
    aliases text[] NOT NULL,
    since date NOT NULL,
    document_no text NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (set, code)
);

-- The service adds codes and alters none; what a standard says changes by a migration.
REVOKE UPDATE, DELETE, TRUNCATE ON code_additions, codes FROM roster;
