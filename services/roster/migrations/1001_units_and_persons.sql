-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Codes are data with validity and the document they rest on; an office adds its own.
CREATE TABLE unit_categories (
    code text NOT NULL,
    label text NOT NULL,
    valid daterange NOT NULL,
    document_no text NOT NULL,
    EXCLUDE USING gist (code WITH =, valid WITH &&)
);

CREATE TABLE establishment_kinds (
    code text NOT NULL,
    label text NOT NULL,
    counted boolean NOT NULL, -- whether it is 编制 in law
    valid daterange NOT NULL,
    document_no text NOT NULL,
    EXCLUDE USING gist (code WITH =, valid WITH &&)
);

CREATE TABLE fundings (
    code text NOT NULL,
    label text NOT NULL,
    valid daterange NOT NULL,
    document_no text NOT NULL,
    EXCLUDE USING gist (code WITH =, valid WITH &&)
);

CREATE TABLE entry_reasons (
    code text NOT NULL,
    label text NOT NULL,
    valid daterange NOT NULL,
    document_no text NOT NULL,
    EXCLUDE USING gist (code WITH =, valid WITH &&)
);

CREATE TABLE exit_reasons (
    code text NOT NULL,
    label text NOT NULL,
    valid daterange NOT NULL,
    document_no text NOT NULL,
    EXCLUDE USING gist (code WITH =, valid WITH &&)
);

-- Which kinds a category of unit may hold.
CREATE TABLE allowed_kinds (
    category text NOT NULL,
    kind text NOT NULL,
    valid daterange NOT NULL,
    document_no text NOT NULL,
    EXCLUDE USING gist (category WITH =, kind WITH =, valid WITH &&)
);

-- The aggregate. path: root first, the unit itself last.
CREATE TABLE units (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    parent_id uuid REFERENCES units,
    path uuid[] NOT NULL,
    name text NOT NULL,
    code text NOT NULL UNIQUE,
    uscc text UNIQUE,
    category text NOT NULL,
    valid daterange NOT NULL,
    document_no text NOT NULL
);
CREATE INDEX units_by_path ON units USING gin (path);
CREATE INDEX units_by_parent ON units (parent_id);

-- Approved posts. during: when the number holds; recorded: when this row was what we knew. A change closes `recorded` and adds rows.
CREATE TABLE quotas (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES units,
    kind text NOT NULL,
    funding text NOT NULL,
    posts integer NOT NULL CHECK (posts >= 0),
    during daterange NOT NULL CHECK (NOT isempty(during)),
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    change text NOT NULL,
    over_quota_cause text,
    document_no text NOT NULL,
    document_on date NOT NULL,
    EXCLUDE USING gist (unit_id WITH =, kind WITH =, funding WITH =, during WITH &&, recorded WITH &&)
);

-- Approved leadership posts per level.
CREATE TABLE seats (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES units,
    level text NOT NULL,
    approved integer NOT NULL CHECK (approved >= 0),
    during daterange NOT NULL CHECK (NOT isempty(during)),
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    document_no text NOT NULL,
    EXCLUDE USING gist (unit_id WITH =, level WITH =, during WITH &&, recorded WITH &&)
);

-- unit_id: where the person belongs now (the last placement, before it the unit that registered him); it decides who may see him.
CREATE TABLE persons (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    id_index bytea NOT NULL UNIQUE,
    unit_id uuid NOT NULL REFERENCES units
);
CREATE INDEX persons_by_unit ON persons (unit_id);

-- What is known of a person; a correction closes `recorded` and adds a row.
CREATE TABLE person_records (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES persons,
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    name text NOT NULL,
    id_number bytea NOT NULL, -- encrypted
    sex text NOT NULL,
    birth_on date NOT NULL,
    certified_birth_on date, -- by the archive; it governs retirement
    identity text NOT NULL,
    post_category text NOT NULL,
    title text,
    professional_title text,
    retirement_override text,
    document_no text,
    EXCLUDE USING gist (person_id WITH =, recorded WITH &&)
);

-- during: half-open, the day of exit does not count. Rows of one placement_id are its successive versions.
CREATE TABLE placements (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    placement_id uuid NOT NULL,
    person_id uuid NOT NULL REFERENCES persons,
    unit_id uuid NOT NULL REFERENCES units,
    kind text NOT NULL,
    funding text NOT NULL,
    during daterange NOT NULL CHECK (NOT isempty(during)),
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    entry_reason text NOT NULL,
    exit_reason text,
    seat_level text,
    authorisation_no text,
    authorised_on date,
    over_quota_cause text,
    transfer_id uuid,
    document_no text,
    EXCLUDE USING gist (person_id WITH =, during WITH &&, recorded WITH &&)
);
CREATE UNIQUE INDEX placements_in_their_last_version ON placements (placement_id) WHERE upper_inf(recorded);
CREATE INDEX placements_by_unit ON placements (unit_id, kind, funding);
CREATE INDEX placements_by_person ON placements (person_id);

-- Who saw an ID number in full, and why.
CREATE TABLE person_reveals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id uuid NOT NULL REFERENCES persons,
    actor text NOT NULL,
    reason text NOT NULL,
    at timestamptz NOT NULL
);
