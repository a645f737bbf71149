-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Chains are data: a new version is a new row, and an application keeps the one it was submitted under.
CREATE TABLE chains (
    application_type text NOT NULL,
    version integer NOT NULL,
    effective_on date NOT NULL,
    document_no text NOT NULL,
    PRIMARY KEY (application_type, version)
);
-- budget in working days; reminders are offsets in working days to the end of the budget (0 = the end itself)
CREATE TABLE chain_steps (
    application_type text NOT NULL,
    version integer NOT NULL,
    position integer NOT NULL,
    code text NOT NULL,
    label text NOT NULL,
    role text NOT NULL,
    budget_days integer NOT NULL CHECK (budget_days > 0),
    reminders integer[] NOT NULL,
    PRIMARY KEY (application_type, version, position),
    FOREIGN KEY (application_type, version) REFERENCES chains,
    UNIQUE (application_type, version, code)
);
CREATE TABLE return_reasons (
    code text PRIMARY KEY,
    label text NOT NULL,
    effective_on date NOT NULL,
    ended_on date
);

-- One running number per series and year (编核〔2026〕1号, 2, 3 …).
CREATE TABLE counters (
    series text NOT NULL,
    year integer NOT NULL,
    last integer NOT NULL,
    PRIMARY KEY (series, year)
);

-- The header of an application and where it stands; what it asked for stands in its revisions.
CREATE TABLE applications (
    id uuid PRIMARY KEY,
    number text NOT NULL UNIQUE,
    application_type text NOT NULL,
    unit_id uuid NOT NULL,
    from_unit_id uuid,
    applicant text NOT NULL,
    concerned text[] NOT NULL,
    chain_version integer NOT NULL,
    submitted_at timestamptz NOT NULL,
    version integer NOT NULL,
    state text NOT NULL,
    revision integer NOT NULL,
    step text,
    holder text,
    blocked_by uuid[] NOT NULL DEFAULT '{}',
    deadline jsonb,
    due_at timestamptz,
    changed_at timestamptz NOT NULL,
    FOREIGN KEY (application_type, chain_version) REFERENCES chains
);
CREATE INDEX applications_by_unit ON applications (unit_id, id);
CREATE INDEX applications_by_state ON applications (state, id);

-- Content per revision; each counts as one review (件次), and none is overwritten.
CREATE TABLE revisions (
    application_id uuid NOT NULL REFERENCES applications,
    revision integer NOT NULL,
    title text NOT NULL,
    justification text NOT NULL,
    kind text NOT NULL,
    funding text NOT NULL,
    posts integer NOT NULL CHECK (posts > 0),
    person_id uuid,
    reservation_id uuid,
    reason_code text,
    effective_on date,
    checks jsonb NOT NULL DEFAULT '[]',
    submitted_by text NOT NULL,
    submitted_at timestamptz NOT NULL,
    PRIMARY KEY (application_id, revision)
);

-- The timeline: every decision and everything else that happened, in the order of the workflow's journal.
CREATE TABLE entries (
    application_id uuid NOT NULL REFERENCES applications,
    sequence integer NOT NULL,
    kind text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    on_behalf_of text,
    update_id text NOT NULL,
    request_hash text NOT NULL,
    step text,
    text text NOT NULL,
    reason_codes text[] NOT NULL,
    order_ids uuid[] NOT NULL,
    document_id uuid,
    state_after text NOT NULL,
    revision_after integer NOT NULL,
    step_after text,
    holder_after text,
    PRIMARY KEY (application_id, sequence)
);
CREATE UNIQUE INDEX entries_by_update ON entries (update_id) WHERE update_id <> '';

-- Freeze orders as the roster told of them, per unit; an ended one is kept, should its beginning come later.
CREATE TABLE unit_freezes (
    order_id uuid NOT NULL,
    unit_id uuid NOT NULL,
    scopes text[] NOT NULL,
    ended boolean NOT NULL DEFAULT false,
    PRIMARY KEY (order_id, unit_id)
);
CREATE INDEX unit_freezes_by_unit ON unit_freezes (unit_id) WHERE NOT ended;

INSERT INTO chains (application_type, version, effective_on, document_no) VALUES
    ('post_use_application', 1, '2024-01-01', '系统预置'),
    ('entry_application', 1, '2024-01-01', '系统预置'),
    ('exit_application', 1, '2024-01-01', '系统预置'),
    ('transfer_application', 1, '2024-01-01', '系统预置');
INSERT INTO chain_steps (application_type, version, position, code, label, role, budget_days, reminders)
SELECT type, 1, position, code, label, role, budget, reminders
FROM unnest(ARRAY['post_use_application', 'entry_application', 'transfer_application', 'exit_application']) AS type
CROSS JOIN (VALUES
    (1, 'unit_head', '单位负责人审签', 'unit_head', 2, '{0,2}'::integer[]),
    (2, 'business_review', '业务科审核', 'business_officer', 5, '{-1,0,2}'::integer[]),
    (3, 'director_approval', '编办主任核准', 'office_director', 3, '{-1,0,2}'::integer[])
) AS steps (position, code, label, role, budget, reminders)
WHERE type <> 'exit_application' OR position < 3;
INSERT INTO return_reasons (code, label, effective_on) VALUES
    ('material_missing', '材料不齐', '2024-01-01'),
    ('material_wrong', '材料有误或前后不一致', '2024-01-01'),
    ('ground_missing', '缺少政策依据', '2024-01-01'),
    ('no_vacancy', '无可用编制', '2024-01-01'),
    ('kind_mismatch', '编制类型或经费形式不符', '2024-01-01'),
    ('not_authorised', '未先核编', '2024-01-01'),
    ('person_mismatch', '人员信息与台账不符', '2024-01-01'),
    ('other', '其他（须在意见中写明）', '2024-01-01');
