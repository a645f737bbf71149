-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What an account shows to sign in. No row: it cannot sign in by password. The hash is argon2id with its parameters in front.
CREATE TABLE credentials (
    user_id uuid PRIMARY KEY REFERENCES users,
    password_hash text NOT NULL,
    set_at timestamptz NOT NULL,
    one_time_until timestamptz, -- set by an administrator; good for nothing but setting one's own
    earlier text[] NOT NULL DEFAULT '{}' -- hashes of passwords before, newest first
);

-- The second factor (RFC 6238): its secret sealed (account.keys), and the last time step that was used, since a code works once.
CREATE TABLE second_factors (
    user_id uuid PRIMARY KEY REFERENCES users,
    secret bytea NOT NULL,
    confirmed_at timestamptz,
    step bigint NOT NULL DEFAULT 0
);

-- Attempts since the last success, by a keyed mark of the name that was typed: whether there is such an account makes no difference.
CREATE TABLE sign_in_failures (
    mark text PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz NOT NULL,
    locked_until timestamptz
);

-- Of a session's key only the SHA-256 is kept. Times are of the machine, not of business.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    key_hash bytea NOT NULL UNIQUE,
    previous_hash bytea UNIQUE,
    rotated_at timestamptz,
    csrf text NOT NULL,
    rights_version integer NOT NULL,
    way text NOT NULL,
    address text NOT NULL,
    agent text NOT NULL,
    made_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    idle_ends_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    ended_at timestamptz
);
CREATE INDEX sessions_of_a_user ON sessions (user_id) WHERE ended_at IS NULL;

-- Sign-ins, refusals, locks, releases, changes of passwords. A name that is no account's is not kept: it may be a password.
CREATE TABLE account_records (
    id uuid PRIMARY KEY,
    deed text NOT NULL,
    at timestamptz NOT NULL,
    user_id uuid REFERENCES users,
    user_name text,
    actor text NOT NULL,
    address text NOT NULL,
    session_id uuid,
    reason text NOT NULL,
    kept_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX account_records_kept ON account_records USING brin (kept_at);
REVOKE UPDATE, DELETE, TRUNCATE ON account_records FROM identity;
