-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Every row of a read model belongs to a generation. One is live; a rebuild makes another beside it and takes its place.
CREATE TABLE generations (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('building', 'live', 'retired', 'deleted')),
    asked_by text NOT NULL,
    reason text NOT NULL DEFAULT '',
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    live_at timestamptz,
    rows_compared bigint,
    rows_differing bigint
);
CREATE UNIQUE INDEX one_live ON generations (state) WHERE state = 'live';
CREATE UNIQUE INDEX one_building ON generations (state) WHERE state = 'building';
INSERT INTO generations (state, asked_by, live_at) VALUES ('live', 'migration', clock_timestamp());

-- A unit may be spoken of (by its light) before its registration arrives: until then it has no code and is in no figure.
CREATE TABLE units (
    generation integer NOT NULL,
    id uuid NOT NULL,
    parent_id uuid,
    path uuid[] NOT NULL DEFAULT '{}',
    name text,
    code text,
    category text,
    light text NOT NULL DEFAULT 'green',
    last_event_at timestamptz NOT NULL,
    PRIMARY KEY (generation, id)
);

CREATE TABLE establishments (
    generation integer NOT NULL,
    unit_id uuid NOT NULL,
    kind text NOT NULL,
    funding text NOT NULL,
    counted boolean NOT NULL,
    quota integer NOT NULL,
    headcount integer NOT NULL,
    reserved integer NOT NULL,
    frozen integer NOT NULL,
    PRIMARY KEY (generation, unit_id, kind, funding)
);

-- Where each person is, by his own version: the two halves of a transfer may arrive in either order, he is never twice and never nowhere.
CREATE TABLE people (
    generation integer NOT NULL,
    person_id uuid NOT NULL,
    person_version integer NOT NULL,
    unit_id uuid NOT NULL,
    kind text NOT NULL,
    funding text NOT NULL,
    in_post boolean NOT NULL,
    PRIMARY KEY (generation, person_id)
);
CREATE INDEX people_by_row ON people (generation, unit_id, kind, funding) WHERE in_post;

CREATE TABLE issues (
    generation integer NOT NULL,
    id uuid NOT NULL,
    unit_id uuid NOT NULL,
    rule text NOT NULL,
    level text NOT NULL,
    state text NOT NULL,
    round integer NOT NULL,
    due_at timestamptz,
    PRIMARY KEY (generation, id)
);

CREATE TABLE applications (
    generation integer NOT NULL,
    id uuid NOT NULL,
    unit_id uuid NOT NULL,
    type text NOT NULL,
    posts integer NOT NULL DEFAULT 1,
    state text NOT NULL,
    step text,
    holder text,
    PRIMARY KEY (generation, id)
);
