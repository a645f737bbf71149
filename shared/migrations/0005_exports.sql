-- migrate:up
SET LOCAL lock_timeout = '5s';

-- One list that somebody took with him: who, what, which rows, masked or not, why. It is the audit trail of exports, so a row stays for ever and what
-- was asked never changes; the file goes when keep_until is over. step rises with whatever a watcher can see; attempt fences a run that was begun
-- anew from one that still runs somewhere; roles, scope: what the asker may see.
CREATE TABLE exports (
    id uuid PRIMARY KEY,
    list text NOT NULL,
    format text NOT NULL CHECK (format IN ('xlsx', 'csv')),
    filters jsonb NOT NULL,
    fields text[] NOT NULL, -- none: all
    unmasked boolean NOT NULL,
    reason text NOT NULL,
    actor text NOT NULL,
    roles text[] NOT NULL,
    scope uuid[],
    asked_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('export_waiting', 'export_running', 'export_done', 'export_failed', 'export_cancelled', 'export_expired')),
    step bigint NOT NULL DEFAULT 1,
    attempt integer NOT NULL DEFAULT 0,
    cancel_asked boolean NOT NULL DEFAULT false,
    rows_total integer,
    rows_done integer NOT NULL DEFAULT 0,
    read_at timestamptz, -- the instant whose state the file shows
    file text,
    file_bytes bigint,
    sha256 text, -- of what is handed out
    note text NOT NULL DEFAULT '',
    ended_at timestamptz,
    keep_until timestamptz
);
CREATE INDEX exports_by_asker ON exports (actor, id);
CREATE INDEX exports_to_do ON exports (id) WHERE state IN ('export_waiting', 'export_running');
CREATE INDEX exports_kept ON exports (keep_until) WHERE file IS NOT NULL;

-- Who took the file, each time.
CREATE TABLE export_downloads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    export_id uuid NOT NULL REFERENCES exports,
    actor text NOT NULL,
    at timestamptz NOT NULL
);
CREATE INDEX export_downloads_by_export ON export_downloads (export_id);

CREATE FUNCTION refuse_change_of_exports() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER exports_stay BEFORE DELETE ON exports FOR EACH ROW EXECUTE FUNCTION refuse_change_of_exports();
CREATE TRIGGER what_was_asked_stays BEFORE UPDATE OF id, list, format, filters, fields, unmasked, reason, actor, roles, scope, asked_at ON exports
    FOR EACH ROW EXECUTE FUNCTION refuse_change_of_exports();
CREATE TRIGGER export_downloads_stay BEFORE UPDATE OR DELETE ON export_downloads FOR EACH ROW EXECUTE FUNCTION refuse_change_of_exports();
