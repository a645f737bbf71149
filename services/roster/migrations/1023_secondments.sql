-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 借调, 挂职: the person works at the borrower, the post stays with the lender. during: until the day of return, which does not count;
-- until: the last day approved. Rows of one secondment_id are its successive versions.
CREATE TABLE secondments (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    secondment_id uuid NOT NULL,
    person_id uuid NOT NULL REFERENCES persons,
    lender_id uuid NOT NULL REFERENCES units,
    borrower_id uuid REFERENCES units,
    borrower text, -- where it is no unit of this register
    form text NOT NULL CHECK (form IN ('seconded_out', 'temporary_post')),
    during daterange NOT NULL CHECK (NOT isempty(during)),
    until date NOT NULL,
    recorded tstzrange NOT NULL CHECK (NOT isempty(recorded)),
    document_no text NOT NULL,
    CHECK ((borrower_id IS NULL) <> (borrower IS NULL)),
    EXCLUDE USING gist (person_id WITH =, during WITH &&, recorded WITH &&)
);
CREATE UNIQUE INDEX secondments_in_their_last_version ON secondments (secondment_id) WHERE upper_inf(recorded);
CREATE INDEX secondments_by_lender ON secondments (lender_id);
CREATE INDEX secondments_by_borrower ON secondments (borrower_id);

-- The office's own limits, each with its ground and from when it holds; a change ends one row and begins another.
CREATE TABLE parameters (
    name text NOT NULL,
    value integer NOT NULL CHECK (value >= 0),
    valid daterange NOT NULL CHECK (NOT isempty(valid)),
    source text NOT NULL,
    owner text NOT NULL,
    recorded_at timestamptz NOT NULL,
    EXCLUDE USING gist (name WITH =, valid WITH &&)
);
INSERT INTO parameters (name, value, valid, source, owner, recorded_at) VALUES
    ('secondment_months', 6, daterange(NULL, NULL), '省有关部门借调规定（公开做法）：一次不超过六个月', '编办监督检查科', '-infinity'),
    ('secondment_total_months', 12, daterange(NULL, NULL), '省有关部门借调规定（公开做法）：累计不超过十二个月', '编办监督检查科', '-infinity'),
    ('secondment_rest_months', 24, daterange(NULL, NULL), '省有关部门借调规定（公开做法）：两年内不重复借调', '编办监督检查科', '-infinity');
