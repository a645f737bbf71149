-- migrate:up
SET LOCAL lock_timeout = '5s';

-- real_name is personal data: it stays here and is in no event.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9._-]{1,39}$'),
    real_name text NOT NULL,
    version integer NOT NULL,
    registered_at timestamptz NOT NULL
);

-- unit_ids: roots of the subtrees he may see; NULL means the whole county. A grant is never deleted, only revoked.
CREATE TABLE grants (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    role text NOT NULL,
    unit_ids uuid[],
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CHECK (cardinality(unit_ids) > 0)
);
CREATE UNIQUE INDEX one_grant_per_role ON grants (user_id, role) WHERE revoked_at IS NULL;
-- 三员分立: system, security and audit administrator are three people.
CREATE UNIQUE INDEX one_administrator_role ON grants (user_id)
    WHERE revoked_at IS NULL AND role IN ('system_admin', 'security_admin', 'audit_admin');

-- user_id stands in for absent_id while `during` lasts.
CREATE TABLE proxies (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    absent_id uuid NOT NULL REFERENCES users,
    during tstzrange NOT NULL CHECK (NOT isempty(during)),
    set_by text NOT NULL,
    CHECK (user_id <> absent_id)
);
CREATE INDEX proxies_by_stand_in ON proxies (user_id);
