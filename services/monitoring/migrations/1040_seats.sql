-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 领导职数 of a level, approved and taken, kept from the roster's events.
CREATE TABLE seats (
    unit_id uuid NOT NULL,
    level text NOT NULL,
    approved integer NOT NULL,
    used integer NOT NULL,
    level_label text NOT NULL,
    PRIMARY KEY (unit_id, level)
);

INSERT INTO parameters (rule, name, version, value, effective_on, source, owner, recorded_at, recorded_by) VALUES
    ('M02', 'budget_days', 1, '30', '2025-01-01', '系统默认；超职数整改期限无公开规定', '监督检查科', '2025-01-01T00:00:00+08:00', 'migration');
