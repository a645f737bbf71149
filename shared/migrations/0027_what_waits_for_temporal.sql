-- migrate:up
SET LOCAL lock_timeout = '5s';

-- While Kafka is away, or a province is loaded, a million events may wait: what waits for Temporal is few rows among them, and looked for with each command.
CREATE INDEX outbox_for_temporal ON outbox (lane, id) WHERE destination = 'temporal';
