-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE TABLE freeze_orders (
    id uuid PRIMARY KEY,
    unit_id uuid NOT NULL,
    scopes text[] NOT NULL,
    state text NOT NULL,
    version integer NOT NULL DEFAULT 0,
    reason text NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    document_no text,
    decided_by text,
    decided_at timestamptz,
    release_document_no text,
    released_by text,
    released_at timestamptz
);
CREATE INDEX freeze_orders_by_unit ON freeze_orders (unit_id, id);

CREATE TABLE freeze_order_issues (
    order_id uuid NOT NULL REFERENCES freeze_orders,
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    accepted_at timestamptz,
    PRIMARY KEY (order_id, issue_id)
);
CREATE INDEX freeze_order_issues_by_issue ON freeze_order_issues (issue_id);

CREATE TABLE freeze_entries (
    order_id uuid NOT NULL REFERENCES freeze_orders,
    sequence integer NOT NULL,
    act text NOT NULL,
    state text NOT NULL,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    role text NOT NULL,
    reason text NOT NULL,
    document_no text,
    PRIMARY KEY (order_id, sequence)
);
