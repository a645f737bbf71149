-- migrate:up
SET LOCAL lock_timeout = '5s';

-- No published period was found; cases begun before count by the same twelve months.
INSERT INTO parameters (name, value, valid, source, owner, recorded_at) VALUES
    ('post_use_months', 12, daterange(NULL, NULL), '未见公开规定，暂按十二个月；由编办确定', '编办业务科', '-infinity');
