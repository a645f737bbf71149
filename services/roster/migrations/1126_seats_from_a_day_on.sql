-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 任免: the seat of 领导职数 that a post's holder takes from a day on, or none (''). Until the first row it is that of the post's first day
-- (placements.seat_level); the post itself, and the day it began, stay as they are.
CREATE TABLE post_seats (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    placement_id uuid NOT NULL,
    unit_id uuid NOT NULL REFERENCES units,
    level text NOT NULL,
    during daterange NOT NULL CHECK (NOT isempty(during)),
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    document_no text NOT NULL,
    EXCLUDE USING gist (placement_id WITH =, during WITH &&, recorded WITH &&)
);
CREATE INDEX post_seats_by_placement ON post_seats (placement_id);
CREATE INDEX post_seats_by_unit ON post_seats (unit_id);
