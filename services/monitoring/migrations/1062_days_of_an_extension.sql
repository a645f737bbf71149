-- migrate:up
SET LOCAL lock_timeout = '5s';

-- The most working days of one extension, pinned with the other terms of a case. None: a case from before this was kept (workflows/rectification_case.py).
ALTER TABLE issues ADD COLUMN extension_days integer;
INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by) VALUES
    ('*', 'extension_days', 1, '30', '2025-01-01', '系统默认；每次延期不超过 30 个工作日', '监督检查科', '2025-01-01T00:00:00+08:00', 'migration');
