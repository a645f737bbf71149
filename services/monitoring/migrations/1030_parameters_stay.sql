-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A version of a parameter stands under the audit's seal and is never altered. The right to update stays for the lock: SELECT … FOR UPDATE needs it.
CREATE TRIGGER parameters_stay BEFORE UPDATE ON parameters FOR EACH ROW EXECUTE FUNCTION refuse_change();
-- A release goes with its row; both stand whether the notice is sealed yet or not.
REVOKE DELETE, TRUNCATE ON notices, notice_seals FROM monitoring;
