-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who took over from a withheld unit is found by its names too, by those who see withheld units. The heirs of such units are gathered anew by the
-- upkeep (commands/spellings.py).
ALTER TABLE unit_search ADD COLUMN inherited_withheld text NOT NULL DEFAULT '';
UPDATE unit_search SET inherited = NULL
    WHERE unit_id IN (SELECT successor_id FROM unit_successors) AND EXISTS (SELECT FROM unit_successors JOIN units ON units.id = unit_id WHERE withheld);
