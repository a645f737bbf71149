-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Of when the figures of a finding are (截至), and of a notice those it was signed with. None on those from before it was kept.
ALTER TABLE issues ADD COLUMN as_of timestamptz;
ALTER TABLE notices ADD COLUMN as_of timestamptz;
