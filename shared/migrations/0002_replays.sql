-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Keys whose dead letters somebody asked to have handled again; the consumer itself does it, since it alone has the handlers.
-- What was taken and kills the process is not taken again by itself.
CREATE TABLE replays (
    consumer text NOT NULL,
    key text NOT NULL,
    taken boolean NOT NULL DEFAULT false,
    asked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (consumer, key)
);
