-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The ladder and the extensions that the case of the round pinned when it began; a warning is found before it becomes a case. None: a case from before
-- this was kept, whose terms are those of the day of its finding.
ALTER TABLE issues ADD COLUMN ladder jsonb, ADD COLUMN extensions_allowed integer;
