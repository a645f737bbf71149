-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What the notice of each application type (and of a revocation) is called, how it is numbered and which template writes it.
CREATE TABLE document_kinds (
    code text PRIMARY KEY,
    title text NOT NULL,
    series text NOT NULL,
    template text NOT NULL
);
INSERT INTO document_kinds VALUES
    ('post_use_application', '核准使用编制通知单', '编核', 'post_use_notice.typ'),
    ('entry_application', '人员入编通知单', '编入', 'entry_notice.typ'),
    ('exit_application', '人员出编通知单', '编出', 'movement_notice.typ'),
    ('transfer_application', '人员调动通知单', '编调', 'movement_notice.typ'),
    ('revocation', '撤销通知单', '编撤', 'movement_notice.typ');

-- A notice: numbered, written once (its bytes locked by their hash), released, sealed. A sealed one is revoked by another that names it.
CREATE TABLE documents (
    id uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES applications,
    unit_id uuid NOT NULL,
    document_no text NOT NULL UNIQUE,
    title text NOT NULL,
    template text NOT NULL,
    numbered_on date NOT NULL,
    revokes uuid UNIQUE REFERENCES documents,
    reason text NOT NULL DEFAULT '',
    file text,
    sha256 text,
    rendered_at timestamptz,
    sealed_file text,
    sealed_sha256 text
);
CREATE UNIQUE INDEX documents_by_application ON documents (application_id) WHERE revokes IS NULL;

-- 用印登记: who released which bytes to be sealed, when.
CREATE TABLE seal_register (
    document_id uuid PRIMARY KEY REFERENCES documents,
    sha256 text NOT NULL,
    operator text NOT NULL,
    on_behalf_of text,
    reason text NOT NULL,
    released_at timestamptz NOT NULL
);

-- One task per document; the prepared bytes are what the platform's signature is for.
CREATE TABLE seal_tasks (
    document_id uuid PRIMARY KEY REFERENCES documents,
    seal_code text NOT NULL,
    prepared jsonb NOT NULL,
    prepared_file text NOT NULL,
    digest text NOT NULL,
    task_id text NOT NULL UNIQUE,
    requested_at timestamptz NOT NULL,
    answer jsonb,
    answered_at timestamptz
);

-- 归档: what is filed stays as it is.
CREATE TABLE filing_ledger (
    document_id uuid PRIMARY KEY REFERENCES documents,
    document_no text NOT NULL,
    sha256 text NOT NULL,
    signer text NOT NULL,
    sealed_at timestamptz NOT NULL,
    filed_at timestamptz NOT NULL
);
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER filing_ledger_stays BEFORE UPDATE OR DELETE ON filing_ledger FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER seal_register_stays BEFORE UPDATE OR DELETE ON seal_register FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER revisions_stay BEFORE DELETE ON revisions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sealed_documents_stay BEFORE UPDATE OR DELETE ON documents
    FOR EACH ROW WHEN (OLD.sealed_sha256 IS NOT NULL) EXECUTE FUNCTION refuse_change();
