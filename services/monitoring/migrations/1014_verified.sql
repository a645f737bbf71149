-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 核验 by the bytes or by the printed number.
CREATE INDEX notice_seals_by_bytes ON notice_seals (sealed_sha256);
CREATE INDEX supervision_lists_by_bytes ON supervision_lists (sealed_sha256);
CREATE INDEX notices_by_number ON notices (number);
