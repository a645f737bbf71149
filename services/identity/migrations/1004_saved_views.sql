-- migrate:up
SET LOCAL lock_timeout = '5s';

-- How somebody wants to see a list: a name and the part of an address after `?`. His own, of nobody's concern, and so not under the audit.
CREATE TABLE saved_views (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    area text NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    UNIQUE (user_id, area, name)
);
