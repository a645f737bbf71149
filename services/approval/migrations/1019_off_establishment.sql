-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Whether the kind asked for is 编外, as the roster said when it was submitted: another freeze stops it. NULL: not known, stopped as 编制.
ALTER TABLE revisions ADD COLUMN off_establishment boolean;
-- Of 编外 staff who enter: what they do, and how they are employed; codes of the roster.
ALTER TABLE revisions ADD COLUMN off_post_kind text, ADD COLUMN employment_form text;
