-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Causes that their rows have used up before events said so: where everybody in post and every promise has a post, nobody is over quota.
UPDATE placements p SET cause = NULL FROM establishments e
WHERE (p.unit_id, p.kind, p.funding) = (e.unit_id, e.kind, e.funding) AND e.quota - e.headcount - e.reserved - e.frozen >= 0
    AND p.cause IS NOT NULL AND p.ended_on IS NULL;
