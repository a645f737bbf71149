-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A letter that stands for records which the driver could not read: from where the consumer is to read again, once somebody asks for it.
ALTER TABLE dead_letters ADD COLUMN again_from bigint;

-- Who had them read again, and why, is kept beside what was given up: at_offset to next_offset is what was read again.
ALTER TABLE given_up DROP CONSTRAINT given_up_deed_check;
ALTER TABLE given_up ADD CONSTRAINT given_up_deed_check CHECK (deed IN ('drop_letter', 'pass_over', 'read_again'));
