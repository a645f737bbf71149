-- migrate:up
SET LOCAL lock_timeout = '5s';

-- A grant stands under the audit's seal: all the service may do to one is to say when it was taken back.
REVOKE UPDATE, DELETE, TRUNCATE ON grants FROM identity;
GRANT UPDATE (revoked_at) ON grants TO identity;
