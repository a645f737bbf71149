-- migrate:up
SET LOCAL lock_timeout = '5s';

-- What a comparison with the pension insurance finds (domain 1.4 no. 26): scheme, insured by whom, status. Sensitive, encrypted as the other such
-- fields; no form and no file fills them.
ALTER TABLE person_records
    ADD COLUMN pension_scheme bytea,
    ADD COLUMN pension_unit bytea,
    ADD COLUMN pension_status bytea;

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'pension_schemes', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '国发〔2015〕2号' FROM (VALUES
    (1, 'pension_public', '机关事业单位养老保险', '机关事业'), (2, 'pension_enterprise', '企业职工养老保险', '企业职工'),
    (3, 'pension_resident', '城乡居民养老保险', '城乡居民')
) AS codes (position, code, label, aliases);

INSERT INTO codes (set, position, code, label, aliases, valid, document_no)
SELECT 'pension_statuses', position, code, label, string_to_array(aliases, ' '), daterange(NULL, NULL), '系统初始代码表' FROM (VALUES
    (1, 'pension_paying', '正常缴费', '参保缴费'), (2, 'pension_stopped', '停保', '暂停缴费 中断缴费'), (3, 'pension_retired', '退休', '待遇领取'),
    (4, 'pension_dead', '死亡', '')
) AS codes (position, code, label, aliases);
