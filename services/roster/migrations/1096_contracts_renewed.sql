-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The contract of somebody outside the establishment (编外) is renewed from a day on. Until then it is that of the post's first day, whatever else of
-- the post has changed: `renewed` says that this row tells it.
ALTER TABLE post_changes
    ADD COLUMN renewed boolean NOT NULL DEFAULT false,
    ADD COLUMN employment_form text,
    ADD COLUMN dispatch_company text,
    ADD COLUMN contract_until date;
