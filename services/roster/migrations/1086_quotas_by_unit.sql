-- migrate:up
SET LOCAL lock_timeout = '5s';

-- From a unit to its quotas, as from a unit to its records (1085): in a province a page of posts is twice as quick.
CREATE INDEX quotas_by_unit ON quotas (unit_id);
