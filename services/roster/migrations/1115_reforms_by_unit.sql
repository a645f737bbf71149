-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What a reform touched, from the reform: its list asks so of each line, and its page did so by reading all that is on record.
CREATE INDEX unit_records_by_reform ON unit_records (reform_id) WHERE reform_id IS NOT NULL;
CREATE INDEX unit_successors_by_reform ON unit_successors (reform_id) WHERE reform_id IS NOT NULL;
CREATE INDEX placements_by_transfer ON placements (transfer_id) WHERE transfer_id IS NOT NULL;
