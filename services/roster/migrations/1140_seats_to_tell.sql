-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Levels of 领导职数 that stood before monitoring judged them (M02): the worker tells once of those that are over, then empties it.
CREATE TABLE seats_to_tell (
    unit_id uuid NOT NULL REFERENCES units,
    level text NOT NULL,
    PRIMARY KEY (unit_id, level)
);

INSERT INTO seats_to_tell (unit_id, level)
SELECT unit_id, level FROM seats
UNION SELECT unit_id, seat_level FROM placements WHERE seat_level IS NOT NULL
UNION SELECT unit_id, level FROM post_seats WHERE level <> '';
