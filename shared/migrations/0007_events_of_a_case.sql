-- migrate:up
SET LOCAL lock_timeout = '5s';

-- From a case to its events. (A trace is found by time: its id begins with the second of its making.)
CREATE INDEX event_log_by_case ON event_log (case_id, recorded_at) WHERE case_id IS NOT NULL;
