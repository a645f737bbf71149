-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What a unit lays beside its application: bytes are files, the row says which, whose and since when. None is changed or taken away.
CREATE TABLE attachments (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    revision integer NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size integer NOT NULL CHECK (size > 0),
    sha256 text NOT NULL,
    file text NOT NULL,
    brought_by text NOT NULL,
    brought_at timestamptz NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX attachments_kept ON attachments USING brin (kept_at);
CREATE INDEX attachments_by_application ON attachments (application_id, id);
CREATE TRIGGER attachments_stay BEFORE UPDATE OR DELETE ON attachments FOR EACH ROW EXECUTE FUNCTION refuse_change();
