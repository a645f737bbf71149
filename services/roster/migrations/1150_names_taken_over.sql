-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Who took over from a unit that is no more is found by its names and codes too, as they are spelt; `grams` holds the pieces of both. None: not
-- gathered yet; the upkeep does it (commands/spellings.py).
ALTER TABLE unit_search ADD COLUMN inherited text DEFAULT '';
UPDATE unit_search SET inherited = NULL WHERE unit_id IN (SELECT successor_id FROM unit_successors);
