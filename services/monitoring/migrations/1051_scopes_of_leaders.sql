-- migrate:up
SET LOCAL lock_timeout = '5s';

-- More leaders than 领导职数 are met by a freeze of 领导职数, not of 用编 and 入编: the scopes that an overdue case of M02 proposes.
INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by) VALUES
    ('M02', 'scopes', 1, '["leadership"]', '2025-01-01', '系统默认；超职数逾期未整改的，建议冻结领导职数', '监督检查科', '2025-01-01T00:00:00+08:00', 'migration');
