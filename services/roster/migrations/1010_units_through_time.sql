-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What a unit is, from when to when, as known when: last year's figures keep last year's tree. `units` is the head: locks, versions, today's
-- path, and whether it is closed (upper(valid)). withheld (不计入公开汇总) reaches down: below a withheld unit nothing is public.
CREATE TABLE unit_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES units,
    during daterange NOT NULL CHECK (NOT isempty(during)),
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    name text NOT NULL,
    short_name text,
    uscc text,
    parent_id uuid REFERENCES units,
    path uuid[] NOT NULL,
    category text NOT NULL,
    nature text,
    public_welfare text,
    unit_funding text,
    sector text,
    rank text,
    system text,
    duties text,
    established_on date,
    withheld boolean NOT NULL DEFAULT false,
    document_no text NOT NULL,
    document_on date,
    reform_id uuid,
    EXCLUDE USING gist (unit_id WITH =, during WITH &&, recorded WITH &&)
);
CREATE UNIQUE INDEX unit_records_in_force ON unit_records (unit_id) WHERE upper_inf(during) AND upper_inf(recorded);
CREATE INDEX unit_records_by_path ON unit_records USING gin (path) WHERE upper_inf(recorded);

-- Names that stand under a unit and are no units: second names (第二名称), plates (加挂牌子), internal units (内设机构), each in its order.
CREATE TABLE unit_names (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES units,
    role text NOT NULL CHECK (role IN ('second_names', 'plates', 'internal_units')),
    name text NOT NULL,
    position integer NOT NULL,
    during daterange NOT NULL CHECK (NOT isempty(during)),
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    document_no text NOT NULL,
    EXCLUDE USING gist (unit_id WITH =, role WITH =, name WITH =, during WITH &&, recorded WITH &&)
);

-- Where a unit's posts, people or duties went; append-only. One unit may have several successors (分设) and several predecessors (合并).
CREATE TABLE unit_successors (
    unit_id uuid NOT NULL REFERENCES units,
    successor_id uuid NOT NULL REFERENCES units,
    effective_on date NOT NULL,
    kind text NOT NULL CHECK (kind IN ('merged', 'split', 'closed')),
    reform_id uuid,
    document_no text NOT NULL,
    recorded_at timestamptz NOT NULL,
    PRIMARY KEY (unit_id, successor_id, effective_on),
    CHECK (unit_id <> successor_id)
);
CREATE INDEX unit_successors_by_successor ON unit_successors (successor_id);

-- One 编委 document, carried out as one batch; `steps` is what was asked, in order.
CREATE TABLE reforms (
    id uuid PRIMARY KEY,
    title text NOT NULL,
    effective_on date NOT NULL,
    document_no text NOT NULL,
    document_on date NOT NULL,
    actor text NOT NULL,
    recorded_at timestamptz NOT NULL,
    steps jsonb NOT NULL
);

ALTER TABLE units ADD COLUMN withheld boolean NOT NULL DEFAULT false;

INSERT INTO unit_records (unit_id, during, recorded, name, uscc, parent_id, path, category, document_no)
SELECT id, valid, tstzrange(coalesce((SELECT occurred_at FROM event_log WHERE aggregate_type = 'unit' AND aggregate_id = units.id AND version = 1),
    '-infinity'), NULL), name, uscc, parent_id, path, category, document_no
FROM units;
