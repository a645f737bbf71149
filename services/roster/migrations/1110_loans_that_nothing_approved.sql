-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A first load finds loans that no document approved; the ground of the record is that of the load, in event_log.
ALTER TABLE secondments ALTER COLUMN document_no DROP NOT NULL;
