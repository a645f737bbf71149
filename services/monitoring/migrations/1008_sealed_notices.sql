-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 用印登记 and seal of a written notice, added once; a sealed one never changes.
CREATE TABLE notice_seals (
    id uuid PRIMARY KEY,
    issue_id uuid NOT NULL,
    round integer NOT NULL,
    released_by text NOT NULL,
    released_at timestamptz NOT NULL,
    release_reason text NOT NULL,
    sealed_sha256 text,
    sealed_file text,
    signer text,
    sealed_at timestamptz,
    UNIQUE (issue_id, round),
    FOREIGN KEY (issue_id, round) REFERENCES notices
);
CREATE TRIGGER sealed_notices_stay BEFORE UPDATE OR DELETE ON notice_seals
    FOR EACH ROW WHEN (OLD.sealed_sha256 IS NOT NULL) EXECUTE FUNCTION refuse_change();

-- A task seals a list (document_id is the list's) or a notice (document_id is the one of its seal).
ALTER TABLE seal_tasks DROP CONSTRAINT seal_tasks_list_id_fkey;
ALTER TABLE seal_tasks RENAME COLUMN list_id TO document_id;
ALTER TABLE seal_tasks ADD COLUMN kind text NOT NULL DEFAULT 'list';
ALTER TABLE seal_tasks ALTER COLUMN kind DROP DEFAULT;

INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by)
VALUES ('*', 'notice_sealed', 1, 'true', '2025-01-01', '系统默认；送达的整改通知书须已签章', '监督检查科', '2025-01-01T00:00:00+08:00', 'migration');
