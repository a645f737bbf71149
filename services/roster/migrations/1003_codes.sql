-- migrate:up
SET LOCAL lock_timeout = '5s';

INSERT INTO unit_categories (code, label, valid, document_no)
SELECT code, label, daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    ('JG-D', '党委机关'), ('JG-R', '人大机关'), ('JG-Z', '政府工作部门'), ('JG-X', '政协机关'), ('JG-JC', '纪检监察机关'),
    ('JG-F', '法院'), ('JG-J', '检察院'), ('JG-Q', '群团机关'), ('JG-M', '民主党派'), ('ZJ-Z', '镇'), ('ZJ-J', '街道'),
    ('SY-C', '参公事业单位'), ('SY-1', '公益一类事业单位'), ('SY-2', '公益二类事业单位'), ('SY-S', '生产经营类事业单位'),
    ('SY-E', '学校'), ('SY-H', '医院'), ('GZ', '市属国资集团')
) AS codes (code, label);

INSERT INTO establishment_kinds (code, label, counted, valid, document_no)
SELECT code, label, counted, daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    ('XZ', '行政编制', true), ('ZF', '政法专项编制', true), ('SYC', '参公事业编制', true), ('SY', '事业编制', true),
    ('GQ', '机关工勤编制', true), ('ZZ', '周转编制', true), ('DL', '单列编制', true),
    ('BB', '报备员额', false), ('BW', '编外用工控制数', false), ('GQE', '国企员额', false)
) AS codes (code, label, counted);

INSERT INTO fundings (code, label, valid, document_no)
SELECT code, label, daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    ('state', '财政拨款'), ('full', '全额拨款'), ('partial', '差额补贴'), ('self', '经费自理'), ('enterprise', '企业化管理')
) AS codes (code, label);

INSERT INTO entry_reasons (code, label, valid, document_no)
SELECT code, label, daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    ('examination', '考录'), ('selected_graduate', '选调生'), ('open_recruitment', '公开招聘'), ('talent', '人才引进'),
    ('appointment', '调任'), ('rotation', '转任'), ('transfer', '调动'), ('demobilised_officer', '军转安置'),
    ('veteran', '退役士兵安置'), ('reallocation', '划转'), ('first_load', '期初建账'), ('over_quota', '超编登记')
) AS codes (code, label);

INSERT INTO exit_reasons (code, label, valid, document_no)
SELECT code, label, daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    ('retirement', '退休'), ('death', '死亡'), ('left_county', '调出本市'), ('to_enterprise', '调任企业'), ('resignation', '辞职'),
    ('dismissal', '辞退'), ('expulsion', '开除'), ('contract_ended', '解除或终止聘用合同'), ('severance', '退职'),
    ('transfer', '市内调动'), ('reallocation', '划转'), ('hiring_cancelled', '取消录用'), ('rectification', '整改清退')
) AS codes (code, label);

-- 参公 units are staffed like organs, but their posts are 事业编制 of their own kind.
INSERT INTO allowed_kinds (category, kind, valid, document_no)
SELECT category, kind, daterange(NULL, NULL), '系统初始代码表' FROM (
    SELECT category, unnest(string_to_array(kinds, ' ')) AS kind FROM (VALUES
        ('JG-D', 'XZ GQ'), ('JG-R', 'XZ GQ'), ('JG-Z', 'XZ ZF GQ'), ('JG-X', 'XZ GQ'), ('JG-JC', 'XZ GQ'),
        ('JG-F', 'ZF GQ'), ('JG-J', 'ZF GQ'), ('JG-Q', 'XZ SYC SY GQ'), ('JG-M', 'XZ GQ'),
        ('ZJ-Z', 'XZ SYC SY GQ'), ('ZJ-J', 'XZ SYC SY GQ'), ('SY-C', 'SYC GQ'), ('SY-1', 'SY'), ('SY-2', 'SY BB'), ('SY-S', 'SY'),
        ('SY-E', 'SY BB'), ('SY-H', 'SY BB'), ('GZ', 'GQE')
    ) AS usual (category, kinds)
    UNION ALL
    SELECT code, kind FROM unit_categories, unnest(ARRAY['ZZ', 'DL', 'BW']) AS kind WHERE code <> 'GZ'
) AS allowed;
