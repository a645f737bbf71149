-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 核验 by the bytes or by the printed number.
CREATE INDEX filing_ledger_by_bytes ON filing_ledger (sha256);
CREATE INDEX filing_ledger_by_number ON filing_ledger (document_no);
