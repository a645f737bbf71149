-- migrate:up
SET LOCAL lock_timeout = '5s';

-- Within how many months a problem of the same kind, told to the unit before, is its second time: 约谈 follows at once (0: never).
INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by)
VALUES ('*', 'repeat_months', 1, '12', '2025-01-01', '系统默认；12 个月内再次发生同类问题的，先行约谈', '监督检查科', '2025-01-01T00:00:00+08:00', 'migration');
