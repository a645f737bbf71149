-- migrate:up
SET LOCAL lock_timeout = '5s';

-- When a release (用印登记) or a receipt (签收) was really written: business time may be moved where that is allowed, a seal may not.
ALTER TABLE supervision_lists ADD COLUMN released_kept_at timestamptz, ADD COLUMN acknowledged_kept_at timestamptz;
ALTER TABLE notice_seals ADD COLUMN kept_at timestamptz NOT NULL DEFAULT clock_timestamp();
UPDATE supervision_lists SET released_kept_at = clock_timestamp() WHERE released_at IS NOT NULL;
UPDATE supervision_lists SET acknowledged_kept_at = clock_timestamp() WHERE acknowledged_at IS NOT NULL;
CREATE INDEX lists_by_release ON supervision_lists (released_kept_at) WHERE released_kept_at IS NOT NULL;
CREATE INDEX lists_by_receipt ON supervision_lists (acknowledged_kept_at) WHERE acknowledged_kept_at IS NOT NULL;
CREATE INDEX notice_seals_by_release ON notice_seals (kept_at);

-- Who released and who received stands once and for all.
CREATE TRIGGER releases_stay BEFORE UPDATE OF id, number, unit_id, iso_week, released_by, released_at, release_reason, released_kept_at ON supervision_lists
    FOR EACH ROW WHEN (OLD.released_kept_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER receipts_stay BEFORE UPDATE OF acknowledged_by, acknowledged_at, acknowledged_kept_at ON supervision_lists
    FOR EACH ROW WHEN (OLD.acknowledged_kept_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER released_lists_stay BEFORE DELETE ON supervision_lists
    FOR EACH ROW WHEN (OLD.released_kept_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER released_notices_stay BEFORE UPDATE OF id, issue_id, round, released_by, released_at, release_reason, kept_at ON notice_seals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- The register of both, in the words of the commands: what stands under the audit's seal, and what the trail tells of them.
CREATE VIEW seal_register AS
SELECT 'release_list' AS deed, id AS document_id, unit_id, number, 'supervision:' || iso_week AS case_id, released_by AS actor,
    coalesce(release_reason, '') AS reason, released_at AS at, released_kept_at AS kept_at
FROM supervision_lists WHERE released_kept_at IS NOT NULL
UNION ALL
SELECT 'acknowledge_list', id, unit_id, number, 'supervision:' || iso_week, acknowledged_by, '', acknowledged_at, acknowledged_kept_at
FROM supervision_lists WHERE acknowledged_kept_at IS NOT NULL
UNION ALL
SELECT 'release_notice', s.id, i.unit_id, n.number, concat('rectification:', s.issue_id, ':', s.round), s.released_by, s.release_reason,
    s.released_at, s.kept_at
FROM notice_seals s JOIN notices n USING (issue_id, round) JOIN issues i ON i.id = s.issue_id;
