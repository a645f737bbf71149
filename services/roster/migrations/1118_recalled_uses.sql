-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The paper that authorised the use was revoked on this day: nobody enters on it any more, and what is not used is set free.
ALTER TABLE reservations ADD COLUMN recalled_on date;
