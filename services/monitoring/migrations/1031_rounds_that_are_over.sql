-- migrate:up
SET LOCAL lock_timeout = '5s';

-- How a round of rectification ended, kept when the next one begins: the issue then tells of that one. The weekly list tells of each once.
CREATE TABLE past_rounds (
    issue_id uuid NOT NULL REFERENCES issues,
    round integer NOT NULL,
    level text NOT NULL,
    state text NOT NULL,
    inputs jsonb NOT NULL,
    number text,
    demand text,
    found_at timestamptz NOT NULL,
    due_at timestamptz,
    closed_at timestamptz NOT NULL,
    PRIMARY KEY (issue_id, round)
);
