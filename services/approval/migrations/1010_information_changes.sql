-- migrate:up
SET LOCAL lock_timeout = '5s';

-- 信息变更: the application carries the id of what the unit registered in the roster; the values stay there.
ALTER TABLE revisions ADD COLUMN change_id uuid;

INSERT INTO chains (application_type, version, effective_on, document_no) VALUES ('change_application', 1, '2024-01-01', '系统预置');
INSERT INTO chain_steps (application_type, version, position, code, label, role, budget_days, reminders) VALUES
    ('change_application', 1, 1, 'unit_head', '单位负责人审签', 'unit_head', 2, '{0,2}'),
    ('change_application', 1, 2, 'business_review', '业务科审核', 'business_officer', 5, '{-1,0,2}');
INSERT INTO document_kinds VALUES ('change_application', '人员信息变更核准单', '编变', 'movement_notice.typ');
