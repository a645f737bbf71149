-- migrate:up
SET LOCAL lock_timeout = '5s';

-- From a case to its events, and from a trace to what it did: a trace id begins with its second, and rows stand in the order of theirs.
CREATE INDEX event_log_by_case ON event_log (case_id, recorded_at) WHERE case_id IS NOT NULL;
CREATE INDEX event_log_by_time ON event_log USING brin (recorded_at) WITH (pages_per_range = 16, autosummarize = on);
