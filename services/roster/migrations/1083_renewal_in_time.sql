-- migrate:up
SET LOCAL lock_timeout = '5s';

INSERT INTO parameters (name, value, valid, source, owner, recorded_at) VALUES
    ('secondment_notice_days', 10, daterange(NULL, NULL), '省有关部门借调规定（公开做法）：到期前十个工作日申请续借', '编办监督检查科', '-infinity');
