-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Which login names there are, kept from identity's events: an application names by them whom it is about.
CREATE TABLE user_copies (name text PRIMARY KEY);
