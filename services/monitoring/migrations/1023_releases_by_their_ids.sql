-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The id of a release or a receipt in the trail: made of when it was written, as those of events are, so that both stand in one order.
-- An instant's seconds since 1970 are the same in every time zone, so it never changes.
CREATE FUNCTION deed_id(kept_at timestamptz, deed text, document_id uuid) RETURNS uuid LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (lpad(to_hex((extract(epoch FROM kept_at) * 1000)::bigint), 12, '0') || '7' || substr(md5(deed || document_id::text), 1, 3)
    || '8' || substr(md5(deed || document_id::text), 4, 15))::uuid;

-- A page of the trail is read from these, the latest first.
CREATE INDEX releases_by_deed ON supervision_lists (deed_id(released_kept_at, 'release_list', id)) WHERE released_kept_at IS NOT NULL;
CREATE INDEX receipts_by_deed ON supervision_lists (deed_id(acknowledged_kept_at, 'acknowledge_list', id)) WHERE acknowledged_kept_at IS NOT NULL;
CREATE INDEX notice_seals_by_deed ON notice_seals (deed_id(kept_at, 'release_notice', id));

-- Each kind in its index's order: a page of all three then ends after its first rows.
CREATE OR REPLACE VIEW seal_register AS
(SELECT 'release_list' AS deed, id AS document_id, unit_id, number, 'supervision:' || iso_week AS case_id, released_by AS actor,
    coalesce(release_reason, '') AS reason, released_at AS at, released_kept_at AS kept_at,
    deed_id(released_kept_at, 'release_list', id) AS deed_id
FROM supervision_lists WHERE released_kept_at IS NOT NULL ORDER BY deed_id DESC)
UNION ALL
(SELECT 'acknowledge_list', id, unit_id, number, 'supervision:' || iso_week, acknowledged_by, '', acknowledged_at, acknowledged_kept_at,
    deed_id(acknowledged_kept_at, 'acknowledge_list', id) AS deed_id
FROM supervision_lists WHERE acknowledged_kept_at IS NOT NULL ORDER BY deed_id DESC)
UNION ALL
(SELECT 'release_notice', s.id, i.unit_id, n.number, concat('rectification:', s.issue_id, ':', s.round), s.released_by, s.release_reason,
    s.released_at, s.kept_at, deed_id(s.kept_at, 'release_notice', s.id) AS deed_id
FROM notice_seals s JOIN notices n USING (issue_id, round) JOIN issues i ON i.id = s.issue_id ORDER BY deed_id DESC);
