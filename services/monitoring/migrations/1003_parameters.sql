-- migrate:up
SET LOCAL lock_timeout = '5s';

-- No place publishes these as numbers: our defaults, to be set by the office (each with its own source).
INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by)
SELECT rule, name, 1, value::jsonb, '2025-01-01', source, '监督检查科', '2025-01-01T00:00:00+08:00', 'migration'
FROM (VALUES
    ('M01', 'budget_days', '30', '系统默认；超编整改期限无公开规定'),
    ('M01', 'plan_days', '240', '系统默认；政策性超编按计划消化，不超过 12 个月'),
    ('M07', 'budget_days', '10', '系统默认；入编类问题整改期限'),
    ('M09', 'budget_days', '10', '系统默认；出编类问题整改期限'),
    ('M09', 'grace_days', '15', '系统默认；出编手续应于法定退休月份结束后 15 个工作日内办结'),
    ('*', 'ladder', '[{"rung": "reminder", "offset": -3}, {"rung": "overdue", "offset": 0}, {"rung": "freeze_proposal", "offset": 0}, {"rung": "interview", "offset": 10}, {"rung": "circular", "offset": 20}]', '系统默认；参照各地督办、约谈、通报做法'),
    ('*', 'extensions', '1', '系统默认；延期一次，须经批准'),
    ('*', 'notice_series', '"编整"', '系统默认'),
    ('*', 'list_series', '"编督"', '系统默认'),
    ('freeze', 'scopes', '["post_use", "entry"]', '系统默认；冻结建议的范围'),
    ('freeze', 'decide_automatically', 'null', '系统默认关闭；如由政策授权，填写文号'),
    ('freeze', 'release_automatically', 'null', '系统默认关闭；如由政策授权，填写文号')
) AS defaults (rule, name, value, source);
