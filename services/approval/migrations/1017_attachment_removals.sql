-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Files whose time of keeping is over: the row of the file stays, its bytes are gone.
CREATE TABLE attachment_removals (
    id uuid PRIMARY KEY REFERENCES attachments,
    removed_at timestamptz NOT NULL,
    kept_days integer NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE TRIGGER attachment_removals_stay BEFORE UPDATE OR DELETE ON attachment_removals FOR EACH ROW EXECUTE FUNCTION refuse_change();
