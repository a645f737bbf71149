-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What is half written lies in the browser, often on a shared computer, under a key that only its writer's sessions are told.
ALTER TABLE users ADD COLUMN draft_key uuid NOT NULL DEFAULT gen_random_uuid();
