-- migrate:up
SET LOCAL lock_timeout = '5s';

-- One row per unit; whoever touches a unit's issues locks it first. version counts the aggregate `light`.
CREATE TABLE lights (
    unit_id uuid PRIMARY KEY,
    light text NOT NULL DEFAULT 'green',
    version integer NOT NULL DEFAULT 0,
    changed_at timestamptz
);

-- Every colour a light ever had: why, and until when. reasons = issues with rule, version, inputs, threshold.
CREATE TABLE light_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    unit_id uuid NOT NULL REFERENCES lights,
    light text NOT NULL,
    before text NOT NULL,
    reasons jsonb NOT NULL,
    cause_event_id uuid,
    since timestamptz NOT NULL,
    until timestamptz
);
CREATE UNIQUE INDEX light_changes_current ON light_changes (unit_id) WHERE until IS NULL;
CREATE INDEX light_changes_by_unit ON light_changes (unit_id, id);

-- Copies of the roster's rows, kept from events.
CREATE TABLE establishments (
    unit_id uuid NOT NULL,
    kind text NOT NULL,
    funding text NOT NULL,
    counted boolean NOT NULL,
    quota integer NOT NULL,
    headcount integer NOT NULL,
    reserved integer NOT NULL,
    frozen integer NOT NULL,
    PRIMARY KEY (unit_id, kind, funding)
);

-- The latest placement of a person on a unit; cause = why it is beyond quota, as the office recorded it.
CREATE TABLE placements (
    unit_id uuid NOT NULL,
    person_id uuid NOT NULL,
    kind text NOT NULL,
    funding text NOT NULL,
    started_on date NOT NULL,
    ended_on date,
    authorised_on date,
    retirement_category text NOT NULL,
    retirement_month text,
    cause text,
    baseline boolean NOT NULL,
    PRIMARY KEY (unit_id, person_id)
);
CREATE INDEX placements_over_quota ON placements (unit_id, kind, funding) WHERE cause IS NOT NULL AND ended_on IS NULL;
CREATE INDEX placements_by_month ON placements (retirement_month) WHERE ended_on IS NULL;
CREATE INDEX placements_without_month ON placements (unit_id) WHERE ended_on IS NULL AND retirement_month IS NULL;

-- Rule parameters and policies: versioned rows, never overwritten. rule '*' holds for all.
CREATE TABLE parameters (
    rule text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL,
    value jsonb NOT NULL,
    effective_on date NOT NULL,
    source text NOT NULL,
    owner text NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by text NOT NULL,
    PRIMARY KEY (rule, name, version)
);

-- One row per (unit, rule, subject); it may reopen as a new round. present = the rule finds it now.
CREATE TABLE issues (
    id uuid PRIMARY KEY,
    unit_id uuid NOT NULL,
    rule text NOT NULL,
    rule_version text NOT NULL,
    subject text NOT NULL,
    level text NOT NULL,
    state text NOT NULL,
    round integer NOT NULL DEFAULT 1,
    version integer NOT NULL DEFAULT 0,
    present boolean NOT NULL DEFAULT true,
    must_vanish boolean NOT NULL,
    opens_case boolean NOT NULL,
    size integer NOT NULL,
    inputs jsonb NOT NULL,
    threshold jsonb NOT NULL,
    event_id uuid,
    found_at timestamptz NOT NULL,
    has_case boolean NOT NULL DEFAULT false,
    number text,
    title text,
    demand text,
    signed_by text,
    signed_at timestamptz,
    served_on date,
    deadline jsonb,
    due_at timestamptz,
    revision integer NOT NULL DEFAULT 1,
    closed_at timestamptz,
    closing_document_no text,
    UNIQUE (unit_id, rule, subject)
);
CREATE INDEX issues_open ON issues (unit_id) WHERE state NOT IN ('baseline', 'closed', 'dismissed');
CREATE INDEX issues_by_state ON issues (state, id);

-- The journal of a case as it was decided: (issue, round, sequence) without gaps.
CREATE TABLE issue_entries (
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    sequence integer NOT NULL,
    act text NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    reason text NOT NULL,
    document_no text,
    details jsonb NOT NULL,
    PRIMARY KEY (issue_id, round, sequence)
);

CREATE TABLE rungs (
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    revision integer NOT NULL,
    rung text NOT NULL,
    planned_at timestamptz NOT NULL,
    fired_at timestamptz NOT NULL,
    PRIMARY KEY (issue_id, round, revision, rung)
);

-- What is known and is no issue: a full row, an unclassified surplus, missing data.
CREATE TABLE remarks (
    unit_id uuid NOT NULL,
    rule text NOT NULL,
    subject text NOT NULL,
    code text NOT NULL,
    inputs jsonb NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (unit_id, rule, subject)
);

-- The last number given per series and year.
CREATE TABLE numbers (
    series text NOT NULL,
    year integer NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (series, year)
);
