-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Every accepted command with its answer: the same key again gives the same answer.
CREATE TABLE accepted_commands (
    key text PRIMARY KEY,
    command text NOT NULL,
    body_hash bytea NOT NULL,
    answer jsonb,
    accepted_at timestamptz NOT NULL
);

-- A queue: rows live for milliseconds. lane = hash of the record key, or of the workflow id.
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    lane smallint NOT NULL,
    destination text NOT NULL,
    event_id uuid NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX outbox_by_lane ON outbox (lane, id);

-- What was published, by whom and why; append-only, kept for ever (replay and audit).
CREATE TABLE event_log (
    event_id uuid PRIMARY KEY,
    aggregate_type text NOT NULL,
    aggregate_id uuid NOT NULL,
    version integer NOT NULL,
    unit_id uuid NOT NULL,
    type text NOT NULL,
    occurred_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    reason text NOT NULL,
    document_no text,
    case_id text,
    headers jsonb NOT NULL,
    body jsonb NOT NULL,
    UNIQUE (aggregate_type, aggregate_id, version)
);
CREATE INDEX event_log_by_unit ON event_log (unit_id, occurred_at);

-- What Temporal was asked to start: never asked again (Temporal forgets ids after its retention).
CREATE TABLE workflow_starts (
    workflow_id text PRIMARY KEY,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_by_time ON inbox (at);

CREATE TABLE consumer_positions (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (consumer, topic, partition)
);

CREATE TABLE aggregate_versions (
    consumer text NOT NULL,
    aggregate_type text NOT NULL,
    aggregate_id text NOT NULL,
    version integer NOT NULL,
    PRIMARY KEY (consumer, aggregate_type, aggregate_id)
);

-- Raised in a transaction of its own before a record is handled: a record that kills the process is recognised.
CREATE TABLE attempts (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    at_offset bigint NOT NULL,
    process text NOT NULL,
    started integer NOT NULL,
    PRIMARY KEY (consumer, topic, partition, at_offset)
);

-- Dead letters: the whole key is parked, so that its order holds.
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    key text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    at_offset bigint NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (consumer, topic, partition, at_offset)
);
CREATE INDEX dead_letters_by_key ON dead_letters (consumer, key);

-- What is known of the units here, kept from events (shared/unit_copies.py). The roster, which owns them, leaves it empty.
CREATE TABLE unit_copies (
    id uuid PRIMARY KEY,
    parent_id uuid,
    path uuid[] NOT NULL,
    name text NOT NULL,
    code text NOT NULL,
    category text NOT NULL,
    light text NOT NULL DEFAULT 'green',
    freezes uuid[] NOT NULL DEFAULT '{}'
);
CREATE INDEX unit_copies_by_path ON unit_copies USING gin (path);
