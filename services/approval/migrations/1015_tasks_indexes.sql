-- migrate:up
SET LOCAL lock_timeout = '5s';

CREATE INDEX entries_by_absent ON entries (on_behalf_of, application_id) WHERE on_behalf_of IS NOT NULL;
