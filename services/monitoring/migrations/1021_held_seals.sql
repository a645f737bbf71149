-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Why a released document cannot be prepared for its seal, as its refusal's code; none once it is prepared.
ALTER TABLE supervision_lists ADD COLUMN held text;
ALTER TABLE notice_seals ADD COLUMN held text;
