-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The holiday calendars this service has counted with, each from the instant it was taken over; append-only, the last one holds.
CREATE TABLE calendars (
    number integer PRIMARY KEY,
    version text NOT NULL,
    calendar jsonb NOT NULL,
    taken_at timestamptz NOT NULL
);
