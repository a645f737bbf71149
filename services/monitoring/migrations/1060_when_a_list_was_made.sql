-- migrate:up
SET LOCAL lock_timeout = '5s';

-- When an edition was really made, beside the moment it was planned for (issued_at). None on those from before it was kept.
ALTER TABLE supervision_lists ADD COLUMN made_at timestamptz;
CREATE TRIGGER making_stays BEFORE UPDATE OF issued_at, made_at ON supervision_lists FOR EACH ROW EXECUTE FUNCTION refuse_change();
