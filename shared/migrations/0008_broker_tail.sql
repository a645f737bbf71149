-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Which events the broker has acknowledged at which offsets, for a quarter of an hour: a node without fsync may lose its last seconds.
-- event_ids = 16 bytes each, of those that were not put back.
CREATE TABLE sent (
    topic text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    records integer NOT NULL,
    event_ids bytea NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);
CREATE INDEX sent_by_offset ON sent (topic, partition, first_offset);
CREATE INDEX sent_by_time ON sent (at);

-- Where each partition's log ended with the last answer; it can only grow, unless the broker has lost something.
CREATE TABLE topic_ends (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
