-- migrate:up
SET LOCAL lock_timeout = '5s';

-- By which calendar the term of an issue is counted, or will be once its case has heard of it.
ALTER TABLE issues ADD COLUMN calendar_version text;
UPDATE issues SET calendar_version = deadline #>> '{calendar,version}';
CREATE INDEX issues_counting ON issues (calendar_version) WHERE state IN ('rectifying', 'overdue_issue', 'evidence_submitted');
