-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A value of a parameter stands under the audit's seal: all the service may do to one is to end it where the next begins.
REVOKE UPDATE, DELETE, TRUNCATE ON parameters FROM roster;
GRANT UPDATE (valid) ON parameters TO roster;
