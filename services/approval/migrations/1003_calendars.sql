-- migrate:up
SET LOCAL lock_timeout = '5s';

-- By which calendar the steps of an application are counted, or will be once its case has heard of it.
ALTER TABLE applications ADD COLUMN calendar_version text;
UPDATE applications SET calendar_version = deadline #>> '{calendar,version}';
CREATE INDEX applications_counting ON applications (calendar_version) WHERE state NOT IN ('filed', 'withdrawn');
