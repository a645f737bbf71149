-- migrate:up
SET LOCAL lock_timeout = '5s';

-- By which reading of the events a generation was filled (`READING` in models.py). 0: by one that did not say so yet.
ALTER TABLE generations ADD COLUMN reading integer NOT NULL DEFAULT 0;
